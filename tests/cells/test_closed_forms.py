"""The cells against formulas and against one step written out in numpy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.cells.cases import SPECS, randn, state, weights
from tests.tolerances import assert_values
from torch import Tensor

from recuerdo.cells import CELLS, GRU, LSTM, CellSpec, Weights, frnn, indrnn, scan
from recuerdo.cells.walk import NORM_EPS

Array = NDArray[np.floating]
N, T, D, H = 2, 6, 3, 4

cells = pytest.mark.parametrize("name", SPECS)


def zeros(*shape: int) -> Tensor:
    return torch.zeros(*shape, dtype=torch.float64)


def test_a_linear_network_is_a_sum_of_powers_of_its_matrix() -> None:
    cell = frnn("linear")
    own, (h,) = weights(cell, D, H), state(cell, N, H)
    assert own.bias_ih is not None
    assert own.bias_hh is not None
    x = randn(T, N, D)
    U, W = own.weight_hh.numpy(), own.weight_ih.numpy()
    expected = h.numpy() @ np.linalg.matrix_power(U, T).T
    for t in range(T):
        pushed = x[t].numpy() @ W.T + own.bias_ih.numpy() + own.bias_hh.numpy()
        expected = expected + pushed @ np.linalg.matrix_power(U, T - 1 - t).T
    assert_values(scan(cell, x, own, (h,)).output[-1], torch.from_numpy(expected))


def test_an_impulse_into_an_indrnn_fades_as_powers_of_its_recurrent_weight() -> None:
    u, w = torch.tensor([0.5, 0.9, 1.0, 1.1]).double(), torch.tensor([[1.0], [2.0], [0.5], [3.0]]).double()
    x = zeros(T, 1, 1)
    x[0] = 1.5
    output = scan(indrnn("relu"), x, Weights(w, u), (zeros(1, H),)).output[:, 0]
    assert_values(output, 1.5 * w[:, 0] * u ** torch.arange(T).unsqueeze(-1))


def test_an_lstm_with_constant_gates_is_a_geometric_series() -> None:
    bias = randn(4 * H)
    own = Weights(zeros(4 * H, D), zeros(4 * H, H), bias, zeros(4 * H))
    h, c = state(LSTM, N, H)
    i, f, g, o = bias.sigmoid()[:H], bias.sigmoid()[H : 2 * H], bias[2 * H : 3 * H].tanh(), bias[3 * H :].sigmoid()
    scanned = scan(LSTM, randn(T, N, D), own, (h, c), trace=True)
    for t in range(1, T + 1):
        expected = f**t * c + i * g * (1 - f**t) / (1 - f)
        assert_values(scanned.states[1][t - 1], expected, "c")
        assert_values(scanned.output[t - 1], o * expected.tanh(), "h")


@pytest.mark.parametrize("name", ["gru", "gru_reset_before"])
def test_a_gru_whose_update_gate_is_one_keeps_its_state(name: str) -> None:
    cell = CELLS[name]
    own, (h,) = weights(cell, D, H), state(cell, N, H)
    assert own.bias_ih is not None
    own.bias_ih[H : 2 * H] = 100.0  # sigmoid(100) is 1 in float64
    assert torch.equal(scan(cell, randn(T, N, D), own, (h,)).output, h.expand(T, N, H))


def test_a_gru_whose_update_gate_is_zero_is_its_candidate() -> None:
    own, (h,) = weights(GRU, D, H), state(GRU, N, H)
    assert own.bias_ih is not None
    own.bias_ih[H : 2 * H] = -100.0
    scanned = scan(GRU, randn(T, N, D), own, (h,), trace=True)
    assert_values(scanned.output, scanned.gates[2])


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def normed(x: Array, gain: Array, shift: Array | float) -> Array:
    """Layer norm over the last axis."""
    return gain * (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + NORM_EPS) + shift


class ByHand:
    """One step of a cell in numpy, with or without layer norm; a gate is addressed by its place in the weights."""

    def __init__(self, own: Weights, G: int) -> None:
        self.own = {name: None if w is None else w.numpy() for name, w in own._asdict().items()}
        self.G = G

    def part(self, name: str, gate: int) -> Array:
        stacked = self.own[name]
        assert stacked is not None
        return np.split(stacked, self.G)[gate]

    def half(self, which: str, gate: int, vector: Array) -> Array:
        """W x + b or U h + b of one gate."""
        matrix, bias = self.part(f"weight_{which}", gate), 0.0
        product = vector @ matrix.T if matrix.ndim == 2 else vector * matrix
        if self.own[f"bias_{which}"] is not None:
            bias = self.part(f"bias_{which}", gate)
        gained = self.own[f"norm_{which}"] is not None
        return normed(product, self.part(f"norm_{which}", gate), bias) if gained else product + bias

    def both(self, gate: int, x: Array, h: Array) -> Array:
        return self.half("ih", gate, x) + self.half("hh", gate, h)

    def frnn(self, x: Array, h: Array) -> tuple[Array, ...]:
        return (np.tanh(self.both(0, x, h)),)

    def indrnn(self, x: Array, h: Array) -> tuple[Array, ...]:
        return (np.maximum(0, self.both(0, x, h)),)

    def lstm(self, x: Array, h: Array, c: Array) -> tuple[Array, ...]:
        i, f, g, o = (self.both(gate, x, h) for gate in range(4))
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        gain, shift = self.own["norm_c"], self.own["norm_c_bias"]
        seen = c if gain is None or shift is None else normed(c, gain, shift)
        return sigmoid(o) * np.tanh(seen), c

    def gru(self, x: Array, h: Array) -> tuple[Array, ...]:
        r, z = sigmoid(self.both(0, x, h)), sigmoid(self.both(1, x, h))
        n = np.tanh(self.half("ih", 2, x) + r * self.half("hh", 2, h))
        return (z * h + (1 - z) * n,)

    def gru_reset_before(self, x: Array, h: Array) -> tuple[Array, ...]:
        r, z = sigmoid(self.both(0, x, h)), sigmoid(self.both(1, x, h))
        n = np.tanh(self.half("ih", 2, x) + self.half("hh", 2, r * h))
        return (z * h + (1 - z) * n,)


def by_hand(
    name: str, own: Weights, x: Tensor, start: tuple[Tensor, ...], zoneout: Callable[[int, int], Array | float]
) -> tuple[list[Array], tuple[Array, ...]]:
    """Outputs and final state; zoneout(s, t) says how much of state s stays at step t."""
    step = getattr(ByHand(own, CELLS[name].blocks), name)
    now, outputs = tuple(part.numpy() for part in start), []
    for t in range(len(x)):
        new = step(x[t].numpy(), *now)
        now = tuple(zoneout(s, t) * a + (1 - zoneout(s, t)) * b for s, (a, b) in enumerate(zip(now, new, strict=True)))
        outputs.append(now[0])
    return outputs, now


def assert_as_by_hand(
    cell: CellSpec,
    own: Weights,
    *,
    zoneout: float | Tensor | None = None,
    stays: Callable[[int, int], Array | float] = lambda s, t: 0.0,
) -> None:
    x, start = randn(T, N, D), state(cell, N, H)
    outputs, final = by_hand(cell.name, own, x, start, stays)
    scanned = scan(cell, x, own, start, zoneout=zoneout)
    assert_values(scanned.output, torch.from_numpy(np.stack(outputs)), "output")
    for name, actual, expected in zip(cell.states, scanned.state, final, strict=True):
        assert_values(actual, torch.from_numpy(expected), name)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("layer_norm", [False, True], ids=["plain", "layer_norm"])
def test_a_cell_equals_its_equations_in_numpy(name: str, layer_norm: bool) -> None:
    assert_as_by_hand(CELLS[name], weights(CELLS[name], D, H, layer_norm=layer_norm))


@pytest.mark.parametrize("name", CELLS)
def test_zoneout_at_evaluation_blends_by_its_expectation(name: str) -> None:
    assert_as_by_hand(CELLS[name], weights(CELLS[name], D, H), zoneout=0.3, stays=lambda s, t: 0.3)


@pytest.mark.parametrize("name", CELLS)
def test_zoneout_in_training_keeps_what_its_mask_says(name: str) -> None:
    cell = CELLS[name]
    mask = (randn(len(cell.states), T, N, H, seed=9) > 0).double()
    assert_as_by_hand(cell, weights(cell, D, H), zoneout=mask, stays=lambda s, t: mask[s, t].numpy())


@cells
@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
def test_a_zoneout_mask_of_ones_keeps_the_state(name: str, reverse: bool) -> None:
    cell = SPECS[name]
    start, ones = state(cell, N, H), torch.ones(len(cell.states), T, N, H).double()
    scanned = scan(cell, randn(T, N, D), weights(cell, D, H), start, zoneout=ones, reverse=reverse)
    for ended, began in zip(scanned.state, start, strict=True):
        assert torch.equal(ended, began)


@cells
def test_a_recurrent_mask_is_a_factor_on_the_recurrent_columns_at_every_step(name: str) -> None:
    cell, mask = SPECS[name], 1 + randn(1, H, seed=8)
    own, start, x = weights(cell, D, H), state(cell, N, H), randn(T, N, D)
    masked = scan(cell, x, own, start, recurrent_mask=mask)
    columns = mask if cell.recurrent == "full" else mask[0].repeat(cell.blocks)
    assert_values(masked.output, scan(cell, x, own._replace(weight_hh=own.weight_hh * columns), start).output)


@cells
def test_a_reversed_scan_is_a_scan_of_the_reversed_input(name: str) -> None:
    cell, x = SPECS[name], randn(T, N, D)
    own, start = weights(cell, D, H), state(cell, N, H)
    back, forth = scan(cell, x, own, start, reverse=True), scan(cell, x.flip(0), own, start)
    assert_values(back.output.flip(0), forth.output)
    for actual, expected in zip(back.state, forth.state, strict=True):
        assert_values(actual, expected)
