"""What the gates do: how open they stand, how often they are stuck, and how long a memory they promise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from recuerdo.memory.recording import Recorded

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEFT, RIGHT = 0.1, 0.9
"""A gate below the one is shut, one above the other open: left and right saturated (Karpathy et al. 2015)."""


@dataclass(frozen=True)
class GateActivity:
    """One layer in one direction: its gates over a batch, and the memory that they promise.

    A promise is what a unit's own forgetting alone would allow, the time in which a value left alone falls to 1/e.
    What the state holds, and what gradients reach, may be less.

    Attributes:
        name: the layer and direction.
        activity: gate -> (T,), the mean over samples and units at each step; NaN at a step that no sample has.
        left, right: gate -> (H,), share of steps and samples at which a unit's gate is below 0.1 and above 0.9.
            Candidates (LSTM's g, GRU's n) are in (-1, 1) and have none.
        time_constants: (H,), steps: -1 / mean(ln f) of the forget gate (LSTM) or of z (GRU), -1 / ln|u| in IndRNN;
            infinite where nothing is forgotten, 0 where all of it is. None for FRNN, whose units have no time constant
            of their own.

    Source:
        Karpathy et al. 2015, Visualizing and understanding recurrent networks, section 4.2; time constants: Tallec and
        Ollivier 2018, Can recurrent neural networks warp time?, section 1.
    """

    name: str
    activity: dict[str, NDArray[np.float64]]
    left: dict[str, NDArray[np.float64]]
    right: dict[str, NDArray[np.float64]]
    time_constants: NDArray[np.float64] | None

    def to_frame(self) -> pl.DataFrame:
        """Return how stuck each unit's gates are: layer, gate, unit, left, right."""
        schema = {"layer": pl.String, "gate": pl.String, "unit": pl.Int64, "left": pl.Float64, "right": pl.Float64}
        rows = [
            (self.name, gate, unit, float(low), float(high))
            for gate, left in self.left.items()
            for unit, (low, high) in enumerate(zip(left, self.right[gate], strict=True))
        ]
        return pl.DataFrame(rows, schema=schema, orient="row")

    def activity_frame(self) -> pl.DataFrame:
        """Return how open each gate stands at each step: layer, gate, step, mean."""
        schema = {"layer": pl.String, "gate": pl.String, "step": pl.Int64, "mean": pl.Float64}
        rows = [(self.name, gate, t, float(m)) for gate, mean in self.activity.items() for t, m in enumerate(mean)]
        return pl.DataFrame(rows, schema=schema, orient="row")

    def time_constants_frame(self) -> pl.DataFrame:
        """Return the memory that each unit's gates promise: layer, unit, steps; no rows for FRNN."""
        steps = [] if self.time_constants is None else self.time_constants.tolist()
        schema = {"layer": pl.String, "unit": pl.Int64, "steps": pl.Float64}
        return pl.DataFrame([(self.name, unit, each) for unit, each in enumerate(steps)], schema=schema, orient="row")

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the gates: see :func:`recuerdo.show.plot_gates`."""
        from recuerdo import show

        return show.plot_gates(self, ax=ax)

    def plot_time_constants(self, *, ax: Axes | None = None) -> Axes:
        """Draw the memory that they promise: see :func:`recuerdo.show.plot_time_constants`."""
        from recuerdo import show

        return show.plot_time_constants(self, ax=ax)


def gate_activity(recorded: Sequence[Recorded]) -> list[GateActivity]:
    """Describe the gates of every recorded layer and direction.

    Args:
        recorded: what :func:`recuerdo.memory.record` returned.

    Example:
        >>> import recuerdo as rc
        >>> layer = rc.nn.IndRNN(1, 3)
        >>> _ = layer.weight_hh_l0.data.copy_(torch.tensor([0.5, 0.9, 1.0]))
        >>> _, recorded = rc.memory.record(layer, {"x": torch.zeros(1, 4, 1)})
        >>> gate_activity(recorded)[0].time_constants.round(3).tolist()
        [1.443, 9.491, inf]
    """
    return [_of_one(each) for each in recorded]


@torch.no_grad()
def _of_one(recorded: Recorded) -> GateActivity:
    cell, inside = recorded.job.cell, recorded.inside
    activity, left, right = {}, {}, {}
    count = inside.sum(dim=1).unsqueeze(-1)
    for name, gate in recorded.gates.items():
        gate = gate.double()
        activity[name] = ((gate * inside.unsqueeze(-1)).sum(dim=1) / count).mean(dim=-1).cpu().numpy()
        if name in cell.candidates:
            continue
        taken = gate[inside]  # (steps that count, H)
        left[name] = (taken < LEFT).double().mean(dim=0).cpu().numpy()
        right[name] = (taken > RIGHT).double().mean(dim=0).cpu().numpy()
    return GateActivity(recorded.name, activity, left, right, _time_constants(recorded))


def _time_constants(recorded: Recorded) -> NDArray[np.float64] | None:
    cell = recorded.job.cell
    if cell.recurrent == "diagonal":
        rate = recorded.job.weights.weight_hh.double().abs().log()
    elif cell.forgets is not None:
        rate = recorded.gates[cell.forgets].double()[recorded.inside].log().mean(dim=0)
    else:
        return None
    with np.errstate(divide="ignore"):
        constants = -1 / rate.cpu().numpy()
    return np.where(rate.cpu().numpy() >= 0, np.inf, constants)
