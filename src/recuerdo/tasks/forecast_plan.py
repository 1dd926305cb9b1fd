"""What a forecaster decides from the data before it trains: season, lookback, scale, and what it holds out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recuerdo.errors import DataError, OptionError
from recuerdo.tasks.scaling import prefers_log

Values = NDArray[np.float64]

LEAST_WINDOWS = 4
"""Training windows that the shortest series has to give."""

LEAST_ERRORS = 20
"""Held-out errors of one series that are aimed at where it has the rows: enough for an 80 % and a 90 % interval."""

MOST_HELD_OUT = 200
"""Held-out forecasts of one series at most."""

NO_SEASON_LOOKBACK = 24
"""Lookback of a series without a season, where it has the rows."""


@dataclass(frozen=True)
class Plan:
    """The decisions, and the words that explain them.

    Attributes:
        season: rows of a season, 1 for none.
        lookback: input rows of a window, L.
        log: whether the series are taken in logarithms.
        held_out: rows at the end of each series that the trial, from which scores and intervals come, does not train
            on.
        words: one line that says all of it.
    """

    season: int
    lookback: int
    log: bool
    held_out: int
    words: str


def make_plan(
    series: Sequence[Values],
    names: Sequence[object],
    horizon: int,
    *,
    natural_season: int,
    least_lookback: Callable[[int], int],
    season: int | None,
    lookback: int | None,
    log: bool | str,
    least_errors: int = 1,
) -> Plan:
    """Decide from the lengths of the series, and from their rows before the held-out ones.

    Args:
        series: (T_i,) each.
        names: what to call them in messages.
        horizon: K.
        natural_season: the season that the time stamps suggest.
        least_lookback: season -> the shortest lookback that the network can use.
        season: the user's choice, or None.
        lookback: the user's choice, or None.
        log: the user's choice, or "auto".
        least_errors: held-out errors of all series together that the intervals need; LEAST_ERRORS are seen to at most.

    Raises:
        DataError: the shortest series has too few rows, or every series is constant.
        OptionError: season, lookback or log does not go with the rest.
    """
    shortest = min(range(len(series)), key=lambda i: len(series[i]))
    rows, name = len(series[shortest]), names[shortest]
    judged = max(1, -(-min(least_errors, LEAST_ERRORS) // (horizon * len(series))))

    chosen, why_season = (season, "given") if season is not None else (natural_season, "from the time stamps")
    if season is None and chosen > 1:
        fits = lookback is None or lookback >= least_lookback(chosen)
        if not fits or rows < _needed(lookback or max(2 * chosen, least_lookback(chosen)), horizon, judged):
            short = f"{rows} rows are" if fits else f"a lookback of {lookback} is"
            chosen, why_season = 1, f"because {short} too short to show seasons of {chosen}"
    least = least_lookback(chosen)
    if lookback is not None and lookback < least:
        raise OptionError(
            f"lookback={lookback} is too short for season={chosen}, which needs {least} rows or more: give a "
            f"longer lookback, or season=1 for none."
        )
    if lookback is None:
        lookback = (
            max(2 * chosen, least)
            if chosen > 1
            else max(least, min(NO_SEASON_LOOKBACK, rows - _needed(0, horizon, judged)))
        )
    needed = _needed(lookback, horizon, judged)
    if rows < needed:
        raise DataError(
            f"Series {name!r} has {rows} rows, and horizon {horizon} with lookback {lookback} needs at least {needed}: "
            f"{lookback} + {horizon} for a window, {LEAST_WINDOWS} windows to train on, and {horizon + judged - 1} "
            f"rows to judge the result. Give more rows, or a shorter horizon, lookback or season."
        )
    windows = min(max(rows // 10, -(-LEAST_ERRORS // horizon), judged), MOST_HELD_OUT, rows - needed + judged)
    held_out = horizon - 1 + windows
    training = [values[:-held_out] for values in series]
    if all(np.ptp(values) == 0 for values in training):
        raise DataError(
            f"Series {name!r} is constant: every one of its training rows is {training[shortest][0]:g}, so there is "
            f"nothing to learn. The forecast of a constant is that constant."
        )
    if log is True and any(np.min(values) <= 0 for values in series):
        raise OptionError("log=True (--log) needs values above 0 everywhere; use log='auto' or log=False (--no-log).")
    logs = prefers_log(training, chosen) if log == "auto" else bool(log)
    for values, each in zip(series, names, strict=True):
        if logs and np.min(values) <= 0:  # in a held-out row, which must not decide
            raise DataError(
                f"Series {each!r} is best taken in logarithms, because its swings grow with its level, and one "
                f"of its last "
                f"{held_out} rows is 0 or less: set log=False (--no-log)."
            )
    scale = "logarithms" if logs else "the values as they are"
    why_scale = "given"
    if log == "auto":
        positive = all(np.min(values) > 0 for values in training)
        grow = "swings grow with the level" if logs else "swings do not grow with the level"
        why_scale = grow if positive else "some are 0 or less"
    words = (
        f"season {chosen} ({why_season}), lookback {lookback}, {scale} ({why_scale}), judged on the last {held_out} "
        f"rows ({windows} forecasts of {horizon} per series)"
    )
    return Plan(chosen, lookback, logs, held_out, words)


def require_errors(plan: Plan, horizon: int, series: int, needed: int) -> None:
    """Raise OptionError where the held-out rows give fewer errors than the quantiles that are asked for need."""
    errors = (plan.held_out - horizon + 1) * horizon * series
    if errors < needed:
        raise OptionError(
            f"The quantiles need {needed} held-out errors, and the last rows give {errors}: ask for quantiles "
            f"nearer to "
            f"the middle, or give more rows."
        )


def _needed(lookback: int, horizon: int, judged: int) -> int:
    """Rows for LEAST_WINDOWS training windows and so many held-out forecasts."""
    return lookback + horizon + (LEAST_WINDOWS - 1) + horizon + (judged - 1)
