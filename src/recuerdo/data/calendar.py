"""What a calendar and a clock say of time stamps, as numbers that a network can use."""

from collections.abc import Callable, Sequence
from difflib import get_close_matches

import numpy as np
from numpy.typing import NDArray

from recuerdo.data.frequency import DAY, HOUR, Frequency, Times
from recuerdo.data.times import TimeType
from recuerdo.errors import DataError, OptionError

__all__ = ["calendar", "calendar_names"]


def _since(large: str, small: str) -> Callable[[NDArray[np.datetime64]], NDArray[np.int64]]:
    """How many of the smaller units have passed since the larger one began."""

    def passed(times: NDArray[np.datetime64]) -> NDArray[np.int64]:
        unit = times.astype(f"datetime64[{small}]")
        return (unit - times.astype(f"datetime64[{large}]").astype(unit.dtype)).astype(np.int64)

    return passed


def _weekday(times: NDArray[np.datetime64]) -> NDArray[np.int64]:
    return (times.astype("datetime64[D]").astype(np.int64) + 3) % 7  # 1970 began on a Thursday; Monday is 0


_CYCLES: dict[str, tuple[int, Callable[[NDArray[np.datetime64]], NDArray[np.int64]]]] = {
    "minute": (60, _since("h", "m")),
    "hour": (24, _since("D", "h")),
    "weekday": (7, _weekday),
    "monthday": (31, _since("M", "D")),
    "yearday": (366, _since("Y", "D")),
    "month": (12, _since("Y", "M")),
    "quarter": (4, lambda times: _since("Y", "M")(times) // 3),
}
"""name -> how many values a cycle has, and which of them a stamp has, from 0."""


def calendar_names(freq: Frequency) -> tuple[str, ...]:
    """The features that tell the stamps of a frequency apart, none of which follows from another.

    Args:
        freq: the frequency.

    Returns:
        Names for `calendar`; none for integers, and for years.

    Example:
        >>> calendar_names(Frequency("microseconds", 3_600_000_000))
        ('hour', 'weekday', 'yearday')
        >>> calendar_names(Frequency("months", 1, day=1))
        ('month',)
    """
    able = _able(freq)
    if freq.unit == "months":
        return able[-1:] if freq.count % 3 == 0 else able[:1]
    short = freq.unit == "microseconds" and freq.count < DAY
    return tuple(name for name in able if name not in ("month", "quarter") and not (short and name == "monthday"))


def calendar(
    times: Times, freq: Frequency, names: Sequence[str], *, time_type: TimeType | None = None
) -> NDArray[np.float64]:
    """Say where in their hour, day, week, month or year time stamps lie.

    Each feature is a cycle, and is written as a sine and a cosine, so that its end lies beside its begin.

    Args:
        times: (T,) datetime64[us], as a series has them.
        freq: the step from one to the next.
        names: of "minute" (of the hour), "hour" (of the day), "weekday", "monthday", "yearday", "month" and "quarter".
        time_type: how the time stamps came, with the time zone whose clock people went by; None takes them as they are.

    Returns:
        The features (T, 2 * len(names)), a sine and a cosine for each name in turn, from -1 to 1.

    Raises:
        DataError: the time stamps are integers.
        OptionError: a name is none of these, or its feature is the same for all stamps of this frequency.

    Example:
        >>> stamps = np.array(["2024-01-01T00:00", "2024-01-01T06:00", "2024-01-01T12:00"], dtype="datetime64[us]")
        >>> calendar(stamps, Frequency("microseconds", 6 * 3_600_000_000), ["hour"]).round(3).tolist()
        [[0.0, 1.0], [1.0, 0.0], [0.0, -1.0]]
    """
    for name in names:
        if name not in _CYCLES:
            near = get_close_matches(str(name), _CYCLES, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise OptionError(f"calendar={name!r} is not offered; the features are {', '.join(_CYCLES)}.{hint}")
    if times.dtype.kind != "M":
        raise DataError(
            "The time stamps are whole numbers, and no calendar goes with them. Leave calendar= out, or name a column "
            "of dates with date= (--date)."
        )
    able = _able(freq)
    for name in names:
        if name not in able:
            raise OptionError(
                f"calendar={name!r} is the same in every row, since the table is {freq.words}. Choose of "
                f"{', '.join(able) or 'none'}."
            )
    local = (times if time_type is None else time_type.local(times)).astype("datetime64[us]")
    features = np.empty((len(times), 2 * len(names)))
    for i, name in enumerate(names):
        period, of = _CYCLES[name]
        angle = 2 * np.pi / period * of(local)
        features[:, 2 * i], features[:, 2 * i + 1] = np.sin(angle), np.cos(angle)
    return features


def _able(freq: Frequency) -> tuple[str, ...]:
    """The features that are not the same for all stamps."""
    match freq.unit:
        case "steps":
            return ()
        case "months":
            return ("month", "quarter") if freq.count % 12 else ()
        case "business days":
            return "weekday", "monthday", "yearday", "month", "quarter"
    varies = {"minute": freq.count % HOUR, "hour": freq.count % DAY, "weekday": freq.count % (7 * DAY)}
    return tuple(name for name in _CYCLES if varies.get(name, True))
