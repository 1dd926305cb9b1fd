"""A table becomes a panel of validated series, and forecasts become a table of the same kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from recuerdo.data.columns import Choice, choose, numbers
from recuerdo.data.frequency import Frequency, Times
from recuerdo.data.reading import read
from recuerdo.data.stamps import Kind, column_of, read_times, text_of
from recuerdo.data.times import TimeType
from recuerdo.data.validation import Series, in_order, one_frequency, say_constant
from recuerdo.errors import DataError

__all__ = ["Panel", "Series", "panel", "read", "to_frame"]

_KINDS: dict[nw.Implementation, Kind] = {
    nw.Implementation.PANDAS: "pandas",
    nw.Implementation.POLARS: "polars",
    nw.Implementation.PYARROW: "pyarrow",
}


@dataclass(frozen=True)
class Panel:
    """One or more series of one frequency, with what is needed to answer in the user's own words.

    Attributes:
        series: the series, in the order of their first rows.
        freq: the step from one time stamp to the next.
        date: the name of the column of time stamps.
        target: the name of the column of numbers, or the names if each column is a series.
        id: the name of the column that tells the series apart, if there is one.
        kind: what the table was, and its answers shall be: "pandas", "polars" or "pyarrow".
        time_type: how time stamps are given back.
        notes: what was decided on the way, in sentences.
    """

    series: tuple[Series, ...]
    freq: Frequency
    date: str
    target: str | tuple[str, ...]
    id: str | None
    kind: Kind
    time_type: TimeType
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.series)

    @property
    def rows(self) -> int:
        """The rows of all series together."""
        return sum(len(series.values) for series in self.series)

    def split(self, last: int) -> tuple["Panel", "Panel"]:
        """The panel without the last rows of each series, and these rows.

        Args:
            last: how many rows of each series go to the second panel.

        Returns:
            The earlier and the later panel.

        Raises:
            DataError: a series does not have more rows than that.
        """
        for series in self.series:
            if not 0 < last < len(series.values):
                raise DataError(
                    f"The last {last} rows cannot be set apart from series {series.id!r}, which has "
                    f"{len(series.values)} rows: choose from 1 to {len(series.values) - 1}."
                )
        early = tuple(replace(one, times=one.times[:-last], values=one.values[:-last]) for one in self.series)
        late = tuple(replace(one, times=one.times[-last:], values=one.values[-last:]) for one in self.series)
        return replace(self, series=early), replace(self, series=late)

    def future(self, horizon: int) -> list[Times]:
        """The next time stamps (horizon,) of each series."""
        return [self.freq.after(series.times[-1], horizon) for series in self.series]


def panel(
    table: Any,
    *,
    date: str | None = None,
    target: str | Sequence[str] | None = None,
    id: str | None = None,  # noqa: A002 - the word of the tables and of the command line
) -> Panel:
    """Read a table as series, and make sure that they can be learned from.

    Args:
        table: a frame of pandas, polars or pyarrow, the path of a CSV or Parquet file, or a panel. It is not changed.
            In messages the rows of a frame count from 0, and the header of a CSV file is row 1.
        date: the column of time stamps; found if there is only one. A column of integers counts years or steps.
        target: the column of numbers; found if there is only one. A list makes a series of each column.
        id: the column that tells the series of a long table apart; "unique_id" is taken if there is one.

    Returns:
        The panel; its notes say what was found and decided.

    Raises:
        DataError: the table cannot be read as series without gaps, repeats and missing values; the message says which
            row, and what to do.

    Example:
        >>> import polars as pl
        >>> sales = panel(pl.DataFrame({"month": ["2020-01", "2020-02", "2020-03"], "sold": [3, 1, 2]}))
        >>> sales.freq.words, sales.target, sales.series[0].values.tolist()
        ('monthly', 'sold', [3.0, 1.0, 2.0])
        >>> sales.time_type.text(sales.future(2)[0])
        ['2020-04', '2020-05']
    """
    if isinstance(table, Panel):
        if date is not None or target is not None or id is not None:
            raise DataError("A panel has its columns chosen already: leave date=, target= and id= out.")
        return table
    if isinstance(table, str | Path):
        found = read(table)
        frame, rows, name, notes = nw.from_native(found.frame), found.rows, found.name, list(found.notes)
    else:
        frame, name, notes = _frame(table), "The table", list[str]()
        rows = np.arange(len(frame), dtype=np.int64)
    if not len(frame):
        raise DataError(f"{name} has no rows. It should have one for each time step.")
    chosen = choose(frame, name, date, target, id)
    times, time_type, said = read_times(frame[chosen.date], rows, f"{name}, column {chosen.date!r}")
    values = {column: numbers(frame[column], rows, name) for column in chosen.targets}
    called = f"{name} (times in UTC)" if time_type.utc else name
    groups = _groups(frame, chosen, rows)
    series: list[Series] = []
    series_rows: list[NDArray[np.int64]] = []
    unsorted = 0
    for group, places in groups.items():
        where = f"{called}, series {group!r}" if len(groups) > 1 else called
        order = in_order(times[places], rows[places], where, lambda: _id_hint(frame, chosen, times))
        if order is not None:
            unsorted += 1
            places = places[order]
        for column in chosen.targets:
            identity = column if chosen.id is None else group
            series.append(Series(identity, times[places], values[column][places]))
            series_rows.append(rows[places])
    freq = one_frequency(series, series_rows, called)
    notes.append(f"dates are in {chosen.date!r} ({freq.words}), numbers in {', '.join(map(repr, chosen.targets))}")
    notes += said
    if unsorted:
        notes.append(
            f"rows were sorted by date in {unsorted} series" if len(groups) > 1 else "rows were sorted by date"
        )
    notes += say_constant(series)
    kept = chosen.targets if target is not None and not isinstance(target, str) else next(iter(chosen.targets))
    kind = _KINDS[frame.implementation]
    return Panel(tuple(series), freq, chosen.date, kept, chosen.id, kind, time_type, tuple(notes))


def to_frame(
    panel: Panel,
    times: Sequence[Times],
    columns: Mapping[str, Sequence[NDArray[Any]]],
    ids: Sequence[Any] | None = None,
) -> Any:
    """Build a table of the kind that the panel came from.

    Args:
        panel: where the kind and the names of the columns come from.
        times: the time stamps (K_i,) of each block of rows.
        columns: for each further column its values (K_i,), block by block.
        ids: the id of each block; None takes one block for each series of the panel.

    Returns:
        A frame with the id (where the panel has several series, "unique_id" if they were columns), the time stamps in
        the type in which they came, and the columns.

    Raises:
        DataError: a column is called as the id or the date.

    Example:
        >>> import polars as pl
        >>> sales = panel(pl.DataFrame({"month": ["2020-01", "2020-02", "2020-03"], "sold": [3, 1, 2]}))
        >>> to_frame(sales, sales.future(2), {"sold": [np.array([2.5, 2.0])]}).rows()
        [('2020-04', 2.5), ('2020-05', 2.0)]
    """
    ids = [series.id for series in panel.series] if ids is None else ids
    id_name = panel.id or ("unique_id" if isinstance(panel.target, tuple) else None)
    for name in columns:
        if name in (panel.date, id_name):
            raise DataError(f"A column of the result would be called {name!r}, as the one that is there. Rename yours.")
    built = [column_of(np.concatenate(times), panel.time_type, panel.date, panel.kind)]
    if id_name is not None:
        repeated = [one for one, block in zip(ids, times, strict=True) for _ in block]
        built.insert(0, nw.new_series(id_name, repeated, backend=panel.kind))
    built += [nw.new_series(name, np.concatenate(blocks), backend=panel.kind) for name, blocks in columns.items()]
    return built[0].to_frame().with_columns(*built[1:]).to_native()


def _frame(table: Any) -> nw.DataFrame[Any]:
    try:
        frame = nw.from_native(table, eager_only=True)
        columns = frame.columns
    except nw.exceptions.DuplicateError as error:
        raise DataError("The table has several columns of one name. Rename all but one.") from error
    except TypeError as error:
        collect = " Call .collect() first." if hasattr(table, "collect") else ""
        raise DataError(
            "A table of pandas, polars or pyarrow, or the path of a CSV or Parquet file is needed; got "
            f"{type(table).__module__}.{type(table).__qualname__}.{collect}"
        ) from error
    if frame.implementation not in _KINDS:
        raise DataError(f"Tables of {frame.implementation} are not read. Convert it to pandas, polars or pyarrow.")
    for column in columns:
        if not isinstance(column, str):
            raise DataError(f"The columns need text as names, and one is called {column!r}. Rename it.")
    return frame


def _groups(frame: nw.DataFrame[Any], chosen: Choice, rows: NDArray[np.int64]) -> dict[Any, NDArray[np.int64]]:
    """The places of the rows of each series, by its id, in the order of first appearance."""
    if chosen.id is None:
        return {chosen.targets[0]: np.arange(len(frame), dtype=np.int64)}
    column = frame[chosen.id]
    absent = np.flatnonzero(column.is_null().to_numpy())
    if absent.size:
        raise DataError(f"Column {chosen.id!r}, row {rows[absent[0]]} is empty, so the row belongs to no series.")
    ids = column.to_list() if column.dtype.is_integer() else text_of(column).to_list()
    places: dict[Any, list[int]] = {}
    for i, one in enumerate(ids):
        places.setdefault(one, []).append(i)
    return {one: np.array(found, dtype=np.int64) for one, found in places.items()}


def _id_hint(frame: nw.DataFrame[Any], chosen: Choice, times: Times) -> str:
    """What to do about repeated dates: name the column that would tell them apart, if there is one."""
    if chosen.id is None:
        for name in frame.columns:
            column = frame[name]
            if name in (chosen.date, *chosen.targets) or column.dtype.is_float():
                continue
            labels = text_of(column).fill_null("").to_list()
            if len(set(labels)) < len(labels) and len(set(zip(labels, times.tolist(), strict=True))) == len(labels):
                return f"Is {name!r} the column that tells series apart? Then name it with id= (--id)."
    if times.dtype.kind == "M" and (times != times.astype("datetime64[D]")).any():
        return "Keep one row for each, or write times with their offset from UTC if a clock was set back there."
    return "Keep one row for each date."
