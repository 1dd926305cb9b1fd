"""Analytic against numeric derivatives in float64, first and second order, for every cell and option of the scan."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from tests.cells.cases import SPECS, Scan, randn, state, watched, weights
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from recuerdo.cells import CELLS, CellSpec

N, T, D, H = 2, 3, 1, 3  # three units, because the norm of two is a sign
MARGIN = 1e-4
"""How far a relu stays from its kink: a hundred times the step of the numeric derivative."""

along_one_direction = partial(gradcheck, fast_mode=True)
"""A check of the Jacobian times a random vector, where the whole Jacobian would take long."""

cells = pytest.mark.parametrize("name", [*CELLS, "frnn_relu"])


def bits(*shape: int, seed: int) -> Tensor:
    return (randn(*shape, seed=seed) > 0).double()


OPTIONS: dict[str, Callable[[CellSpec], dict[str, Any]]] = {
    "reverse": lambda cell: {"reverse": True},
    "lengths": lambda cell: {"lengths": torch.tensor([T, 1])},
    "zero_length_reverse": lambda cell: {"lengths": torch.tensor([0, 2]), "reverse": True},
    "reset": lambda cell: {"reset": bits(T, N, seed=30).bool()},
    "reset_reverse": lambda cell: {"reset": bits(T, N, seed=31).bool(), "reverse": True},
    "zoneout_mask": lambda cell: {"zoneout": bits(len(cell.states), T, N, H, seed=32)},
    "zoneout_expected": lambda cell: {"zoneout": 0.3},
    "recurrent_mask": lambda cell: {"recurrent_mask": 2 * bits(H, seed=33)},
    "trace": lambda cell: {"trace": True},
    "trace_lengths": lambda cell: {"trace": True, "lengths": torch.tensor([2, T])},
}


def assert_gradients_right(
    name: str, sizes: tuple[int, ...], check: Callable[..., bool], *, layer_norm: bool = False, **options: Any
) -> None:
    N, T, D, H = sizes
    distances: list[float] = []
    cell = watched(SPECS[name], distances)
    function = Scan(cell, weights(cell, D, H, layer_norm=layer_norm), **options)
    assert check(function, function.leaves(randn(T, N, D), state(cell, N, H)))
    assert cell.nonlinearity != "relu" or min(distances) > MARGIN


@cells
@pytest.mark.parametrize("layer_norm", [False, True], ids=["plain", "layer_norm"])
def test_every_entry_of_the_jacobian_equals_the_numeric_one(name: str, layer_norm: bool) -> None:
    assert_gradients_right(name, (1, 2, D, H), gradcheck, layer_norm=layer_norm)


@cells
@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("layer_norm", [False, True], ids=["plain", "layer_norm"])
def test_gradients_equal_numeric_ones(name: str, option: str, layer_norm: bool) -> None:
    options = OPTIONS[option](SPECS[name])
    assert_gradients_right(name, (N, T, D, H), along_one_direction, layer_norm=layer_norm, **options)


@cells
@pytest.mark.parametrize("option", ["reset", "reset_reverse"])
def test_gradients_into_the_restart_state_equal_numeric_ones(name: str, option: str) -> None:
    options = OPTIONS[option](SPECS[name])
    assert_gradients_right(name, (N, T, D, H), along_one_direction, restart=True, **options)


@cells
def test_second_derivatives_equal_numeric_ones(name: str) -> None:
    assert_gradients_right(name, (1, 2, D, 2), gradgradcheck)


@cells
def test_second_derivatives_with_layer_norm_equal_numeric_ones(name: str) -> None:
    assert_gradients_right(name, (1, 2, D, H), partial(gradgradcheck, fast_mode=True), layer_norm=True)
