"""How good the verdicts of a classifier are, and the probabilities that it gives them.

The functions take probabilities (n, C), one row for each verdict, and the true classes (n,) as indices from 0 to C - 1.
Weights (n,), where they are given, say how much each row counts. The verdict is the class with the highest probability,
the first of several that are level.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recuerdo.errors import DataError, ShapeError

Values = NDArray[np.float64]
Indices = NDArray[np.int64]

CLASS_SCORES = ("accuracy", "macro-F1", "log loss", "calibration error")
"""The scores' names, in the order in which tables show them. Of the first two more is better, of the others less."""

BINS = 15
"""Of the calibration error, equally wide."""

LEAST = float(np.finfo(np.float64).eps)
"""What a probability of 0 counts as in the log loss, 2.2e-16, so that one wrong certainty does not hide all else."""


def accuracy(probabilities: ArrayLike, truth: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Return the share of right verdicts, 0 to 1.

    Raises:
        ShapeError: probabilities, truth and weights do not belong together.
        DataError: a value is not a probability, not a class or not a weight.

    Example:
        >>> accuracy([[0.9, 0.1], [0.6, 0.4]], [0, 1])
        0.5
    """
    p, y, w = _checked(probabilities, truth, weights)
    return float(np.average(p.argmax(axis=1) == y, weights=w))


def macro_f1(probabilities: ArrayLike, truth: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Return the mean of the classes' F1 = 2 hits / (true rows + rows with that verdict), 0 to 1.

    Each class counts alike, however rare it is. A class that is neither true nor the verdict anywhere does not count.
    Errors are those of :func:`accuracy`.

    Example:
        >>> macro_f1([[0.9, 0.1, 0.0], [0.6, 0.4, 0.0], [0.2, 0.8, 0.0]], [0, 1, 1])
        0.666...
    """
    found = confusion(probabilities, truth, weights)
    rows = found.sum(axis=1) + found.sum(axis=0)
    there = rows > 0
    return float(np.mean(2 * np.diagonal(found)[there] / rows[there]))


def log_loss(probabilities: ArrayLike, truth: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Return the mean of -ln p of what was true; 0 is perfect, ln C is that of a guess among C classes.

    A probability of 0 counts as 2.2e-16, as in scikit-learn. Errors are those of :func:`accuracy`.

    Example:
        >>> round(log_loss([[0.5, 0.5], [0.5, 0.5]], [0, 1]), 4)
        0.6931
    """
    p, y, w = _checked(probabilities, truth, weights)
    return float(np.average(-np.log(np.clip(p[np.arange(len(y)), y], LEAST, 1.0)), weights=w))


def calibration_error(probabilities: ArrayLike, truth: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Return how far the probabilities of the verdicts are from how often they are right, 0 to 1.

    The verdicts are sorted into 15 equally wide bins of their probability, (0, 1/15], (1/15, 2/15] and so on. In each
    bin the mean probability is compared with the share that is right; the result is the mean of the differences, each
    bin weighted by its rows. Errors are those of :func:`accuracy`.

    Source:
        Guo et al. 2017, On calibration of modern neural networks, eq. 3.

    Example:
        >>> round(calibration_error([[0.75, 0.25]] * 4, [0, 0, 0, 1]), 4)
        0.0
        >>> round(calibration_error([[0.9, 0.1]] * 4, [0, 0, 1, 1]), 4)
        0.4
    """
    p, y, w = _checked(probabilities, truth, weights)
    w = np.ones(len(y)) if w is None else w
    bins = np.clip(np.ceil(p.max(axis=1) * BINS).astype(np.int64) - 1, 0, BINS - 1)
    excess = np.bincount(bins, w * (p.max(axis=1) - (p.argmax(axis=1) == y)), minlength=BINS)
    return float(np.abs(excess).sum() / w.sum())


def confusion(probabilities: ArrayLike, truth: ArrayLike, weights: ArrayLike | None = None) -> NDArray[Any]:
    """Return how often each class (row) was given each verdict (column).

    Returns:
        (C, C): int64 counts, or float64 sums of weights where there are weights. Errors are those of :func:`accuracy`.

    Example:
        >>> confusion([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]], [0, 1, 1]).tolist()
        [[1, 0], [1, 1]]
    """
    p, y, w = _checked(probabilities, truth, weights)
    count = p.shape[1]
    return np.bincount(y * count + p.argmax(axis=1), w, minlength=count**2).reshape(count, count)


def class_scores(
    probabilities: ArrayLike, truth: ArrayLike, weights: ArrayLike | None = None, *, verdicts_only: bool = False
) -> dict[str, float]:
    """Return the scores that tables show, by name, in the order of :data:`CLASS_SCORES`.

    Args:
        probabilities: (n, C).
        truth: (n,).
        weights: (n,).
        verdicts_only: the probabilities are 1 and 0 because whoever gave them knows no others: what measures
            probabilities is then undefined, NaN.
    """
    made = {
        "accuracy": accuracy(probabilities, truth, weights),
        "macro-F1": macro_f1(probabilities, truth, weights),
        "log loss": log_loss(probabilities, truth, weights),
        "calibration error": calibration_error(probabilities, truth, weights),
    }
    return made | {"log loss": math.nan, "calibration error": math.nan} if verdicts_only else made


def _checked(
    probabilities: ArrayLike, truth: ArrayLike, weights: ArrayLike | None
) -> tuple[Values, Indices, Values | None]:
    p, y = checked_classes("Probabilities", probabilities, truth)
    wrong = ~((p >= 0) & (p <= 1 + 1e-6)).all(axis=1)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(
            f"Row {row} of the probabilities holds a number that is none from 0 to 1: {p[row].tolist()}. Give "
            f"probabilities, not logits."
        )
    return p, y, None if weights is None else checked_weights(weights, len(y))


def checked_classes(what: str, numbers: ArrayLike, truth: ArrayLike) -> tuple[Values, Indices]:
    """Return the numbers (n, C) that stand for verdicts, and the true classes (n,), as arrays.

    Args:
        what: what an error calls the numbers.
        numbers: (n, C).
        truth: (n,), indices from 0 to C - 1.

    Raises:
        ShapeError: they do not belong together.
        DataError: a truth is no class.
    """
    p, y = np.asarray(numbers, dtype=np.float64), np.asarray(truth)
    if p.ndim != 2 or not p.size or y.shape != p.shape[:1]:
        raise ShapeError(
            f"{what} are (n, C) and the true classes (n,), with at least one of each; got {p.shape} and {y.shape}."
        )
    if y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= p.shape[1]:
        found = f"{y.min()} to {y.max()}" if y.dtype.kind in "iu" else f"values of type {y.dtype}"
        raise DataError(
            f"True classes are whole numbers from 0 to {p.shape[1] - 1}, one for each column, and here they are "
            f"{found}: leave out rows without a label."
        )
    return p, y.astype(np.int64)


def checked_weights(weights: ArrayLike, count: int) -> Values:
    """Return weights as an array (n,).

    Raises:
        ShapeError: they are not one for each of n rows.
        DataError: one is negative or not finite, or all are 0.
    """
    try:
        w = np.asarray(weights, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"Weights are numbers, one for each row: {error}.") from None
    if w.shape != (count,):
        raise ShapeError(f"There is one weight for each of {count} rows; got weights {w.shape}.")
    if not (np.isfinite(w).all() and w.min() >= 0 and w.max() > 0):
        raise DataError("Sample weights are finite, none is negative, and not all are zero: correct them.")
    return w
