"""The step that the time stamps of many series keep, found although some stamps are missing."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recuerdo.data.frequency import DAY, HOUR, MINUTE, MONTH_END, SECOND, Frequency, Times, business_day, in_month, say
from recuerdo.errors import DataError

__all__ = ["find"]

_FILLED = 0.5
"""A step that is not the most frequent one is taken if at least this share of its grid has rows."""

_MONTHS = 0.1
"""How far the steps of a coarser part may differ, as months in days do."""

_MOVED = 6
"""Days that a date may move within its month: a weekend, and a holiday or two before it."""

_SEVERAL = 3
"""Rows from which business days at the end of a month are no chance."""

_NEAR = 0.05
"""How far a median step may lie from a whole number of seconds, minutes, hours or days to be taken for it."""


def find(times: Times, bounds: NDArray[np.int64] | None = None) -> Frequency:
    """Find the step that the time stamps of one or more series keep.

    Args:
        times: (R,) datetime64[us] or int64, one series after the other, ascending without repeats in each.
        bounds: (n + 1,) where each series begins and the last one ends; None for a single series. At least one series
            has two rows.

    Returns:
        The frequency. Some stamps of its grid may be missing. Where no step fits, it is near the median step of all
        series, and `nearest`.

    Raises:
        DataError: the step changes for good; the message, which follows "the time stamps", shows where.

    Example:
        >>> find(np.array(["2020-01-01", "2020-04-01", "2020-10-01"], dtype="datetime64[us]")).words
        'quarterly'
    """
    bounds = np.array([0, len(times)]) if bounds is None else bounds
    inside = np.ones(max(len(times) - 1, 0), dtype=bool)  # pairs of neighbours within one series
    inside[bounds[1:-1] - 1] = False
    if times.dtype.kind != "M":
        return _on_a_line(np.diff(times)[inside], times, bounds, "steps")
    days = times.astype("datetime64[D]")
    clock = times - days
    if (clock[1:] == clock[:-1])[inside].all():
        found = _in_months(days, inside) or _on_business_days(days, inside) or _near_months(days, inside)
        if found is not None:
            return found
    return _on_a_line(np.diff(times.astype(np.int64))[inside], times, bounds, "microseconds")


def _in_months(days: NDArray[np.datetime64], inside: NDArray[np.bool_]) -> Frequency | None:
    months = days.astype("datetime64[M]")
    steps = np.diff(months).astype(np.int64)[inside]
    if (steps == 0).any():
        return None
    of_month = int((days - months.astype("datetime64[D]")).astype(np.int64).max()) + 1
    count = _common(steps)
    if count is None:
        return None
    day = MONTH_END if (days == in_month(months, MONTH_END)).all() else of_month
    if (days == in_month(months, day)).all():
        return Frequency("months", count, day)
    if len(days) >= _SEVERAL:
        for day in (MONTH_END, 1):
            if (days == business_day(months, day)).all():
                return Frequency("months", count, day, business=True)
    return None


def _near_months(days: NDArray[np.datetime64], inside: NDArray[np.bool_]) -> Frequency | None:
    """Months whose day moves by a few, as the last trading day does, where no step fits."""
    months = days.astype("datetime64[M]")
    steps = np.diff(months).astype(np.int64)[inside]
    if (steps == 0).any() or len(days) < _SEVERAL or _common(np.diff(days).astype(np.int64)[inside]) is not None:
        return None
    left = (in_month(months, MONTH_END) - days).astype("timedelta64[D]").astype(np.int64)
    of_month = (days - months.astype("datetime64[D]")).astype(np.int64) + 1
    if left.max() <= _MOVED:
        day = MONTH_END
    elif np.ptp(of_month) <= _MOVED:
        day = int(np.median(of_month))
    else:
        return None
    count = _common(steps)
    return None if count is None else Frequency("months", count, day, nearest=True)


def _on_business_days(days: NDArray[np.datetime64], inside: NDArray[np.bool_]) -> Frequency | None:
    """Business days, where the days would be daily but for weekends, of which there is none."""
    steps = np.diff(days).astype(np.int64)[inside]
    if np.gcd.reduce(np.unique(steps)) != 1 or not np.is_busday(days).all():
        return None
    between = np.asarray(np.busday_count(days[:-1], days[1:]), dtype=np.int64)[inside]
    weekends = (between < steps).any()
    return Frequency("business days", 1) if weekends and _common(between) == 1 else None


def _on_a_line(steps: NDArray[np.int64], times: Times, bounds: NDArray[np.int64], unit: str) -> Frequency:
    count = _common(steps)
    if count is None or steps.size * count < _FILLED * steps.sum():
        longest = int(np.diff(bounds).argmax())
        _no_change(times[bounds[longest] : bounds[longest + 1]], unit)
    if count is not None:
        return Frequency(unit, count)
    return Frequency(unit, _round(float(np.median(steps)), unit), nearest=True)


def _common(steps: NDArray[np.int64]) -> int | None:
    """The greatest step of which all are multiples, if it is the most frequent or fills its grid well enough."""
    sizes, counts = np.unique(steps, return_counts=True)
    common = int(np.gcd.reduce(sizes))
    grid = int((sizes * counts).sum()) // common
    return common if sizes[counts.argmax()] == common or steps.size >= _FILLED * grid else None


def _no_change(times: Times, unit: str) -> None:
    """Raises DataError if the series has one step up to a row, and another one from there on."""
    steps = np.diff(times).astype(np.int64)
    common = _most(steps)
    others = np.flatnonzero(steps != common)
    if min(len(others), len(steps) - len(others)) < 3:
        return
    at_an_end = others[0] == 0 or others[-1] == len(steps) - 1
    middle = np.median(steps[others])  # months are longer and shorter ones, and the first may be cut
    alike = (np.abs(steps[others] - middle) <= _MONTHS * middle).mean() > _FILLED
    if at_an_end and alike and (np.diff(others) == 1).all():
        turn = others[-1] + 1 if others[0] == 0 else others[0]
        words, other = (Frequency(unit, step).words for step in (common, _most(steps[others])))
        first, then = (other, words) if others[0] == 0 else (words, other)
        raise DataError(
            f"change their step at {say(times[turn])}, from {first} to {then}. Keep the part with one "
            "step, or aggregate the finer part to the coarser step."
        )


def _most(steps: NDArray[Any]) -> int:
    sizes, counts = np.unique(steps, return_counts=True)
    return int(sizes[counts.argmax()])


def _round(median: float, unit: str) -> int:
    for size in (DAY, HOUR, MINUTE, SECOND) if unit == "microseconds" else ():
        whole = max(round(median / size), 1) * size
        if abs(median - whole) <= _NEAR * whole:
            return whole
    return max(round(median), 1)
