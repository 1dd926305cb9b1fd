"""Time stamps in the columns of a frame: to numpy for the work, and back in the type they came in."""

from datetime import date as calendar_day
from typing import Any, Literal, cast

import narwhals as nw
import numpy as np
import polars as pl
from numpy.typing import NDArray

from recuerdo.data.frequency import Times
from recuerdo.data.times import TimeType, looks_like_dates, parse
from recuerdo.errors import DataError

__all__ = ["Kind", "column_of", "holds_dates", "is_period", "read_times", "text_of"]

Kind = Literal["pandas", "polars", "pyarrow"]

_YEAR_NAMES = {"year", "date", "ds", "time", "period", "timestamp"}
_DAY = 86_400_000_000
_EXACT = 2**53  # from here on not every whole number is a float


def holds_dates(column: nw.Series[Any]) -> bool:
    """Whether a column holds dates by its type, by how it is written, or by its name if it holds years."""
    if isinstance(_dtype(column), nw.Datetime | nw.Date):
        return True
    named_so = column.name.lower() in _YEAR_NAMES
    if column.dtype.is_integer():
        return named_so and _are_years(column.to_numpy())
    if column.dtype == nw.Object:
        return isinstance(next((cell for cell in column.to_list() if cell is not None), None), calendar_day)
    if not _is_text(column):
        return False
    cells = text_of(column.head(200))
    return looks_like_dates(cells) or (named_so and bool(cells.str.contains(r"^\d{4}$").all()))


def read_times(
    column: nw.Series[Any],
    rows: NDArray[np.int64],
    where: str,
    *,
    wall: bool | None = None,
    known: TimeType | None = None,
    argument: str = "date",
) -> tuple[Times, TimeType, list[str]]:
    """The time stamps of a column, what is needed to give them back, and notes.

    Args:
        column: (T,) dates, datetimes, written dates, years, or the integers of a counter.
        rows: (T,) the number of each row, for messages.
        where: what to call the column in messages.
        wall: whether times with a zone are read from the clock on the wall; None does where all are of one time of day.
        known: how the stamps of another table of the same person were written, which settles what can be read in two
            ways.
        argument: what the column was named as.

    Returns:
        The times (T,), datetime64[us], or int64 for a counter.

    Raises:
        DataError: a stamp is missing, or is none.
    """
    dtype = _dtype(column)
    absent = np.flatnonzero(column.is_null().to_numpy())
    if absent.size:
        more = f" ({absent.size} such rows)" if absent.size > 1 else ""
        raise DataError(f"{where}, row {rows[absent[0]]} has no date{more}. Write it, or take the row out.")
    if isinstance(dtype, nw.Datetime):
        return *_datetimes(column, dtype, wall), []
    if dtype == nw.Date:
        return _microseconds(column.cast(nw.Datetime("us"))), TimeType("date", dtype="Date"), []
    if dtype == nw.Object and holds_dates(column):
        days = pl.Series(column.to_list())
        if days.dtype != pl.Date:
            raise DataError(f"{where} holds datetime objects one by one. Make it a column of datetimes first.")
        return days.cast(pl.Datetime("us")).to_numpy(), TimeType("date", dtype="Object"), []
    if _is_text(column):
        return parse(text_of(column), rows, where, known)
    numbers = column.to_numpy() if dtype.is_numeric() else np.array(["none"])
    if numbers.dtype.kind == "f" and (np.abs(numbers) < _EXACT).all() and (numbers == np.round(numbers)).all():
        numbers = numbers.astype(np.int64)
    if numbers.dtype.kind in "iu":
        whole = numbers.astype(np.int64)
        _no_written_dates(whole, where)
        if known.kind == "year" if known is not None else _are_years(whole):
            years = (whole - 1970).astype("datetime64[Y]").astype("datetime64[us]")
            return years, TimeType("year", dtype=str(dtype)), [f"{where} is read as years"]
        return whole, TimeType("step", dtype=str(dtype)), [f"{where} counts steps"]
    mend = "by .dt.to_timestamp() first" if is_period(column) else "first"
    raise DataError(
        f"{where} is of type {column.to_native().dtype if dtype == nw.Unknown else dtype} and holds no dates. "
        f"Turn it into dates {mend}, or name another with {argument}= (--{argument})."
    )


def column_of(times: Times, time_type: TimeType, name: str, backend: Kind) -> nw.Series[Any]:
    """A column of time stamps in the type they came in.

    Args:
        times: (T,) as `read_times` gives them.
        time_type: from `read_times`.
        name: the name of the column.
        backend: "pandas", "polars" or "pyarrow".

    Returns:
        The column (T,).
    """
    match time_type.kind:
        case "text":
            return nw.new_series(name, time_type.text(times), nw.String, backend=backend)
        case "year":
            years = times.astype("datetime64[Y]").astype(np.int64) + 1970
            return _counted(name, years, time_type.dtype, backend)
        case "step":
            return _counted(name, times, time_type.dtype, backend)
        case "date" if time_type.dtype == "Object":
            return nw.new_series(name, times.astype("datetime64[D]").tolist(), nw.Object, backend=backend)
    stamps = nw.new_series(name, time_type.instants(times), nw.Datetime("us"), backend=backend)
    if time_type.kind == "date":
        return stamps.cast(nw.Date)
    if time_type.zone is not None:
        stamps = stamps.dt.replace_time_zone("UTC").dt.convert_time_zone(time_type.zone)
    return stamps.cast(nw.Datetime(cast(Any, time_type.dtype), time_type.zone))


def text_of(column: nw.Series[Any]) -> pl.Series:
    """The cells as text, None where one is missing."""
    if column.dtype == nw.String and column.implementation.is_polars():
        return column.to_native()
    if column.dtype == nw.String and column.implementation.is_pyarrow():
        return cast(pl.Series, pl.from_arrow(column.to_native())).cast(pl.String).alias(column.name)
    absent = column.is_null().to_list()
    cells = [None if gone else str(cell) for cell, gone in zip(column.to_list(), absent, strict=True)]
    return pl.Series(column.name, cells, dtype=pl.String)


def is_period(column: nw.Series[Any]) -> bool:
    """Whether a column of pandas holds periods."""
    return column.dtype == nw.Unknown and str(column.to_native().dtype).startswith("period")


def _dtype(column: nw.Series[Any]) -> Any:
    """The type of a column; narwhals knows no pandas datetimes in zones with a _, such as America/New_York."""
    kind: Any = column.to_native().dtype if column.dtype == nw.Unknown else None
    return column.dtype if getattr(kind, "tz", None) is None else nw.Datetime(kind.unit, str(kind.tz))


def _is_text(column: nw.Series[Any]) -> bool:
    return column.dtype in (nw.String, nw.Categorical) or isinstance(column.dtype, nw.Enum)


def _are_years(numbers: NDArray[Any]) -> bool:
    return len(numbers) > 0 and bool(((numbers >= 1000) & (numbers < 3000)).all())


def _no_written_dates(numbers: NDArray[np.int64], where: str) -> None:
    """Raises DataError if all numbers are dates without marks, such as 20200131 or 202001: they are no counter."""
    day = numbers % 100
    written = (("2020-01-31", numbers // 100, (day >= 1) & (day <= 31)), ("2020-01", numbers, True))
    for form, months, fits in written:
        year, month = months // 100, months % 100
        if np.all((year >= 1800) & (year < 2200) & (month >= 1) & (month <= 12) & fits):
            raise DataError(f"{where} holds dates without marks, such as {numbers[0]}. Write them as {form}.")


def _counted(name: str, numbers: Times, dtype: str, backend: Kind) -> nw.Series[Any]:
    """Whole numbers in the type they came in, or in 64 bits where they have outgrown it."""
    column = nw.new_series(name, numbers, backend=backend)
    if "Int" in dtype and numbers.max(initial=0) > np.iinfo(dtype.lower()).max:
        return column
    return column.cast(getattr(nw, dtype))


def _microseconds(column: nw.Series[Any]) -> Times:
    return column.dt.timestamp("us").to_numpy().astype(np.int64).view("datetime64[us]")


def _datetimes(column: nw.Series[Any], dtype: nw.Datetime, wall: bool | None) -> tuple[Times, TimeType]:
    if dtype.time_zone is None:
        return _microseconds(column), TimeType("datetime", dtype=dtype.time_unit)
    # A day or a month is one by the clock on the wall; an hour is one by UTC, also where summer time begins.
    shown = _microseconds(column.dt.replace_time_zone(None))
    if wall is None:
        wall = np.unique(shown.astype(np.int64) % _DAY).size == 1
    if not wall and column.dtype == nw.Unknown:
        column = nw.from_native(column.to_native().dt.tz_convert("UTC"), series_only=True)
    times = shown if wall else _microseconds(column)
    return times, TimeType("datetime", dtype=dtype.time_unit, zone=dtype.time_zone, wall=wall)
