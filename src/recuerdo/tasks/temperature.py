"""One number that makes a classifier's probabilities honest: the temperature that divides its logits."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recuerdo.errors import DataError
from recuerdo.tasks.class_metrics import checked_classes, checked_weights

Values = NDArray[np.float64]

COLDEST, HOTTEST = 0.05, 20.0
"""The temperatures between which the best one is looked for."""

LOOKS = 25
"""Temperatures that are tried before the search between the best one's neighbours; an odd number has 1 among them."""

SPREAD = 0.5
"""Standard deviation of log T before any row is seen: two networks of three within 0.6 to 1.6. Of 0.2, 0.35, 0.5, 0.7
and 1, with Platt's doubt about right rows and without, this one without it lost little everywhere on synthetic draws
(2 to 6 classes, 3 to 200 rows to fit, 300 others to judge). Log loss above that of the best T, for T of spread 0.25,
0.5 and 0.8: with 10 rows 0.009, 0.032 and 0.050 (T = 1 has 0.007, 0.081 and 0.130, Platt's doubt alone 0.070, 0.067
and 0.074), with 60 rows 0.007, 0.010 and 0.007 (0.013, 0.057 and 0.077; 0.010, 0.017 and 0.011)."""


def fit_temperature(logits: ArrayLike, truth: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Return the temperature T with which softmax(logits / T) fits held-out rows, as far as these can tell.

    One number for all classes changes no verdict, only how sure it is. A handful of rows cannot tell T, and where all
    of them are right their log loss has no minimum: it falls for as long as T does. T is therefore the most probable
    one under a prior, log T ~ N(0, SPREAD^2): what is minimised is the sum of the rows' log losses plus
    log(T)^2 / (2 SPREAD^2). Few rows leave T near 1, the network's own certainty; hundreds decide by themselves.

    Args:
        logits: (n, C), what the network says of rows that it has not learned from.
        truth: their classes, (n,) indices from 0 to C - 1.
        weights: how much each row counts, (n,), beside the others: their mean counts as one row.

    Returns:
        T from 0.05 to 20: above 1 where the network is too sure of itself, below 1 where it is not sure enough.

    Raises:
        ShapeError: logits, truth and weights do not belong together.
        DataError: a logit is not finite, a truth is no class, or a weight is none.

    Source:
        Guo et al. 2017, On calibration of modern neural networks, section 4.2, without the prior.

    Example:
        >>> logits = np.array([[2.0, 0.0]] * 1000)  # sure at 88 %, and right in 731 of 1000
        >>> round(fit_temperature(logits, [0] * 731 + [1] * 269), 1)
        2.0
    """
    from scipy.optimize import minimize_scalar

    z, y, w = _checked(logits, truth, weights)
    n = len(z)
    z = z - z.max(axis=1, keepdims=True)
    own = z[np.arange(n), y]

    def loss(log_temperature: float) -> float:
        inverse = math.exp(-log_temperature)
        each = np.log(np.exp(z * inverse).sum(axis=1)) - inverse * own
        return float(np.average(each, weights=w)) + (log_temperature / SPREAD) ** 2 / (2 * n)

    # The prior may leave two minima, so that a look at the whole range comes before the search.
    grid = np.linspace(math.log(COLDEST), math.log(HOTTEST), LOOKS)
    best = int(np.argmin([loss(one) for one in grid]))
    bounds = grid[max(best - 1, 0)], grid[min(best + 1, LOOKS - 1)]
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6})
    return float(np.clip(math.exp(found.x), COLDEST, HOTTEST))


def at_temperature(logits: ArrayLike, temperature: float) -> Values:
    """Return softmax(logits / T), (n, C).

    Example:
        >>> at_temperature([[2.0, 0.0]], 2.0).round(3).tolist()
        [[0.731, 0.269]]
    """
    z = np.asarray(logits, dtype=np.float64)
    e = np.exp((z - z.max(axis=-1, keepdims=True)) / temperature)
    return e / e.sum(axis=-1, keepdims=True)


def temperature_words(temperature: float, rows: int) -> str:
    """Return a sentence on what a fitted temperature does.

    Args:
        temperature: what :func:`fit_temperature` gave.
        rows: how many it was fitted on.

    Example:
        >>> temperature_words(1.5, 60)
        'probabilities are softened by a temperature of 1.50, fitted on 60 held-out verdicts'
    """
    if f"{temperature:.2f}" == "1.00":
        return f"probabilities are as the network says them: {rows} held-out verdicts tell of no better temperature"
    does = "softened" if temperature > 1 else "sharpened"
    said = f"probabilities are {does} by a temperature of {temperature:.2f}, fitted on {rows} held-out verdicts"
    if temperature >= HOTTEST * (1 - 1e-3):
        return f"{said}: the highest that is tried, since what the network is sure of is no more often right"
    if temperature <= COLDEST * (1 + 1e-3):
        return f"{said}: the lowest that is tried, since its verdicts are right and its logits are close together"
    return said


def _checked(
    logits: ArrayLike, truth: ArrayLike, weights: ArrayLike | None
) -> tuple[Values, NDArray[np.int64], Values | None]:
    z, y = checked_classes("Logits", logits, truth)
    if not np.isfinite(z).all():
        row = int(np.argmax(~np.isfinite(z).all(axis=1)))
        raise DataError(f"Row {row} of the logits holds a number that is not finite: {z[row].tolist()}.")
    return z, y, None if weights is None else checked_weights(weights, len(y))
