"""Analytic against numeric derivatives of whole layers: stacks, directions, residuals, learned states, traces."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.cells.cases import watched
from tests.nn.cases import CELLS, build, parts, randn, random_state, trace_tensors, whole
from torch import Tensor
from torch.autograd import gradcheck
from torch.func import functional_call

from recuerdo.nn import RecurrentLayer

N, T, D, H = 2, 3, 2, 3
MARGIN = 1e-4
"""How far a relu stays from its kink: a hundred times the step of the numeric derivative."""

OPTIONS: dict[str, dict[str, Any]] = {
    "bidirectional": {"bidirectional": True},
    "residual": {"residual": True, "bidirectional": True},
    "learn_state": {"learn_state": True, "bidirectional": True},
    "layer_norm": {"layer_norm": True, "bidirectional": True},
    "zoneout": {"zoneout": 0.3, "layer_norm": True, "residual": True, "learn_state": True},
}

REGULARISED: dict[str, dict[str, Any]] = {
    "dropout": {"dropout": 0.4},
    "recurrent_dropout": {"recurrent_dropout": 0.4},
    "zoneout_mask": {"zoneout": 0.4},
}

cells = pytest.mark.parametrize("cell", CELLS)


def assert_gradients_right(layer: RecurrentLayer, *, stateful: bool = False, **arguments: Any) -> None:
    distances: list[float] = []
    layer.cell = watched(layer.cell, distances)
    state = random_state(layer, N) if stateful else ()
    named = dict(layer.named_parameters())

    def run(x: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        given, own = rest[: len(state)], dict(zip(named, rest[len(state) :], strict=True))
        result = functional_call(layer, own, (x, whole(given) if given else None), arguments)
        return result[0], *parts(result[1]), *(trace_tensors(result[2]) if len(result) == 3 else ())

    leaves = [tensor.detach().clone().requires_grad_() for tensor in (randn(N, T, D), *state, *named.values())]
    assert gradcheck(run, leaves, fast_mode=True)
    assert layer.cell.nonlinearity != "relu" or min(distances) > MARGIN


@cells
@pytest.mark.parametrize("option", OPTIONS)
def test_gradients_of_a_stack_equal_numeric_ones(cell: str, option: str) -> None:
    layer = build(cell, D, H, 2, **OPTIONS[option])
    assert_gradients_right(layer, stateful=not layer.learn_state)


@cells
def test_gradients_of_a_ragged_batch_with_resets_equal_numeric_ones(cell: str) -> None:
    layer = build(cell, D, H, 2, bidirectional=True, learn_state=True)
    reset = torch.tensor([[False, True, False], [False, True, True]])
    assert_gradients_right(layer, lengths=torch.tensor([T, 2]), reset=reset)


@cells
def test_gradients_through_a_trace_equal_numeric_ones(cell: str) -> None:
    assert_gradients_right(build(cell, D, H, 2, bidirectional=True), trace=True)


@cells
def test_gradients_without_biases_equal_numeric_ones(cell: str) -> None:
    assert_gradients_right(build(cell, D, H, 2, bias=False, layer_norm=True))


@cells
@pytest.mark.parametrize("option", REGULARISED)
def test_gradients_in_training_equal_numeric_ones_when_the_masks_repeat(cell: str, option: str) -> None:
    layer = build(cell, D, H, 2, **REGULARISED[option]).train()

    class Repeating(type(layer)):
        def forward(self, *arguments: Any, **options: Any) -> tuple:
            torch.manual_seed(0)
            return super().forward(*arguments, **options)

    layer.__class__ = Repeating
    assert_gradients_right(layer)
