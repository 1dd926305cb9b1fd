"""A table becomes a panel of validated series, and forecasts become a table of the same kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from recuerdo.data.columns import Choice, choose, identified, numbers
from recuerdo.data.covariates import Covariate, constant, of_table, read_columns
from recuerdo.data.frames import kind_of, opened
from recuerdo.data.frequency import Frequency, Times
from recuerdo.data.rows import LEAST_RUN, Rows, laid_out, no_endless_run, say_moved
from recuerdo.data.stamps import Kind, column_of, read_times, text_of
from recuerdo.data.times import TimeType
from recuerdo.data.validation import Series, fits, in_order, one_frequency, say_constant, say_missing, sound
from recuerdo.errors import DataError

__all__ = ["LONGEST_PAUSE", "Panel", "Series", "panel", "to_frame"]

LONGEST_PAUSE = 10_000
"""Missing rows in a run from which rows that follow others are thought to have a wrong date."""


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
        covariates: the columns of each series' covariates, the past ones first and then the future ones.
        static: the columns of each series' static values.
    """

    series: tuple[Series, ...]
    freq: Frequency
    date: str
    target: str | tuple[str, ...]
    id: str | None
    kind: Kind
    time_type: TimeType
    notes: tuple[str, ...]
    covariates: tuple[Covariate, ...] = ()
    static: tuple[Covariate, ...] = ()

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
        early = tuple(_part(one, slice(None, -last)) for one in self.series)
        late = tuple(_part(one, slice(-last, None)) for one in self.series)
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
    past: str | Sequence[str] = (),
    future: str | Sequence[str] = (),
    static: Any = (),
    freq: str | Frequency | None = None,
    categories: Mapping[str, Sequence[str]] | None = None,
    follows: Panel | None = None,
) -> Panel:
    """Read a table as series, and make sure that they can be learned from.

    Stamps that are missing between the first and the last of a series become rows without values; nothing is filled
    in. Stamps that keep no common step go to the nearest points of a grid of the median step. The notes of the panel
    say so.

    Args:
        table: a frame of pandas, polars or pyarrow, the path of a CSV or Parquet file or of a folder of such, or a
            panel. It is not changed. In messages the rows of a frame count from 0, and the header of a CSV file is
            row 1.
        date: the column of time stamps; found if there is only one. A column of integers counts years or steps.
        target: the column of numbers; found if there is only one. A list makes a series of each column.
        id: the column that tells the series of a long table apart; "unique_id" is taken if there is one.
        past: columns that are known up to now, of numbers or of categories (text, true and false).
        future: columns that are known ahead too.
        static: columns that do not change within a series, or a table of them with the column of ids and one row for
            each series (a frame or a Path).
        freq: the step, found if None. Text in the short form of pandas, such as "30min" or "MS", names a grid for this
            table, onto which irregular stamps are moved; the Frequency of a fitted model is one that it must keep.
        categories: column -> the categories that a fitted model knows; others are taken as missing, with a warning.
            None takes those of this table.
        follows: the panel that these rows come behind: stamps are read as they were there, and a series may be without
            a value.

    Returns:
        The panel; its notes say what was found and decided.

    Raises:
        DataError: the table cannot be read as series; the message says which row, and what to do.

    Warns:
        UserWarning: a covariate has a category that is not among `categories`.

    Example:
        >>> import polars as pl
        >>> sales = panel(pl.DataFrame({"month": ["2020-01", "2020-02", "2020-04"], "sold": [3, 1, 2]}))
        >>> sales.freq.words, sales.target, sales.series[0].values.tolist()
        ('monthly', 'sold', [3.0, 1.0, nan, 2.0])
        >>> sales.time_type.text(sales.future(2)[0])
        ['2020-05', '2020-06']
    """
    if isinstance(table, Panel):
        if any(each is not None for each in (date, target, id, freq)) or any(map(len, (past, future, static))):
            raise DataError(
                "A panel has its columns chosen already: leave date=, target=, id=, past=, future=, static= and freq= "
                "out."
            )
        return table
    frame, row_numbers, name, found = opened(table)
    notes = list(found)
    apart = not _are_names(static)
    beside = {"past": _names(past), "future": _names(future), "static": () if apart else _names(static)}
    chosen = choose(frame, name, date, target, id, beside)
    asked = Frequency.from_text(freq) if isinstance(freq, str) else freq
    by_clock = asked is not None and not asked.by_the_day
    times, time_type, said = read_times(
        frame[chosen.date],
        row_numbers,
        f"{name}, column {chosen.date!r}",
        wall=follows.time_type.wall if follows is not None else False if by_clock else None,
        known=None if follows is None else follows.time_type,
    )
    called = f"{name} (times in UTC)" if time_type.utc else name
    ids, group = _series(frame, chosen, row_numbers)
    order, unsorted = in_order(group, ids, times, row_numbers, called, lambda: _id_hint(frame, chosen, times))
    roles = [(role, column) for role, columns in chosen.covariates.items() for column in columns]
    covariates, known = read_columns(frame, roles, row_numbers, name, categories)
    values = np.stack([numbers(frame[column], row_numbers, name) for column in chosen.targets])
    rows, known = _in_rows(ids, group, order, times, values, known, row_numbers, called, chosen)
    sound(rows, blank=follows is not None)
    step = one_frequency(rows) if asked is None else fits(rows, asked, named=isinstance(freq, str))
    no_endless_run(rows, step, LEAST_RUN if follows is None else LONGEST_PAUSE)
    moving = sum(one.role != "static" for one in covariates)
    if apart:
        id_name = chosen.id or "unique_id"
        static_frame, _, static_name, _ = opened(static)
        called_so = static_name if isinstance(static, Path) else "The table of static="
        statics, unchanging = of_table(static_frame, rows.ids, id_name, categories, called_so)
    else:
        statics = covariates[moving:]
        unchanging = constant(rows, known[:, moving:], statics)
    rows = replace(rows, covariates=known[:, :moving])
    moved = say_moved(rows, step)
    rows = laid_out(rows, step, np.array([one.categories is not None for one in covariates[:moving]], dtype=bool))
    notes.append(f"dates are in {chosen.date!r} ({step.words}), numbers in {', '.join(map(repr, chosen.targets))}")
    notes += said
    if unsorted:
        notes.append(f"rows were sorted by date in {unsorted} series" if len(ids) > 1 else "rows were sorted by date")
    notes += moved + say_missing(rows, step) + say_constant(rows)
    kept = chosen.targets if target is not None and not isinstance(target, str) else next(iter(chosen.targets))
    return Panel(
        series=tuple(
            Series(one, rows.times[part], rows.values[part], rows.covariates[part], still)
            for one, part, still in zip(rows.ids, map(rows.part, range(len(rows.ids))), unchanging, strict=True)
        ),
        freq=step,
        date=chosen.date,
        target=kept,
        id=chosen.id,
        kind=kind_of(frame),
        time_type=time_type,
        notes=tuple(notes),
        covariates=tuple(covariates[:moving]),
        static=tuple(statics),
    )


def to_frame(
    panel: Panel,
    times: Sequence[Times],
    columns: Mapping[str, Sequence[NDArray[Any]]],
    ids: Sequence[Any] | None = None,
    moments: Mapping[str, Sequence[Any]] | None = None,
) -> Any:
    """Build a table of the kind that the panel came from.

    Args:
        panel: where the kind and the names of the columns come from.
        times: the time stamps (K_i,) of each block of rows.
        columns: for each further column its values (K_i,), block by block.
        ids: the id of each block; None takes one block for each series of the panel.
        moments: for each further column of time stamps the one stamp of each block.

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
    moments = moments or {}
    for name in (*columns, *moments):
        if name in (panel.date, id_name):
            raise DataError(f"A column of the result would be called {name!r}, as the one that is there. Rename yours.")
    built = [column_of(np.concatenate(times), panel.time_type, panel.date, panel.kind)]
    if id_name is not None:
        repeated = [one for one, block in zip(ids, times, strict=True) for _ in block]
        built.insert(0, nw.new_series(id_name, repeated, backend=panel.kind))
    for name, stamps in moments.items():
        repeated = np.repeat(np.array(stamps), [len(block) for block in times])
        built.append(column_of(repeated, panel.time_type, name, panel.kind))
    built += [nw.new_series(name, np.concatenate(blocks), backend=panel.kind) for name, blocks in columns.items()]
    return built[0].to_frame().with_columns(*built[1:]).to_native()


def _are_names(static: Any) -> bool:
    return isinstance(static, str) or (isinstance(static, Sequence) and all(isinstance(one, str) for one in static))


def _names(columns: str | Sequence[str]) -> tuple[str, ...]:
    return (columns,) if isinstance(columns, str) else tuple(columns)


def _part(one: Series, part: slice) -> Series:
    return replace(one, times=one.times[part], values=one.values[part], covariates=one.covariates[part])


def _series(frame: nw.DataFrame[Any], chosen: Choice, rows: NDArray[np.int64]) -> tuple[list[Any], NDArray[np.int64]]:
    """The ids in the order of first appearance, and for each row the number of its own."""
    if chosen.id is None:
        return [chosen.targets[0]], np.zeros(len(frame), dtype=np.int64)
    return identified(frame[chosen.id], rows)


def _in_rows(
    ids: list[Any],
    group: NDArray[np.int64],
    order: NDArray[np.int64] | None,
    times: Times,
    values: NDArray[np.float64],
    beside: NDArray[np.float64],
    numbers: NDArray[np.int64],
    where: str,
    chosen: Choice,
) -> tuple[Rows, NDArray[np.float64]]:
    """All series as one block of rows, and what is known beside them (R, ·); each target (W, T) is a series."""
    if order is not None:
        group, times, values, beside, numbers = (
            group[order],
            times[order],
            values[:, order],
            beside[order],
            numbers[order],
        )
    bounds = np.searchsorted(group, np.arange(len(ids) + 1))
    wide = len(values)
    if wide > 1:
        ids, bounds = list(chosen.targets), np.arange(wide + 1) * len(times)
        times, numbers, beside = np.tile(times, wide), np.tile(numbers, wide), np.tile(beside, (wide, 1))
    none = np.empty((len(times), 0))
    return Rows(tuple(ids), bounds, times, values.reshape(-1), none, numbers, where), beside


def _id_hint(frame: nw.DataFrame[Any], chosen: Choice, times: Times) -> str:
    """What to do about repeated dates: name the column that would tell them apart, if there is one."""
    if chosen.id is None:
        for name in frame.columns:
            column = frame[name]
            taken = (
                chosen.date,
                *chosen.targets,
                *(each for columns in chosen.covariates.values() for each in columns),
            )
            if name in taken or column.dtype.is_float():
                continue
            labels = text_of(column).fill_null("").to_list()
            if len(set(labels)) < len(labels) and len(set(zip(labels, times.tolist(), strict=True))) == len(labels):
                return f"Is {name!r} the column that tells series apart? Then name it with id= (--id)."
    if times.dtype.kind == "M" and (times != times.astype("datetime64[D]")).any():
        return "Keep one row for each, or write times with their offset from UTC if a clock was set back there."
    return "Keep one row for each date."
