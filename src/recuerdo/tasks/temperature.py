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


def fit_temperature(logits: ArrayLike, truth: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Return the temperature T with which softmax(logits / T) has the least log loss on held-out rows.

    One number for all classes changes no verdict, only how sure it is. Where all n verdicts are right the log loss has
    no minimum: it falls for as long as T does. Each row is therefore held to be right with a probability of (n + 1) /
    (n + 2), as Platt does, and to be any other class with the rest: 54 right verdicts of 54 bring the probabilities to
    about 98 %, not to 1. With many rows this changes nothing that shows. The log loss is convex in 1 / T, so that one
    minimum is all there is.

    Args:
        logits: (n, C), what the network says of rows that it has not learned from.
        truth: their classes, (n,) indices from 0 to C - 1.
        weights: how much each row counts, (n,).

    Returns:
        T from 0.05 to 20: above 1 where the network is too sure of itself, below 1 where it is not sure enough.

    Raises:
        ShapeError: logits, truth and weights do not belong together.
        DataError: a logit is not finite, a truth is no class, or a weight is none.

    Source:
        Guo et al. 2017, On calibration of modern neural networks, section 4.2; the probability of a row: Platt 1999,
        Probabilistic outputs for support vector machines.

    Example:
        >>> logits = np.array([[2.0, 0.0]] * 1000)  # sure at 88 %, and right in 731 of 1000
        >>> round(fit_temperature(logits, [0] * 731 + [1] * 269), 1)
        2.0
    """
    from scipy.optimize import minimize_scalar

    z, y, w = _checked(logits, truth, weights)
    n, count = z.shape
    if count == 1:
        return 1.0
    z = z - z.max(axis=1, keepdims=True)
    doubt = 1 / (n + 2)
    # What the cross-entropy takes of each logit: all of it but the doubt from the true class, the rest from the others.
    own = z[np.arange(n), y]
    expected = (1 - doubt) * own + doubt * (z.sum(axis=1) - own) / (count - 1)

    def loss(log_temperature: float) -> float:
        inverse = math.exp(-log_temperature)
        return float(np.average(np.log(np.exp(z * inverse).sum(axis=1)) - inverse * expected, weights=w))

    bounds = (math.log(COLDEST), math.log(HOTTEST))
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
