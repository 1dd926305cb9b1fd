"""The one reference loop over time: every cell runs through it, and every faster kernel is held against it."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from recuerdo.cells.spec import ALL, CellSpec, State, Weights

NORM_EPS = 1e-5


class Scanned(NamedTuple):
    """What a recurrence gives back.

    Attributes:
        output: the hidden state after every step, (T, N, H); zero beyond a sample's length.
        state: the state after the last step of each sample, (N, H) each.
        gates: with trace=True every gate of the cell, (T, N, H) each, in the order of CellSpec.gates; else empty.
        states: with trace=True every state after every step, (T, N, H) each, in the order of CellSpec.states; else
            empty.
    """

    output: Tensor
    state: State
    gates: tuple[Tensor, ...] = ()
    states: tuple[Tensor, ...] = ()


class Recurrence:
    """U h + b of a layer: mask, product, norm, bias, in this order. The implementation of spec.Recurrent."""

    def __init__(self, cell: CellSpec, weights: Weights, mask: Tensor | None) -> None:
        G = cell.blocks
        self.full = cell.recurrent == "full"
        self.U = weights.weight_hh.unflatten(0, (G, -1))  # (G, H, H), or (G, H) on the diagonal
        self.b = None if weights.bias_hh is None else weights.bias_hh.unflatten(0, (G, -1))
        self.gain = None if weights.norm_hh is None else weights.norm_hh.unflatten(0, (G, -1))
        self.c_gain, self.c_bias = weights.norm_c, weights.norm_c_bias
        self.mask = mask

    def __call__(self, h: Tensor, blocks: slice = ALL) -> Tensor:
        """Return U h + b for the named blocks, (N, G, H)."""
        if self.mask is not None:
            h = h * self.mask
        U, b = self.U[blocks], None if self.b is None else self.b[blocks]
        if not self.full:
            product = h.unsqueeze(-2) * U
            return product if b is None else product + b
        if self.gain is None:
            return F.linear(h, U.flatten(0, 1), None if b is None else b.flatten()).unflatten(-1, U.shape[:2])
        product = _norm(F.linear(h, U.flatten(0, 1)).unflatten(-1, U.shape[:2])) * self.gain[blocks]
        return product if b is None else product + b

    def normed(self, c: Tensor) -> Tensor:
        """Return c, layer-normalised if the weights have a gain for it."""
        return c if self.c_gain is None else F.layer_norm(c, c.shape[-1:], self.c_gain, self.c_bias, NORM_EPS)


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
        reverse: run from the last step of each sample to its first.
        trace: also return every gate and state.

    Returns:
        See :class:`Scanned`. All of it is differentiable, to any order and in forward mode.
    """
    T = x.shape[0]
    steps = torch.arange(T, device=x.device).unsqueeze(-1)
    inside = None if lengths is None else steps < lengths  # (T, N)
    if inside is not None:
        x = torch.where(inside.unsqueeze(-1), x, 0)
    if reset is not None:
        reset = reset if inside is None else reset & inside
        if reverse:  # a boundary before step t + 1 is met on the way from t + 1 to t
            reset = torch.cat([reset[1:], torch.zeros_like(reset[:1])])
        restart = restart or tuple(torch.zeros_like(s) for s in state)

    wx = _input_half(cell, x, weights)  # (T, N, G, H)
    recurrent = Recurrence(cell, weights, recurrent_mask)
    outputs: list[Tensor] = [state[0]] * T
    kept: list[tuple[State, tuple[Tensor, ...]]] = [((), ())] * T
    for t in reversed(range(T)) if reverse else range(T):
        if reset is not None and restart is not None:
            state = _choose(reset[t], restart, state)
        new, gates = cell.step(wx[t], state, recurrent)
        if zoneout is not None:
            new = tuple(_blend(n, s, zoneout, k, t) for k, (n, s) in enumerate(zip(new, state, strict=True)))
        state = new if inside is None else _choose(inside[t], new, state)
        outputs[t] = state[0]
        if trace:
            kept[t] = (state, gates)

    output = torch.stack(outputs) if T else wx.new_zeros(0, *state[0].shape)
    S, traced = len(cell.states), []
    if trace and T:
        traced = [torch.stack(each) for each in zip(*(states + gates for states, gates in kept), strict=True)]
    elif trace:
        traced = [output] * (S + len(cell.gates))
    if inside is not None:
        output = torch.where(inside.unsqueeze(-1), output, 0)
        traced = [torch.where(inside.unsqueeze(-1), each, 0) for each in traced]
    return Scanned(output, state, gates=tuple(traced[S:]), states=tuple(traced[:S]))


def _input_half(cell: CellSpec, x: Tensor, weights: Weights) -> Tensor:
    """W x + b for all steps at once, (T, N, G, H): the part of a recurrence that is not serial."""
    G = cell.blocks
    if weights.norm_ih is None:
        return F.linear(x, weights.weight_ih, weights.bias_ih).unflatten(-1, (G, -1))
    wx = _norm(F.linear(x, weights.weight_ih).unflatten(-1, (G, -1))) * weights.norm_ih.unflatten(0, (G, -1))
    return wx if weights.bias_ih is None else wx + weights.bias_ih.unflatten(0, (G, -1))


def _norm(product: Tensor) -> Tensor:
    """Layer norm over the H units of each block, without gain and shift."""
    return F.layer_norm(product, product.shape[-1:], eps=NORM_EPS)


def _choose(where: Tensor, yes: State, no: State) -> State:
    return tuple(torch.where(where.unsqueeze(-1), y, n) for y, n in zip(yes, no, strict=True))


def _blend(new: Tensor, old: Tensor, zoneout: float | Tensor, which: int, t: int) -> Tensor:
    kept = zoneout[which, t] if isinstance(zoneout, Tensor) else zoneout
    return kept * old + (1 - kept) * new
