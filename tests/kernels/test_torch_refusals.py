"""Which jobs torch's own kernels take, which they refuse, and when they are asked before the native core."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from tests.cells.cases import randn
from tests.kernels.native_cases import UNLIKE, job
from tests.tolerances import assert_values
from torch import Tensor
from torch._dynamo.exc import Unsupported
from torch.autograd import forward_ad

from recuerdo.cells import frnn
from recuerdo.errors import BackendError
from recuerdo.kernels import Job, calling, only, recurrence
from recuerdo.kernels.native import Native
from recuerdo.nn import LSTM

SIZES = (3, 2, 2, 5)
TAKEN = pytest.mark.parametrize("name", ["lstm", "gru", "frnn", "frnn_relu"])


def plain(name: str = "lstm", option: str = "plain", dtype: torch.dtype = torch.float64) -> Job:
    return job(name, option, SIZES, dtype, layer_norm=False)


def without(axis: int) -> Job:
    sizes = [*SIZES]
    sizes[axis] = 0
    return job("gru", "plain", (sizes[0], sizes[1], sizes[2], sizes[3]), torch.float64, layer_norm=False)


REFUSED: dict[str, tuple[Callable[[], Job], str]] = {
    "indrnn": (lambda: plain("indrnn"), "it has no indrnn with this step or activation"),
    "reset before": (lambda: plain("gru_reset_before"), "it has no gru_reset_before with this step or activation"),
    "activation": (lambda: replace(plain("frnn"), cell=frnn("sigmoid")), "it has no frnn with this step or activation"),
    "reset": (lambda: plain(option="reset"), "it has no resets"),
    "mask": (lambda: plain(option="mask"), "it has no recurrent dropout"),
    "zoneout": (lambda: plain(option="zoneout_mask"), "it has no zoneout"),
    "expected zoneout": (lambda: plain(option="zoneout_expected"), "it has no zoneout"),
    "nudge": (lambda: replace(plain("gru"), nudge=(randn(3, 2, 5),)), "it has no nudge to the states"),
    "trace": (lambda: plain(option="trace"), "it has no trace of gates and states"),
    "norm": (lambda: job("gru", "plain", SIZES, torch.float64, layer_norm=True), "it has no layer norm"),
    "no steps": (lambda: without(0), "it takes one sample and one step or more"),
    "no samples": (lambda: without(1), "it takes one sample and one step or more"),
    **UNLIKE,
    "device": (
        lambda: replace(plain("gru"), x=torch.zeros(3, 2, 2, device="meta")),
        "it runs on the CPU and on CUDA devices, and x is on meta",
    ),
    "devices": (
        lambda: replace(plain("gru"), state=(torch.zeros(2, 5, device="meta", dtype=torch.float64),)),
        "x is on cpu and another tensor on meta",
    ),
}


@pytest.fixture
def no_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine without a compiler, after the warning."""
    monkeypatch.setattr(calling, "native", None)
    monkeypatch.setattr(Native, "warned", True)


@pytest.mark.parametrize("why", REFUSED)
def test_it_says_why_it_refuses(why: str, no_core: None) -> None:
    make, words = REFUSED[why]
    explained = recurrence(make(), explain=True)
    assert explained.backend == "reference"
    assert explained.refused["torch"] == words
    with only("torch"), pytest.raises(BackendError, match=f"No backend takes this .* recurrence. torch: {words}$"):
        recurrence(make())


def test_autocast_goes_to_the_reference(no_core: None) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        assert recurrence(plain(), explain=True).refused["torch"] == "autocast asks for another precision"


@TAKEN
def test_on_the_cpu_the_native_core_goes_first(name: str) -> None:
    assert str(recurrence(plain(name), explain=True)) == "native takes it"


@TAKEN
@pytest.mark.parametrize("option", ["plain", "reverse", "lengths", "lengths_reverse"])
def test_without_the_core_it_takes_every_plain_job(name: str, option: str, no_core: None) -> None:
    explained = recurrence(plain(name, option), explain=True)
    assert explained.backend == "torch"
    assert list(explained.refused) == ["native"]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@TAKEN
def test_on_cuda_it_takes_every_plain_job(name: str) -> None:
    asked = plain(name, dtype=torch.float32)
    moved = replace(
        asked,
        x=asked.x.cuda(),
        weights=asked.weights._make(None if each is None else each.cuda() for each in asked.weights),
        state=tuple(each.cuda() for each in asked.state),
    )
    assert recurrence(moved, explain=True).backend == "torch"
    assert recurrence(replace(moved, zoneout=0.5), explain=True).backend == "reference"


LAYER = LSTM(2, 5, dtype=torch.float64)
X, ALONG = randn(2, 3, 2), randn(2, 3, 2, seed=1)


def through(x: Tensor) -> Tensor:
    return LAYER(x)[0]


TRANSFORMS: dict[str, Callable[[Tensor], Tensor]] = {
    "jvp": lambda x: torch.func.jvp(through, (x,), (ALONG,))[1],
    "grad": torch.func.grad(lambda x: through(x).square().sum()),
    "vmap": lambda x: torch.func.vmap(through)(torch.stack([x, 2 * x])),
}


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_a_transform_gives_what_it_gives_through_the_reference(transform: str, no_core: None) -> None:
    found = TRANSFORMS[transform](X)
    with only("reference"):
        assert torch.equal(found, TRANSFORMS[transform](X))
    with only("torch"), pytest.raises(BackendError, match=r"torch: torch\.func transforms it"):
        TRANSFORMS[transform](X)


@TAKEN
def test_forward_mode_carries_its_tangent(name: str, no_core: None) -> None:
    asked, step = plain(name), 1e-6
    along = randn(*asked.x.shape, seed=1)
    with forward_ad.dual_level():
        dual = replace(asked, x=forward_ad.make_dual(asked.x.detach(), along))
        assert recurrence(dual, explain=True).refused["torch"] == "forward mode carries a tangent through it"
        tangent = forward_ad.unpack_dual(recurrence(dual).output).tangent
    ahead, behind = (recurrence(replace(asked, x=asked.x + by * along)).output for by in (step, -step))
    assert_values(tangent, (ahead - behind) / (2 * step), tolerance=1e-8)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
def test_a_captured_graph_loses_no_tangent_in_silence(dtype: torch.dtype) -> None:
    layer = LSTM(2, 5, dtype=dtype)
    x, along = X.to(dtype), ALONG.to(dtype)
    torch.compiler.reset()
    with only("torch"):
        compiled = torch.compile(lambda x: layer(x)[0], backend="eager", fullgraph=True)
        compiled(x)
        with forward_ad.dual_level():
            dual = forward_ad.make_dual(x, along)
            if dtype == torch.float32:  # oneDNN has no forward mode, and says so
                with pytest.raises(NotImplementedError, match="forward AD"):
                    compiled(dual)
                return
            found = forward_ad.unpack_dual(compiled(dual)).tangent
    with only("reference"):
        assert_values(found, torch.func.jvp(lambda x: layer(x)[0], (x,), (along,))[1])


def test_a_capture_with_lengths_goes_elsewhere(no_core: None) -> None:
    layer = LSTM(2, 5)
    x, lengths = X.float(), torch.tensor([2, 3])
    torch.compiler.reset()
    compiled = torch.compile(lambda x: layer(x, lengths=lengths)[0], backend="eager", fullgraph=True)
    assert_values(compiled(x), layer(x, lengths=lengths)[0])
    with (
        only("torch"),
        pytest.raises(Unsupported, match=r"torch: torch\.compile does not capture how it packs by lengths"),
    ):
        torch.compile(lambda x: layer(x, lengths=lengths)[0], backend="eager", fullgraph=True)(x)
