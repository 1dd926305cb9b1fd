"""What a forecaster decides from the data before it trains: season, lookback, scale, size, and what it holds out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recuerdo.errors import DataError, OptionError
from recuerdo.tasks.scaling import clear_of_zero, prefers_log

Values = NDArray[np.float64]

LEAST_WINDOWS = 4
"""Training windows that the shortest series has to give."""

LEAST_ERRORS = 20
"""Held-out errors of one series that are aimed at where it has the rows: enough for an 80 % and a 90 % interval."""

MOST_HELD_OUT = 5000
"""Held-out forecasts of one series at most."""

NO_SEASON_LOOKBACK = 24
"""Lookback of a series without a season, where it has the rows."""

MOST_SEASONS = 14
"""Seasons of a lookback at most: two weeks of days."""

PLENTY = 2000
"""Training windows that a lookback of more than two seasons has to leave."""

MOST_STEPS = 6
"""Segments of a window from which segments pay: a shorter window is read step by step."""

LONGEST_SEGMENT = 24
"""Rows of a segment at most."""

WATCHED_HORIZONS = 4
"""Horizons that the held-out rows have to hold for a part of them to choose the number of steps."""

ENOUGH = 5000
"""Training windows from which a network can learn when to go by which of its anchor's members."""

SIZES = ((1_000, 32, 32), (20_000, 64, 64))
"""(training windows below, hidden units, windows of a batch); 128 of each beyond."""


@dataclass(frozen=True)
class Plan:
    """The decisions, and the words that explain them.

    Attributes:
        season: rows of a season, 1 for none.
        lookback: input rows of a window, L.
        log: whether the series are taken in logarithms.
        held_out: rows at the end of each series that the trial, from which scores and intervals come, does not train
            on; 0 without a trial.
        words: one line that says all of it.
        watched: of the held-out rows the first ones, on which the number of steps is chosen; scores come from the
            others, intervals from all.
        segment: rows that the recurrence takes as one step.
        least: input rows that a window has at least; less than L where some series are short.
        hidden_size: units of a layer.
        batch_size: windows of an optimiser step.
        gated: whether the network weighs the anchor's members window by window.
    """

    season: int
    lookback: int
    log: bool
    held_out: int
    words: str
    watched: int = 0
    segment: int = 1
    least: int = 1
    hidden_size: int = 32
    batch_size: int = 32
    gated: bool = False

    @property
    def judged(self) -> int:
        """Rows at the end of each series that scores come from."""
        return self.held_out - self.watched


@dataclass(frozen=True)
class Wishes:
    """What the user has decided, and None, or "auto", where the data decide.

    Attributes:
        strategy: "direct" or "recursive".
        memory: "window" or "running".
        season, lookback, segment, hidden_size, batch_size: see :class:`Plan`.
        encoder: "auto", "steps" or "segments".
        log: True, False or "auto".
        steps: whether the held-out rows may decide when to stop.
    """

    strategy: str = "direct"
    memory: str = "window"
    season: int | None = None
    lookback: int | None = None
    encoder: str = "auto"
    segment: int | None = None
    log: bool | str = "auto"
    steps: bool = True
    hidden_size: int | None = None
    batch_size: int | None = None

    def least_lookback(self, season: int) -> int:
        """Return the shortest lookback that the network can use."""
        return 2 * season if self.strategy == "direct" else season + 2


def make_plan(
    series: Sequence[Values],
    names: Sequence[object],
    horizon: int,
    *,
    natural_season: int,
    wishes: Wishes = Wishes(),
    least_errors: int = 1,
    held_out: int | None = None,
) -> Plan:
    """Decide from the lengths of the series, and from their rows before the held-out ones.

    Args:
        series: (T_i,) each, NaN where missing.
        names: what to call them in messages.
        horizon: K.
        natural_season: the season that the time stamps suggest.
        wishes: what the user has decided.
        least_errors: held-out errors of all series together that the intervals need; LEAST_ERRORS are seen to at most.
        held_out: rows at the end of each series that are not trained on; None decides from their lengths, 0 holds none
            out.

    Raises:
        DataError: a series has too few rows, or every series is constant.
        OptionError: season, lookback, segment or log does not go with the rest.
    """
    lengths = np.array([len(values) for values in series])
    shortest, rows = int(lengths.argmin()), int(np.median(lengths))
    judged = _judged(horizon, len(series), least_errors) if held_out is None else held_out - horizon + 1

    chosen, why_season = _season(rows, horizon, judged, natural_season, wishes)
    lookback = wishes.lookback or _lookback(lengths, rows, horizon, judged, chosen, wishes)
    # Of many series a short one may begin within a window: missing rows stand before its beginning.
    padded = wishes.strategy == "direct" and rows >= _needed(lookback, horizon, judged)
    known = min(lookback, max(2, horizon)) if padded else lookback
    needed, has = _needed(known, horizon, judged), int(lengths[shortest])
    if has < needed:
        parts = [
            f"{known} + {horizon} for a window",
            f"{LEAST_WINDOWS - 1} more for {LEAST_WINDOWS} windows to train on",
        ]
        if held_out != 0:
            parts.append(f"{horizon + judged - 1} rows to judge the result")
        raise DataError(
            f"Series {names[shortest]!r} has {has} rows, and horizon {horizon} with lookback {known} needs at "
            f"least {needed}: {', '.join(parts[:-1])}{',' if len(parts) > 2 else ''} and {parts[-1]}. Give more rows, "
            f"a shorter horizon, lookback or season, or leave the series out."
        )
    if held_out is None:
        most = most_held_out(has, horizon, len(series), least_errors)
        held_out = min(most, has - needed + judged + horizon - 1)
    training = [values[: len(values) - held_out] for values in series]
    _require_values(training, names, shortest, held_out)
    logs, why_scale = _scale(series, training, names, chosen, held_out, wishes.log)

    least = min(lookback, has - held_out - horizon - (LEAST_WINDOWS - 1))
    count = int(np.maximum(lengths - held_out - least - horizon + 1, 0).sum())
    sizes = next((sizes for below, *sizes in SIZES if count < below), [128, 128])
    hidden_size, batch_size = wishes.hidden_size or sizes[0], wishes.batch_size or sizes[1]
    segment, how = _segment(lookback, chosen, wishes)
    gated = count >= ENOUGH and wishes.strategy == "direct" and wishes.memory == "window"
    watched = held_out // 2 if wishes.steps and held_out >= WATCHED_HORIZONS * horizon else 0
    short = [name for name, rows in zip(names, lengths, strict=True) if rows - held_out - horizon < lookback]
    words = (
        f"season {chosen} ({why_season}), lookback {lookback}{how}, "
        f"{'logarithms' if logs else 'the values as they are'} ({why_scale}), {_judging(held_out, watched, horizon)}, "
        f"{hidden_size} units, batches of {batch_size}"
        + (", simple forecasts weighed window by window" if gated else "")
        + _short(short)
    )
    return Plan(chosen, lookback, logs, held_out, words, watched, segment, least, hidden_size, batch_size, gated)


def _short(names: Sequence[object]) -> str:
    """Which series do not fill a window, and what follows."""
    if not names:
        return ""
    who = f"series {names[0]!r} is" if len(names) == 1 else f"{len(names)} series, {names[0]!r} the first, are"
    return f", {who} shorter than a window, which begins with missing rows then"


def _judging(held_out: int, watched: int, horizon: int) -> str:
    """What becomes of the last rows, in words."""
    if not held_out:
        return "trained once, on all rows, without a trial"
    watching = f"steps chosen on the first {watched} of the last {held_out} rows, " if watched else ""
    judged = held_out - watched
    return f"{watching}judged on the last {judged} rows ({judged - horizon + 1} forecasts of {horizon} per series)"


def most_held_out(shortest: int, horizon: int, series: int, least_errors: int) -> int:
    """Return how many rows at the end of each series a trial holds out at most, whatever else is decided.

    Args:
        shortest: rows of the shortest series.
        horizon: K.
        series: how many there are.
        least_errors: as in make_plan.
    """
    windows = max(shortest // 10, -(-LEAST_ERRORS // horizon), _judged(horizon, series, least_errors))
    return horizon - 1 + min(windows, MOST_HELD_OUT)


def _judged(horizon: int, series: int, least_errors: int) -> int:
    """Held-out forecasts of each series that the intervals need."""
    return max(1, -(-min(least_errors, LEAST_ERRORS) // (horizon * series)))


def require_errors(truth: Values, needed: int) -> None:
    """Raise where the held-out rows hold too few values to judge a forecast by.

    Args:
        truth: what follows each origin that is judged, (n, K), NaN where missing.
        needed: errors that the quantiles need; 0 without any.

    Raises:
        DataError: no value is known at all.
        OptionError: there are fewer than the quantiles need.
    """
    errors = int((~np.isnan(truth)).sum())
    if not errors:
        raise DataError(
            "No value is known in the last rows, by which the fit is judged: give more rows, or leave out those at the "
            "end that are empty."
        )
    if errors < needed:
        gone = truth.size - errors
        since = f", since {gone} of their {truth.size} values are missing (are the last dates right?)" if gone else ""
        raise OptionError(
            f"The quantiles need {needed} held-out errors, and the last rows give {errors}{since}: ask for quantiles "
            f"nearer to the middle, or give more rows."
        )


def _season(rows: int, horizon: int, judged: int, natural: int, wishes: Wishes) -> tuple[int, str]:
    if wishes.season is not None:
        chosen, why = wishes.season, "given"
    else:
        chosen, why = natural, "from the time stamps"
    least, lookback = wishes.least_lookback(chosen), wishes.lookback
    if wishes.season is None and chosen > 1:
        fits = lookback is None or lookback >= least
        if not fits or rows < _needed(lookback or max(2 * chosen, least), horizon, judged):
            short = f"{rows} rows are" if fits else f"a lookback of {lookback} is"
            chosen, why = 1, f"because {short} too short to show seasons of {chosen}"
    least = wishes.least_lookback(chosen)
    if lookback is not None and lookback < least:
        raise OptionError(
            f"lookback={lookback} is too short for season={chosen}, which needs {least} rows or more: give a "
            f"longer lookback, or season=1 for none."
        )
    return chosen, why


def _lookback(lengths: NDArray[np.int64], rows: int, horizon: int, judged: int, season: int, wishes: Wishes) -> int:
    """Two seasons; up to fourteen, and eight horizons, where so long a window leaves plenty of windows."""
    least = wishes.least_lookback(season)
    if season == 1:
        return max(least, min(NO_SEASON_LOOKBACK, rows - _needed(0, horizon, judged)))
    most = min(MOST_SEASONS, 8 * horizon // season, rows // (3 * season))
    for seasons in range(most, 2, -1):
        windows = np.maximum(lengths * 9 // 10 - seasons * season - horizon, 0).sum()
        if windows >= PLENTY and wishes.strategy == "direct":
            return seasons * season
    return max(2 * season, least)


def _segment(lookback: int, season: int, wishes: Wishes) -> tuple[int, str]:
    """Rows of a segment, and the words for it."""
    if wishes.segment is not None:
        if wishes.segment * 2 > lookback:
            raise OptionError(
                f"segment={wishes.segment} is too long for a lookback of {lookback}, which has to hold two or more: "
                f"give a shorter segment or a longer lookback."
            )
        segment = wishes.segment
    else:
        segment = max(w for w in range(1, min(season, LONGEST_SEGMENT) + 1) if season % w == 0)
        if wishes.encoder == "segments":
            segment = segment if segment > 1 else max(2, lookback // 12)
        elif wishes.encoder == "steps" or wishes.strategy == "recursive" or lookback < MOST_STEPS * segment:
            segment = 1
    return segment, f" in {lookback // segment} segments of {segment}" if segment > 1 else ""


def _require_values(training: Sequence[Values], names: Sequence[object], shortest: int, held_out: int) -> None:
    for values, name in zip(training, names, strict=True):
        if np.isnan(values).all():
            where = " before its held-out rows" if held_out else ""
            raise DataError(
                f"Series {name!r} has no value{where}, so there is nothing to learn of it: leave it out, or give more "
                f"rows."
            )
    if all(np.nanmax(values) == np.nanmin(values) for values in training):
        raise DataError(
            f"Series {names[shortest]!r} is constant: every one of its training rows is "
            f"{np.nanmax(training[shortest]):g}, so there is nothing to learn. The forecast of a constant is that "
            f"constant."
        )


def _scale(
    series: Sequence[Values],
    training: Sequence[Values],
    names: Sequence[object],
    season: int,
    held_out: int,
    log: bool | str,
) -> tuple[bool, str]:
    """Whether to take logarithms, and why."""
    if log is True and any(np.nanmin(values) <= 0 for values in series):
        raise OptionError("log=True (--log) needs values above 0 everywhere; use log='auto' or log=False (--no-log).")
    logs = prefers_log(training, season) if log == "auto" else bool(log)
    for values, each in zip(series, names, strict=True):
        if logs and np.nanmin(values) <= 0:  # in a held-out row, which must not decide
            raise DataError(
                f"Series {each!r} is best taken in logarithms, because its swings grow with its level, and one "
                f"of its last {held_out} rows is 0 or less: set log=False (--no-log)."
            )
    if log != "auto":
        return logs, "given"
    if not all(clear_of_zero(values) for values in training):
        return logs, "some are 0, near it or less"
    return logs, "swings grow with the level" if logs else "swings do not grow with the level"


def _needed(lookback: int, horizon: int, judged: int) -> int:
    """Rows for LEAST_WINDOWS training windows and so many held-out forecasts."""
    return lookback + horizon + (LEAST_WINDOWS - 1) + horizon + (judged - 1)
