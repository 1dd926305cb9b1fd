"""How far back a change of the state is still felt at the end: the largest growth, and the typical one, lag by lag."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from recuerdo.memory.jacobians import Product, directions, largest_growth
from recuerdo.memory.recording import Recorded

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DIRECTIONS = 8
"""Random directions over which the typical growth is a mean."""

ITERATIONS = 15
"""Power iterations for the largest growth, at most: enough to see it on a logarithmic scale."""


@dataclass(frozen=True)
class Growth:
    """What becomes of a change of the state in one layer and direction, k steps later, at the last step.

    Attributes:
        name: the layer and direction.
        lags: (n,), k in steps.
        largest: (n,), ||ds_T/ds_{T-k}||, the spectral norm, the mean over samples.
        typical: (n,), root mean square of |ds_T/ds_{T-k} v| over random unit directions v and samples.
    """

    name: str
    lags: NDArray[np.int64]
    largest: NDArray[np.float64]
    typical: NDArray[np.float64]

    def to_frame(self) -> pl.DataFrame:
        """Return a row for each lag: layer, lag, largest, typical."""
        columns = {"lag": self.lags, "largest": self.largest, "typical": self.typical}
        return pl.DataFrame({"layer": [self.name] * len(self.lags), **columns})

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw it: see :func:`recuerdo.show.plot_growth`."""
        from recuerdo import show

        return show.plot_growth(self, ax=ax)


def growth(recorded: Sequence[Recorded], lags: Sequence[int] | None = None, *, seed: int = 0) -> list[Growth]:
    """Measure the growth of changes in every recorded layer and direction.

    Args:
        recorded: what :func:`recuerdo.memory.record` returned, samples of one length.
        lags: which k; None takes about ten from 1 to T - 1, evenly in their logarithm.
        seed: of the directions.

    Example:
        >>> import recuerdo as rc
        >>> layer = rc.nn.IndRNN(1, 2, nonlinearity="tanh", bias=False)
        >>> _ = layer.weight_hh_l0.data.copy_(torch.tensor([0.5, 0.9]))
        >>> _, recorded = rc.memory.record(layer, {"x": torch.zeros(1, 11, 1)})  # at zero tanh' is 1
        >>> growth(recorded, lags=[1, 10])[0].largest.round(4).tolist()  # the slowest unit decides: 0.9 ** k
        [0.9, 0.3487]
    """
    return [_of_one(each, lags, seed) for each in recorded]


@torch.no_grad()
def _of_one(recorded: Recorded, lags: Sequence[int] | None, seed: int) -> Growth:
    T = recorded.job.x.shape[0]
    if lags is None:
        lags = sorted(set(np.geomspace(1, max(1, T - 1), 10).round().astype(int).tolist()))
    largest, typical = [], []
    for lag in lags:
        product = Product(recorded, T - 1 - lag, T - 1)
        largest.append(float(largest_growth(product, ITERATIONS, seed).mean()))
        pushed = torch.stack([product.push(v) for v in directions(product, DIRECTIONS, seed)])
        typical.append(float(pushed.norm(dim=-1).square().mean().sqrt()))
    return Growth(recorded.name, np.array(lags, dtype=np.int64), np.array(largest), np.array(typical))
