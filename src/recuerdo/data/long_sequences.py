"""A long table, with one row for each time step of each sequence, becomes ragged sequences and their labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from recuerdo.data.columns import ROW_NAMES, finite_numbers, identified, no_column, written_numbers
from recuerdo.data.frames import opened
from recuerdo.data.frequency import say
from recuerdo.data.labels import labels_of
from recuerdo.data.ragged import Ragged
from recuerdo.data.stamps import read_times, text_of
from recuerdo.errors import DataError, OptionError

__all__ = ["LongSequences", "sequences_from_table"]


@dataclass(frozen=True, eq=False)
class LongSequences:
    """The sequences of a long table.

    Attributes:
        sequences: N sequences in the order of their first rows, values (sum of T_i, D) float64, NaN where missing.
        ids: (N,) their ids: int64, or text.
        labels: (N,) one label for each sequence, or with label_each (sum of T_i,) one for each row of
            sequences.values; None where no column of labels was named. A masked array where some have none.
        features: the names of the D columns, in their order.
        times: the cells of the column of times, one for each row of sequences.values; None where none was named.
        notes: what was found and decided, in sentences.
    """

    sequences: Ragged
    ids: NDArray[Any]
    labels: NDArray[Any] | None
    features: tuple[str, ...]
    notes: tuple[str, ...]
    times: list[Any] | None = None

    def __len__(self) -> int:
        return len(self.sequences)


def sequences_from_table(
    table: Any,
    *,
    id: str,  # noqa: A002 - the word of the tables and of the command line
    time: str | None = None,
    features: str | Sequence[str] | None = None,
    label: str | None = None,
    label_each: bool = False,
    labelled: bool | None = True,
) -> LongSequences:
    """Read a table with one row for each time step of each sequence.

    Args:
        table: a frame of pandas, polars or pyarrow, or the path of a CSV or Parquet file or of a folder of such. It is
            not changed. In messages the rows of a frame count from 0, and the header of a CSV file is row 1.
        id: the column that tells the sequences apart.
        time: the column of dates or numbers by which the rows of a sequence are sorted; None keeps their order.
        features: the columns of numbers; None takes all others. An empty cell is a missing value.
        label: the column of labels, of numbers or text.
        label_each: each row has a label of its own; else all rows of a sequence have the same one.
        labelled: None takes a table without the column `label`, or with nothing in it, as one without labels, and cells
            of it may be empty; False leaves the column out.

    Returns:
        The sequences, with their ids and labels.

    Raises:
        DataError: a column or a cell is not what it should be; the message names the row.
        OptionError: label_each without a label.

    Example:
        >>> import polars as pl
        >>> steps = {"run": ["b", "a", "b"], "second": [0.5, 0.0, 0.0], "speed": [3, 1, 2], "kind": ["up", "no", "up"]}
        >>> runs = sequences_from_table(pl.DataFrame(steps), id="run", time="second", label="kind")
        >>> runs.ids.tolist(), runs.labels.tolist(), runs.sequences[0].tolist()
        (['b', 'a'], ['up', 'no'], [[2.0], [3.0]])
    """
    if label_each and label is None:
        raise OptionError("label_each=True needs the column of labels: name it with label= (--label).")
    frame, rows, name, found = opened(table)
    if label is not None and label not in frame.columns and not labelled:
        label = None
    named, features = features, _features(frame, name, {"id": id, "time": time, "label": label}, features)
    ids, group = identified(frame[id], rows)
    order = np.argsort(group, kind="stable")
    notes = list(found)
    if time is not None:
        times = _times(frame[time], rows, f"{name}, column {time!r}")
        by_time = np.lexsort((times, group))
        moved = np.unique(group[order][order != by_time]).size
        notes += [f"rows were sorted by {time!r} in {moved} of {len(ids)} sequences"] if moved else []
        order = by_time
        _no_repeats(times, group, order, rows, lambda i: f"{name}, sequence {ids[group[i]]!r}")
    starts = np.searchsorted(group[order], np.arange(len(ids) + 1))
    labels = None
    if label is not None and labelled is not False:
        place = lambda i: f" (sequence {ids[group[i]]!r})"  # noqa: E731
        labels = labels_of(frame[label], rows, name, place, may_lack=labelled is None)[order]
        if not label_each:
            _one_label(labels, starts, rows[order], lambda i: f"{name}, sequence {ids[i]!r}")
            labels = labels[starts[:-1]]
        if np.ma.getmaskarray(labels).all():
            labels = None
    notes.append(f"{len(ids)} sequences by {id!r}, features are {', '.join(map(repr, features))}")
    sequences = Ragged(_values(frame, features, named, rows, name)[order], starts)
    cells = None if time is None else frame[time].to_list()
    ordered = None if cells is None else [cells[i] for i in order]
    return LongSequences(sequences, np.array(ids), labels, features, tuple(notes), ordered)


def _features(
    frame: nw.DataFrame[Any], name: str, roles: dict[str, str | None], features: str | Sequence[str] | None
) -> tuple[str, ...]:
    """The columns of numbers, after all columns that were named have been found."""
    named = [(role, column) for role, column in roles.items() if column is not None]
    chosen = [features] if isinstance(features, str) else features
    for role, column in [*named, *(("features", column) for column in chosen or ())]:
        if column not in frame.columns:
            raise no_column(frame, name, role, column)
    taken = [column for _, column in named]
    if chosen is None:
        chosen = [column for column in frame.columns if column not in taken and column not in ROW_NAMES]
    if not chosen:
        raise DataError(f"{name} has no column of numbers left. Name the columns with features= (--features).")
    used = [*taken, *chosen]
    if len(set(used)) < len(used):
        twice = next(column for column in used if used.count(column) > 1)
        raise DataError(f"Column {twice!r} of {name} is named twice, as id=, time=, label= or features=. Name it once.")
    return tuple(chosen)


def _values(
    frame: nw.DataFrame[Any], features: tuple[str, ...], named: Any, rows: NDArray[np.int64], name: str
) -> NDArray[np.float64]:
    columns = []
    for feature in features:
        column = frame[feature]
        if named is None and column.dtype == nw.String and not written_numbers(text_of(column)):
            raise DataError(
                f"{name}, column {feature!r} is of text, and features are numbers. Name the columns of numbers with "
                f"features= (--features, once for each)."
            )
        # True and false are 1 and 0 here, as scikit-learn takes them.
        columns.append(finite_numbers(column.cast(nw.Int8) if column.dtype == nw.Boolean else column, rows, name))
    return np.stack(columns, axis=1)


def _times(column: nw.Series[Any], rows: NDArray[np.int64], where: str) -> NDArray[Any]:
    """What orders the rows: dates, whole numbers, or any others such as seconds with decimals."""
    if not column.dtype.is_float():
        return read_times(column, rows, where, wall=False, argument="time")[0]
    times = column.cast(nw.Float64).to_numpy().astype(np.float64)
    if not np.isfinite(times).all():
        row = rows[(~np.isfinite(times)).argmax()]
        raise DataError(f"{where}, row {row} has no finite time. Write it, or take the row out.")
    return times


def _no_repeats(times: NDArray[Any], group: NDArray[np.int64], order: NDArray[np.int64], rows: Any, of: Any) -> None:
    repeated = (times[order][1:] == times[order][:-1]) & (group[order][1:] == group[order][:-1])
    if repeated.any():
        first, second = order[int(repeated.argmax()) :][:2]
        more = f" ({repeated.sum()} such pairs)" if repeated.sum() > 1 else ""
        raise DataError(
            f"{of(first)}: {say(times[first])} stands in rows {rows[first]} and {rows[second]}{more}. Keep one row for "
            "each time, or name the column that tells the sequences apart with id= (--id)."
        )


def _one_label(labels: NDArray[Any], starts: NDArray[np.int64], rows: NDArray[np.int64], of: Any) -> None:
    written, lacks = np.ma.getdata(labels), np.ma.getmaskarray(labels)
    first = np.repeat(starts[:-1], np.diff(starts))
    other = (lacks != lacks[first]) | (~lacks & (written != written[first]))
    if other.any():
        step = int(other.argmax())
        i = int(np.searchsorted(starts, step, side="right")) - 1
        one, two = ("no label" if lacks[k] else written[k] for k in (starts[i], step))
        raise DataError(
            f"{of(i)} has two labels: {one} in row {rows[starts[i]]} and {two} in row "
            f"{rows[step]}. Correct one, or take a label for each step by label_each=True (--output each)."
        )
