"""How good quantiles and intervals are: quantile loss, coverage and width.

As in :mod:`recuerdo.tasks.metrics`, arrays are of one shape, (K,) or (n, K), a true value that is NaN is missing and
left out, and a forecast that is not a finite number is an error.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import ArrayLike

from recuerdo.errors import DataError, OptionError, ShapeError
from recuerdo.tasks.metrics import Values, checked_forecast, checked_scale, first_index, observed_pair


def intervals(quantiles: Iterable[float]) -> tuple[tuple[float, float], ...]:
    """Return the pairs of quantiles that lie equally far from the middle, the widest first.

    Example:
        >>> intervals((0.025, 0.1, 0.5, 0.9, 0.975, 0.99))
        ((0.025, 0.975), (0.1, 0.9))
    """
    levels = sorted(quantiles)
    return tuple((low, high) for low in levels for high in levels if low < 0.5 and math.isclose(low + high, 1))


def quantile_loss(truth: ArrayLike, forecast: ArrayLike, quantile: float) -> float:
    """Return the mean pinball loss, max(q (y - f), (q - 1) (y - f)), in the series' units.

    Args:
        truth: the true values.
        forecast: forecasts of the quantile, of the same shape.
        quantile: q, between 0 and 1.

    Raises:
        OptionError: q is not between 0 and 1.

    Source:
        Koenker and Bassett 1978, Regression quantiles, eq. 1.1.

    Example:
        >>> quantile_loss([10, 10], [8, 12], 0.75)  # too low costs three times as much as too high
        1.0
    """
    y, f = observed_pair(truth, forecast)
    return float(np.mean(_pinball(y, f, quantile)))


def weighted_quantile_loss(truth: ArrayLike, quantiles: Mapping[float, ArrayLike]) -> float:
    """Return twice the sum of the pinball loss over the sum of |y|, averaged over the quantiles.

    Args:
        truth: (K,) or (n, K).
        quantiles: q -> forecasts of that quantile, each of the same shape.

    Returns:
        A ratio without unit; of q = 0.5 alone it is sum |y - f| / sum |y|. NaN where all true values are 0.

    Raises:
        OptionError: there is no quantile, or one is not between 0 and 1.

    Source:
        Salinas et al. 2020, DeepAR, section 4.2; `mean_weighted_sum_quantile_loss` of GluonTS. M5's weighted scaled
        pinball loss is another score: it divides by a naive error of training, series by series.

    Example:
        >>> weighted_quantile_loss([10, 10], {0.5: [8, 12], 0.75: [10, 12]})
        0.125
    """
    if not quantiles:
        raise OptionError("A weighted quantile loss needs the forecasts of one quantile or more, and got none.")
    losses = []
    for quantile, forecast in quantiles.items():
        y, f = observed_pair(truth, forecast)
        size = float(np.sum(np.abs(y)))
        losses.append(2 * float(np.sum(_pinball(y, f, quantile))) / size if size else math.nan)
    return sum(losses) / len(losses)


def coverage(truth: ArrayLike, low: ArrayLike, high: ArrayLike) -> float:
    """Return the share of true values within their intervals, ends included, from 0 to 1.

    Args:
        truth: the true values.
        low: lower ends, of the same shape.
        high: upper ends, of the same shape.

    Raises:
        DataError: a lower end is above its upper end.

    Example:
        >>> coverage([1, 2, 3, 9], low=[0, 2, 4, 0], high=[1, 4, 6, 5])
        0.5
    """
    _checked_ends(low, high)
    y, bottom = observed_pair(truth, low)
    _, top = observed_pair(truth, high)
    return float(np.mean((bottom <= y) & (y <= top)))


def interval_width(low: ArrayLike, high: ArrayLike, scale: ArrayLike = 1.0) -> float:
    """Return the mean width of intervals, each in units of its scale.

    Args:
        low: lower ends, (K,) or (n, K).
        high: upper ends, of the same shape.
        scale: one number, or one for each of n forecasts (n,), such as :func:`recuerdo.tasks.metrics.naive_scale`; 1
            leaves the series' units.

    Returns:
        NaN where a scale is 0 or undefined.

    Raises:
        DataError: a lower end is above its upper end.

    Example:
        >>> interval_width([0, 2], [4, 4], scale=2)
        1.5
    """
    bottom, top = _checked_ends(low, high)
    return float(np.mean((top - bottom) / checked_scale(scale, bottom)))


def _pinball(y: Values, f: Values, quantile: float) -> Values:
    if not 0 < quantile < 1:
        raise OptionError(f"A quantile lies between 0 and 1, got {quantile}: 0.9 is the one that 90 % stay below.")
    return np.maximum(quantile * (y - f), (quantile - 1) * (y - f))


def _checked_ends(low: ArrayLike, high: ArrayLike) -> tuple[Values, Values]:
    bottom, top = checked_forecast(low), checked_forecast(high)
    if bottom.shape != top.shape or not bottom.size:
        raise ShapeError(
            f"Lower and upper ends have the same shape and at least one value; got {bottom.shape} and {top.shape}."
        )
    crossed = bottom > top
    if crossed.any():
        where = first_index(crossed)
        raise DataError(
            f"An interval's lower end is above its upper one, at index {where}: {bottom[where]} and {top[where]}. Are "
            f"low and high the other way round?"
        )
    return bottom, top
