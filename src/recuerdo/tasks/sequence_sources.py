"""What an estimator of sequences is given: numbers, texts, padded arrays with lengths, or a stream of either."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recuerdo.data.ragged import Ragged
from recuerdo.data.sequence_reading import fixed_steps, read_sequences
from recuerdo.data.texts import checked_texts
from recuerdo.errors import DataError, ShapeError
from recuerdo.tasks.sequence_models import Source

STREAMED = 4096
"""Sequences of an iterator that are read, and answered, at a time."""


def read_source(X: Any, who: str, lengths: Any = None) -> tuple[Source, int | None]:
    """Read sequences of numbers, or texts.

    Args:
        X: an array (N, T, D) or (N, T); a list of (T_i, D) or (T_i,) arrays; a list, array or column of str.
        who: the estimator, for messages.
        lengths: (N,) steps that count of each row of a padded array; None for all.

    Returns:
        The texts, or the numbers; and T, where X is a 2-D array whose rows all have as many steps.

    Raises:
        DataError, ShapeError: it cannot be read so; lengths do not go with it.
    """
    if isinstance(X, str | bytes):
        raise DataError(
            f"{who} takes a list of texts, and was given one {type(X).__name__}: put it into a list, [text]."
        )
    texts = _texts(X)
    if texts is not None:
        if lengths is not None:
            raise DataError("lengths go with a padded array of numbers; a text is as long as it is: leave them out.")
        if not texts:
            raise DataError(
                f"{who}: found array with 0 sample(s), while a minimum of 1 is required: give a text or more."
            )
        return list(checked_texts(texts)), None
    sequences = read_sequences(X, who=who)
    if lengths is None:
        return sequences, fixed_steps(X)
    return _cut(sequences, lengths, who), None


def _texts(X: Any) -> list[Any] | None:
    """Return the items of X where the first that is there is a text; None for numbers."""
    if isinstance(X, list | tuple):
        first = next((one for one in X if one is not None), None)
        return list(X) if isinstance(first, str | bytes) else None
    if isinstance(X, np.ndarray) and X.ndim == 1 and X.dtype.kind in "OUT":
        return _texts(X.tolist())
    column: Any = X
    if hasattr(X, "to_list") and not hasattr(X, "columns"):  # a column of pandas or polars
        return _texts(column.to_list())
    if hasattr(X, "to_pylist") and not hasattr(X, "column_names"):  # a column of arrow
        return _texts(column.to_pylist())
    return None


def _cut(sequences: Ragged, lengths: Any, who: str) -> Ragged:
    """Return padded sequences cut to their lengths."""
    own = sequences.lengths
    asked = np.asarray(lengths)
    if asked.ndim != 1 or asked.dtype.kind not in "iu":
        raise ShapeError(
            f"{who}: lengths are whole numbers (N,), one for each sequence, got {asked.dtype} {asked.shape}."
        )
    if len(asked) != len(own):
        raise ShapeError(f"{who}: there are {len(own)} sequences and {len(asked)} lengths: give one for each.")
    wrong = (asked < 1) | (asked > own)
    if wrong.any():
        i = int(np.argmax(wrong))
        raise ShapeError(f"{who}: sample {i} has {own[i]} time steps, so its length cannot be {asked[i]}.")
    starts = np.concatenate([[0], np.cumsum(asked)]).astype(np.int64)
    kept = np.repeat(sequences.starts[:-1] - starts[:-1], asked) + np.arange(starts[-1])
    return Ragged(sequences.values[kept], starts)


def cut_answers(y: Any, lengths: Any) -> Any:
    """Return a padded array of answers at every step cut as its sequences are; anything else as it is.

    Args:
        y: (N, T) or (N, T, C), or a list of rows, which have their own lengths.
        lengths: (N,) as in `read_source`; None where nothing is cut.
    """
    if lengths is None or not isinstance(y, np.ndarray) or y.ndim < 2 or len(y) != len(lengths):
        return y
    return [row[:length] for row, length in zip(y, lengths, strict=True)]


def streamed(X: Any) -> Iterator[list[Any]]:
    """Yield the items of an iterator in lists of STREAMED."""
    while chunk := list(islice(X, STREAMED)):
        yield chunk


def is_stream(X: Any) -> bool:
    """Whether X can be read only once, item by item."""
    return hasattr(X, "__next__")


def take(source: Source, indices: NDArray[np.int64]) -> Source:
    """Return some of the sequences."""
    return source.take(indices) if isinstance(source, Ragged) else [source[i] for i in indices]
