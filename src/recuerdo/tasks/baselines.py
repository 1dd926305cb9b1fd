"""The forecasts that a model has to beat; each needs no training.

Each takes the known rows of one series (T,), NaN where a value is missing, and returns the next K values (K,), in the
series' own units. Those whose name ends in _from forecast at once from many origins of a series, as a backtest needs
them: a row of their result is what the plain function says of the rows up to that origin, and of no later one.

Source:
    Hyndman and Athanasopoulos, Forecasting: principles and practice, section 5.2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from recuerdo.errors import DataError

Values = NDArray[np.float64]
Indices = NDArray[np.integer]

MLP = "MLP (same size)"
"""What tables call the one baseline that is trained: see :func:`recuerdo.tasks.forecast_nets.window_mlp`."""


def naive(values: Values, horizon: int) -> Values:
    """Return the last observed value, K times.

    Raises:
        DataError: no value is observed.

    Example:
        >>> naive(np.array([1.0, 2.0, 4.0]), 2).tolist()
        [4.0, 4.0]
    """
    return naive_from(values, _last_row(values), horizon)[0]


def seasonal_naive(values: Values, horizon: int, season: int) -> Values:
    """Return the last season, again and again.

    A step gets the last value that was observed at its place in a season; where that place was never observed, the last
    observed value of all.

    Raises:
        DataError: no value is observed.

    Example:
        >>> seasonal_naive(np.array([0.0, 1.0, 2.0, 4.0]), 3, season=2).tolist()
        [2.0, 4.0, 2.0]
        >>> seasonal_naive(np.array([0.0, 1.0, np.nan, 4.0]), 3, season=2).tolist()
        [0.0, 4.0, 0.0]
        >>> seasonal_naive(np.array([0.0, 1.0]), 4, season=3).tolist()
        [1.0, 0.0, 1.0, 1.0]
    """
    return seasonal_naive_from(values, _last_row(values), horizon, season)[0]


def drift(values: Values, horizon: int) -> Values:
    """Return the straight line through the first and the last observed value, continued.

    Raises:
        DataError: no value is observed.

    Example:
        >>> drift(np.array([1.0, 2.0, 5.0]), 2).tolist()
        [7.0, 9.0]
    """
    return drift_from(values, _last_row(values), horizon)[0]


def naive_from(values: Values, ends: Indices, horizon: int) -> Values:
    """Return the naive forecasts from many origins.

    Args:
        values: (T,), the whole series.
        ends: (n,), the index of the last known row of each forecast.
        horizon: K.

    Returns:
        (n, K).

    Raises:
        DataError: no value is observed up to an origin.

    Example:
        >>> naive_from(np.array([1.0, 2.0, 4.0]), np.array([0, 2]), 2).tolist()
        [[1.0, 1.0], [4.0, 4.0]]
    """
    return np.repeat(values[_last_observed(values, ends)][:, None], horizon, axis=1)


def seasonal_naive_from(values: Values, ends: Indices, horizon: int, season: int) -> Values:
    """Return the seasonal naive forecasts from many origins; arguments, result and errors are those of
    :func:`naive_from`.

    Example:
        >>> seasonal_naive_from(np.array([0.0, 1.0, 2.0, 4.0]), np.array([1, 3]), 2, season=2).tolist()
        [[0.0, 1.0], [2.0, 4.0]]
    """
    last = _last_observed(values, ends)
    seasons = -(-len(values) // season)
    index = np.full(seasons * season, -1)
    index[: len(values)] = np.where(np.isnan(values), -1, np.arange(len(values)))
    same_place = np.maximum.accumulate(index.reshape(seasons, season), axis=0).ravel()
    place = ends[:, None] + 1 - season + np.arange(horizon) % season
    source = np.where(place < 0, -1, same_place[place])  # a series shorter than a season has not shown all places
    return values[np.where(source < 0, last[:, None], source)]


def drift_from(values: Values, ends: Indices, horizon: int) -> Values:
    """Return the drift forecasts from many origins; arguments, result and errors are those of :func:`naive_from`.

    Example:
        >>> drift_from(np.array([1.0, 2.0, 5.0]), np.array([1, 2]), 2).tolist()
        [[3.0, 4.0], [7.0, 9.0]]
    """
    last = _last_observed(values, ends)
    first = int(np.argmin(np.isnan(values)))
    slope = (values[last] - values[first]) / np.maximum(1, last - first)
    ahead = (ends - last)[:, None] + np.arange(1, horizon + 1)
    return values[last][:, None] + slope[:, None] * ahead


def simple_baselines(season: int) -> dict[str, Callable[[Values, int], Values]]:
    """Return name -> forecast for naive, seasonal naive (where there is a season) and drift."""
    baselines: dict[str, Callable[[Values, int], Values]] = {"naive": naive}
    if season > 1:
        baselines["seasonal naive"] = lambda values, horizon: seasonal_naive(values, horizon, season)
    return baselines | {"drift": drift}


def simple_forecasts(series: Sequence[Values], origins: Indices, horizon: int, season: int) -> dict[str, Values]:
    """Return what the simple baselines say from many origins of many series.

    Args:
        series: (T_i,) each, whole.
        origins: (n, 2), number of the series and index of the last known row, as in WindowSet.origins.
        horizon: K.
        season: of the seasonal naive forecast; with 1 there is none.

    Returns:
        Name -> (n, K), in the order of :func:`simple_baselines`.

    Raises:
        DataError: no value is observed up to an origin.

    Example:
        >>> simple_forecasts([np.array([1.0, 2.0]), np.array([5.0])], np.array([[1, 0], [0, 1]]), 1, season=1)
        {'naive': array([[5.],
               [2.]]), 'drift': array([[5.],
               [3.]])}
    """
    baselines: dict[str, Callable[[Values, Indices, int], Values]] = {"naive": naive_from}
    if season > 1:
        baselines["seasonal naive"] = lambda values, ends, horizon: seasonal_naive_from(values, ends, horizon, season)
    baselines["drift"] = drift_from
    result = {name: np.empty((len(origins), horizon)) for name in baselines}
    order = np.argsort(origins[:, 0], kind="stable")
    numbers, starts = np.unique(origins[order, 0], return_index=True)
    for number, rows in zip(numbers, np.split(order, starts[1:]), strict=True):
        for name, baseline in baselines.items():
            result[name][rows] = baseline(series[number], origins[rows, 1], horizon)
    return result


def _last_row(values: Values) -> Indices:
    if not len(values):
        raise DataError("A forecast needs one observed value or more, and the series has no rows.")
    return np.array([len(values) - 1])


def _last_observed(values: Values, ends: Indices) -> Indices:
    """Return the index of the last observed value up to each origin, (n,)."""
    last = np.maximum.accumulate(np.where(np.isnan(values), -1, np.arange(len(values))))[ends]
    if (last < 0).any():
        end = int(ends[last < 0][0])
        raise DataError(
            f"A forecast needs one observed value or more, and the first {end + 1} rows of the series are all missing: "
            f"take a later origin, or leave the series out."
        )
    return last
