"""precision="bf16": the products are in bfloat16 and nothing else is, on every path and with every option."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.cells.cases import flat
from tests.kernels.native_cases import BF16_PATHS, OPTIONS, SPECS, exact, job, on_bf16_path, outcome
from tests.native_core import needs_native
from tests.tolerances import BFLOAT16, BFLOAT16_TIES, CANCELLED, GRADIENTS, VALUES
from torch import Tensor

import recuerdo as rc
from recuerdo.cells import walk
from recuerdo.errors import BackendError, OptionError
from recuerdo.kernels import Job, calling, recurrence
from recuerdo.nn import LAYERS, LSTM

pytestmark = needs_native

SIZES = (7, 9, 3, 19)
"""T, N, D, H: no multiple of a tile, more columns than one has."""

cells = pytest.mark.parametrize("name", SPECS)
paths = pytest.mark.parametrize("path", BF16_PATHS)
norms = pytest.mark.parametrize("layer_norm", [False, True], ids=["plain", "layer_norm"])

Found = tuple[Mapping[str, Tensor], Mapping[str, Tensor]]


def rounded(tensor: Tensor) -> Tensor:
    return tensor.float().bfloat16().to(tensor.dtype)


class Product(torch.autograd.Function):
    """x W in double precision of what was rounded to bfloat16 before, and of rounded gradients on the way back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, W: Tensor) -> Tensor:
        ctx.save_for_backward(rounded(x), rounded(W))
        return rounded(x) @ rounded(W).T

    @staticmethod
    def backward(ctx: Any, d: Tensor) -> tuple[Tensor, Tensor]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, W = ctx.saved_tensors
        return rounded(d) @ W, rounded(d).flatten(0, -2).T @ x.flatten(0, -2)


class Rounded:
    """torch.nn.functional as the reference uses it, with such products."""

    layer_norm = staticmethod(F.layer_norm)

    @staticmethod
    def linear(x: Tensor, W: Tensor, b: Tensor | None = None) -> Tensor:
        y = Product.apply(x, W)
        return y if b is None else y + b


def bf16(name: str, option: str, sizes: tuple[int, int, int, int], *, layer_norm: bool) -> Job:
    return replace(job(name, option, sizes, torch.float32, layer_norm=layer_norm), precision="bf16")


def by_rounded_products(asked: Job) -> Found:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(walk, "F", Rounded)
        return outcome(exact(asked), "reference")


def apart(actual: Mapping[str, Tensor], expected: Mapping[str, Tensor], least: float) -> float:
    """The largest difference, as a share of the largest magnitude of its tensor, or of `least`."""
    assert actual.keys() == expected.keys()
    return max(
        ((actual[name] - each).abs().max() / max(each.abs().max().item(), least)).item()
        for name, each in expected.items()
        if each.numel()
    )


def assert_near(found: Found, wanted: Found, values: float, gradients: float) -> None:
    assert apart(found[0], wanted[0], 1.0) <= values
    assert apart(found[1], wanted[1], CANCELLED) <= gradients


@cells
@paths
@norms
def test_one_step_is_that_of_rounded_factors_and_of_nothing_else_rounded(
    name: str, path: str, layer_norm: bool
) -> None:
    asked = bf16(name, "plain", (1, 9, 3, 19), layer_norm=layer_norm)
    with on_bf16_path(path):
        found = outcome(asked, "native")
    assert_near(found, by_rounded_products(asked), VALUES[torch.float32], GRADIENTS[torch.float32])
    plain = outcome(replace(asked, precision="float32"), "native")
    assert apart(found[0], plain[0], 1.0) > 1e-5
    assert apart(found[1], plain[1], CANCELLED) > 1e-5


@cells
@paths
@norms
def test_results_and_gradients_are_those_of_rounded_factors_and_near_the_reference(
    name: str, path: str, layer_norm: bool
) -> None:
    with on_bf16_path(path):
        for option in OPTIONS:
            asked = bf16(name, option, SIZES, layer_norm=layer_norm)
            found = outcome(asked, "native")
            assert_near(found, by_rounded_products(asked), BFLOAT16_TIES, BFLOAT16_TIES)
            wanted = outcome(exact(asked), "reference")
            assert apart(found[0], wanted[0], 1.0) <= BFLOAT16
            if asked.cell.nonlinearity != "relu":  # where rounding decides whether a unit lets a gradient through
                assert apart(found[1], wanted[1], CANCELLED) <= BFLOAT16


@cells
@settings(max_examples=12)
@given(
    option=st.sampled_from(list(OPTIONS)),
    T=st.integers(0, 3),
    N=st.sampled_from([1, 2, 7, 16, 33]),
    D=st.sampled_from([1, 2, 17, 32]),
    H=st.sampled_from([3, 4, 16, 31, 40]),
    layer_norm=st.booleans(),
)
def test_any_shape(name: str, option: str, T: int, N: int, D: int, H: int, layer_norm: bool) -> None:
    assume(not layer_norm or H >= 16)  # of few units a layer norm divides by what rounding may move far
    asked = bf16(name, option, (T, N, D, H), layer_norm=layer_norm)
    with on_bf16_path("emulated"):
        found = outcome(asked, "native")
    assert_near(found, by_rounded_products(asked), BFLOAT16_TIES, BFLOAT16_TIES)


@cells
@pytest.mark.parametrize("D", [3, 40])
def test_a_sample_does_not_depend_on_its_batch(name: str, D: int) -> None:
    T, N, _, H = SIZES
    asked = bf16(name, "plain", (T, 3 * N, D, H), layer_norm=False)
    with on_bf16_path("emulated"):
        whole = flat(recurrence(asked, "native"))
        for n in (0, N, 3 * N - 1):
            one = replace(asked, x=asked.x[:, n : n + 1], state=tuple(each[n : n + 1] for each in asked.state))
            output, *final = flat(recurrence(one, "native"))
            assert torch.equal(output, whole[0][:, n : n + 1])
            assert all(torch.equal(one, every[n : n + 1]) for one, every in zip(final, whole[1:], strict=True))


@cells
@norms
@pytest.mark.parametrize("sizes", [(20, 24, 16, 40), (3, 2, 16, 520)], ids=["many", "few"])
def test_results_do_not_depend_on_the_number_of_threads(
    name: str, layer_norm: bool, sizes: tuple[int, int, int, int]
) -> None:
    asked, before = bf16(name, "plain", sizes, layer_norm=layer_norm), torch.get_num_threads()
    found = []
    try:
        with on_bf16_path("emulated"):
            for threads in (1, 2, 5):  # of 5 each has fewer samples than W x is taken alone for in float32
                torch.set_num_threads(threads)
                results, gradients = outcome(asked, "native")
                found.append(results | gradients)
    finally:
        torch.set_num_threads(before)
    for other in found[1:]:
        for field, value in found[0].items():
            assert torch.equal(other[field], value), field


@cells
def test_memory_that_is_left_over_is_never_read(name: str) -> None:
    native = calling.native
    assert native is not None
    asked = bf16(name, "all", SIZES, layer_norm=True)
    found = []
    with on_bf16_path("emulated"):
        for value in (0.0, float("nan")):
            native.release_idle()
            left_over = native.empty(False, [400_000]).fill_(value)
            del left_over
            results, gradients = outcome(asked, "native")
            found.append(results | gradients)
    assert all(torch.equal(found[1][field], each) for field, each in found[0].items())


@cells
def test_without_a_path_it_computes_in_float32_and_says_so_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = bf16(name, "plain", SIZES, layer_norm=False)
    wanted = outcome(replace(asked, precision="float32"), "native")
    monkeypatch.setattr(calling, "told", False)
    with on_bf16_path(None):
        with pytest.warns(RuntimeWarning, match=r'precision="bf16" computes in float32 here, more exactly'):
            found = outcome(asked, "native")
        again = outcome(asked, "native")  # a second warning would be an error
    for result in (found, again):
        assert all(torch.equal(result[k][field], each) for k in (0, 1) for field, each in wanted[k].items())


def test_who_takes_it() -> None:
    asked = bf16("lstm", "plain", SIZES, layer_norm=False)
    assert recurrence(asked, explain=True).backend == "native"
    with pytest.raises(BackendError, match="torch: it has no products in bfloat16 with states in float32"):
        recurrence(asked, "torch")
    double = replace(exact(asked), precision="bf16")
    explained = recurrence(double, explain=True)
    assert explained.backend == "reference"
    assert explained.refused["native"] == "it rounds float32 to bfloat16, and x is torch.float64"


def test_the_core_refuses_what_it_cannot_multiply() -> None:
    native = calling.native
    assert native is not None
    with on_bf16_path(None), pytest.raises(ValueError, match="no path in use for products in bfloat16"):
        native.run(False, False, 1, {"bf16": True})
    with pytest.raises(ValueError, match="are of float32 numbers, and these are float64"):
        native.run(True, False, 1, {"bf16": True})
    with pytest.raises(ValueError, match=r"no instruction path 'mmx'; it has: .*emulated"):
        native.use_bf16_path("mmx")


@pytest.mark.parametrize("cell", LAYERS)
def test_every_layer_takes_it(cell: str) -> None:
    layer = LAYERS[cell](3, 5, 2, bidirectional=True, precision="bf16")
    plain = LAYERS[cell](3, 5, 2, bidirectional=True)
    plain.load_state_dict(layer.state_dict())
    x = torch.randn(4, 6, 3)
    assert "precision='bf16'" in repr(layer)
    assert "precision" not in repr(plain)
    with on_bf16_path("emulated"):
        difference = (layer(x)[0] - plain(x)[0]).abs().max()
    assert 1e-5 < difference < BFLOAT16


def test_a_layer_says_what_it_cannot_do() -> None:
    with pytest.raises(OptionError, match=r"LSTM\(precision='half'\) is not offered; there are float32, bf16"):
        LSTM(3, 5, precision=cast(Any, "half"))
    with pytest.raises(OptionError, match=r"states and sums in float32, and its parameters are torch\.float64"):
        LSTM(3, 5, precision="bf16").double()(torch.zeros(1, 2, 3, dtype=torch.float64))
    with pytest.raises(rc.errors.ConversionError, match="no equal for precision='bf16'"):
        rc.convert.to_torch(LSTM(3, 5, precision="bf16"))


def test_a_stepper_steps_in_float32() -> None:
    layer, x = LSTM(3, 5, precision="bf16"), torch.randn(1, 4, 3)
    plain = LSTM(3, 5)
    plain.load_state_dict(layer.state_dict())
    ours, theirs = layer.stepper(), plain.stepper()
    assert all((ours.step(each) == theirs.step(each)).all() for each in x[0].numpy())


def test_torch_captures_it() -> None:
    layer, x = LSTM(3, 5, precision="bf16"), torch.randn(2, 4, 3)
    torch.compiler.reset()
    with on_bf16_path("emulated"):
        compiled = torch.compile(layer, backend="eager", fullgraph=True)
        assert torch.equal(compiled(x)[0], layer(x)[0])
