"""What the state still holds of the past: linear probes from the state to the input some steps back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor

from recuerdo.errors import OptionError
from recuerdo.memory.probes import Parts, parts_of, readout
from recuerdo.memory.recording import Recorded

HELD = 0.5
"""Score from which an input counts as held: half of what there is to know of it."""

LAGS = 24
"""Lags that are probed by default, at most."""

CLASSES = 64
"""Tokens that a probe tells apart, the most frequent ones; the others count as missed."""

ROWS, LEAST_ROWS = 4, 400
"""Rows for each unit of the state, and in all, that are wanted to probe by, where there are steps enough."""


@dataclass(frozen=True)
class Recall:
    """How well a linear readout of the state tells the input k steps back, on samples that it was not fitted on.

    A score is the share of what there is to know: 1 where the input is told without an error, 0 where it is told no
    better than by the baseline. For numbers it is (R^2 - b) / (1 - b), with the baseline b the R^2 of a readout of the
    present input alone, which a series that resembles its past already has; for input without such resemblance it is
    R^2. For tokens R^2 is replaced by the accuracy, and b is that of a readout whose targets were shuffled.

    Attributes:
        name: the layer and direction.
        lags: (n,), k in steps; in a layer that runs in reverse the input k steps ahead, which it has seen.
        found: (n,), R^2 or accuracy.
        baseline: (n,), the same of the baseline.
        tokens: whether it is accuracy.
        rows: how many states it was judged on.

    Source:
        Alain and Bengio 2017, Understanding intermediate layers using linear classifier probes; Jaeger 2001, Short term
        memory in echo state networks.
    """

    name: str
    lags: NDArray[np.int64]
    found: NDArray[np.float64]
    baseline: NDArray[np.float64]
    tokens: bool
    rows: int

    @property
    def score(self) -> NDArray[np.float64]:
        """(n,), 0 to 1: the share of what there is to know."""
        room = np.maximum(1 - self.baseline, 1e-9)
        return np.clip((self.found - np.maximum(self.baseline, 0)) / room, 0.0, 1.0)

    @property
    def horizon(self) -> int:
        """The largest lag whose input is held, with a score of a half or more; 0 where none is."""
        return int(max(self.lags[self.score >= HELD], default=0))

    @property
    def measured(self) -> int:
        """The largest lag that was probed."""
        return int(self.lags[-1])

    def to_frame(self) -> pl.DataFrame:
        """Return a row for each lag: layer, lag, found, baseline, score."""
        columns = {"lag": self.lags, "found": self.found, "baseline": self.baseline, "score": self.score}
        return pl.DataFrame({"layer": [self.name] * len(self.lags), **columns})


def recall(
    recorded: Sequence[Recorded], tokens: Tensor | None = None, *, lags: Sequence[int] | None = None, seed: int = 0
) -> list[Recall]:
    """Probe every recorded layer and direction for the input of the first.

    Args:
        recorded: what :func:`recuerdo.memory.record` returned.
        tokens: (T, N) int64, the input where it is tokens; None for numbers, those that the first recurrence was given.
        lags: which k, from 1; None takes those that leave rows enough to judge by, all small ones and ever fewer.
        seed: of the shuffle.

    Returns:
        One for each layer and direction that runs over the same steps as the first.

    Raises:
        OptionError: a lag is below 1, or leaves no step.
        DataError: there are too few samples and steps to fit on some and judge on others.

    Example:
        >>> import recuerdo as rc
        >>> layer = rc.nn.FRNN(1, 2, nonlinearity="linear", bias=False)
        >>> _ = layer.weight_hh_l0.data.copy_(torch.tensor([[0.0, 0], [1, 0]]))  # unit 1 is what unit 0 was
        >>> _ = layer.weight_ih_l0.data.copy_(torch.tensor([[1.0], [0]]))
        >>> _, recorded = rc.memory.record(layer, {"x": torch.randn(20, 50, 1)})
        >>> recall(recorded, lags=[1, 2])[0].score.round(1).tolist()
        [1.0, 0.0]
    """
    first = recorded[0]
    same = [each for each in recorded if each.inside.shape == first.inside.shape]
    P = max(sum(state.shape[-1] for state in each.states.values()) for each in same)
    known = _checked(lags, first) if lags is not None else _lags(first, P)
    x = first.job.x.detach().double().cpu() if tokens is None else _one_hot(tokens.cpu())
    return [_of_one(each, x, np.array(known), tokens, seed) for each in same]


def _checked(lags: Sequence[int], first: Recorded) -> list[int]:
    T = first.job.x.shape[0]
    if not lags or min(lags) < 1 or max(lags) >= T:
        raise OptionError(f"lags={list(lags)}: they count steps back, from 1 to {T - 1} of {T} steps.")
    return sorted(set(lags))


def _lags(first: Recorded, units: int) -> list[int]:
    T, lengths = first.job.x.shape[0], first.inside.sum(dim=0)
    rows = [int((lengths - k).clamp(min=0).sum()) for k in range(T)]  # that a lag leaves
    furthest = max(sum(each >= max(ROWS * units, LEAST_ROWS) for each in rows) - 1, int(lengths.float().mean()) // 2)
    if furthest < 1:
        raise OptionError(f"{T} step{'s' * (T > 1)} have no past to probe: give longer samples.")
    return sorted({round(float(k)) for k in np.geomspace(1, furthest, min(LAGS, furthest))} | {furthest})


def _one_hot(tokens: Tensor) -> Tensor:
    """(T, N, C) of the most frequent tokens."""
    values, counts = tokens.unique(return_counts=True)
    chosen = values[counts.argsort(descending=True, stable=True)[:CLASSES]]
    return (tokens.unsqueeze(-1) == chosen).double()


@torch.no_grad()
def _of_one(recorded: Recorded, x: Tensor, lags: NDArray[np.int64], tokens: Tensor | None, seed: int) -> Recall:
    inside = recorded.inside.cpu()
    state = torch.cat([each.detach().double().cpu() for each in recorded.states.values()], dim=-1)
    if recorded.job.reverse:  # then the past is what comes later
        inside, state, x = inside.flip(0), state.flip(0), x.flip(0)
    furthest = int(lags[-1])
    counts = inside.clone()
    counts[:furthest] = False
    counts[furthest:] &= inside[: len(inside) - furthest]
    steps, samples = counts.nonzero(as_tuple=True)
    parts = parts_of(samples, steps)
    targets = torch.stack([x[steps - int(k), samples] for k in lags], dim=1)  # (n, lags, D)
    read = readout(state[steps, samples], targets.flatten(1), parts).view(len(parts.judge), len(lags), -1)
    if tokens is None:
        rest = readout(x[steps, samples], targets.flatten(1), parts).view_as(read)
        found, baseline = (_explained(said, targets, parts) for said in (read, rest))
    else:
        order = torch.randperm(len(steps), generator=torch.Generator().manual_seed(seed))
        shuffled = targets[order]
        rest = readout(state[steps, samples], shuffled.flatten(1), parts).view_as(read)
        found, baseline = _accuracy(read, targets[parts.judge]), _accuracy(rest, shuffled[parts.judge])
    return Recall(recorded.name, lags, found, baseline, tokens is not None, len(parts.judge))


def _explained(said: Tensor, targets: Tensor, parts: Parts) -> NDArray[np.float64]:
    """R^2 for each lag, (n,): the mean over the features that vary."""
    truth = targets[parts.judge]
    spread = (truth - targets[parts.fit].mean(dim=0)).square().sum(dim=0)
    missed = (said - truth).square().sum(dim=0)
    varies = spread > 1e-12 * len(truth)
    each = torch.where(varies, 1 - missed / spread.clamp_min(1e-300), 0.0)
    return (each.sum(dim=1) / varies.sum(dim=1).clamp_min(1)).numpy()


def _accuracy(said: Tensor, truth: Tensor) -> NDArray[np.float64]:
    right = truth.gather(-1, said.argmax(dim=-1, keepdim=True)).squeeze(-1)
    return right.mean(dim=0).numpy()
