"""The loss of a model that brings none: a random projection of its output, sample by sample, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from recuerdo.errors import ShapeError
from recuerdo.memory.axes import Axes, axes_of, rows
from recuerdo.memory.recording import Recorded


class Projection(NamedTuple):
    """What stands in for a loss, the mean over samples.

    Attributes:
        last: what is read at the last step of each sample; of an answer that is given once, all of it.
        each: what is read at every step, added up.
        words: the loss by name.
    """

    last: Tensor
    each: Tensor
    words: str


def first_tensor(output: Any) -> Any:
    """Return the first part of an output that is no tuple or list; a PackedSequence as its padded tensor."""
    if isinstance(output, PackedSequence):
        return pad_packed_sequence(output, batch_first=True)[0]
    while isinstance(output, tuple | list) and output:
        output = first_tensor(output[0])
    return output


def projection(y: Any, recorded: Sequence[Recorded], seed: int) -> Projection:
    """Project an output on a random direction, at each sample's own last step and at every step.

    Args:
        y: the module's first output: (N, T, ...) or (T, N, ...) with steps, (N, K) of an answer that is given once.
        recorded: what :func:`recuerdo.memory.record` returned.
        seed: of the direction.

    Raises:
        ShapeError: y is no tensor, or none of its axes can be told to count the samples.
    """
    if not isinstance(y, Tensor):
        raise ShapeError(f"The module's first output is a {type(y).__name__}: give loss=, a scalar of the output.")
    axes = axes_of(recorded, y.unsqueeze(-1) if y.ndim == 1 else y)
    if axes is None:
        raise ShapeError(
            f"Which axis of the module's first output, {tuple(y.shape)}, counts the samples cannot be told: give "
            f"loss=, a scalar of the output."
        )
    once = y.ndim < 3
    steps = y.transpose(0, axes.samples).reshape(y.shape[axes.samples], 1, -1) if once else y.movedim(axes, (0, 1))
    direction = torch.randn(steps.shape[2:], generator=torch.Generator().manual_seed(seed)).to(steps)
    read = (steps * direction / direction.norm()).flatten(2).sum(dim=2) / steps.shape[0]  # (N, K)
    ends, where = (None, "") if once else (_ends(recorded, y, axes), " at the last step")
    last, each = read[:, -1], read
    if ends is not None:
        k, where = torch.arange(read.shape[1], device=read.device), " at each sample's last step"
        last, each = read * (k == ends - 1), read * (k < ends)
    return Projection(last.sum(), each.sum(), f"a random projection of the output{where} (no loss was given)")


def _ends(recorded: Sequence[Recorded], y: Tensor, axes: Axes) -> Tensor | None:
    """How many steps of each row of y count, (N, 1); None where all do."""
    for one in reversed(recorded):
        if one.job.x.shape[0] == y.shape[axes.steps] and not one.inside.all():
            row = rows(one, y, axes.samples)
            if row is not None:
                ends = torch.empty_like(row)
                ends[row] = one.inside.sum(dim=0)
                return ends.unsqueeze(1)
    return None
