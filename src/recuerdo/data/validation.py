"""What must hold of series before anything is learned from them; each fault is one sentence."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recuerdo.data.frequency import Frequency, Times, say
from recuerdo.data.rows import Rows, positions
from recuerdo.data.steps import find
from recuerdo.errors import DataError

__all__ = ["Series", "fits", "in_order", "one_frequency", "say_constant", "say_missing", "sound"]


@dataclass(frozen=True, eq=False)
class Series:
    """One series: a row for each step from its first to its last one.

    Attributes:
        id: its name: a cell of the id column, or the name of its own column.
        times: (T,) datetime64[us], or int64 where the table counts steps.
        values: (T,) float64, NaN where one is missing.
        covariates: (T, C) float64, the past ones first and then the future ones; NaN where one is missing.
        static: (S,) float64; NaN where one is missing.
    """

    id: Any
    times: Times
    values: NDArray[np.float64]
    covariates: NDArray[np.float64]
    static: NDArray[np.float64]


def in_order(
    group: NDArray[np.int64],
    ids: list[Any],
    times: Times,
    numbers: NDArray[np.int64],
    where: str,
    mend: Callable[[], str],
) -> tuple[NDArray[np.int64] | None, int]:
    """The order that brings rows series after series and by time within each, or None if they stand so.

    Args:
        group: (R,) the number of each row's series.
        ids: the names of the series.
        times: (R,) the time stamps.
        numbers: (R,) what messages call each row.
        where: what to call the table in messages.
        mend: gives the last sentence of the message about a repeated stamp.

    Returns:
        The order (R,), and how many series do not have their rows by time.

    Raises:
        DataError: a time stamp repeats within a series.
    """
    order = None if (np.diff(group) >= 0).all() else np.argsort(group, kind="stable")
    back, _ = _pairs(group, times, order)
    if not back.size:
        return order, 0
    order = np.lexsort((times, group))
    _, same = _pairs(group, times, order)
    if same.size:
        one = int(group[order[same[0]]])
        same = same[group[order[same]] == one]
        first, second = numbers[order[same[0]]], numbers[order[same[0] + 1]]
        dates = np.unique(times[order[same]]).size
        more = {1: "", 2: ", and 1 other date repeats"}.get(dates, f", and {dates - 1} other dates repeat")
        place = f"{where}, series {ids[one]!r}" if len(ids) > 1 else where
        stamp = say(times[order[same[0]]])
        raise DataError(f"{place}: {stamp} stands in rows {first} and {second}{more}. {mend()}")
    return order, int(np.unique(group[back]).size)


def _pairs(
    group: NDArray[np.int64], times: Times, order: NDArray[np.int64] | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows, in a given order, that the next row of their series does not follow in time, and those it equals.

    The former are places in the table, the latter places in the order.
    """
    if order is not None:
        group, times = group[order], times[order]
    late = (np.diff(times).astype(np.int64) <= 0) & (group[1:] == group[:-1])
    back = np.flatnonzero(late)
    same = back[times[back] == times[back + 1]]
    return (back if order is None else order[back]), same


def one_frequency(rows: Rows) -> Frequency:
    """The frequency of all series, found from the stamps of all of them together.

    Raises:
        DataError: there is no step in the stamps, or it differs from series to series.
    """
    if (rows.lengths < 2).all():
        raise DataError(
            f"{rows.place(0)}: there is only one row, {say(rows.times[0])}. Two or more are needed for a step, or name "
            "the step with freq=."
        )
    freq = _found(rows)
    if len(rows.ids) > 1:
        _alike(rows, freq)
    return freq


def _found(rows: Rows) -> Frequency:
    try:
        return find(rows.times, rows.bounds)
    except DataError as error:
        raise DataError(f"{rows.where}: the time stamps {error}") from None


def _alike(rows: Rows, freq: Frequency) -> None:
    """Raises DataError if a series keeps a step of its own."""
    leader: tuple[int, Frequency] | None = None
    if freq.nearest:
        doubtful = np.flatnonzero(rows.lengths >= 3)[np.argsort(-rows.lengths[rows.lengths >= 3], kind="stable")]
    else:
        found, _, _ = positions(rows, freq)
        spans = found[rows.bounds[1:] - 1] - found[rows.starts] + 1
        doubtful = np.flatnonzero((rows.lengths >= 4) & (rows.lengths * 2 < spans))
        whole = np.flatnonzero(rows.lengths == spans)
        leader = (int(whole[rows.lengths[whole].argmax()]), freq) if whole.size else None
    for i in doubtful:
        one = rows.part(int(i))
        own = find(rows.times[one])
        if own.nearest or len(rows.times[one]) < 0.9 * (own.positions(rows.times[one][-1:], rows.times[one][0])[0] + 1):
            continue
        if leader is None:
            leader = (int(i), own)
        elif own != leader[1]:
            number, other = leader
            days = " on another day of the month" if own.words == other.words else ""
            raise DataError(
                f"{rows.where}: series {rows.ids[number]!r} is {other.words} and series {rows.ids[i]!r} is "
                f"{own.words}{days}. Give the series of each frequency on their own."
            )


_CHANCE = 64


def fits(rows: Rows, freq: Frequency, *, named: bool) -> Frequency:
    """Make sure that series keep a given frequency.

    Args:
        rows: the rows.
        freq: the frequency.
        named: whether a person named it for this table, so that irregular stamps are to be moved onto its grid, and
            a table of a coarser step is one with gaps.

    Returns:
        The frequency, `nearest` if stamps are to be moved.

    Raises:
        DataError: the stamps cannot lie on this grid.
    """
    if (freq.unit == "steps") != (rows.times.dtype.kind != "M"):
        kind = "counts steps" if freq.unit != "steps" else "has dates"
        raise DataError(f"{rows.where} {kind}, and {freq.words} is asked for (freq=). Name another date= (--date).")
    if freq.nearest:
        return freq
    found, exact, _ = positions(rows, freq)
    if not exact.all():
        own = _found(rows) if (rows.lengths > 1).any() else None
        if own is not None and own.nearest and named:
            return freq.snapping()
        words = "on other days or times" if own is None else "irregular" if own.nearest else own.words
        if own is not None and own.words == freq.words:
            words += " on other days or times"
        i = int((~exact).argmax())
        raise DataError(
            f"{rows.where} is {words}, and one that is {freq.words} is asked for (freq=): {say(rows.times[i])}, in row "
            f"{rows.numbers[i]}, is not on its grid. Give a table of that frequency."
        )
    inside = np.diff(rows.series) == 0
    steps = np.diff(found)[inside]
    coarser = int(np.gcd.reduce(steps)) if steps.size else 1
    # A coarser step in each of so many rows is no chance: it is another frequency, and no table with gaps.
    if not named and coarser > 1 and steps.size * np.log(coarser) >= np.log(_CHANCE):
        raise DataError(
            f"{rows.where} is {_found(rows).words}, and one that is {freq.words} is asked for (freq=). Give a table of "
            "that frequency."
        )
    return freq


_LARGEST = 1e150  # squares of larger numbers are not finite, and those of its inverse are lost


def sound(rows: Rows, *, blank: bool = False) -> None:
    """Make sure that each series has values, and that they can be computed with.

    Args:
        rows: the rows.
        blank: whether a series may have none.

    Raises:
        DataError: a series has none, or one that is infinite or too large or small to be squared.
    """
    infinite = np.flatnonzero(np.isinf(rows.values))
    if infinite.size:
        i = int(rows.series[infinite[0]])
        own = infinite[infinite < rows.bounds[i + 1]]
        are = "1 value is" if own.size == 1 else f"{own.size} values are"
        raise DataError(
            f"{rows.place(i)}: {are} infinite, the first in row {rows.numbers[own[0]]} ({say(rows.times[own[0]])}). "
            "Correct them, or empty the cells."
        )
    largest = np.fmax.reduceat(np.abs(rows.values), rows.starts)
    empty = np.flatnonzero(np.isnan(largest))
    if empty.size and not blank:
        more = f", and {empty.size - 1} other series have none either" if empty.size > 1 else ""
        raise DataError(f"{rows.place(int(empty[0]))}: there is not a single value{more}. Leave the series out.")
    extreme = np.flatnonzero((largest > 0) & ~((largest > 1 / _LARGEST) & (largest < _LARGEST)))
    if extreme.size:
        i = int(extreme[0])
        part = rows.part(i)
        row = part.start + int(np.nanargmax(np.abs(rows.values[part])))
        raise DataError(
            f"{rows.place(i)}: the largest value is {rows.values[row]:g}, in row {rows.numbers[row]} "
            f"({say(rows.times[row])}), and cannot be computed with. Correct it, or give the column in another unit."
        )


_SHOWN = 3


def say_missing(rows: Rows, freq: Frequency) -> list[str]:
    """Notes on the stamps and values that are missing, for rows that are laid out on the grid."""
    several = len(rows.ids) > 1
    notes: list[str] = []
    added = rows.numbers < 0
    if added.any():
        also = ", such as public holidays," if freq.unit == "business days" else ""
        are = "1 time stamp is" if added.sum() == 1 else f"{added.sum()} time stamps{also} are"
        shown = ", ".join(
            say(rows.times[i]) + (f" of {rows.ids[rows.series[i]]!r}" if several else "")
            for i in np.flatnonzero(added)[:_SHOWN]
        )
        more = ", ..." if added.sum() > _SHOWN else ""
        notes.append(
            f"{are} missing ({shown}{more}) and {'is a row' if added.sum() == 1 else 'are rows'} without a value"
        )
    gone = np.isnan(rows.values)
    if gone.any():
        count, first, length = _runs(gone, rows.bounds)
        i = int(np.searchsorted(rows.bounds, first, side="right")) - 1
        series = int(np.unique(rows.series[gone]).size) if several else 1
        are = "1 value is" if count == 1 else f"{count} of {gone.size} values are"
        among = f" in {series} series" if several else ""
        of = f" of {rows.ids[i]!r}" if several else ""
        run = f", the longest run is {length} from {say(rows.times[first])}{of}" if count > 1 else ""
        at = f" ({say(rows.times[first])}{of})" if count == 1 else ""
        notes.append(f"{are} missing{among}{at}{run}; nothing is filled in")
    return notes


def _runs(gone: NDArray[np.bool_], bounds: NDArray[np.int64]) -> tuple[int, int, int]:
    """How many are gone, and where the longest run of these begins and how long it is, within one series."""
    places = np.flatnonzero(gone)
    begins = np.isin(places, bounds)
    begins[0] = True
    begins[1:] |= np.diff(places) > 1
    firsts = np.flatnonzero(begins)
    lengths = np.diff(firsts, append=len(places))
    longest = int(lengths.argmax())
    return len(places), int(places[firsts[longest]]), int(lengths[longest])


def say_constant(rows: Rows) -> list[str]:
    """A note on the series that never change, if there are any."""
    low, high = (extreme.reduceat(rows.values, rows.starts) for extreme in (np.fmin, np.fmax))
    constant = [repr(rows.ids[i]) for i in np.flatnonzero(low == high)]
    if not constant:
        return []
    shown = ", ".join(constant[:3]) + (f" and {len(constant) - 3} more" if len(constant) > 3 else "")
    return [f"never changes: {shown}"]
