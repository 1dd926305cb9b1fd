"""How far back a model remembers, by four measures that are often taken for one another, and how far it would need."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor

from recuerdo.memory.flow import GradientFlow
from recuerdo.memory.gates import GateActivity
from recuerdo.memory.horizon import Horizon
from recuerdo.memory.itemised import ItemisedFlow
from recuerdo.memory.jacobians import Lyapunov
from recuerdo.memory.probes import LEAST, parts_of, readout
from recuerdo.memory.recall import Recall

SLOWEST = 0.9
"""Quantile of a layer's time constants that stands for its promise: a few units remember for the others."""

FELT = 0.01
"""Share of the largest gradient below which what is left teaches nothing beside it."""

BETTER = 0.02
"""Share of the error by which more of the past has to help a linear readout, to be needed."""

ROWS = 40
"""Samples that a linear readout needs to say what is needed."""

WORDS = {
    "promised": "promise",
    "held": "the state holds",
    "trainable": "gradients reach",
    "used": "answers use",
    "needed": "the task needs",
}


class Needed(NamedTuple):
    """How many steps back a task needs, and how that is known; None where it is not."""

    steps: int | None
    why: str


@dataclass(frozen=True)
class Reach:
    """How far back a model remembers, in steps.

    Attributes:
        promised: the time in which the slower tenth of the units would forget if left alone, of the layer where it is
            longest; of a layer without gates the time in which a change of its state dies. Infinite where none does.
        held: the largest lag whose input a linear readout of some layer's state tells; None where it was not probed.
        trainable: the largest lag at which the gradient of a loss is a hundredth of its largest or more.
        used: the lag beyond which the past can be exchanged without a change; None where it was not measured.
        needed: what the task needs.
        steps: that the data have.
        gated: whether it is gates that promise; else it is the weights.
    """

    promised: float
    held: int | None
    trainable: int
    used: int | None
    needed: Needed
    steps: int
    gated: bool = True

    def to_frame(self) -> pl.DataFrame:
        """Return a row for each measure: what, steps, null where it is not known."""
        values = [self.promised, self.held, self.trainable, self.used, self.needed.steps]
        steps = pl.Series("steps", [None if value is None else float(value) for value in values], dtype=pl.Float64)
        return pl.DataFrame({"what": list(WORDS)}).with_columns(steps)

    def __str__(self) -> str:
        """One sentence: "Gates promise 38 steps, the state holds 31, gradients reach 12 of the 50 the task needs"."""

        def said(value: float | None) -> str:
            return "an unknown number of" if value is None else how_far(value, self.steps)

        parts = [f"{WORDS[name]} {said(getattr(self, name))}" for name in ("promised", "held", "trainable", "used")]
        parts[0] = f"{'Gates' if self.gated else 'Weights'} {parts[0]} steps"
        need = self.needed
        end = f"the task needs {need.steps} ({need.why})" if need.steps is not None else f"what it needs is {need.why}"
        return f"{', '.join(parts)}; {end}. The data have {self.steps} steps."


def how_far(value: float | None, steps: int) -> str:
    """Write how far something reaches, of data with so many steps."""
    if value is None:
        return "unknown"
    return "all" if value >= steps else f"{value:.0f}"


def reach(
    flows: Sequence[GradientFlow],
    itemised: Sequence[ItemisedFlow],
    gates: Sequence[GateActivity],
    lyapunov: Sequence[Lyapunov],
    recall: Sequence[Recall],
    horizon: Horizon | None,
    ends: Sequence[int],
    needed: Needed,
) -> Reach:
    """Sum up what was measured of all layers and directions."""
    return Reach(
        promised=_promised(gates, lyapunov),
        held=max((each.horizon for each in recall), default=None),
        trainable=max(_felt(each, end) for each, end in zip(_curves(flows, itemised), ends, strict=True)),
        used=None if horizon is None else horizon.used,
        needed=needed,
        steps=max(ends),
        gated=any(each.time_constants is not None for each in gates),
    )


def _promised(gates: Sequence[GateActivity], lyapunov: Sequence[Lyapunov]) -> float:
    dying = {each.name: float(each.memory.mean()) for each in lyapunov}
    return max(
        dying.get(each.name, 0.0)
        if each.time_constants is None
        else float(np.quantile(each.time_constants, SLOWEST, method="lower"))
        for each in gates
    )


def grows(flows: Sequence[GradientFlow]) -> float:
    """Return by how much gradients grow on their way back through the recurrence, at most.

    The factor of a step is |J^T delta| / |delta|, whatever else arrives there, and the growth is the largest product of
    neighbouring factors; 1 where all of them shrink it.
    """
    return max(_growth(each) for each in flows)


def _growth(flow: GradientFlow) -> float:
    total, recurrent = flow.total, flow.recurrent
    if flow.name.endswith("_reverse"):
        total, recurrent = total[::-1], recurrent[::-1]
    best = sofar = 0.0
    for before, after in zip(recurrent[-2::-1].tolist(), total[:0:-1].tolist(), strict=True):
        sofar = max(0.0, sofar + math.log(before / after)) if before > 0 and after > 0 else 0.0
        best = max(best, sofar)
    return math.exp(best)


def _curves(flows: Sequence[GradientFlow], itemised: Sequence[ItemisedFlow]) -> list[NDArray[np.float64]]:
    """For each layer and direction |dL/ds| by the steps back from the loss."""
    if itemised:
        return [
            by_lag(each, reverse=flow.name.endswith("_reverse")) for each, flow in zip(itemised, flows, strict=True)
        ]
    return [each.total if each.name.endswith("_reverse") else each.total[::-1] for each in flows]


def by_lag(itemised: ItemisedFlow, *, reverse: bool = False) -> NDArray[np.float64]:
    """The gradient of a step's loss by the state k steps before, (T,), the mean over the steps that have one.

    Args:
        itemised: of one layer and direction.
        reverse: whether it runs from the last step to the first, so that its past comes later.
    """
    T = itemised.norms.shape[1]
    sums, counts = np.zeros(T), np.zeros(T)
    for k, row in zip(itemised.losses.tolist(), itemised.norms, strict=True):
        past = row[min(k, T - 1) :] if reverse else row[min(k, T - 1) :: -1]
        sums[: len(past)] += past
        counts[: len(past)] += 1
    return sums / np.maximum(counts, 1)


def _felt(curve: NDArray[np.float64], end: int) -> int:
    (lags,) = np.nonzero(curve >= FELT * max(curve.max(initial=0.0), 1e-300))
    return min(int(lags[-1]), end - 1) if len(lags) else 0


def needed_of(x: Tensor, y: Tensor) -> Needed:
    """Ask a linear readout of the raw input how much of the past helps it.

    Args:
        x: (N, T, D), each sample's steps up to the one that is answered for.
        y: (N, Q), the answers.

    Example:
        >>> x = torch.randn(500, 20, 1)
        >>> needed_of(x, x[:, -4])  # the answer is the input three steps before the last
        Needed(steps=3, why='by lagged ridge regression')
    """
    N, T, D = x.shape
    unknown = Needed(None, "unknown")
    if N < ROWS or not (x.isfinite().all() and y.isfinite().all()):
        return unknown
    x, y = x.double().cpu(), y.double().cpu()
    parts = parts_of(torch.arange(N), torch.zeros(N))
    furthest = min(T - 1, N // (LEAST * D))
    lags = sorted({*range(min(furthest, 24) + 1), *(round(float(k)) for k in np.geomspace(1, max(furthest, 1), 16))})
    truth = y[parts.judge]
    whole = (truth - y[parts.fit].mean(dim=0)).square().sum()
    errors = [
        float((readout(x[:, T - 1 - k :].flatten(1), y, parts) - truth).square().sum() / whole.clamp_min(1e-300))
        for k in lags
        if k < T
    ]
    lowest = min(errors)
    if not whole or lowest > 1 - 2 * BETTER:
        return unknown  # nothing that a linear readout could tell
    first = next(k for k, error in zip(lags, errors, strict=False) if error <= lowest + BETTER)
    return Needed(first, "by lagged ridge regression")
