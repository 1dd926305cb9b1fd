"""What the native core does not take goes on to the others, and no derivative is lost in silence."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from tests.cells.cases import flat, randn
from tests.kernels.native_cases import UNLIKE, job
from tests.native_core import needs_native, spared
from tests.tolerances import assert_values
from torch import Tensor
from torch.autograd import forward_ad

from recuerdo.cells import CELLS, frnn
from recuerdo.errors import BackendError
from recuerdo.kernels import BACKENDS, Job, calling, only, recurrence
from recuerdo.kernels.native import Native
from recuerdo.nn import LSTM

pytestmark = needs_native

SIZES = (3, 2, 2, 5)

cells = pytest.mark.parametrize("name", CELLS)


def test_a_missing_core_is_a_fault_in_ci_alone() -> None:
    assert spared(False, {})
    assert not spared(False, {"CI": "true"})
    assert not spared(True, {})


def plain(name: str = "lstm", dtype: torch.dtype = torch.float64) -> Job:
    return job(name, "plain", SIZES, dtype, layer_norm=False)


def named_like(name: str) -> Job:
    """A job of a cell that is called like a known one, and takes another step."""
    asked = plain(name)
    return replace(asked, cell=replace(asked.cell, step=lambda *arguments: asked.cell.step(*arguments)))


def test_the_core_is_built_and_asked_first() -> None:
    assert list(BACKENDS) == ["native", "torch", "reference"]
    assert calling.native is not None, f"build it: {calling.missing}"


REFUSED: dict[str, tuple[Callable[[], Job], str]] = {
    "nudge": (lambda: replace(plain("gru"), nudge=(randn(3, 2, 5),)), "it adds no nudge to the states"),
    "step": (lambda: named_like("lstm"), "it has no lstm with this step or activation"),
    "activation": (lambda: replace(plain("frnn"), cell=frnn("gelu")), "it has no frnn with this step or activation"),
    **UNLIKE,
    "device": (
        lambda: replace(plain("gru"), state=(torch.zeros(2, 5, device="meta", dtype=torch.float64),)),
        "it runs on the CPU, and a tensor is on meta",
    ),
    "mask": (
        lambda: replace(plain("gru"), recurrent_mask=torch.ones(2, 5, dtype=torch.float64, requires_grad=True)),
        "it gives no gradient by recurrent_mask",
    ),
}


@pytest.mark.parametrize("why", REFUSED)
def test_it_says_why_it_refuses(why: str) -> None:
    make, words = REFUSED[why]
    explained = recurrence(make(), explain=True)
    assert explained.backend == "reference"
    assert list(explained.refused) == ["native", "torch"]
    assert explained.refused["native"] == words
    assert str(explained) == f"native refuses: {words}; torch refuses: {explained.refused['torch']}; reference takes it"
    with pytest.raises(BackendError, match=words):
        recurrence(make(), backend="native")


@cells
def test_it_takes_every_cell(name: str) -> None:
    assert str(recurrence(plain(name), explain=True)) == "native takes it"


def test_autocast_goes_to_the_reference() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        assert recurrence(plain(), explain=True).refused["native"] == "autocast asks for another precision"


def test_an_absent_core_is_said_once_and_torch_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "native", None)
    monkeypatch.setattr(calling, "missing", "No module named '_native'")
    monkeypatch.setattr(Native, "warned", False)
    with pytest.warns(RuntimeWarning, match=r"without its native core, and slower: install a C\+\+ compiler"):
        first = recurrence(plain(), explain=True)
    assert recurrence(plain(), explain=True) == first  # a second warning would be an error
    assert first.backend == "torch"
    assert first.refused == {"native": "the C++ core is not built (No module named '_native')"}


LAYER = LSTM(2, 5, dtype=torch.float64)


def through(x: Tensor) -> Tensor:
    return LAYER(x)[0]


X, ALONG = randn(2, 3, 2), randn(2, 3, 2, seed=1)

TRANSFORMS: dict[str, Callable[[Tensor], Tensor]] = {
    "jvp": lambda x: torch.func.jvp(through, (x,), (ALONG,))[1],
    "grad": torch.func.grad(lambda x: through(x).square().sum()),
    "vmap": lambda x: torch.func.vmap(through)(torch.stack([x, 2 * x])),
    "hessian": torch.func.hessian(lambda x: through(x).square().sum()),
}


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_a_transform_gives_what_it_gives_through_the_reference(transform: str) -> None:
    found = TRANSFORMS[transform](X)
    with only("reference"):
        assert torch.equal(found, TRANSFORMS[transform](X))
    assert found.abs().max() > 1e-3


@pytest.mark.parametrize("transform", ["jvp", "grad", "vmap"])
def test_a_compiled_transform_gives_what_it_gives_uncompiled(transform: str) -> None:
    layer = LSTM(2, 5, dtype=torch.float64)
    transforms: dict[str, Callable[[Tensor], Tensor]] = {
        "jvp": lambda x: torch.func.jvp(lambda x: layer(x)[0], (x,), (ALONG,))[1],
        "grad": lambda x: torch.func.grad(lambda x: layer(x)[0].sum())(x),
        "vmap": lambda x: torch.func.vmap(lambda x: layer(x)[0])(torch.stack([x, 2 * x])),
    }
    torch.compiler.reset()
    found = torch.compile(transforms[transform], backend="eager", fullgraph=True)(X)
    assert_values(found, transforms[transform](X))


@cells
def test_forward_mode_carries_its_tangent(name: str) -> None:
    asked, step = plain(name), 1e-6
    along = randn(*asked.x.shape, seed=1)
    with forward_ad.dual_level():
        dual = replace(asked, x=forward_ad.make_dual(asked.x.detach(), along))
        assert recurrence(dual, explain=True).refused["native"] == "forward mode carries a tangent through it"
        tangent = forward_ad.unpack_dual(recurrence(dual).output).tangent
    ahead, behind = (recurrence(replace(asked, x=asked.x + by * along)).output for by in (step, -step))
    assert tangent.abs().max() > 0
    assert_values(tangent, (ahead - behind) / (2 * step), tolerance=1e-8)


@pytest.mark.parametrize("trainable", [True, False], ids=["trainable", "frozen"])
def test_the_operator_itself_loses_no_tangent_in_silence(trainable: bool) -> None:
    layer = LSTM(2, 5, dtype=torch.float64).requires_grad_(trainable)
    torch.compiler.reset()
    compiled = torch.compile(lambda x: layer(x)[0], backend="eager", fullgraph=True)
    compiled(X)
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(X, ALONG)
        with pytest.raises((NotImplementedError, BackendError), match="forward mode"):
            compiled(dual)
        with only("reference"):
            found = forward_ad.unpack_dual(compiled(dual)[0]).tangent
    assert found.abs().max() > 0


@cells
def test_a_second_derivative_raises_and_names_the_way_out(name: str) -> None:
    asked = plain(name)

    def first() -> Tensor:
        loss = sum(each.square().sum() for each in flat(recurrence(asked)))
        assert isinstance(loss, Tensor)
        return torch.autograd.grad(loss, asked.x, create_graph=True)[0]

    slope = first()
    with pytest.raises(BackendError, match=r"no second derivatives .* `with recuerdo.kernels.only\('reference'\):`"):
        slope.square().sum().backward()
    with only("reference"):
        again = first()
    assert_values(slope.detach(), again.detach())
    again.square().sum().backward()


def test_only_asks_one_backend_and_ends_with_its_block() -> None:
    with only("reference"):
        assert str(recurrence(plain(), explain=True)) == "reference takes it"
    assert recurrence(plain(), explain=True).backend == "native"
    with (
        pytest.raises(BackendError, match="There is no backend 'slow'; there are: native, torch, reference"),
        only("slow"),
    ):
        pass


def test_only_reaches_into_a_captured_graph() -> None:
    layer: Any = LSTM(2, 5, dtype=torch.float64)
    torch.compiler.reset()
    compiled = torch.compile(lambda x: layer(x)[0], backend="eager", fullgraph=True)
    x = X.clone().requires_grad_()
    for _ in range(2):
        with pytest.raises(BackendError, match="no second derivatives"):
            torch.autograd.grad(compiled(x).square().sum(), x, create_graph=True)[0].sum().backward()
        with only("reference"):
            torch.autograd.grad(compiled(x).square().sum(), x, create_graph=True)[0].sum().backward()


def test_importing_the_kernels_starts_no_thread() -> None:
    script = "import threading, os, recuerdo.kernels; print(len(os.listdir('/proc/self/task')))"
    bare = "import threading, os, torch, recuerdo.cells; print(len(os.listdir('/proc/self/task')))"
    counts = [subprocess.run([sys.executable, "-c", each], capture_output=True, text=True, check=True).stdout
              for each in (script, bare)]  # fmt: skip
    assert counts[0] == counts[1]
