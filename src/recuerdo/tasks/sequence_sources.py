"""What an estimator of sequences is given: numbers, texts, their words, padded arrays with lengths, or a stream."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from recuerdo.data.labels import holds_text
from recuerdo.data.ragged import Ragged
from recuerdo.data.sentences import Sentences
from recuerdo.data.sequence_reading import fixed_steps, read_sequences
from recuerdo.data.text_checks import checked_texts, checked_words
from recuerdo.errors import DataError, OptionError, ShapeError
from recuerdo.shapes import is_table
from recuerdo.tasks.sequence_models import GIVE, NUMBERS, TEXTS, WORDS, Source

STREAMED = 4096
"""Sequences of an iterator that are read, and answered, at a time."""


def read_source(X: Any, who: str, lengths: Any = None) -> tuple[Source, int | None]:
    """Read sequences of numbers, texts, or texts as their words.

    Args:
        X: an array (N, T, D) or (N, T); a list or a column of (T_i, D) or (T_i,) arrays; a list, array or column of
            str, or of lists of str; a table whose only column is such.
        who: the estimator, for messages.
        lengths: (N,) steps that count of each row of a padded array; None for all.

    Returns:
        The texts, their words, or the numbers; and T, where X is a 2-D array of numbers, whose rows all have as many.

    Raises:
        DataError, ShapeError: it cannot be read so; lengths do not go with it.
    """
    if isinstance(X, str | bytes):
        raise DataError(
            f"{who} takes a list of texts, and was given one {type(X).__name__}: put it into a list, [text]."
        )
    X = _column(X)
    texts = _texts(X)
    if texts is not None:
        if lengths is not None:
            raise DataError("lengths go with a padded array of numbers; a text is as long as it is: leave them out.")
        if next(filter(None, map(_kind, texts))) == WORDS:
            return read_words(texts, who), None
        return list(checked_texts(texts)), None
    narrow = getattr(X, "dtype", None) in (np.dtype(np.float16), np.dtype(np.float32))
    # Centring comes later: seconds since 1970 are 128 seconds apart in float32.
    sequences = read_sequences(X, who=who, dtype=np.float32 if narrow else np.float64)
    if lengths is None:
        return sequences, fixed_steps(X)
    return _cut(sequences, lengths, who), None


def read_words(texts: Any, who: str) -> Sentences:
    """Read texts that come as their words.

    Raises:
        DataError: one of them does not.
        ShapeError: one of them has no words.
    """
    found = Sentences(list(checked_words(texts)))
    empty = np.flatnonzero(found.lengths == 0)
    if len(empty):
        raise ShapeError(f"{who}: text {empty[0]} is an empty list, without a word to judge: leave it out.")
    return found


def steps_of(source: Source, *, output: str, level: str, who: str) -> NDArray[np.int64]:
    """Return how many steps each sequence has; a whole text's own are not asked for.

    Args:
        source: what was read.
        output: "last" or "each".
        level: what texts are cut into.
        who: the estimator, for messages.

    Raises:
        OptionError: answers at every step of texts whose words are not given; words that are given, and yet to be cut.
    """
    if isinstance(source, Sentences) and level != "word":
        raise OptionError(
            f"level={level!r} cuts texts, and these are given as their words, each of which is one step: leave level "
            f"out, or give each text as one str."
        )
    if isinstance(source, Ragged | Sentences):
        return source.lengths
    if output == "each":
        raise OptionError(
            f"{who}(output='each') answers for every word, and these texts are not cut into words: {GIVE[WORDS]}. For "
            f"one answer to each text there is output='last'."
        )
    return np.ones(len(source), np.int64)


def _column(X: Any) -> Any:
    """Return a column, or a table's only one, as a list where it holds texts or sequences; anything else as it is."""
    if is_table(X) and len(X) and X.shape[1] == 1:
        only = nw.from_native(X, eager_only=True)
        column = only[only.columns[0]]
        return column.to_list() if holds_text(column) else X
    for name, many in (("to_list", "columns"), ("to_pylist", "column_names")):  # of pandas and polars; of arrow
        if hasattr(X, name) and not hasattr(X, many):
            cells = getattr(X, name)()
            return cells if next(filter(None, map(_kind, cells)), None) != NUMBERS or _holds_arrays(cells) else X
    return X


def _holds_arrays(cells: list[Any]) -> bool:
    return any(np.ndim(cell) or hasattr(cell, "to_list") for cell in cells[:1])


def _texts(X: Any) -> list[Any] | None:
    """Return the items of X where the first of which this can be said is a text, or its words; None for numbers."""
    if isinstance(X, list | tuple):
        return list(X) if next(filter(None, map(_kind, X)), NUMBERS) != NUMBERS else None
    if isinstance(X, np.ndarray) and X.ndim in (1, 2) and X.dtype.kind in "OUT":
        return _texts(X.tolist())
    return None


def _kind(item: Any) -> str | None:
    """Return what an item of X is: NUMBERS, TEXTS or WORDS; None where that cannot be said."""
    if isinstance(item, str | bytes):
        return TEXTS
    if isinstance(item, list | tuple) or hasattr(item, "to_list") or getattr(item, "ndim", 0) == 1:
        first = next((one for one in item if one is not None), None)
        return None if first is None else WORDS if isinstance(first, str) else NUMBERS
    return None if item is None else NUMBERS


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
    return [source[i] for i in indices] if isinstance(source, list) else source.take(indices)
