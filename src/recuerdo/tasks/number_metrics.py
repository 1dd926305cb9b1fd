"""How far the numbers that a regressor gives whole sequences, or each step, are from the truth.

The functions take the truth and the answer as (n,), or as (n, K) for K numbers each, whose scores are averaged. Weights
(n,), where they are given, say how much each row counts.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recuerdo.errors import DataError, ShapeError
from recuerdo.tasks.class_metrics import checked_weights

Values = NDArray[np.float64]

NUMBER_SCORES = ("MAE", "RMSE", "R2")
"""The scores' names, in the order in which tables show them. Of the first two less is better, of the last more."""


def mean_absolute_error(truth: ArrayLike, answer: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Return the mean absolute error, in the truth's units.

    Raises:
        ShapeError: truth, answer and weights do not belong together.
        DataError: a number is not finite, or not a weight.

    Example:
        >>> mean_absolute_error([1, 2], [2, 4])
        1.5
    """
    y, f, w = _checked(truth, answer, weights)
    return float(np.mean(np.average(np.abs(y - f), axis=0, weights=w)))


def root_mean_squared_error(truth: ArrayLike, answer: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Return the root of the mean squared error, in the truth's units; of K numbers, the mean of their K roots.

    Errors are those of :func:`mean_absolute_error`.

    Example:
        >>> root_mean_squared_error([1, 2], [8, 3])
        5.0
    """
    y, f, w = _checked(truth, answer, weights)
    return float(np.mean(np.sqrt(np.average((y - f) ** 2, axis=0, weights=w))))


def r2(truth: ArrayLike, answer: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Return the share of the truth's variance that the answer explains: 1 is perfect, 0 is no better than the mean.

    Returns:
        At most 1, without a lower bound. Of a truth that does not vary, as in scikit-learn, 1 where every answer is
        exact and else 0; NaN of one row. Errors are those of :func:`mean_absolute_error`.

    Example:
        >>> r2([1, 2, 3], [1, 2, 4])
        0.5
    """
    y, f, w = _checked(truth, answer, weights)
    if len(y) < 2:
        return math.nan
    still = np.ptp(y if w is None else y[w > 0], axis=0) == 0
    around = np.average((y - np.average(y, axis=0, weights=w)) ** 2, axis=0, weights=w)
    left = np.average((y - f) ** 2, axis=0, weights=w)
    return float(np.mean(np.where(still, left == 0, 1 - left / np.where(still, 1.0, around))))


def number_scores(truth: ArrayLike, answer: ArrayLike, weights: ArrayLike | None = None) -> dict[str, float]:
    """Return the scores that tables show, by name, in the order of :data:`NUMBER_SCORES`."""
    return {
        "MAE": mean_absolute_error(truth, answer, weights),
        "RMSE": root_mean_squared_error(truth, answer, weights),
        "R2": r2(truth, answer, weights),
    }


def _checked(truth: ArrayLike, answer: ArrayLike, weights: ArrayLike | None) -> tuple[Values, Values, Values | None]:
    y, f = np.asarray(truth, dtype=np.float64), np.asarray(answer, dtype=np.float64)
    if y.shape != f.shape or not y.size or y.ndim not in (1, 2):
        raise ShapeError(
            f"Truth and answer are both (n,) or both (n, K), with at least one number; got {y.shape} and {f.shape}."
        )
    for what, numbers in (("truth", y), ("answer", f)):
        if not np.isfinite(numbers).all():
            row = int(np.argmax(~np.isfinite(numbers).reshape(len(numbers), -1).all(axis=1)))
            raise DataError(f"The {what} of row {row} is not a finite number: {numbers[row]}. Leave such rows out.")
    return y, f, None if weights is None else checked_weights(weights, len(y))
