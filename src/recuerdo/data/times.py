"""Dates as people write them, and the way back: what came as text goes out as text of the same form."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from recuerdo.data.frequency import MINUTE, Times
from recuerdo.errors import DataError

__all__ = ["TimeType", "looks_like_dates", "parse"]

_CLOCK = (
    r"(?:(?P<sep>[T ])(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?P<f>\.\d{1,9})?)?(?P<zone>Z|[+-]\d{2}:?\d{2})?)?"
)
_FORMS = {
    "a day": rf"^(?P<Y>\d{{4}})(?P<mark>[-/])(?P<m>\d{{1,2}})[-/](?P<d>\d{{1,2}}){_CLOCK}$",
    "a day, the year last": rf"^(?P<a>\d{{1,2}})(?P<mark>[-/.])(?P<b>\d{{1,2}})[-/.](?P<Y>\d{{4}}){_CLOCK}$",
    "a month": r"^(?P<Y>\d{4})(?P<mark>[-/])(?P<m>\d{1,2})$",
    "a quarter": r"^(?P<Y>\d{4})(?P<mark>[- ]?Q)(?P<q>[1-4])$",
    "a year": r"^(?P<Y>\d{4})$",
}
_WRITTEN = "such as 2020-01-31, 2020-01-31 14:00, 31/12/2020, 2020-01, 2020Q1 or 2020"


@dataclass(frozen=True)
class TimeType:
    """How the time stamps of a table are given back in the type they came in.

    Attributes:
        kind: "text", "datetime", "date", "year" or "step".
        form: for text, the form with %Y %m %d %q %H %M %S %f in it; a minus as in %-d stands for no leading zero.
        dtype: for the others, the name of the type: a time unit ("ns", "us", "ms", "s"), an integer type, or "Object".
        zone: for datetimes with a time zone, its name.
        wall: the times are what a clock in that zone shows, rather than UTC.
    """

    kind: str
    form: str = ""
    dtype: str = ""
    zone: str | None = None
    wall: bool = False

    @property
    def utc(self) -> bool:
        """Whether the times are UTC, which may not be what the table shows."""
        return self.form.endswith("Z") or (self.zone is not None and not self.wall)

    def instants(self, times: Times) -> Times:
        """Times (T,) as datetime64[us] in UTC where there is a time zone, and unchanged where there is none."""
        if not self.wall or self.zone is None:
            return times
        zone = _zone(self.zone)
        seconds = [time.replace(tzinfo=zone).timestamp() for time in times.astype("datetime64[us]").astype(datetime)]
        return np.array(np.round(np.array(seconds) * 1e6), dtype=np.int64).view("datetime64[us]")

    def local(self, times: Times) -> Times:
        """Times (T,) as the clock on the wall shows them in their zone; UTC where that is all that is known."""
        if self.zone is None or self.wall:
            return times
        if (fixed := _fixed_offset(self.zone)) is not None:
            return (times.astype(np.int64) + fixed * MINUTE).view("datetime64[us]")
        utc = pl.Series(times.astype("datetime64[us]")).dt.replace_time_zone("UTC")
        return utc.dt.convert_time_zone(self.zone).dt.replace_time_zone(None).to_numpy()

    def text(self, times: Times) -> list[str]:
        """Times (T,) written in the form they came in."""
        return [_write(self.form, time) for time in times.astype("datetime64[us]").astype(datetime)]

    def to_json(self) -> dict[str, Any]:
        """The type as a plain dict, for a model file."""
        return asdict(self)

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "TimeType":
        """The type that `to_json` wrote."""
        return cls(**plain)


def looks_like_dates(cells: pl.Series) -> bool:
    """Whether most of the cells, which are text, are written as dates (a bare year is none)."""
    sample = cells.drop_nulls().head(100)
    forms = [form for name, form in _FORMS.items() if name != "a year"]
    return len(sample) > 0 and max(sample.str.contains(form).sum() for form in forms) * 2 > len(sample)


def parse(
    cells: pl.Series, rows: np.ndarray, where: str, known: TimeType | None = None
) -> tuple[Times, TimeType, list[str]]:
    """Read written dates.

    Args:
        cells: text, none missing.
        rows: (T,) the row number of each cell, for messages.
        where: what to call the column in messages.
        known: how other dates of the same person are written, which tells day and month apart where the cells do not.

    Returns:
        The times (T,) datetime64[us], how to write such times again, and notes on what was decided.

    Raises:
        DataError: a cell is no date, or day and month cannot be told apart.

    Example:
        >>> times, kind, notes = parse(pl.Series(["31/12/2020", "1/1/2021"]), np.arange(2), "day")
        >>> times.astype("datetime64[D]").tolist(), notes
        ([datetime.date(2020, 12, 31), datetime.date(2021, 1, 1)], ['day is read as day/month/year'])
        >>> kind.text(times)
        ['31/12/2020', '1/1/2021']
    """
    cells = cells.str.strip_chars()
    matches = {name: cells.str.contains(form) for name, form in _FORMS.items()}
    name = max(matches, key=lambda name: matches[name].sum())
    good = matches[name].to_numpy()
    if not good.all():
        seen = (
            f"most cells are {name}, like {cells.filter(matches[name])[0]!r}" if good.any() else f"write it {_WRITTEN}"
        )
        raise _no_date(cells, good, rows, where, seen)
    parts = cells.str.extract_groups(_FORMS[name]).struct.unnest()
    notes: list[str] = []
    form = "%Y" if name == "a year" else f"%Y{parts['mark'][0]}%q" if name == "a quarter" else "%Y-%m"
    if "a" in parts.columns:
        day_first = _day_first(parts, rows, where, known)
        parts = parts.rename({"a": "d", "b": "m"} if day_first else {"a": "m", "b": "d"})
        form = "%d/%m/%Y" if day_first else "%m/%d/%Y"
        notes.append(f"{where} is read as {'day/month/year' if day_first else 'month/day/year'}")
    elif "d" in parts.columns:
        form = "%Y-%m-%d"
    if "mark" in parts.columns and name != "a quarter":
        form = form.replace("-", parts["mark"][0]).replace("/", parts["mark"][0])
    if any(letter in parts.columns and (parts[letter].str.len_chars() == 1).any() for letter in "md"):
        form = form.replace("%m", "%-m").replace("%d", "%-d")
    if "q" in parts.columns:
        parts = parts.with_columns(m=(pl.col("q").cast(pl.Int64) * 3 - 2).cast(pl.String))
    if "H" in parts.columns:
        form += _clock_form(parts)
    times = _assemble(parts)
    if times.null_count():
        raise _no_date(cells, times.is_not_null().to_numpy(), rows, where, "there is no such day or time")
    stamps = times.to_numpy().astype("datetime64[us]")
    if "zone" in parts.columns and parts["zone"].drop_nulls().len():
        stamps, suffix, said = _without_zone(stamps, parts["zone"], rows, where)
        return stamps, TimeType("text", form + suffix), notes + said
    return stamps, TimeType("text", form), notes


def _no_date(cells: pl.Series, good: np.ndarray, rows: np.ndarray, where: str, why: str) -> DataError:
    bad = np.flatnonzero(~good)
    more = f" ({len(bad)} such rows)" if len(bad) > 1 else ""
    return DataError(f"{where}, row {rows[bad[0]]}: {cells[int(bad[0])]!r} is no date{more}; {why}.")


def _day_first(parts: pl.DataFrame, rows: np.ndarray, where: str, known: TimeType | None) -> bool:
    first, second = (parts[letter].cast(pl.Int64).to_numpy() for letter in "ab")
    if (first > 12).any() and (second > 12).any():
        one, other = int(np.argmax(first > 12)), int(np.argmax(second > 12))
        raise DataError(
            f"{where} begins with the day in row {rows[one]} and with the month in row {rows[other]}. "
            "Write all dates as 2020-12-31."
        )
    if not (first > 12).any() and not (second > 12).any():
        if known is not None and known.form.startswith(("%d", "%-d", "%m", "%-m")):
            return known.form.startswith(("%d", "%-d"))
        shown = parts["mark"][0].join(parts.select("a", "b", "Y").row(0))
        raise DataError(
            f"{where} can be read with the day or the month first, as in {shown!r}, and every row fits both. "
            "Write the dates as 2020-12-31."
        )
    return bool((first > 12).any())


def _clock_form(parts: pl.DataFrame) -> str:
    if not parts["sep"].drop_nulls().len():
        return ""
    seconds = ":%S" if parts["S"].drop_nulls().len() else ""
    fraction = ".%f" if parts["f"].drop_nulls().len() else ""
    return f"{parts['sep'].drop_nulls()[0]}%H:%M{seconds}{fraction}"


def _assemble(parts: pl.DataFrame) -> pl.Series:
    """Datetimes from their written parts; null where there is no such day or time."""
    defaults = {"m": "1", "d": "1", "H": "0", "M": "0", "S": "0", "f": ".0"}
    full = parts.with_columns(
        (pl.col(letter) if letter in parts.columns else pl.lit(None, pl.String)).fill_null(default).alias(letter)
        for letter, default in defaults.items()
    )
    pad = {letter: pl.col(letter).str.zfill(2) for letter in "mdHMS"}
    written = pl.format("{}-{}-{} {}:{}:{}{}", pl.col("Y"), *(pad[letter] for letter in "mdHMS"), pl.col("f"))
    return full.select(written.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", strict=False, time_unit="us")).to_series()


def _without_zone(
    stamps: np.ndarray, zones: pl.Series, rows: np.ndarray, where: str
) -> tuple[np.ndarray, str, list[str]]:
    """Stamps on one clock, the zone to write behind them, and a note if that is not as they came."""
    if zones.null_count():
        raise DataError(
            f"{where}, row {rows[int(zones.is_null().arg_max() or 0)]} has no time zone and other rows have "
            "one. Write all rows with the zone, or all without."
        )
    found = Counter(zones.to_list())
    if len(found) == 1:
        return stamps, zones[0], []
    minutes = {zone: _offset(zone) for zone in found}
    shift = np.array([minutes[zone] for zone in zones], dtype="timedelta64[m]")
    return stamps - shift, "Z", [f"{where} has several offsets from UTC ({', '.join(found)}) and is read in UTC"]


def _zone(name: str) -> tzinfo:
    fixed = _fixed_offset(name)
    return ZoneInfo(name) if fixed is None else timezone(timedelta(minutes=fixed))


def _fixed_offset(name: str) -> int | None:
    """The minutes of a zone that is an offset, as pandas ("UTC+01:00") and arrow ("+01:00") call it."""
    return _offset(name[-6:]) if re.search(r"[+-]\d\d:\d\d$", name) else None


def _offset(zone: str) -> int:
    if zone == "Z":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[-2:])
    return (hours * 60 + minutes) * (-1 if zone[0] == "-" else 1)


def _write(form: str, time: datetime) -> str:
    fields = {
        "%Y": f"{time.year:04d}",
        "%m": f"{time.month:02d}",
        "%-m": f"{time.month}",
        "%d": f"{time.day:02d}",
        "%-d": f"{time.day}",
        "%q": f"{(time.month + 2) // 3}",
        "%H": f"{time.hour:02d}",
        "%M": f"{time.minute:02d}",
        "%S": f"{time.second:02d}",
        "%f": f"{time.microsecond:06d}",
    }
    return re.sub(r"%-?\w", lambda match: fields[match.group()], form)
