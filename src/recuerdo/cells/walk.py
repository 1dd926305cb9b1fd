"""One step of a recurrence with all that surrounds the cell's own equations, ready to be taken at any time."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from recuerdo.cells.spec import ALL, CellSpec, State, Weights

NORM_EPS = 1e-5


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


class Walk:
    """A recurrence from which everything that is not serial has been computed, so that it can be walked step by step.

    The arguments are those of :func:`recuerdo.cells.scan`.

    Attributes:
        order: the steps in the order in which they are taken.
        inside: True where a step counts, (T, N); None if all do.
    """

    def __init__(
        self,
        cell: CellSpec,
        x: Tensor,
        weights: Weights,
        *,
        lengths: Tensor | None = None,
        reset: Tensor | None = None,
        restart: State | None = None,
        recurrent_mask: Tensor | None = None,
        zoneout: float | Tensor | None = None,
        nudge: State | None = None,
        reverse: bool = False,
    ) -> None:
        T = x.shape[0]
        x, self.inside, reset = settled(x, lengths, reset, reverse)
        self.order = range(T - 1, -1, -1) if reverse else range(T)
        self.reset, self.restart, self.zoneout, self.nudge = reset, restart, zoneout, nudge
        self.cell, self.wx = cell, input_half(cell, x, weights)  # (T, N, G, H)
        self.recurrent = Recurrence(cell, weights, recurrent_mask)

    def step(self, t: int | slice, state: State) -> tuple[State, tuple[Tensor, ...]]:
        """Take step t.

        Args:
            t: which step; a slice takes several at once, each from its own state, as Jacobians of single steps need it.
            state: the state before it, (N, H) each; for a slice of length M (M, N, H) each.

        Returns:
            The state after it, and the cell's gates, in the same shapes.
        """
        if self.reset is not None:
            restart = self.restart or tuple(torch.zeros_like(s) for s in state)
            state = _choose(self.reset[t], restart, state)
        new, gates = self.cell.step(self.wx[t], state, self.recurrent)
        if self.zoneout is not None:
            new = tuple(self._blend(n, s, k, t) for k, (n, s) in enumerate(zip(new, state, strict=True)))
        if self.nudge is not None:
            new = tuple(n + each[t] for n, each in zip(new, self.nudge, strict=True))
        return new if self.inside is None else _choose(self.inside[t], new, state), gates

    def _blend(self, new: Tensor, old: Tensor, which: int, t: int | slice) -> Tensor:
        kept = self.zoneout[which, t] if isinstance(self.zoneout, Tensor) else self.zoneout
        assert kept is not None
        return kept * old + (1 - kept) * new


def settled(
    x: Tensor, lengths: Tensor | None, reset: Tensor | None, reverse: bool
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Return x without what lies beyond a length, which steps count (T, N), and resets in the order of the walk."""
    inside = None
    if lengths is not None:
        inside = torch.arange(x.shape[0], device=x.device).unsqueeze(-1) < lengths
        x = torch.where(inside.unsqueeze(-1), x, 0)
    if reset is not None:
        reset = reset if inside is None else reset & inside
        if reverse:  # a boundary before step t + 1 is met on the way from t + 1 to t
            reset = torch.cat([reset[1:], torch.zeros_like(reset[:1])])
    return x, inside, reset


def input_half(cell: CellSpec, x: Tensor, weights: Weights) -> Tensor:
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
