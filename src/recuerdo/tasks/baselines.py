"""The forecasts that a model has to beat; each needs no training.

Each takes the known rows of one series (T,) and returns the next K values (K,), in the series' own units.

Source:
    Hyndman and Athanasopoulos, Forecasting: principles and practice, section 5.2.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from recuerdo.errors import DataError

Values = NDArray[np.float64]

MLP = "MLP (same size)"
"""What tables call the one baseline that is trained: see :func:`recuerdo.tasks.forecast_nets.window_mlp`."""


def naive(values: Values, horizon: int) -> Values:
    """Return the last value, K times.

    Example:
        >>> naive(np.array([1.0, 2.0, 4.0]), 2).tolist()
        [4.0, 4.0]
    """
    return np.repeat(values[-1], horizon)


def seasonal_naive(values: Values, horizon: int, season: int) -> Values:
    """Return the last season, again and again.

    Raises:
        DataError: the series is shorter than one season.

    Example:
        >>> seasonal_naive(np.array([0.0, 1.0, 2.0, 4.0]), 3, season=2).tolist()
        [2.0, 4.0, 2.0]
    """
    if len(values) < season:
        raise DataError(f"A seasonal naive forecast of season {season} needs {season} rows, got {len(values)}.")
    return np.resize(values[-season:], horizon)


def drift(values: Values, horizon: int) -> Values:
    """Return the straight line through the first and the last value, continued.

    Example:
        >>> drift(np.array([1.0, 2.0, 5.0]), 2).tolist()
        [7.0, 9.0]
    """
    slope = (values[-1] - values[0]) / max(1, len(values) - 1)
    return values[-1] + slope * np.arange(1, horizon + 1)


def simple_baselines(season: int) -> dict[str, Callable[[Values, int], Values]]:
    """Return name -> forecast for naive, seasonal naive (where there is a season) and drift."""
    baselines: dict[str, Callable[[Values, int], Values]] = {"naive": naive}
    if season > 1:
        baselines["seasonal naive"] = lambda values, horizon: seasonal_naive(values, horizon, season)
    return baselines | {"drift": drift}
