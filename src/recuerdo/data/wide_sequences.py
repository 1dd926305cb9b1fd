"""A wide table, with one row for each series and a column for each of its time steps, becomes sequences and labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from recuerdo.data.columns import ROW_NAMES, finite_numbers, no_column, only_one, shown
from recuerdo.data.frames import opened
from recuerdo.data.labels import LABEL_NAMES, TEXT_NAMES, holds_text, labels_of
from recuerdo.data.ragged import Ragged
from recuerdo.errors import DataError

__all__ = ["WideSequences", "is_wide", "sequences_from_wide_table"]

LEAST_STEPS = 3
"""Columns of numbers from which a row may be a series; with fewer it is a row of something else."""

MANY_STEPS = 10
"""Columns of numbers from which a table is hardly one of texts."""

_ROW_IDS = ("id", "index", "row")


@dataclass(frozen=True, eq=False)
class WideSequences:
    """The series of a wide table.

    Attributes:
        sequences: N series of one feature, values (sum of T_i, 1) float64, NaN where missing.
        labels: (N,) int64, float64, bool or text; None where none were looked for, or found. A masked array where some
            of the series have none.
        label: the column of the labels, None without.
        steps: the names of the columns of steps, in their order.
        notes: what was found and decided, in sentences.
    """

    sequences: Ragged
    labels: NDArray[Any] | None
    label: str | None
    steps: tuple[str, ...]
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.sequences)


def is_wide(table: Any, label: str | None = None) -> bool:
    """Whether each row of a table is a series, by its columns: three or more of numbers, and no text beside the labels.

    Args:
        table: a frame of pandas, polars or pyarrow, or the path of a CSV or Parquet file.
        label: the column of labels; None for the one called label, class, target or sentiment, or one of words that
            each stand there twice or more on average, if there is such a column.

    Raises:
        DataError: it cannot be read, or there are ten columns of numbers or more, and others that are no labels.

    Example:
        >>> import polars as pl
        >>> is_wide(pl.DataFrame({"t0": [1.0], "t1": [2.0], "t2": [0.5], "species": ["owl"]}), label="species")
        True
        >>> is_wide(pl.DataFrame({"text": ["Hoo."], "stars": [5]}))
        False
    """
    frame, _, name, _ = opened(table)
    free = [column for column in frame.columns if column != label and column not in ROW_NAMES]
    if label is None:
        free = [column for column in free if column.lower() not in LABEL_NAMES]
    steps = [column for column in free if _is_number(frame[column])]
    others = [column for column in free if column not in steps]
    if label is None and len(others) == 1 and _come_again(frame[others[0]]):
        others = []
    if others and len(steps) >= MANY_STEPS and not any(column.lower() in TEXT_NAMES for column in others):
        raise DataError(
            f"{name} has {len(steps)} columns of numbers, and beside them {shown(others)}: if each row is a series, "
            f"take these out of the table or name the labels with label= (--label); if it is the texts that are to be "
            f"read, name them with text= (--text)."
        )
    return len(steps) >= LEAST_STEPS and not others


def sequences_from_wide_table(
    table: Any, *, label: str | None = None, steps: Sequence[str] | None = None, labelled: bool | None = True
) -> WideSequences:
    """Read a table with one row for each series and one column for each of its time steps.

    Args:
        table: a frame of pandas, polars or pyarrow, or the path of a CSV or Parquet file. It is not changed. In
            messages the rows of a frame count from 0, and the header of a CSV file is row 1.
        label: the column of labels, of numbers or text; None takes the one called label, class, target or sentiment, or
            else the only one of text.
        steps: the columns of the steps, first step first; None takes all others as they stand. A column called id,
            index or row that numbers the rows is left out, which the notes say.
        labelled: None takes a table without labels as such, and cells of them may be empty; False looks for none.

    Returns:
        The series, and their labels. Empty cells at the end of a row end its series, others are missing values.

    Raises:
        DataError: a column or a cell is not what it should be; the message names it.

    Example:
        >>> import polars as pl
        >>> table = pl.DataFrame({"t0": [1.0, 4.0], "t1": [2.0, 3.0], "t2": [3.0, None], "kind": ["up", "down"]})
        >>> found = sequences_from_wide_table(table)
        >>> found.sequences.lengths.tolist(), found.labels.tolist(), found.steps
        ([3, 2], ['up', 'down'], ('t0', 't1', 't2'))
    """
    frame, rows, name, notes = opened(table, each="series")
    if label is not None and label not in frame.columns:
        if labelled:
            raise no_column(frame, name, "label", label)
        label = None
    elif label is None and labelled is not False:
        label = _find_label(frame, name, steps, needed=bool(labelled))
    taken, left_out = _steps(frame, name, label, steps)
    labels = None
    if label is not None and labelled is not False:
        labels = labels_of(frame[label], rows, name, may_lack=labelled is None)
        labels = None if np.ma.getmaskarray(labels).all() else labels
    values = np.stack([_values(frame[column], rows, name) for column in taken], axis=1)
    there = ~np.isnan(values)
    lengths = values.shape[1] - there[:, ::-1].argmax(axis=1)
    if not there.any(axis=1).all():
        raise DataError(f"{name}, row {rows[~there.any(axis=1)][0]} has not a single value. Take the row out.")
    inside = np.arange(values.shape[1]) < lengths[:, None]
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    notes = (*notes, *(f"column {column!r} numbers the rows and is no step" for column in left_out))
    return WideSequences(Ragged(values[inside][:, None], starts), labels, label, taken, notes)


def _come_again(column: nw.Series[Any]) -> bool:
    """Whether it is of text in which each stands twice or more on average, as labels do."""
    return holds_text(column) and 2 * column.n_unique() <= len(column)


def _is_number(column: nw.Series[Any]) -> bool:
    return column.dtype.is_numeric() or column.is_null().all()


def _find_label(frame: nw.DataFrame[Any], name: str, steps: Sequence[str] | None, *, needed: bool) -> str | None:
    free = [column for column in frame.columns if column not in (steps or ()) and column not in ROW_NAMES]
    called = [column for column in free if column.lower() in LABEL_NAMES]
    called = called or [column for column in free if holds_text(frame[column])]
    if len(called) != 1 and not needed:
        return None
    return only_one(called, name, "labels", f": {shown(free)} are its columns. Name one with label= (--label).")


def _steps(
    frame: nw.DataFrame[Any], name: str, label: str | None, steps: Sequence[str] | None
) -> tuple[tuple[str, ...], list[str]]:
    """The columns of steps, and those left out that number the rows."""
    if steps is not None:
        for column in steps:
            if column not in frame.columns:
                raise no_column(frame, name, "features", column)
        if label in steps:
            raise DataError(f"Column {label!r} of {name} is named twice, as label= and as a step. Name it once.")
        return tuple(steps), []
    free = [column for column in frame.columns if column != label and column not in ROW_NAMES]
    left_out = [column for column in free if column.lower() in _ROW_IDS and frame[column].n_unique() == len(frame)]
    taken = tuple(column for column in free if column not in left_out)
    if not taken:
        raise DataError(f"{name} has no column of numbers beside the labels. Each step of a series is one.")
    return taken, left_out


def _values(column: nw.Series[Any], rows: NDArray[np.int64], name: str) -> NDArray[np.float64]:
    return np.full(len(rows), np.nan) if column.is_null().all() else finite_numbers(column, rows, name)
