"""How far apart the time stamps of a series are: found from the stamps themselves, or named."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recuerdo.errors import DataError

__all__ = ["Frequency", "Times", "say"]

Times = NDArray[np.datetime64 | np.int64]

SECOND, MINUTE, HOUR, DAY = 1_000_000, 60_000_000, 3_600_000_000, 86_400_000_000
MONTH_END = 31

# The short forms of pandas, new and old.
_CLOCKS = {"s": SECOND, "S": SECOND, "min": MINUTE, "T": MINUTE, "h": HOUR, "H": HOUR}
_CLOCKS |= {"us": 1, "ms": 1000, "D": DAY, "W": 7 * DAY}
_MONTHS = {"MS": (1, 1), "QS": (3, 1), "YS": (12, 1), "AS": (12, 1)}
_MONTHS |= {"ME": (1, MONTH_END), "QE": (3, MONTH_END), "YE": (12, MONTH_END), "M": (1, MONTH_END)}
_MONTHS |= {"Q": (3, MONTH_END), "Y": (12, MONTH_END), "A": (12, MONTH_END)}
_BUSINESS = {f"B{name}": step for name, step in _MONTHS.items()}


@dataclass(frozen=True)
class Frequency:
    """A step on a clock, a calendar or a counter.

    Attributes:
        unit: "microseconds" (a clock), "months" (a calendar), "business days" (Monday to Friday) or "steps" (integers).
        count: how many units one step has.
        day: for months, the day of the month; 31 is the last day, however long the month is.
        nearest: observations need not lie on the grid of these steps: each goes to its nearest point.
        business: for months, the business day (Monday to Friday) next to that day, within the month.

    Example:
        >>> monthly = Frequency("months", 1, day=31)
        >>> monthly.words, monthly.season
        ('monthly', 12)
        >>> monthly.after(np.datetime64("2024-01-31", "us"), 2).astype("datetime64[D]").tolist()
        [datetime.date(2024, 2, 29), datetime.date(2024, 3, 31)]
    """

    unit: str
    count: int
    day: int | None = None
    nearest: bool = False
    business: bool = False

    @property
    def words(self) -> str:
        """The step as a person would say it."""
        match self.unit, self.count:
            case "steps", _:
                return "step" if self.count == 1 else f"every {self.count} steps"
            case "business days", _:
                return "business days" if self.count == 1 else f"every {self.count} business days"
            case "months", 1:
                return "monthly"
            case "months", 3:
                return "quarterly"
            case "months", 12:
                return "yearly"
            case "months", _:
                return f"every {self.count // 12} years" if self.count % 12 == 0 else f"every {self.count} months"
        adverbs = {HOUR: "hourly", DAY: "daily", 7 * DAY: "weekly", MINUTE: "every minute", SECOND: "every second"}
        if self.count in adverbs:
            return adverbs[self.count]
        units = {7 * DAY: "weeks", DAY: "days", HOUR: "hours", MINUTE: "minutes", SECOND: "seconds"}
        size = next((size for size in units if self.count % size == 0), 1)
        return f"every {self.count // size} {units.get(size, 'microseconds')}"

    @property
    def season(self) -> int:
        """How many steps one season has by default: a year of months or weeks, a week of days, a day of shorter steps.

        It is 1 where no such season is a whole number of steps.
        """
        match self.unit:
            case "steps":
                return 1
            case "business days":
                return _whole(5, self.count)
            case "months":
                return _whole(12, self.count)
        if self.count < DAY:
            return _whole(DAY, self.count) if self.count % MINUTE == 0 else 1
        return _whole(52, self.count // (7 * DAY)) if self.count % (7 * DAY) == 0 else _whole(7 * DAY, self.count)

    @property
    def by_the_day(self) -> bool:
        """Whether a step is made of whole days, as a clock on the wall counts them."""
        return self.unit in ("months", "business days") or (self.unit == "microseconds" and self.count % DAY == 0)

    def at(self, origin: Any, positions: Any) -> Times:
        """The stamps that lie some steps from others.

        Args:
            origin: a stamp or stamps (T,), datetime64[us] or int64.
            positions: how many steps further, a number or numbers (T,); negative ones go back.

        Returns:
            The stamps (T,), datetime64[us] or int64 as the origin.
        """
        steps = np.asarray(positions, dtype=np.int64) * self.count
        if self.unit == "steps":
            return np.asarray(origin, dtype=np.int64) + steps
        origin = np.asarray(origin, dtype="datetime64[us]")
        if self.unit == "microseconds":
            return origin + steps.astype("timedelta64[us]")
        midnight = origin.astype("datetime64[D]")
        clock = origin - midnight
        if self.unit == "business days":
            return np.busday_offset(midnight, steps, roll="forward").astype("datetime64[us]") + clock
        return self._in_month(origin.astype("datetime64[M]") + steps.astype("timedelta64[M]")) + clock

    def after(self, last: Any, count: int) -> Times:
        """Continue a series of time stamps.

        Args:
            last: the last stamp, datetime64 or integer.
            count: how many stamps follow.

        Returns:
            The next stamps (count,), datetime64[us] or int64 as the last one.
        """
        return self.at(last, np.arange(1, count + 1))

    def positions(self, times: Times, origin: Any) -> NDArray[np.int64]:
        """How many whole steps each stamp lies from an origin.

        Args:
            times: stamps (T,), datetime64[us] or int64.
            origin: a stamp or stamps (T,) to count from, such as `begin` gives.

        Returns:
            The numbers (T,). With `nearest` they are those of the nearest points of the grid; otherwise a stamp that
            does not lie on the grid gets the number of a point that is not its own, as `at` shows.
        """
        found = (_ordinals(times, self.unit) - _ordinals(np.asarray(origin), self.unit)) // self.count
        if not self.nearest:
            return found
        near = np.stack([found + shift for shift in (-1, 0, 1)])
        away = np.stack([np.abs(times.astype(np.int64) - self.at(origin, each).astype(np.int64)) for each in near])
        return np.take_along_axis(near, away.argmin(axis=0)[None], axis=0)[0]

    def begin(self, first: Times) -> Times:
        """Where the grids of series begin, by their first stamps (n,): there, or with `nearest` at a round time."""
        if not self.nearest or self.unit == "steps":
            return first
        if self.unit == "microseconds":
            round_to = self.count if DAY % self.count == 0 else _unit(self.count)
            return ((first.astype(np.int64) + round_to // 2) // round_to * round_to).view("datetime64[us]")
        if self.unit == "months":
            return self._in_month(first.astype("datetime64[M]"))
        return np.busday_offset(first.astype("datetime64[D]"), 0, roll="forward").astype("datetime64[us]")

    def _in_month(self, months: Any) -> Any:
        return (business_day if self.business else in_month)(months, self.day or 1)

    def to_json(self) -> dict[str, Any]:
        """The frequency as a plain dict, for a model file."""
        return asdict(self)

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "Frequency":
        """The frequency that `to_json` wrote."""
        later = {name: plain.get(name, False) for name in ("nearest", "business")}
        return cls(plain["unit"], plain["count"], plain["day"], **later)

    @classmethod
    def from_text(cls, text: str) -> "Frequency":
        """The frequency that pandas' short form names, such as "h", "30min", "D", "B", "W", "MS", "ME", "BME" or "YS".

        Raises:
            DataError: the text is no such form.

        Example:
            >>> Frequency.from_text("30min").words, Frequency.from_text("ME").words, Frequency.from_text("2W").words
            ('every 30 minutes', 'monthly', 'every 2 weeks')
        """
        match = re.fullmatch(r"([1-9]\d*)?([A-Za-z]+)", text.strip())
        count, name = (int(match[1] or 1), match[2]) if match else (1, "")
        if name in _CLOCKS:
            return cls("microseconds", count * _CLOCKS[name])
        if name in _MONTHS:
            months, day = _MONTHS[name]
            return cls("months", count * months, day)
        if name in _BUSINESS:
            months, day = _BUSINESS[name]
            return cls("months", count * months, day, business=True)
        if name == "B":
            return cls("business days", count)
        anchored = " The part behind - is read from the table itself: leave it out." if "-" in text else ""
        raise DataError(
            f"freq={text!r} is no frequency. Write s, min, h, D, B (business days), W, MS, QS, YS (first days) or ME, "
            f"QE, YE (last days), BME (last business days) and the like, with a number before it if need be, such as "
            f"30min.{anchored}"
        )

    def snapping(self) -> "Frequency":
        """The same grid, onto which observations are moved."""
        return replace(self, nearest=True)


def say(time: Any) -> str:
    """A time stamp as a message shows it, without a clock time of midnight."""
    if not isinstance(time, np.datetime64):
        return str(time)
    midnight = time == time.astype("datetime64[D]")
    return str(time.astype("datetime64[D]" if midnight else datetime))


def in_month(months: Any, day: int) -> Any:
    """The given day of each month, or its last day where the month is shorter, as datetime64[us]."""
    first = months.astype("datetime64[D]")
    last = (months + 1).astype("datetime64[D]") - 1
    return np.minimum(first + (day - 1), last).astype("datetime64[us]")


def business_day(months: Any, day: int) -> Any:
    """The business day of each month that lies at that day or next to it, towards the middle, as datetime64[us]."""
    near = in_month(months, day).astype("datetime64[D]")
    roll = "forward" if day < MONTH_END // 2 else "backward"
    return np.busday_offset(near, 0, roll=roll).astype("datetime64[us]")


def _ordinals(times: Times, unit: str) -> NDArray[np.int64]:
    """Stamps counted in units from 1970, or from 0."""
    match unit:
        case "months":
            return times.astype("datetime64[M]").astype(np.int64)
        case "business days":
            return np.asarray(np.busday_count("1970-01-01", times.astype("datetime64[D]")), dtype=np.int64)
    return times.astype(np.int64)


def _unit(count: int) -> int:
    return next((size for size in (DAY, HOUR, MINUTE, SECOND) if count % size == 0), 1)


def _whole(season: int, step: int) -> int:
    return season // step if season % step == 0 else 1
