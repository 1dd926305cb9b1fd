"""How far a forecast is from the truth: the five scores that every table shows.

All take arrays of one shape, such as (K,) for one forecast of K steps or (n, K) for n of them, in the series' own
units.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recuerdo.errors import DataError, ShapeError

SCORES = ("MAE", "RMSE", "MAPE", "sMAPE", "MASE")
"""The scores' names, in the order in which tables show them. Lower is better in all of them."""


def mae(truth: ArrayLike, forecast: ArrayLike) -> float:
    """Return the mean absolute error, in the series' units.

    Example:
        >>> mae([100, 200], [110, 180])
        15.0
    """
    y, f = _pair(truth, forecast)
    return float(np.mean(np.abs(y - f)))


def rmse(truth: ArrayLike, forecast: ArrayLike) -> float:
    """Return the root of the mean squared error, in the series' units.

    Example:
        >>> round(rmse([100, 200], [110, 180]), 4)
        15.8114
    """
    y, f = _pair(truth, forecast)
    return float(np.sqrt(np.mean((y - f) ** 2)))


def mape(truth: ArrayLike, forecast: ArrayLike) -> float:
    """Return the mean absolute percentage error, 100 |y - f| / |y|, in percent; NaN if a true value is 0.

    Example:
        >>> mape([100, 200], [110, 180])
        10.0
    """
    y, f = _pair(truth, forecast)
    return float(np.mean(np.abs((y - f) / y))) * 100 if np.all(y != 0) else float("nan")


def smape(truth: ArrayLike, forecast: ArrayLike) -> float:
    """Return the symmetric MAPE, 200 |y - f| / (|y| + |f|), in percent from 0 to 200; 0 where both are 0.

    Source:
        Makridakis et al. 2020, The M4 competition, section 2.2.

    Example:
        >>> round(smape([100, 200], [110, 180]), 4)
        10.0251
    """
    y, f = _pair(truth, forecast)
    size = np.abs(y) + np.abs(f)
    return float(np.mean(200 * np.abs(y - f) / np.where(size == 0, 1, size)))


def mase(truth: ArrayLike, forecast: ArrayLike, scale: ArrayLike) -> float:
    """Return the mean absolute scaled error: |y - f| in units of the seasonal naive forecast's error on the training
    rows.

    Args:
        truth: the true values.
        forecast: the forecasts.
        scale: one number, or one for each of n forecasts (n, K), (n,): see :func:`naive_scale`.

    Returns:
        A ratio without unit; below 1 is better than a one-season-ahead naive forecast was in training. NaN where the
        scale is 0.

    Raises:
        ShapeError: truth and forecast differ in shape, or the scales are not one for each forecast.

    Source:
        Hyndman and Koehler 2006, Another look at measures of forecast accuracy, eq. 2.

    Example:
        >>> mase([100, 200], [110, 180], scale=30)
        0.5
    """
    y, f = _pair(truth, forecast)
    units = np.asarray(scale, dtype=np.float64)
    if units.ndim and (y.ndim != 2 or units.shape != y.shape[:1]):
        raise ShapeError(
            f"scale is one number, or one for each of n forecasts (n, K); got scales {units.shape} for {y.shape}."
        )
    units = np.where(units > 0, units, np.nan)
    return float(np.mean(np.abs(y - f) / (units[:, None] if units.ndim else units)))


def naive_scale(values: NDArray[np.float64], season: int) -> float:
    """Return the mean |y_t - y_{t-season}| over a series' training rows (T,): the unit of MASE.

    Raises:
        DataError: the series is no longer than one season.

    Example:
        >>> naive_scale(np.array([1.0, 2.0, 4.0, 5.0]), season=2)
        3.0
    """
    if len(values) <= season:
        raise DataError(f"The unit of MASE for season {season} needs {season + 1} rows or more, got {len(values)}.")
    return float(np.mean(np.abs(values[season:] - values[:-season])))


def scores(truth: ArrayLike, forecast: ArrayLike, scale: ArrayLike) -> dict[str, float]:
    """Return all five scores by name, in the order of :data:`SCORES`."""
    return {
        "MAE": mae(truth, forecast),
        "RMSE": rmse(truth, forecast),
        "MAPE": mape(truth, forecast),
        "sMAPE": smape(truth, forecast),
        "MASE": mase(truth, forecast, scale),
    }


def _pair(truth: ArrayLike, forecast: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    y, f = np.asarray(truth, dtype=np.float64), np.asarray(forecast, dtype=np.float64)
    if y.shape != f.shape or not y.size:
        raise ShapeError(f"Truth and forecast have the same shape and at least one value; got {y.shape} and {f.shape}.")
    return y, f
