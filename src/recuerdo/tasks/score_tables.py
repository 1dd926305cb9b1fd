"""Many forecasts, measured once: their scores by series, by origin and by step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recuerdo.errors import OptionError, ShapeError
from recuerdo.tasks.metrics import SCORES, Values, checked_pair, checked_scale, percentage_errors, symmetric_errors

PIECE = 2**15
"""Values that are measured at once, so that what lies between them stays in the cache."""


@dataclass(frozen=True)
class Errors:
    """The errors of n forecasts of K steps, of which every table of scores is a mean.

    The first table costs one pass over the (n, K) values, the others next to nothing. A true value that is NaN is
    missing and counts nowhere; where a forecast, a step or a group has no true value at all, its scores are NaN.

    Attributes:
        truth: (n, K), NaN where missing.
        forecast: (n, K).
        scale: (n, 1), the unit of MASE of each forecast, NaN where it is undefined.

    Example:
        >>> errors = Errors.of([[1, 2], [3, np.nan]], [[2, 2], [3, 9]], scale=2)
        >>> errors.scores()["MAE"], errors.by_forecast()["MAE"].tolist(), errors.by_step()["MASE"].tolist()
        (0.333..., [0.5, 0.0], [0.25, 0.0])
    """

    truth: Values
    forecast: Values
    scale: Values

    @classmethod
    def of(cls, truth: ArrayLike, forecast: ArrayLike, scale: ArrayLike) -> Errors:
        """Return the errors of n forecasts.

        Args:
            truth: (n, K), in the series' units.
            forecast: (n, K).
            scale: one number, or (n,): see :func:`recuerdo.tasks.metrics.naive_scale`.

        Raises:
            ShapeError: the arrays are not (n, K), or the scales not one for each forecast.
            DataError: no true value is there, or a forecast is not a finite number.
        """
        y, f = checked_pair(truth, forecast)
        if y.ndim != 2:
            raise ShapeError(f"Tables of scores are made of n forecasts of K steps, (n, K); got {y.shape}.")
        return cls(y, f, np.broadcast_to(checked_scale(scale, y), (len(y), 1)))

    def each(self, score: str) -> Values:
        """Return the errors that a score is the mean of, (n, K): those of "RMSE" are squared, its mean needs a root.

        NaN where the true value is missing, and where the error is undefined.

        Raises:
            OptionError: it is not one of :data:`recuerdo.tasks.metrics.SCORES`.
        """
        if score not in _EACH:
            raise OptionError(f"There is no score {score!r}: choose among {', '.join(SCORES)}.")
        return _EACH[score](self.truth, self.forecast, self.scale)

    def scores(self, groups: NDArray[np.integer] | None = None) -> dict[str, float]:
        """Return score -> mean over all true values; with groups, over each group first and then over the groups.

        Args:
            groups: (n,) numbers of groups from 0. The numbers of the forecasts' series give M4's averages.
        """
        if groups is None:
            groups = np.zeros(len(self.truth), dtype=np.int64)
        counted = self._group_counts(groups) > 0
        return {name: float(np.mean(means[counted])) for name, means in self.by_group(groups).items()}

    def by_step(self) -> dict[str, Values]:
        """Return score -> (K,), the means over all forecasts."""
        return {name: _means(name, columns, self._counts[1]) for name, (_, columns) in self._sums.items()}

    def by_forecast(self) -> dict[str, Values]:
        """Return score -> (n,), the means over the steps of each forecast."""
        return {name: _means(name, rows, self._counts[0]) for name, (rows, _) in self._sums.items()}

    def by_group(self, groups: NDArray[np.integer], count: int | None = None) -> dict[str, Values]:
        """Return score -> (groups,), the means over all true values of each group of forecasts.

        Args:
            groups: (n,), the group of each forecast, numbered from 0: its series, or its origin.
            count: how many groups there are; None for one more than the highest number.

        Raises:
            ShapeError: there is not one number for each forecast.
        """
        counts = self._group_counts(groups, count)
        return {
            name: _means(name, np.bincount(groups, rows, len(counts)).astype(np.float64), counts)
            for name, (rows, _) in self._sums.items()
        }

    def _group_counts(self, groups: NDArray[np.integer], count: int | None = None) -> Values:
        if groups.shape != (len(self.truth),):
            raise ShapeError(f"There is one group for each of {len(self.truth)} forecasts; got {groups.shape}.")
        return np.bincount(groups, weights=self._counts[0], minlength=count or 0).astype(np.float64)

    @cached_property
    def _there(self) -> NDArray[np.bool_]:
        return ~np.isnan(self.truth)

    @cached_property
    def _counts(self) -> tuple[Values, Values]:
        by_forecast, by_step = (self._there.sum(axis=axis, dtype=np.float64) for axis in (1, 0))
        return by_forecast, by_step

    @cached_property
    def _sums(self) -> dict[str, tuple[Values, Values]]:
        """Score -> the sums over the steps of each forecast (n,), and over the forecasts at each step (K,)."""
        n, K = self.truth.shape
        sums = {name: (np.empty(n), np.zeros(K)) for name in SCORES}
        rows = max(1, PIECE // K)
        for piece in (slice(start, start + rows) for start in range(0, n, rows)):
            missing = ~self._there[piece]
            for name, (by_forecast, by_step) in sums.items():
                errors = _EACH[name](self.truth[piece], self.forecast[piece], self.scale[piece])
                errors[missing] = 0  # a missing value adds nothing; an error that is undefined stays so in its sums
                by_forecast[piece] = errors.sum(axis=1)
                by_step += errors.sum(axis=0)
        return sums


_EACH: dict[str, Callable[[Values, Values, Values], Values]] = {
    "MAE": lambda y, f, scale: np.abs(y - f),
    "RMSE": lambda y, f, scale: (y - f) ** 2,
    "MAPE": lambda y, f, scale: percentage_errors(y, f),
    "sMAPE": lambda y, f, scale: symmetric_errors(y, f),
    "MASE": lambda y, f, scale: np.abs(y - f) / scale,
}


def _means(score: str, sums: Values, counts: Values) -> Values:
    means = sums / np.where(counts == 0, np.nan, counts)
    return np.sqrt(means) if score == "RMSE" else means
