"""What every cell promises, and that a fifth one needs no more than a step and a spec."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
import torch
from tests.cells.cases import SPECS, randn, state, weights
from tests.tolerances import assert_values
from torch import Tensor

from recuerdo.cells import ACTIVATIONS, CELLS, CellSpec, State, Weights, frnn, indrnn, scan
from recuerdo.cells.activations import activation
from recuerdo.cells.spec import Recurrent
from recuerdo.cells.walk import Recurrence
from recuerdo.errors import OptionError
from recuerdo.kernels import Job, recurrence
from recuerdo.nn import RecurrentLayer

N, T, D, H = 2, 5, 3, 4
KEPT = 0.75


def leaky_step(wx: Tensor, state: State, recurrent: Recurrent) -> tuple[State, tuple[Tensor, ...]]:
    """h_t = KEPT h_{t-1} + (1 - KEPT) (W x_t + b + U h_{t-1} + b)."""
    (h,) = state
    return (KEPT * h + (1 - KEPT) * (wx + recurrent(h)).squeeze(-2),), ()


LEAKY = CellSpec(name="leaky", step=leaky_step, gates=(), states=("h",), source="the leaky integrator")


@pytest.mark.parametrize("name", SPECS)
def test_a_step_returns_the_gates_and_states_that_its_spec_names(name: str) -> None:
    cell = SPECS[name]
    own, start = weights(cell, D, H), state(cell, N, H)
    new, gates = cell.step(randn(N, cell.blocks, H), start, Recurrence(cell, own, None))
    assert len(gates) == len(cell.gates)
    assert len(new) == len(cell.states)
    assert {tensor.shape for tensor in (*new, *gates)} == {(N, H)}


@pytest.mark.parametrize("name", SPECS)
def test_a_step_leaves_its_arguments_unchanged(name: str) -> None:
    cell = SPECS[name]
    wx, own, start = randn(N, cell.blocks, H), weights(cell, D, H), state(cell, N, H)
    cell.step(wx, start, Recurrence(cell, own, None))
    for after, before in zip((wx, *start), (randn(N, cell.blocks, H), *state(cell, N, H)), strict=True):
        assert torch.equal(after, before)


def test_every_cell_is_found_by_its_own_name_and_says_where_it_comes_from() -> None:
    assert list(CELLS) == ["frnn", "indrnn", "lstm", "gru", "gru_reset_before"]
    for name, cell in CELLS.items():
        assert cell.name == name
        assert cell.source
        assert cell.states[0] == "h"
        assert cell.forgets is None or cell.forgets in cell.gates
        assert cell.writes is None or cell.writes in cell.gates


def test_a_spec_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        CELLS["lstm"].name = "other"  # pyright: ignore[reportAttributeAccessIssue]  # that is the promise


def leaky_by_hand(x: Tensor, W: Tensor, U: Tensor, b: Tensor, h: Tensor) -> list[Tensor]:
    outputs = []
    for x_t in x:
        h = KEPT * h + (1 - KEPT) * (x_t @ W.T + h @ U.T + b)
        outputs.append(h)
    return outputs


def test_a_fifth_cell_runs_through_the_scan_and_the_kernels() -> None:
    own, start, x = weights(LEAKY, D, H), state(LEAKY, N, H), randn(T, N, D)
    assert own.bias_ih is not None
    assert own.bias_hh is not None
    expected = leaky_by_hand(x, own.weight_ih, own.weight_hh, own.bias_ih + own.bias_hh, start[0])
    assert_values(scan(LEAKY, x, own, start).output, torch.stack(expected))
    assert_values(recurrence(Job(LEAKY, x, own, start)).output, torch.stack(expected))


def test_a_fifth_cell_becomes_a_layer_with_every_option() -> None:
    class Leaky(RecurrentLayer):
        def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1, **options: Any) -> None:
            super().__init__(LEAKY, input_size, hidden_size, num_layers, **options)

    layer = Leaky(D, H, bidirectional=True).double()
    x = randn(N, T, D)
    own = next(layer.weights())
    expected = leaky_by_hand(
        x.transpose(0, 1),
        own.weight_ih,
        own.weight_hh,
        layer.get_parameter("bias_ih_l0") + layer.get_parameter("bias_hh_l0"),
        x.new_zeros(N, H),
    )
    output, h, trace = layer(x, trace=True)
    assert_values(output[..., :H], torch.stack(expected, dim=1))
    assert h.shape == (2, N, H)
    assert trace.gates == {}
    full = Leaky(D, H, 2, layer_norm=True, residual=True, learn_state=True).double()
    full(x, lengths=[T, 0])[0].sum().backward()
    assert all(parameter.grad is not None for parameter in full.parameters())


@pytest.mark.parametrize("make", [frnn, indrnn])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_elman_step_applies_the_activation_that_is_named(make: Callable[[str], CellSpec], name: str) -> None:
    cell = make(name)
    assert cell.nonlinearity == name
    x = randn(1, N, D)
    own = Weights(randn(H, D), torch.zeros(H, H).double() if cell.recurrent == "full" else torch.zeros(H).double())
    output = scan(cell, x, own, state(cell, N, H)).output
    function = (lambda v: v) if name == "linear" else getattr(torch.nn.functional, name)
    assert_values(output[0], function(x[0] @ own.weight_ih.T))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("tahn", "nonlinearity='tahn' is not an activation that is offered: did you mean 'tanh'"),
        ("???", r"nonlinearity='\?\?\?' is not an activation that is offered: offered are tanh, relu"),
        (["relu"], r"nonlinearity=\['relu'\] is not an activation"),
    ],
)
def test_an_unknown_activation_is_refused(name: str, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        activation(name)
