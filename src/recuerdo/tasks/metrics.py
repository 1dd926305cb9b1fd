"""How far a forecast is from the truth: the scores of point forecasts.

The functions take arrays of one shape, such as (K,) for one forecast of K steps or (n, K) for n of them, in the series'
own units. A true value that is NaN is missing: it is left out of every mean. A forecast that is not a finite number is
an error. :class:`recuerdo.tasks.score_tables.Errors` takes the same scores by series, by step and by origin.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recuerdo.errors import DataError, ShapeError

Values = NDArray[np.float64]

SCORES = ("MAE", "RMSE", "MAPE", "sMAPE", "MASE")
"""The scores' names, in the order in which tables show them. Lower is better in all of them."""


def mae(truth: ArrayLike, forecast: ArrayLike) -> float:
    """Return the mean absolute error, in the series' units.

    Example:
        >>> mae([100, 200], [110, 180])
        15.0
    """
    y, f = observed_pair(truth, forecast)
    return float(np.mean(np.abs(y - f)))


def rmse(truth: ArrayLike, forecast: ArrayLike) -> float:
    """Return the root of the mean squared error, in the series' units.

    Example:
        >>> round(rmse([100, 200], [110, 180]), 4)
        15.8114
    """
    y, f = observed_pair(truth, forecast)
    return float(np.sqrt(np.mean((y - f) ** 2)))


def mape(truth: ArrayLike, forecast: ArrayLike) -> float:
    """Return the mean absolute percentage error, 100 |y - f| / |y|, in percent; NaN if a true value is 0.

    Example:
        >>> mape([100, 200], [110, 180])
        10.0
    """
    return float(np.mean(percentage_errors(*observed_pair(truth, forecast))))


def smape(truth: ArrayLike, forecast: ArrayLike) -> float:
    """Return the symmetric MAPE, 200 |y - f| / (|y| + |f|), in percent from 0 to 200; 0 where both are 0.

    Source:
        Makridakis et al. 2020, The M4 competition, section 2.2.

    Example:
        >>> round(smape([100, 200], [110, 180]), 4)
        10.0251
    """
    return float(np.mean(symmetric_errors(*observed_pair(truth, forecast))))


def mase(truth: ArrayLike, forecast: ArrayLike, scale: ArrayLike) -> float:
    """Return the mean absolute scaled error: |y - f| in units of the seasonal naive forecast's error on the training
    rows.

    Args:
        truth: the true values.
        forecast: the forecasts.
        scale: one number, or one for each of n forecasts (n, K), (n,): see :func:`naive_scale`.

    Returns:
        A ratio without unit; below 1 is better than a one-season-ahead naive forecast was in training. NaN where the
        scale is 0 or undefined.

    Raises:
        ShapeError: truth and forecast differ in shape, or the scales are not one for each forecast.

    Source:
        Hyndman and Koehler 2006, Another look at measures of forecast accuracy, eq. 2.

    Example:
        >>> mase([100, 200], [110, 180], scale=30)
        0.5
    """
    y, f = checked_pair(truth, forecast)
    return float(np.mean((np.abs(y - f) / checked_scale(scale, y))[~np.isnan(y)]))


def rmsse(truth: ArrayLike, forecast: ArrayLike, scale: ArrayLike) -> float:
    """Return the root mean squared scaled error: the RMSE of each forecast in units of its series' root mean squared
    seasonal naive error, averaged over the forecasts.

    Args:
        truth: (K,) or (n, K).
        forecast: of the same shape.
        scale: one number, or one for each of n forecasts (n,): see :func:`naive_rms_scale`. M5 took season 1.

    Returns:
        A ratio without unit; a forecast without any true value is left out. NaN where a scale is 0 or undefined.

    Raises:
        ShapeError: truth and forecast differ in shape, or the scales are not one for each forecast.

    Source:
        Makridakis et al. 2022, M5 accuracy competition: results, findings, and conclusions, eq. 1.

    Example:
        >>> rmsse([[100, 200], [5, 5]], [[110, 190], [5, 5]], scale=[20, 1])
        0.25
    """
    y, f = checked_pair(truth, forecast)
    squared = ((y - f) / checked_scale(scale, y)) ** 2
    there = ~np.isnan(y)
    rows = there.any(axis=-1)
    means = np.sum(squared, axis=-1, where=there)[rows] / there.sum(axis=-1)[rows]
    return float(np.mean(np.sqrt(means)))


def owa(scores: Mapping[str, float], naive2: Mapping[str, float]) -> float:
    """Return M4's overall weighted average: the mean of sMAPE and MASE, each as a ratio to that of Naive2.

    Args:
        scores: holds "sMAPE" and "MASE" of a forecast, each averaged per series first and then over the series, as
            `Errors.scores(series)` gives them.
        naive2: the same of :func:`recuerdo.tasks.naive2.naive2`, on the same values.

    Returns:
        1 for Naive2 itself, lower is better. NaN where a score of Naive2 is 0 or undefined.

    Source:
        Makridakis et al. 2020, The M4 competition, section 2.2.

    Example:
        >>> owa({"sMAPE": 9.328, "MASE": 0.893}, naive2={"sMAPE": 18.383, "MASE": 2.395})  # M4's winner, Hourly
        0.440...
    """
    ratios = [scores[name] / naive2[name] if naive2[name] else math.nan for name in ("sMAPE", "MASE")]
    return sum(ratios) / 2


def naive_scale(values: Values, season: int) -> float:
    """Return the mean |y_t - y_{t-season}| over a series' training rows (T,): the unit of MASE.

    Returns:
        In the series' units; only pairs of which both are observed count, and NaN says that there is none.

    Raises:
        DataError: the series is no longer than one season.

    Example:
        >>> naive_scale(np.array([1.0, 2.0, 4.0, 5.0]), season=2)
        3.0
    """
    changes = _seasonal_changes(values, season, "MASE")
    return float(np.mean(np.abs(changes))) if changes.size else math.nan


def naive_rms_scale(values: Values, season: int) -> float:
    """Return the root of the mean (y_t - y_{t-season})^2 over a series' training rows (T,): the unit of RMSSE.

    Returns:
        In the series' units; only pairs of which both are observed count, and NaN says that there is none.

    Raises:
        DataError: the series is no longer than one season.

    Example:
        >>> naive_rms_scale(np.array([1.0, 2.0, 4.0, 9.0]), season=2)
        5.385...
    """
    changes = _seasonal_changes(values, season, "RMSSE")
    return float(np.sqrt(np.mean(changes**2))) if changes.size else math.nan


def scores(truth: ArrayLike, forecast: ArrayLike, scale: ArrayLike) -> dict[str, float]:
    """Return the scores that tables show, by name, in the order of :data:`SCORES`."""
    return {
        "MAE": mae(truth, forecast),
        "RMSE": rmse(truth, forecast),
        "MAPE": mape(truth, forecast),
        "sMAPE": smape(truth, forecast),
        "MASE": mase(truth, forecast, scale),
    }


def percentage_errors(y: Values, f: Values) -> Values:
    """Return 100 |y - f| / |y|, value by value; NaN where y is 0."""
    return 100 * np.abs(y - f) / np.where(y == 0, np.nan, np.abs(y))


def symmetric_errors(y: Values, f: Values) -> Values:
    """Return 200 |y - f| / (|y| + |f|), value by value; 0 where both are 0."""
    size = np.abs(y) + np.abs(f)
    return 200 * np.abs(y - f) / np.where(size == 0, 1, size)


def checked_pair(truth: ArrayLike, forecast: ArrayLike) -> tuple[Values, Values]:
    """Return both as arrays of one shape.

    Raises:
        ShapeError: their shapes differ, or they hold nothing.
        DataError: no true value is there, one is infinite, or a forecast is not a finite number.
    """
    y, f = np.asarray(truth, dtype=np.float64), checked_forecast(forecast)
    if y.shape != f.shape or not y.size:
        raise ShapeError(f"Truth and forecast have the same shape and at least one value; got {y.shape} and {f.shape}.")
    if np.isinf(y).any():
        raise DataError(
            f"A true value is infinite, at index {first_index(np.isinf(y))}: correct it, or make it NaN where it is "
            f"missing."
        )
    if np.isnan(y).all():
        raise DataError(
            f"All {y.size} true values are missing, so there is nothing to score: leave such windows out, or choose "
            f"others."
        )
    return y, f


def checked_forecast(forecast: ArrayLike) -> Values:
    """Return a forecast as an array.

    Raises:
        DataError: a value is not a finite number.
    """
    f = np.asarray(forecast, dtype=np.float64)
    wrong = ~np.isfinite(f)
    if wrong.any():
        where = first_index(wrong)
        raise DataError(
            f"A forecast is a finite number at every step, and here {int(wrong.sum())} of {f.size} are not, the first "
            f"at index {where}: {f[where]}. Only a true value may be missing."
        )
    return f


def first_index(marked: NDArray[np.bool_]) -> tuple[int, ...]:
    """Return where the first True stands."""
    return tuple(map(int, np.unravel_index(int(np.argmax(marked)), marked.shape)))


def observed_pair(truth: ArrayLike, forecast: ArrayLike) -> tuple[Values, Values]:
    """Return the true values that are there and their forecasts, each (observed values,), after the same checks."""
    y, f = checked_pair(truth, forecast)
    there = ~np.isnan(y)
    return y[there], f[there]


def checked_scale(scale: ArrayLike, y: Values) -> Values:
    """Return scales that divide an array (K,) or (n, K), NaN where they are not above 0."""
    units = np.asarray(scale, dtype=np.float64)
    if units.ndim and (y.ndim != 2 or units.shape != y.shape[:1]):
        raise ShapeError(
            f"scale is one number, or one for each of n forecasts (n, K); got scales {units.shape} for {y.shape}."
        )
    units = np.where(units > 0, units, np.nan)
    return units[:, None] if units.ndim else units


def _seasonal_changes(values: Values, season: int, score: str) -> Values:
    if len(values) <= season:
        raise DataError(f"The unit of {score} for season {season} needs {season + 1} rows or more, got {len(values)}.")
    changes = values[season:] - values[:-season]
    return changes[~np.isnan(changes)]
