"""The one reference loop over time: every cell runs through it, and every faster kernel is held against it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from recuerdo.cells.spec import CellSpec, State, Weights
from recuerdo.cells.walk import Walk


class Scanned(NamedTuple):
    """What a recurrence gives back.

    Attributes:
        output: the hidden state after every step, (T, N, H); zero beyond a sample's length.
        state: the state after the last step of each sample, (N, H) each.
        gates: with trace=True every gate of the cell, (T, N, H) each, in the order of CellSpec.gates; else empty.
        states: with trace=True every state after every step, (T, N, H) each, in the order of CellSpec.states; else
            empty. A faster kernel's first may be the output itself: clone what you change in place.
    """

    output: Tensor
    state: State
    gates: tuple[Tensor, ...] = ()
    states: tuple[Tensor, ...] = ()


def scan(
    cell: CellSpec,
    x: Tensor,
    weights: Weights,
    state: State,
    *,
    lengths: Tensor | None = None,
    reset: Tensor | None = None,
    restart: State | None = None,
    recurrent_mask: Tensor | None = None,
    zoneout: float | Tensor | None = None,
    nudge: State | None = None,
    reverse: bool = False,
    trace: bool = False,
) -> Scanned:
    """Run one layer in one direction over a batch of sequences.

    Args:
        cell: which equations.
        x: input, (T, N, D).
        weights: the layer's parameters.
        state: the state before the first step, (N, H) each.
        lengths: how many steps of each sample count, (N,), 0 to T; None for all. What lies beyond is never read.
        reset: True where a new sequence begins: before that step the state is `restart`, (T, N) bool. Run in reverse,
            the state restarts between the same two steps.
        restart: the state that a reset goes back to, (N, H) each; None for zeros.
        recurrent_mask: factor on h_{t-1} inside the recurrent product, the same at every step, (N, H) (variational
            dropout, Gal and Ghahramani 2016, eq. 7; kept values are already divided by 1 - p).
        zoneout: share of the old state that stays, (S, T, N, H) of zeros and ones for the S states while training, or
            their expectation p at evaluation (Krueger et al. 2017, eq. 6-7).
        nudge: added to every state right after its step, (T, N, H) each: zeros to differentiate by, because the
            derivative by nudge[t] is the derivative by the state after step t.
        reverse: run from the last step of each sample to its first.
        trace: also return every gate and state.

    Returns:
        See :class:`Scanned`. All of it is differentiable, to any order and in forward mode.
    """
    T = x.shape[0]
    walk = Walk(
        cell,
        x,
        weights,
        lengths=lengths,
        reset=reset,
        restart=restart,
        recurrent_mask=recurrent_mask,
        zoneout=zoneout,
        nudge=nudge,
        reverse=reverse,
    )
    outputs: list[Tensor] = [state[0]] * T
    kept: list[tuple[State, tuple[Tensor, ...]]] = [((), ())] * T
    for t in walk.order:
        state, gates = walk.step(t, state)
        outputs[t] = state[0]
        if trace:
            kept[t] = (state, gates)

    output = torch.stack(outputs) if T else walk.wx.new_zeros(0, *state[0].shape)
    S, traced = len(cell.states), []
    if trace and T:
        traced = [torch.stack(each) for each in zip(*(states + gates for states, gates in kept), strict=True)]
    elif trace:
        traced = [output] * (S + len(cell.gates))
    if walk.inside is not None:
        inside = walk.inside.unsqueeze(-1)
        output = torch.where(inside, output, 0)
        traced = [torch.where(inside, each, 0) for each in traced]
    return Scanned(output, state, gates=tuple(traced[S:]), states=tuple(traced[:S]))
