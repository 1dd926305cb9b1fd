"""Naive2, the benchmark that M4's OWA is relative to: the naive forecast of the seasonally adjusted series.

Source:
    Makridakis et al. 2020, The M4 competition: 100,000 time series and 61 forecasting methods, and the programs of its
    benchmarks, published at github.com/Mcompetitions/M4-methods.
"""

from __future__ import annotations

import math

import numpy as np

from recuerdo.errors import DataError
from recuerdo.tasks.baselines import Values, naive

CRITICAL = 1.645
"""How many standard errors an autocorrelation has to be from 0, for the 90 % limit of M4's test."""

SEASONS = 3
"""Whole seasons that a series must have before it is tested at all."""


def naive2(values: Values, horizon: int, season: int) -> Values:
    """Return the last observed value over its seasonal factor, times the factor of each step; where the series is not
    seasonal, the naive forecast.

    Args:
        values: (T,), the known rows, NaN where a value is missing.
        horizon: K.
        season: rows in a season; 1 for none.

    Returns:
        (K,), in the series' own units.

    Raises:
        DataError: no value is observed, or a seasonal series has a value of 0 or below, which no factor can adjust.

    Example:
        >>> naive2(np.array([10.0, 30.0] * 6), 3, season=2)
        array([10., 30., 10.])
    """
    if not is_seasonal(values, season):
        return naive(values, horizon)
    factors = seasonal_factors(values, season)
    adjusted = values / np.resize(factors, len(values))
    return naive(adjusted, horizon) * factors[(len(values) + np.arange(horizon)) % season]


def is_seasonal(values: Values, season: int) -> bool:
    """Say whether the autocorrelation at the lag of a season is beyond its 90 % limit.

    Args:
        values: (T,). Of a series with missing values the pairs of which both are observed count.
        season: m. A series of fewer than three seasons, or that never changes, is not seasonal.

    Source:
        The limit is Bartlett's: 1.645 sqrt((1 + 2 (r_1^2 + ... + r_{m-1}^2)) / T).

    Example:
        >>> is_seasonal(np.array([10.0, 30.0] * 6), 2), is_seasonal(np.arange(12.0) % 5, 2)
        (True, False)
    """
    observed = ~np.isnan(values)
    count = int(observed.sum())
    if season < 2 or len(values) < SEASONS * season or not count:
        return False
    centred = np.where(observed, values - np.mean(values[observed]), 0)
    variance = float(centred @ centred)
    if variance == 0:
        return False
    r = np.array([centred[lag:] @ centred[:-lag] for lag in range(1, season + 1)]) / variance
    limit = CRITICAL * math.sqrt((1 + 2 * float(r[:-1] @ r[:-1])) / count)
    return bool(abs(r[-1]) > limit)


def seasonal_factors(values: Values, season: int) -> Values:
    """Return by how much each place in a season is above the trend, as ratios with mean 1: classical multiplicative
    decomposition.

    The trend is a centred moving average over one season, of the values that are observed. A place in a season that was
    never observed counts as on the trend.

    Args:
        values: (T,), above 0, two seasons or more.
        season: m, 2 or more.

    Returns:
        (m,), the first for row 0.

    Raises:
        DataError: a value is 0 or below, or there are fewer rows than two seasons.

    Example:
        >>> seasonal_factors(np.array([10.0, 30.0] * 6), 2)
        array([0.5, 1.5])
    """
    if len(values) < 2 * season:
        raise DataError(f"Seasonal factors of season {season} need {2 * season} rows or more, got {len(values)}.")
    if (values <= 0).any():
        row = int(np.argmax(values <= 0))
        raise DataError(
            f"Seasonal factors are ratios to a trend, so they need values above 0, and row {row} holds "
            f"{values[row]:g}: use the seasonal naive forecast instead."
        )
    half, weights = season // 2, np.ones(season)
    if season % 2 == 0:
        weights = np.r_[0.5, np.ones(season - 1), 0.5]  # half a row at either end keeps an even season centred
    observed = ~np.isnan(values)
    middle = slice(half, len(values) - half)
    there = observed[middle]
    total = np.convolve(np.where(observed, values, 0), weights, mode="valid")[there]
    weight = np.convolve(observed, weights, mode="valid")[there]
    place = np.arange(len(values))[middle][there] % season
    counts = np.bincount(place, minlength=season)
    sums = np.bincount(place, weights=values[middle][there] * weight / total, minlength=season)
    factors = sums[counts > 0] / counts[counts > 0]
    result = np.ones(season)
    result[counts > 0] = factors / np.mean(factors)
    return result
