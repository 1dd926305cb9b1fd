"""The native core computes what the reference scan computes: results and every gradient, for each option and path."""

from __future__ import annotations

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.cells.cases import flat
from tests.kernels.native_cases import OPTIONS, PATHS, SPECS, as_function, assert_twins, job, on_path, outcome
from tests.native_core import needs_native
from torch import Tensor
from torch.autograd import gradcheck

from recuerdo.kernels import Job, adjoint, calling, ops, recurrence

pytestmark = needs_native

SIZES = (7, 9, 3, 19)
"""T, N, D, H: no multiple of any vector, several blocks of rows, more than one panel."""

cells = pytest.mark.parametrize("name", SPECS)
paths = pytest.mark.parametrize("path", PATHS)
dtypes = pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])


@cells
@paths
@dtypes
@pytest.mark.parametrize("layer_norm", [False, True], ids=["plain", "layer_norm"])
def test_results_and_gradients_are_those_of_the_reference(
    name: str, path: str, dtype: torch.dtype, layer_norm: bool
) -> None:
    with on_path(path):
        for option in OPTIONS:
            assert_twins(job(name, option, SIZES, dtype, layer_norm=layer_norm), "native")


@cells
@pytest.mark.parametrize("layer_norm", [False, True], ids=["plain", "layer_norm"])
def test_a_layer_without_biases(name: str, layer_norm: bool) -> None:
    assert_twins(job(name, "all", SIZES, torch.float64, layer_norm=layer_norm, bias=False), "native")


@cells
@settings(max_examples=12)
@given(
    option=st.sampled_from(list(OPTIONS)),
    T=st.integers(0, 5),
    N=st.sampled_from([1, 2, 3, 7, 13, 33]),
    D=st.sampled_from([1, 2, 8, 17]),
    H=st.sampled_from([2, 3, 4, 8, 16, 31, 40, 64]),
    layer_norm=st.booleans(),
)
def test_any_shape(name: str, option: str, T: int, N: int, D: int, H: int, layer_norm: bool) -> None:
    assume(not layer_norm or H > 2)  # of two units a layer norm makes 1 and -1: its gradient is what rounding leaves
    assert_twins(job(name, option, (T, N, D, H), torch.float64, layer_norm=layer_norm), "native")


@pytest.mark.parametrize("name", ["lstm", "gru", "frnn"])
def test_wide_layers_whose_products_are_taken_in_blocks(name: str) -> None:
    assert_twins(job(name, "plain", (3, 5, 300, 520), torch.float64, layer_norm=False), "native")


@cells
def test_gradients_equal_numeric_ones(name: str) -> None:
    asked = job(name, "all", (3, 2, 2, 3), torch.float64, layer_norm=True)
    assert gradcheck(*as_function(asked, "native"), fast_mode=True)


@cells
def test_padding_is_never_read(name: str) -> None:
    asked = job(name, "lengths", SIZES, torch.float64, layer_norm=False)
    clean = outcome(asked, "native")
    assert asked.lengths is not None
    beyond = torch.arange(SIZES[0]).unsqueeze(-1) >= asked.lengths
    with torch.no_grad():
        asked.x[beyond] = float("nan")
    dirty = outcome(asked, "native")
    for before, after in zip(clean, dirty, strict=True):
        assert all(torch.equal(after[field], each) for field, each in before.items())


@cells
@pytest.mark.parametrize("option", OPTIONS)
def test_fresh_memory_is_never_read(name: str, option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def poisoned(like: Tensor, *shape: int) -> Tensor:
        return like.new_full(shape, float("nan"))

    asked = job(name, option, SIZES, torch.float64, layer_norm=True)
    wanted = outcome(asked, "native")
    monkeypatch.setattr(ops, "fresh", poisoned)
    monkeypatch.setattr(adjoint, "fresh", poisoned)
    assert calling.native is not None
    left_over = calling.native.empty(True, [200_000]).fill_(
        float("nan")
    )  # what the core takes for itself comes from there
    del left_over
    for before, after in zip(wanted, outcome(asked, "native"), strict=True):
        assert all(torch.equal(after[field], each) for field, each in before.items())


@cells
def test_the_comparison_fails_when_one_result_is_moved(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = job(name, "plain", SIZES, torch.float64, layer_norm=False)
    native = calling.native
    assert native is not None

    class Wrong:
        """The core with one recurrent weight a little off."""

        @staticmethod
        def run(double: bool, backward: bool, threads: int, fields: dict) -> None:
            off = asked.weights.weight_hh.detach().clone()
            off.view(-1)[0] += 1e-6
            native.run(double, backward, threads, fields | {"U": off.data_ptr()})

    monkeypatch.setattr(calling, "native", Wrong)
    with pytest.raises(AssertionError, match=r"apart, .* allowed"):
        assert_twins(asked, "native")


@cells
def test_a_sample_does_not_depend_on_its_batch(name: str) -> None:
    T, N, D, H = SIZES
    asked = job(name, "plain", (T, 3 * N, D, H), torch.float32, layer_norm=False)
    whole = flat(recurrence(asked, "native"))
    for n in (0, N, 3 * N - 1):
        alone = Job(asked.cell, asked.x[:, n : n + 1], asked.weights, tuple(s[n : n + 1] for s in asked.state))
        output, *final = flat(recurrence(alone, "native"))
        assert torch.equal(output, whole[0][:, n : n + 1])
        assert all(torch.equal(one, every[n : n + 1]) for one, every in zip(final, whole[1:], strict=True))
