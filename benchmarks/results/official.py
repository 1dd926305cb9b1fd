"""The scores of the M4 competition: means over each series first and then over the series, relative to Naive2."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recuerdo.tasks import Errors
from recuerdo.tasks.backtests import Backtest
from recuerdo.tasks.metrics import naive_scale, owa
from recuerdo.tasks.naive2 import naive2

from .sets import M4, Values


@dataclass(frozen=True)
class Official:
    """What forecasts of some windows are scored by.

    Attributes:
        series: (n,), the number of each window's series.
        truth: (n, K).
        scales: (n,), the units of MASE, from the rows before each window.
        naive2: (n, K), the forecasts that OWA is relative to.
    """

    series: NDArray[np.int64]
    truth: Values
    scales: Values
    naive2: Values

    @classmethod
    def of(cls, made: Backtest, season: int) -> Official:
        """Return the scores' units for the windows of a backtest or of a fit's trial."""
        known = [made.known.series[number].values[: end + 1] for number, end in made.origins]
        scales = np.array([naive_scale(rows, season) for rows in known])
        reference = np.stack([naive2(rows, made.horizon, season) for rows in known])
        return cls(made.origins[:, 0], made.truth, scales, reference)

    def scores(self, forecast: Values) -> dict[str, float]:
        """Return sMAPE, MASE and the others of some forecasts (n, K)."""
        return Errors.of(self.truth, forecast, self.scales).scores(self.series)

    def owa(self, forecast: Values) -> float:
        """Return the OWA of some forecasts (n, K)."""
        return owa(self.scores(forecast), self.scores(self.naive2))

    def without(self, left_out: Sequence[int]) -> Official:
        """Return the same without the windows of some series."""
        kept = ~np.isin(self.series, left_out)
        numbers = np.unique(self.series[kept], return_inverse=True)[1]
        return Official(numbers, self.truth[kept], self.scales[kept], self.naive2[kept])


def matching(data: M4) -> dict[int, list[int]]:
    """Return the number of each series whose test values are a run of other series' training rows, and these series.

    Such a window could be learned by heart, so that what a model makes of it says nothing about how it forecasts.
    """
    K, rows = data.horizon, np.concatenate(data.known)
    ends = np.cumsum([len(each) for each in data.known])
    found: dict[int, list[int]] = {}
    for number, truth in enumerate(data.truth):
        starts = np.flatnonzero(rows[: len(rows) - K + 1] == truth[0])
        same = starts[(rows[starts[:, None] + np.arange(K)] == truth).all(axis=1)]
        first, last = (np.searchsorted(ends, place, side="right") for place in (same, same + K - 1))
        others = sorted(set(first[(first == last) & (first != number)].tolist()))
        if others:
            found[number] = others
    return found
