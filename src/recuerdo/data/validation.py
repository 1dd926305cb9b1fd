"""What must hold of a series before anything is learned from it; each fault is one sentence."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recuerdo.data.frequency import Frequency, Times, find, missing, say
from recuerdo.errors import DataError

__all__ = ["Series", "in_order", "one_frequency", "say_constant"]


@dataclass(frozen=True, eq=False)
class Series:
    """One series: ascending time stamps without gaps, and a finite number at each.

    Attributes:
        id: its name: a cell of the id column, or the name of its own column.
        times: (T,) datetime64[us], or int64 where the table counts steps.
        values: (T,) float64.
    """

    id: Any
    times: Times
    values: NDArray[np.float64]


def in_order(times: Times, rows: NDArray[np.int64], where: str, mend: Callable[[], str]) -> NDArray[np.int64] | None:
    """The order that sorts the times, or None if they are sorted.

    Raises:
        DataError: a time stamp repeats; mend gives the last sentence of the message.
    """
    steps = np.diff(times).astype(np.int64)
    if (steps > 0).all():
        return None
    order = np.argsort(times, kind="stable")
    ascending = times[order]
    same = np.flatnonzero(ascending[1:] == ascending[:-1])
    if same.size:
        first, second = rows[order[same[0]]], rows[order[same[0] + 1]]
        dates = np.unique(ascending[same]).size
        more = {1: "", 2: ", and 1 other date repeats"}.get(dates, f", and {dates - 1} other dates repeat")
        raise DataError(f"{where}: {say(ascending[same[0]])} stands in rows {first} and {second}{more}. {mend()}")
    return order


def one_frequency(series: Sequence[Series], rows: Sequence[NDArray[np.int64]], where: str) -> Frequency:
    """The frequency that all series keep without gaps, once their values are seen to be complete too.

    Args:
        series: the series, whose values may still be missing or infinite.
        rows: for each series the numbers of its rows, for messages.
        where: what to call the table in messages.

    Raises:
        DataError: a series is too short, has gaps or missing values, or differs from the others.
    """
    found: list[Frequency] = []
    for one, numbers in zip(series, rows, strict=True):
        place = f"{where}, series {one.id!r}"
        if len(one.times) < 2:
            raise DataError(f"{place}: there is only one row, {say(one.times[0])}. Two or more are needed for a step.")
        try:
            found.append(find(one.times))
        except DataError as error:
            raise DataError(f"{place}: the time stamps {error}") from None
        _no_gaps(one, found[-1], place)
        _complete(one, numbers, place)
    # The longest series tells the frequency best: one of two rows may fit several. Of months only the series that
    # reaches the latest day tells whether the day is the last one: the others may have met only shorter months.
    leader = max(range(len(series)), key=lambda i: len(series[i].times))
    if found[leader].unit == "months":
        alike = [i for i, frequency in enumerate(found) if frequency.count == found[leader].count]
        leader = max(alike, key=lambda i: found[i].day or 0)
    frequency = found[leader]
    for one, own in zip(series, found, strict=True):
        if not np.array_equal(frequency.after(one.times[0], len(one.times) - 1), one.times[1:]):
            days = " on another day of the month" if own.words == frequency.words else ""
            raise DataError(
                f"{where}: series {series[leader].id!r} is {frequency.words} and series {one.id!r} is "
                f"{own.words}{days}. Give the series of each frequency on their own."
            )
    return frequency


def say_constant(series: Sequence[Series]) -> list[str]:
    """A note on the series that never change, if there are any."""
    constant = [repr(one.id) for one in series if np.ptp(one.values) == 0]
    if not constant:
        return []
    shown = ", ".join(constant[:3]) + (f" and {len(constant) - 3} more" if len(constant) > 3 else "")
    return [f"never changes: {shown}"]


def _no_gaps(one: Series, frequency: Frequency, place: str) -> None:
    count, first = missing(one.times, frequency)
    if count:
        shown = ", ".join(map(say, first)) + (", ..." if count > len(first) else "")
        are = "1 time stamp is" if count == 1 else f"{count} time stamps are"
        raise DataError(
            f"{place}: {are} missing between {say(one.times[0])} and {say(one.times[-1])}, {frequency.words}: {shown}. "
            "Add these rows with values of your choice, or keep the part before or after: nothing is filled silently."
        )


_LARGEST = 1e150  # squares of larger numbers are not finite, and those of its inverse are lost


def _complete(one: Series, rows: NDArray[np.int64], place: str) -> None:
    for bad, what in ((np.isnan(one.values), "missing"), (np.isinf(one.values), "infinite")):
        if not bad.any():
            continue
        places = np.flatnonzero(bad)
        runs = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)
        longest = max(runs, key=len)
        are = "1 value is" if places.size == 1 else f"{places.size} values are"
        run = f"; the longest run is {longest.size} from row {rows[longest[0]]}" if longest.size > 1 else ""
        raise DataError(
            f"{place}: {are} {what}, the first in row {rows[places[0]]} ({say(one.times[places[0]])}){run}. "
            "Fill them with values of your choice, or keep a part without them: nothing is filled silently."
        )
    largest = int(np.abs(one.values).argmax())
    if one.values.any() and not 1 / _LARGEST < abs(one.values[largest]) < _LARGEST:
        raise DataError(
            f"{place}: the largest value is {one.values[largest]:g}, in row {rows[largest]} "
            f"({say(one.times[largest])}), and cannot be computed with. Correct it, or give the column in another unit."
        )
