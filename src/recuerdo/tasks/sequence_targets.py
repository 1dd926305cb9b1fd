"""What a classifier or scorer learns to say: labels or numbers, one for a sequence or one for each of its steps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recuerdo.data.ragged import Ragged
from recuerdo.errors import DataError, ShapeError

NONE = -1
"""The index that stands for a label that is missing."""

LARGEST = 1e100
"""The largest number that can be learned: its square, summed over many, is still finite."""


@dataclass(frozen=True, eq=False)
class Targets:
    """The answers to N sequences.

    Attributes:
        values: at the end (N,) class indices int64, or (N, C) numbers float64; at every step a Ragged of (sum of T_i,)
            indices, NONE where no label is known, or of (sum of T_i, C) numbers, NaN where none is known.
        classes: (C,) what the indices stand for, sorted; None for numbers.
        flat: whether numbers came without an axis of columns.
    """

    values: NDArray[Any] | Ragged
    classes: NDArray[Any] | None
    flat: bool = True

    @property
    def each(self) -> bool:
        """Whether there is one for each step."""
        return isinstance(self.values, Ragged)

    @property
    def outputs(self) -> int:
        """C: classes, or columns of numbers."""
        if self.classes is not None:
            return len(self.classes)
        values = self.values.values if isinstance(self.values, Ragged) else self.values
        return values.shape[1]

    @property
    def known(self) -> NDArray[np.bool_] | slice:
        """Which of the answers, one sequence's steps after another's, are known: at the end all of them."""
        if not isinstance(self.values, Ragged):
            return slice(None)
        values = self.values.values
        return np.asarray(values != NONE if self.classes is not None else ~np.isnan(values).any(axis=1))

    def __len__(self) -> int:
        return len(self.values)

    def take(self, indices: NDArray[np.int64]) -> Targets:
        """Return the answers to some of the sequences."""
        values = self.values.take(indices) if isinstance(self.values, Ragged) else self.values[indices]
        return replace(self, values=values)

    def flatten(self) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Return the answers that are known, (M,) or (M, C), and which sequence each belongs to."""
        if not isinstance(self.values, Ragged):
            return self.values, np.arange(len(self.values))
        return self.values.values[self.known], np.repeat(np.arange(len(self)), self.values.lengths)[self.known]


def read_labels(y: Any, lengths: NDArray[np.int64], *, each: bool, who: str, classes: Any = None) -> Targets:
    """Read class labels.

    Args:
        y: (N,) labels of any one type; with `each` (N, T), or N of (T_i,), None or NaN where a step has none.
        lengths: (N,) steps of the sequences.
        each: whether there is a label for each step.
        who: the estimator, for messages.
        classes: the labels that there are, where they are known before; None takes those of y.

    Raises:
        DataError: no labels, one class only, a label that is missing or is not among `classes`, numbers that are not
            whole.
        ShapeError: more or fewer labels than sequences, or than steps.
    """
    known, place, rows = flat_labels(y, lengths, each=each, who=who)
    found = np.unique(known if classes is None else _named(_array(classes), who))
    if len(found) < 2:
        whose = "y holds" if classes is None else "classes holds"
        raise DataError(
            f"{who}: {whose} one class only, {found.tolist()[0]!r}: it takes two classes or more to tell apart."
        )
    foreign = ~np.isin(known, found)
    if foreign.any():
        raise DataError(
            f"{who}: label {known[foreign].tolist()[0]!r} is not among the classes {found.tolist()}: name all classes "
            f"in the first call, or fit anew."
        )
    indices = np.full(len(place), NONE, np.int64)
    indices[place] = np.searchsorted(found, known)
    return Targets(indices if rows is None else Ragged(indices, rows), found)


def flat_labels(
    y: Any, lengths: NDArray[np.int64], *, each: bool, who: str
) -> tuple[NDArray[Any], NDArray[np.bool_], NDArray[np.int64] | None]:
    """Return the labels that are known, whatever they are.

    Args:
        y, lengths, each, who: as in `read_labels`.

    Returns:
        (M,) labels; of which sequences, (N,), or steps one after another they are, as true and false; and with `each`
        where each sequence's steps begin.

    Raises:
        DataError, ShapeError: as `read_labels`, but for the number of classes.
    """
    flat, rows = _per_step(y, lengths, who) if each else (_column(y, len(lengths), who), None)
    if flat.ndim > 1:
        raise ShapeError(
            f"{who}: a label stands by itself, and y has rows of shape {flat.shape[1:]}: of one column for each class, "
            f"y.argmax(axis=-1) is the label."
        )
    missing = _missing(flat)
    if rows is None and missing.any():
        raise DataError(
            f"Sample {int(np.argmax(missing))} has no label (y holds NaN or None there): leave the sample out, or "
            f"label it. Only output='each' takes steps without one."
        )
    known = flat[~missing]
    if not len(known):
        raise DataError(f"{who}: y holds no label at all: give at least two classes.")
    return _named(known, who), ~missing, rows


def read_numbers(y: Any, lengths: NDArray[np.int64], *, each: bool, who: str) -> Targets:
    """Read numbers to be learned.

    Args:
        y: (N,) or (N, C); with `each` (N, T), (N, T, C), or N of (T_i,) or (T_i, C), NaN where a step has none.
        lengths, each, who: as in `read_labels`.

    Raises:
        DataError: something else than finite numbers, or no number at all.
        ShapeError: more or fewer than sequences, or than steps.
    """
    if each:
        flat, rows = _per_step(y, lengths, who)
    else:
        flat, rows = _column(y, len(lengths), who, columns=True), None
    try:
        values = flat.astype(np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{who}: y has to hold numbers, and it holds {_example(flat)!r}.") from None
    one = values.ndim == 1
    values = values.reshape(len(values), -1)
    wrong = np.isinf(values) if each else ~np.isfinite(values)
    if wrong.any():
        place = int(np.argmax(wrong.any(axis=1)))
        name = f"sample {place}" if rows is None else f"sample {int(np.searchsorted(rows, place, side='right')) - 1}"
        raise DataError(
            f"{who}: y of {name} is {values[place][np.argmax(wrong[place])]}; Input y contains NaN or infinity: give "
            f"finite numbers."
        )
    if np.isnan(values).all():
        raise DataError(f"{who}: y holds no number at all.")
    if np.isnan(values).any(axis=1).all():
        raise DataError(
            f"{who}: no step has a number in all {values.shape[1]} columns of y, and only such steps are learned from: "
            f"fill y in, or fit a model for each column."
        )
    if np.nanmax(np.abs(values)) > LARGEST:
        raise DataError(
            f"{who}: y holds numbers beyond {LARGEST:g}, whose squares overflow: give them in a larger unit."
        )
    return Targets(values if rows is None else Ragged(values, rows), None, flat=one)


def _column(y: Any, count: int, who: str, *, columns: bool = False) -> NDArray[Any]:
    """Return y as (N,), or (N, C) where columns are allowed, and nothing else."""
    from sklearn.utils import column_or_1d

    if y is None:
        raise DataError(f"{who} requires y to be passed, but the target y is None: give a label for each sequence.")
    values = _array(y)
    if values.dtype.kind == "c":
        raise DataError(f"Complex data not supported: {who} was given a complex y.")
    if columns and values.ndim == 2 and values.shape[1] > 1:
        pass
    elif values.ndim == 2 and values.shape[1] == 1:
        values = column_or_1d(values, warn=True)  # scikit-learn's own warning of a column where a vector was expected
    elif values.ndim != 1:
        raise ShapeError(
            f"{who}: y has shape {values.shape}, where one answer for each of the {count} sequences is expected. "
            f"Should there be one for each step? That is output='each'."
        )
    if len(values) != count:
        raise ShapeError(
            f"{who}: there are {count} sequences and {len(values)} answers in y: inconsistent numbers of samples."
        )
    return values


def _per_step(y: Any, lengths: NDArray[np.int64], who: str) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the answers of all steps one after another, and where each sequence's begin."""
    if y is None:
        raise DataError(f"{who} requires y to be passed, but the target y is None: give one for each step.")
    if not hasattr(y, "__len__") or isinstance(y, str):
        raise ShapeError(f"{who}(output='each') takes an answer for each step, and y is {y!r}: give (N, T) of them.")
    rows = [_array(one) for one in (y.to_numpy() if hasattr(y, "to_numpy") else y)]
    if len(rows) != len(lengths):
        raise ShapeError(
            f"{who}: there are {len(lengths)} sequences and {len(rows)} rows of answers in y: give as many."
        )
    for i, (row, length) in enumerate(zip(rows, lengths, strict=True)):
        if row.ndim == 0:
            raise ShapeError(
                f"{who}(output='each') takes an answer for each step, and y of sample {i} is the single "
                f"{row.item()!r}: give {length}, or output='last'."
            )
        if len(row) != length:
            raise ShapeError(
                f"{who}: sample {i} has {length} steps and {len(row)} answers in y: give one for each step."
            )
        if row.shape[1:] != rows[0].shape[1:]:
            raise ShapeError(f"{who}: y of sample {i} has shape {row.shape} and that of sample 0 {rows[0].shape}.")
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return np.concatenate(rows), starts


def _array(y: Any) -> NDArray[Any]:
    """Return an array in which text and numbers, and what is missing, stay what they are."""
    if hasattr(y, "to_numpy"):
        return np.asarray(y.to_numpy())
    try:
        values = np.asarray(y)
    except ValueError:  # numpy's word for rows of different lengths
        raise ShapeError("y holds rows of different lengths: output='each' takes an answer for each step.") from None
    if values.dtype.kind in "US" and not isinstance(y, np.ndarray):  # numpy has made a text of numbers and of NaN
        values = np.array(y, dtype=object)
    return values


def _missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    if values.dtype.kind == "f":
        return np.isnan(values)
    if values.dtype.kind == "O":
        return np.array([one is None or _not_a_thing(one) for one in values], dtype=bool)
    return np.zeros(len(values), dtype=bool)


def _not_a_thing(one: Any) -> bool:
    """Whether it is NaN, or what pandas writes in its place."""
    return (isinstance(one, float) and one != one) or type(one).__name__ in ("NAType", "NaTType")


def _named(labels: NDArray[Any], who: str) -> NDArray[Any]:
    """Return labels in an array of their own type; numbers have to be whole, for others are measured and not named."""
    if labels.dtype.kind == "O":
        kinds = {"str" if isinstance(one, str) else type(one).__name__ for one in labels}
        if len(kinds) > 1 and "str" in kinds:
            raise DataError(f"{who}: y mixes labels of the types {sorted(kinds)}: write all of them in one.")
        labels = np.array(labels.tolist())
    if labels.dtype.kind == "S":
        raise DataError(
            f"{who}: Unknown label type: y holds bytes, as {labels.tolist()[0]!r}: decode them, as y.astype(str) does."
        )
    if labels.ndim != 1 or labels.dtype.kind not in "biufU":
        raise DataError(f"{who}: Unknown label type: y holds {labels.dtype}, and labels are strings or whole numbers.")
    if labels.dtype.kind == "f":
        broken = (labels != np.floor(labels)) | np.isinf(labels)
        if broken.any():
            raise DataError(
                f"{who}: Unknown label type: y holds {labels[broken][0]}, a number that is no class: labels are "
                f"strings or whole numbers; rc.SequenceRegressor learns numbers."
            )
    return labels


def _example(values: NDArray[Any]) -> Any:
    for one in values.ravel():
        try:
            float(one)
        except (TypeError, ValueError):
            return one
    return values.dtype
