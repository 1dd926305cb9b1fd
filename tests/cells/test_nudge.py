"""A nudge is added to a state right after its step, so that a derivative by the one is a derivative by the other."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.cells.cases import SPECS, flat, randn, state, weights
from torch import Tensor
from torch.autograd import gradcheck

from recuerdo.cells import CELLS, CellSpec, Scanned, State, Weights, scan

N, T, D, H = 3, 5, 2, 3

cells = pytest.mark.parametrize("name", [*CELLS, "frnn_linear"])
ways = pytest.mark.parametrize("reverse", [False, True], ids=["forwards", "reverse"])

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "lengths": {"lengths": torch.tensor([3, 0, 5])},
    "reset": {"reset": randn(T, N, seed=60) > 0.3},
    "zoneout": {"zoneout": 0.3},
    "recurrent_mask": {"recurrent_mask": 2.0 * (randn(N, H, seed=61) > 0)},
    "all": {
        "lengths": torch.tensor([3, 0, 5]),
        "reset": randn(T, N, seed=60) > 0.3,
        "zoneout": 0.3,
        "recurrent_mask": 2.0 * (randn(N, H, seed=61) > 0),
    },
}


def nudge(cell: CellSpec, seed: int = 70) -> State:
    return tuple(0.5 * randn(T, N, H, seed=seed + k) for k in range(len(cell.states)))


def run(name: str, given: State | None, **options: Any) -> Scanned:
    cell = SPECS[name]
    return scan(cell, randn(T, N, D), weights(cell, D, H), state(cell, N, H), nudge=given, trace=True, **options)


@cells
@ways
@pytest.mark.parametrize("option", OPTIONS)
def test_a_nudge_of_zeros_changes_nothing(name: str, reverse: bool, option: str) -> None:
    zeros = tuple(torch.zeros_like(each) for each in nudge(SPECS[name]))
    options = {"reverse": reverse, **OPTIONS[option]}
    for nudged, plain in zip(flat(run(name, zeros, **options)), flat(run(name, None, **options)), strict=True):
        assert torch.equal(nudged, plain)


@cells
@ways
@pytest.mark.parametrize("t", [0, 2, T - 1])
def test_a_nudge_at_one_step_is_a_change_of_the_state_after_it(name: str, reverse: bool, t: int) -> None:
    """The sequence in two pieces, with the change put by hand between them, gives the same."""
    cell = SPECS[name]
    x, own, start = randn(T, N, D), weights(cell, D, H), state(cell, N, H)
    change = nudge(cell)
    only = tuple(torch.where(torch.arange(T).view(T, 1, 1) == t, each, 0) for each in change)
    nudged = scan(cell, x, own, start, nudge=only, reverse=reverse, trace=True)

    first, second = (x[t:], x[:t]) if reverse else (x[: t + 1], x[t + 1 :])
    until = scan(cell, first, own, start, reverse=reverse)
    middle = tuple(each + by[t] for each, by in zip(until.state, change, strict=True))
    after = scan(cell, second, own, middle, reverse=reverse, trace=True)
    assert torch.allclose(nudged.output[t], middle[0], rtol=0, atol=1e-13)
    later = slice(0, t) if reverse else slice(t + 1, T)
    for whole, piece in zip(flat_traces(nudged), flat_traces(after), strict=True):
        assert torch.allclose(whole[later], piece, rtol=0, atol=1e-13)
    for whole, piece in zip(nudged.state, after.state, strict=True):
        assert torch.allclose(whole, piece, rtol=0, atol=1e-13)


def flat_traces(scanned: Scanned) -> tuple[Tensor, ...]:
    return (scanned.output, *scanned.states, *scanned.gates)


def test_nudges_add_up_through_a_linear_network_by_powers_of_its_matrix() -> None:
    cell, U = SPECS["frnn_linear"], 0.5 * randn(H, H, seed=80)
    own = Weights(torch.zeros(H, D, dtype=torch.float64), U)
    (given,) = nudge(cell)
    none = torch.zeros(N, H, dtype=torch.float64)
    found = scan(cell, randn(T, N, D), own, (none,), nudge=(given,))
    expected = sum(given[t] @ torch.linalg.matrix_power(U.T, T - 1 - t) for t in range(T))
    assert isinstance(expected, Tensor)
    assert torch.allclose(found.state[0], expected, rtol=0, atol=1e-13)


@cells
@ways
@pytest.mark.parametrize("option", OPTIONS)
def test_derivatives_by_a_nudge_equal_numeric_ones(name: str, reverse: bool, option: str) -> None:
    given = tuple(each.requires_grad_() for each in nudge(SPECS[name]))
    options = {"reverse": reverse, **OPTIONS[option]}
    assert gradcheck(lambda *parts: flat(run(name, parts, **options)), given, fast_mode=True)


@cells
@ways
def test_a_nudge_beyond_a_samples_length_is_never_read(name: str, reverse: bool) -> None:
    lengths = torch.tensor([3, 0, 5])
    beyond = (torch.arange(T).unsqueeze(-1) >= lengths).unsqueeze(-1)
    poisoned = tuple(torch.where(beyond, torch.nan, each) for each in nudge(SPECS[name]))
    found = flat(run(name, poisoned, lengths=lengths, reverse=reverse))
    expected = flat(run(name, nudge(SPECS[name]), lengths=lengths, reverse=reverse))
    for mine, theirs in zip(found, expected, strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize("reverse", [False, True], ids=["forwards", "reverse"])
def test_a_nudge_does_not_cross_a_restart(reverse: bool) -> None:
    reset = torch.zeros(T, N, dtype=torch.bool)
    reset[3] = True
    (given,) = (each.requires_grad_() for each in nudge(SPECS["gru"]))
    final = run("gru", (given,), reset=reset, reverse=reverse).state[0]
    (gradient,) = torch.autograd.grad(final.sum(), given)
    reached = gradient.abs().amax(dim=(1, 2)) > 0
    assert reached.tolist() == ([True] * 3 + [False] * 2 if reverse else [False] * 3 + [True] * 2)


def test_a_nudge_is_added_whole_whatever_zoneout_keeps() -> None:
    (given,) = nudge(SPECS["frnn"])
    kept = torch.ones(1, T, N, H, dtype=torch.float64)  # every state keeps its old value at every step
    found = run("frnn", (given,), zoneout=kept)
    assert torch.allclose(found.output, state(SPECS["frnn"], N, H)[0] + given.cumsum(dim=0), rtol=0, atol=1e-13)
