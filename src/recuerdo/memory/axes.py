"""Where an output keeps its samples and steps: asked of its derivatives, since modules lay axes as they like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from recuerdo.memory.recording import Recorded

CLOSE = 1e-3
"""Largest share of a gradient by which it may miss the multiple that it would be if the samples were apart; in a type
that rounds more coarsely, EPSILONS of its roundings."""

EPSILONS = 4


class Axes(NamedTuple):
    """Which axis of an output counts the samples, and which the steps."""

    samples: int
    steps: int


def axes_of(recorded: Sequence[Recorded], output: Tensor) -> Axes | None:
    """Find the axes of an output.

    Args:
        recorded: what :func:`recuerdo.memory.record` returned; the outermost recurrence that can tell decides.
        output: what the module answered, (N, T, ...), (T, N, ...), (N, C, T), or else, with the samples on one of the
            first two axes.

    Returns:
        The axes; the steps are on the first other one that is as long as the recurrence, or on the first other one.
        None where no recurrence can tell, as where the samples of a batch see each other.

    Example:
        >>> import recuerdo as rc
        >>> layer = rc.nn.GRU(1, 2, batch_first=False)
        >>> (output, h), recorded = rc.memory.record(layer, {"x": torch.randn(5, 5, 1)})
        >>> axes_of(recorded, output), axes_of(recorded, output.transpose(0, 1))
        (Axes(samples=1, steps=0), Axes(samples=0, steps=1))
    """
    if output.ndim < 2:
        return None
    for one in reversed(recorded):
        for samples in range(2):
            if rows(one, output, samples) is not None:
                others = [axis for axis in range(output.ndim) if axis != samples]
                T = one.job.x.shape[0]
                return Axes(samples, next((k for k in others if output.shape[k] == T > 1), others[0]))
    return None


def at_each_step(recorded: Sequence[Recorded], output: Tensor, axes: Axes) -> bool:
    """Whether an output has an answer for each step; else it is given once, whatever its other axes count.

    The answer of the first step knows no later state of a forward direction.

    Example:
        >>> import recuerdo as rc
        >>> (output, h), recorded = rc.memory.record(rc.nn.GRU(1, 3), {"x": torch.randn(2, 5, 1)})
        >>> horizons = output[:, -1:].expand(2, 5, 3)  # five steps ahead, all from the last state
        >>> [at_each_step(recorded, each, Axes(0, 1)) for each in (output, horizons)]
        [True, False]
    """
    T = output.shape[axes.steps]
    if output.ndim < 3 or T < 2:
        return False
    forward = [each for each in recorded if each.job.x.shape[0] == T and not each.job.reverse]
    if not forward:
        return any(each.job.x.shape[0] == T for each in recorded)
    first = output.select(axes.steps, 0)
    if not first.requires_grad:
        return True
    ones = torch.ones_like(first)
    found = torch.autograd.grad(first, forward[-1].nudge, ones, retain_graph=True, materialize_grads=True)
    return not any(bool(each[1:].any()) for each in found)


def rows(one: Recorded, output: Tensor, axis: int) -> Tensor | None:
    """Return which row of the output, along an axis, belongs to each sample of a recurrence.

    Each sample's states are behind one row. So if the rows are weighted by 1, 2, ..., the gradient by its states is a
    whole multiple of what it was, and the multiple is the number of the row. Along any other axis it is no multiple.

    Returns:
        (N,) whole numbers from 0, each once; None where the axis does not count the samples. Samples from whose
        states nothing is read take the rows that are left, in order.
    """
    N = one.job.x.shape[1]
    if output.shape[axis] != N or not output.requires_grad:
        return None
    drawn = torch.randn(output.shape, generator=torch.Generator().manual_seed(0)).to(output)
    numbers = torch.arange(1, N + 1, device=output.device).view(-1, *[1] * (output.ndim - 1 - axis))
    plain, counted = (_by_states(one, output, weights) for weights in (drawn, drawn * numbers))
    size = plain.square().sum(dim=1)
    rounding = torch.finfo(output.dtype)
    known = size.sqrt() > rounding.tiny / rounding.eps  # below, numbers lose their digits
    number = (((plain * counted).sum(dim=1) / size)[known]).round()
    missed = (counted[known] - number.unsqueeze(1) * plain[known]).norm(dim=1)
    share = max(CLOSE, EPSILONS * rounding.eps)
    close = missed <= share * counted[known].norm(dim=1)
    if not known.any() or not close.all() or len(number.unique()) < len(number):
        return None
    found = torch.empty(N, dtype=torch.int64, device=output.device)
    found[known] = number.long() - 1
    taken = torch.isin(torch.arange(N, device=output.device), found[known])
    found[~known] = (~taken).nonzero().flatten()
    return found


def _by_states(one: Recorded, output: Tensor, weights: Tensor) -> Tensor:
    """The gradient of a weighted sum of the output by all states of each sample, (N, T * S)."""
    gradients = torch.autograd.grad(output, one.nudge, weights, retain_graph=True, materialize_grads=True)
    return torch.cat(gradients, dim=-1).double().transpose(0, 1).flatten(1)
