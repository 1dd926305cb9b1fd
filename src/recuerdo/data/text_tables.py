"""A table of texts, each with a label, as a list of strings and an array."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
from numpy.typing import NDArray

from recuerdo.data.columns import ROW_NAMES, no_column, only_one, shown
from recuerdo.data.frames import opened
from recuerdo.data.labels import LABEL_NAMES, TEXT_NAMES, holds_text, labels_of
from recuerdo.data.reading import MISSING, is_parquet, read_written, typed
from recuerdo.errors import DataError, OptionError

__all__ = ["TextTable", "read_text_table", "texts_from_table"]


@dataclass(frozen=True, eq=False)
class TextTable:
    """The texts of a table.

    Attributes:
        texts: N texts.
        labels: (N,) int64, float64, bool or text; None where none were looked for, or found. A masked array where some
            of the texts have none.
        text: the column of the texts.
        label: the column of the labels, None without.
    """

    texts: list[str]
    labels: NDArray[Any] | None
    text: str
    label: str | None


@dataclass(frozen=True)
class _Opened:
    """A table with what is needed to choose columns of it and to talk about it."""

    frame: nw.DataFrame[Any]
    rows: NDArray[np.int64]
    name: str
    written: bool  # it is a text file, where even numbers are text


def texts_from_table(
    table: Any, *, text: str | None = None, label: str | None = None, labelled: bool = True
) -> tuple[list[str], NDArray[Any] | None]:
    """Read a table with a column of texts and a column of labels.

    Args:
        table: a frame of pandas, polars or pyarrow, or the path of a CSV, TSV or Parquet file. In a TSV file quotation
            marks may be letters of the texts. In messages the rows of a frame count from 0, and the header of a CSV
            file is row 1.
        text: the column of texts; None takes the one called text, sentence or review, or else the only one of text.
        label: the column of labels, of numbers or text; None takes the one called label, class, target or sentiment, or
            else the only other one, or the only other one in which something comes again.
        labelled: False looks for no labels.

    Returns:
        The N texts and their labels (N,), int64, float64, bool or text; None for the labels if not labelled. Spaces
        around the cells of a CSV or TSV file are cut off; an empty text stays.

    Raises:
        DataError: no column or several would fit, or a text or a label is missing; the message names the row.
        OptionError: a label is named and not labelled.

    Example:
        >>> import polars as pl
        >>> texts_from_table(pl.DataFrame({"stars": [5, 1], "review": ["Grand.", "Never again."]}))
        (['Grand.', 'Never again.'], array([5, 1]))
    """
    found = read_text_table(table, text=text, label=label, labelled=labelled)
    return found.texts, found.labels


def read_text_table(
    table: Any, *, text: str | None = None, label: str | None = None, labelled: bool | None = True
) -> TextTable:
    """Read a table as :func:`texts_from_table` does, and say which columns were taken.

    Args:
        table, text: as there.
        label: as there.
        labelled: as there; None takes the labels where the table has such a column, in which cells may be empty, and
            none otherwise.

    Raises:
        DataError, OptionError: as there.

    Example:
        >>> import polars as pl
        >>> found = read_text_table(pl.DataFrame({"stars": [5, 1], "review": ["Grand.", "Never again."]}))
        >>> found.text, found.label
        ('review', 'stars')
    """
    if label is not None and labelled is False:
        raise OptionError(f"label={label!r} names labels, and labelled=False leaves them out. Give one of the two.")
    there = _open(table)
    if labelled is None and label is not None and label not in there.frame.columns:
        label, labelled = None, False
    for argument, column in (("text", text), ("label", label)):
        if column is not None and column not in there.frame.columns:
            raise no_column(there.frame, there.name, argument, column)
    found = text if text is not None else _find_text(there, label, labelled is not False)
    if labelled is None and label is None:
        labelled = len(_label_columns(there, found)) == 1
    if labelled is False:
        return TextTable(_texts(there, found), None, found, None)
    answer = label if label is not None else _find_label(there, found)
    if answer == found:
        raise DataError(f"Column {found!r} of {there.name} is named twice, as text= and label=. Name it once.")
    labels = labels_of(_typed(there, answer), there.rows, there.name, may_lack=labelled is None)
    if np.ma.getmaskarray(labels).all():
        return TextTable(_texts(there, found), None, found, None)
    if there.written and text is None and label is None and answer in labels.astype(str) and answer not in LABEL_NAMES:
        raise DataError(
            f"{there.name} seems to have no header: {answer!r} stands where the name of the labels should be, and is "
            "one of them. Write label and text above the columns."
        )
    return TextTable(_texts(there, found), labels, found, answer)


def _open(table: Any) -> _Opened:
    if isinstance(table, str | Path) and Path(table).is_file() and not is_parquet(Path(table)):
        found = read_written(Path(table))
        return _Opened(nw.from_native(found.frame), found.rows, found.name, written=True)
    frame, rows, name, _ = opened(table, each="text")
    return _Opened(frame, rows, name, written=False)


def _typed(there: _Opened, column: str) -> nw.Series[Any]:
    """A column in the type that its cells have."""
    if not there.written:
        return there.frame[column]
    cells = there.frame[column].to_native()
    return nw.from_native(typed(cells.set(cells.is_in(MISSING), None)), series_only=True)


def _find_text(there: _Opened, label: str | None, labelled: bool) -> str:
    free = [column for column in there.frame.columns if column != label and column not in ROW_NAMES]
    called = [column for column in free if column.lower() in TEXT_NAMES]
    if not called:
        answers = LABEL_NAMES if labelled and label is None else ()
        called = [column for column in free if column.lower() not in answers and holds_text(_typed(there, column))]
        if labelled and label is None and len(called) == 2:
            called = _longer(there, called)
    more = f"; the columns are {shown(there.frame.columns)}. Name one with text= (--text)."
    return only_one(called, there.name, "texts", more)


def _longer(there: _Opened, columns: list[str]) -> list[str]:
    """Of two columns the one of longer cells, if the other one repeats itself as labels do."""
    cells = [pl.Series(there.frame[column].to_list(), dtype=pl.String, strict=False) for column in columns]
    lengths = [float(column.str.len_chars().sum()) for column in cells]
    longer = int(lengths[1] > lengths[0])
    shorter = cells[1 - longer]
    return [columns[longer]] if lengths[0] != lengths[1] and shorter.n_unique() < len(shorter) else columns


def _label_columns(there: _Opened, text: str) -> list[str]:
    """The columns that may hold the labels: those called so, or all beside the texts in which something comes again."""
    free = [column for column in there.frame.columns if column != text and column not in ROW_NAMES]
    called = [column for column in free if column.lower() in LABEL_NAMES] or free
    # What is another in every row numbers the rows; labels come again.
    repeated = [column for column in called if there.frame[column].n_unique() < len(there.frame)]
    return repeated if len(repeated) == 1 else called


def _find_label(there: _Opened, text: str) -> str:
    more = f" beside the texts in {text!r}. Name one with label= (--label)."
    return only_one(_label_columns(there, text), there.name, "labels", more)


def _texts(there: _Opened, column: str) -> list[str]:
    cells = there.frame[column]
    where = f"{there.name}, column {column!r}"
    if not holds_text(cells):
        raise DataError(f"{where} is of type {cells.dtype}, and texts are needed. Name another with text= (--text).")
    absent = cells.is_null().to_numpy()
    if absent.any():
        more = f" ({absent.sum()} such rows)" if absent.sum() > 1 else ""
        row = there.rows[absent.argmax()]
        raise DataError(f"{where}, row {row} has no text{more}. Write '' for an empty one, or take the row out.")
    texts = cells.to_list()
    for row, cell in zip(there.rows, texts, strict=True):
        if not isinstance(cell, str):
            raise DataError(f"{where}, row {row} is {cell!r} and no text. Write it as text.")
    return texts
