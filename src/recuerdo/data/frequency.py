"""How far apart the time stamps of a series are, found from the stamps themselves."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recuerdo.errors import DataError

__all__ = ["Frequency", "Times", "find", "missing", "say"]

Times = NDArray[np.datetime64 | np.int64]

_SECOND, _MINUTE, _HOUR, _DAY = 1_000_000, 60_000_000, 3_600_000_000, 86_400_000_000
_MONTH_END = 31


@dataclass(frozen=True)
class Frequency:
    """A step on a clock, a calendar or a counter.

    Attributes:
        unit: "microseconds" (a clock), "months" (a calendar), "business days" (Monday to Friday) or "steps" (integers).
        count: how many units one step has.
        day: for months, the day of the month; 31 is the last day, however long the month is.

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

    @property
    def words(self) -> str:
        """The step as a person would say it."""
        match self.unit, self.count:
            case "steps", _:
                return "step" if self.count == 1 else f"every {self.count} steps"
            case "business days", _:
                return "business days"
            case "months", 1:
                return "monthly"
            case "months", 3:
                return "quarterly"
            case "months", 12:
                return "yearly"
            case "months", _:
                return f"every {self.count // 12} years" if self.count % 12 == 0 else f"every {self.count} months"
        adverbs = {_HOUR: "hourly", _DAY: "daily", 7 * _DAY: "weekly", _MINUTE: "every minute", _SECOND: "every second"}
        if self.count in adverbs:
            return adverbs[self.count]
        units = {7 * _DAY: "weeks", _DAY: "days", _HOUR: "hours", _MINUTE: "minutes", _SECOND: "seconds"}
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
                return 5
            case "months":
                return _whole(12, self.count)
        if self.count < _DAY:
            return _whole(_DAY, self.count) if self.count % _MINUTE == 0 else 1
        return _whole(52, self.count // (7 * _DAY)) if self.count % (7 * _DAY) == 0 else _whole(7 * _DAY, self.count)

    def after(self, last: Any, count: int) -> Times:
        """Continue a series of time stamps.

        Args:
            last: the last stamp, datetime64 or integer.
            count: how many stamps follow.

        Returns:
            The next stamps (count,), datetime64[us] or int64 as the last one.
        """
        steps = np.arange(1, count + 1, dtype=np.int64) * self.count
        if self.unit == "steps":
            return np.int64(last) + steps
        last = np.datetime64(last, "us")
        if self.unit == "microseconds":
            return last + steps.astype("timedelta64[us]")
        midnight = last.astype("datetime64[D]")
        clock = last - midnight
        if self.unit == "business days":
            return np.busday_offset(midnight, steps, roll="forward").astype("datetime64[us]") + clock
        return _in_month(last.astype("datetime64[M]") + steps.astype("timedelta64[M]"), self.day or 1) + clock

    def to_json(self) -> dict[str, Any]:
        """The frequency as a plain dict, for a model file."""
        return {"unit": self.unit, "count": self.count, "day": self.day}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "Frequency":
        """The frequency that `to_json` wrote."""
        return cls(plain["unit"], plain["count"], plain["day"])


def find(times: Times) -> Frequency:
    """Find the step that most of the time stamps keep.

    Args:
        times: (T,) datetime64[us] or int64, ascending without repeats; T is at least 2.

    Returns:
        The frequency; there may be gaps, which `missing` tells.

    Raises:
        DataError: the stamps keep no common step; the message, which follows "the time stamps", shows where.

    Example:
        >>> find(np.array(["2020-01-01", "2020-04-01", "2020-07-01"], dtype="datetime64[us]")).words
        'quarterly'
    """
    if times.dtype.kind != "M":
        return Frequency("steps", _common(np.diff(times), times, "steps"))
    days = times.astype("datetime64[D]")
    clock = times - days
    if (clock == clock[0]).all():
        months = days.astype("datetime64[M]")
        day_of_month = (days - months.astype("datetime64[D]")).astype(int) + 1
        ends = days == _in_month(months, _MONTH_END)
        anchor = _MONTH_END if ends.all() else int(day_of_month.max())
        if (np.diff(months).astype(int) > 0).all() and (days == _in_month(months, anchor)).all():
            return Frequency("months", _common(np.diff(months).astype(np.int64), times, "months"), anchor)
    steps = np.diff(times.astype(np.int64))
    if (clock == clock[0]).all() and _most(steps) == _DAY and steps.max() >= 3 * _DAY and np.is_busday(days).all():
        return Frequency("business days", 1)
    return Frequency("microseconds", _common(steps, times, "microseconds"))


def missing(times: Times, frequency: Frequency, show: int = 3) -> tuple[int, Times]:
    """The stamps that the frequency asks for between the first and the last one, and that are not there.

    Args:
        times: (T,) ascending stamps that keep the frequency, as `find` made sure.
        frequency: from `find`.
        show: how many of the absent stamps to return.

    Returns:
        How many are absent, and the first of them.
    """
    match frequency.unit:
        case "months":
            ordinals = times.astype("datetime64[M]").astype(np.int64)
        case "business days":
            ordinals = np.busday_count("1970-01-01", times.astype("datetime64[D]"))
        case _:
            ordinals = times.astype(np.int64)
    gaps = np.diff(ordinals) // frequency.count - 1
    first = [frequency.after(times[i], min(int(gaps[i]), show)) for i in np.flatnonzero(gaps)[:show]]
    return int(gaps.sum()), np.concatenate([times[:0], *first])[:show]


def say(time: Any) -> str:
    """A time stamp as a message shows it, without a clock time of midnight."""
    if not isinstance(time, np.datetime64):
        return str(time)
    midnight = time == time.astype("datetime64[D]")
    return str(time.astype("datetime64[D]" if midnight else datetime))


def _whole(season: int, step: int) -> int:
    return season // step if season % step == 0 else 1


def _in_month(months: Any, day: int) -> Any:
    """The given day of each month, or its last day where the month is shorter, as datetime64[us]."""
    first = months.astype("datetime64[D]")
    last = (months + 1).astype("datetime64[D]") - 1
    return np.minimum(first + (day - 1), last).astype("datetime64[us]")


def _most(steps: NDArray[np.int64]) -> int:
    sizes, counts = np.unique(steps, return_counts=True)
    return int(sizes[counts.argmax()])


def _common(steps: NDArray[np.int64], times: Times, unit: str) -> int:
    """The most frequent step, when all others are multiples of it."""
    common = _most(steps)
    words = Frequency(unit, common).words
    others = np.flatnonzero(steps != common)
    at_an_end = len(others) >= 3 and (others[0] == 0 or others[-1] == len(steps) - 1)
    if at_an_end and (np.diff(others) == 1).all():
        turn = others[-1] + 1 if others[0] == 0 else others[0]
        other = Frequency(unit, _most(steps[others])).words
        first, then = (other, words) if others[0] == 0 else (words, other)
        raise DataError(
            f"change their step at {say(times[turn])}, from {first} to {then}. Keep the part with one "
            "step, or aggregate the finer part to the coarser step."
        )
    odd = np.flatnonzero(steps % common)
    if odd.size:
        i = int(odd[0])
        raise DataError(
            f"keep no common step: most of them are {words}, but {say(times[i])} is followed by "
            f"{say(times[i + 1])} ({odd.size} such pair{'s' if odd.size > 1 else ''}). Resample the table to one step."
        )
    return common
