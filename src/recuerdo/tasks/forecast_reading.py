"""Tables that a fitted forecaster is given: read as its own was, put behind it, and cut to what it looks at."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recuerdo.data.frames import opened
from recuerdo.data.frequency import say
from recuerdo.data.reading import read
from recuerdo.data.tables import LONGEST_PAUSE, Panel, Series, panel
from recuerdo.errors import DataError, OptionError


def read_again(fitted: Panel, table: Any) -> Panel:
    """Read a table by the columns, the frequency and the categories of the one that a model was fitted on.

    Args:
        fitted: the panel of fit.
        table: a frame, a path or a panel. Static columns that it has are taken from it, others are those of fit.

    Raises:
        DataError: it cannot be read so, is of another frequency, has other covariates, or has a new series without its
            static ones.
    """
    if isinstance(table, Panel):
        known = table
        _require_columns(fitted, known)
        if known.freq != fitted.freq:
            raise DataError(
                f"This table is {known.freq.words}, and the model was fitted on one that is {fitted.freq.words}: "
                f"give a table of the same frequency, or fit anew."
            )
    else:
        table = read(table) if isinstance(table, str | Path) else table
        there = opened(table)[0].columns if fitted.static else []
        known = panel(table, **_columns(fitted), static=[each.name for each in fitted.static if each.name in there])
    for one in known.series:
        if np.isnan(one.values).all():
            raise DataError(
                f"Series {one.id!r} has no value at all, so there is nothing to forecast from: leave it out."
            )
    return _with_static(fitted, known) if len(known.static) < len(fitted.static) else known


def read_alike(fitted: Panel, table: Any) -> Panel:
    """Read a table by the columns of the one that a model was fitted on, to fit anew: at any step, with any categories.

    Args:
        fitted: the panel of fit.
        table: a frame, a path or a panel; one without the column of dates, of numbers or of ids of fit is another
            table, whose columns are found as fit finds them.

    Raises:
        DataError: it cannot be read so, or lacks a covariate.
    """
    if isinstance(table, Panel):
        return table
    table = read(table) if isinstance(table, str | Path) else table
    there, columns = opened(table)[0].columns, _columns(fitted)
    targets = [fitted.target] if isinstance(fitted.target, str) else fitted.target
    if not {fitted.date, *targets, *([] if fitted.id is None else [fitted.id])} <= set(there):
        return panel(table)
    static = [each.name for each in fitted.static if each.name in there]
    known = panel(table, **{name: columns[name] for name in ("date", "target", "id", "past", "future")}, static=static)
    return _with_static(fitted, known) if len(static) < len(fitted.static) else known


def read_following(fitted: Panel, table: Any) -> tuple[NDArray[np.int64], Panel]:
    """Read the next rows of some series.

    Args:
        fitted: the panel of fit, and of what followed since.
        table: a frame, a path or a panel, with rows behind the last ones of some of its series.

    Returns:
        The numbers of these series (n,), and their rows, from the one behind the last; those that the table does not
        have are rows without a value.

    Raises:
        DataError: as in `read_again`; also where a series is new, or a row is not behind the last one.
    """
    if isinstance(table, Panel):
        _require_columns(fitted, table)
        if (table.freq, table.covariates) != (fitted.freq, fitted.covariates):
            raise DataError(
                "This panel is of another frequency than that of fit, or its columns have other categories: give the "
                "table itself."
            )
        new = table
    else:
        columns = _columns(fitted)
        if not isinstance(fitted.target, str):  # of columns that are series each, some may be there
            there = opened(table)[0].columns
            columns["target"] = [each for each in fitted.target if each in there] or columns["target"]
        new = panel(table, **columns, follows=fitted)
    if new.time_type.utc != fitted.time_type.utc:
        raise DataError(f"Column {fitted.date!r} holds other stamps than in fit: write both in UTC, or neither.")
    by_id = {one.id: number for number, one in enumerate(fitted.series)}
    numbers = [by_id.get(one.id) for one in new.series]
    if None in numbers:
        raise DataError(
            f"Series {new.series[numbers.index(None)].id!r} was not there in fit, so there is nothing that its rows "
            f"follow: forecast it by predict(table), with all its rows, or fit anew."
        )
    found = np.array(numbers, dtype=np.int64)
    series = tuple(_behind(fitted, fitted.series[number], one) for number, one in zip(found, new.series, strict=True))
    return found, replace(fitted, series=series)


def _behind(fitted: Panel, before: Series, one: Series) -> Series:
    """The rows of a series from the one behind its last, those that are not there without a value."""
    freq, last = fitted.freq, before.times[-1]
    places = freq.positions(one.times, last)
    if places[0] < 1:
        raise DataError(
            f"{say(one.times[0])} of series {one.id!r} is not behind its last row, {say(last)}: update takes the rows "
            f"that follow. A value that has changed since needs predict(table), with all rows."
        )
    if not freq.nearest and (freq.at(last, places) != one.times).any():
        raise DataError(
            f"{say(one.times[0])} of series {one.id!r} is no whole number of steps behind its last row, {say(last)}, "
            f"and the series is {freq.words}: correct the stamp."
        )
    pause = np.diff(places, prepend=0) - 1
    longest = int(pause.argmax())
    # Behind so many missing rows, nothing of what is kept is left in a window.
    if pause[longest] >= max(LONGEST_PAUSE, 10 * len(before.values)):
        raise DataError(
            f"{pause[longest]:,} rows of series {one.id!r} are missing before {say(one.times[longest])}, behind "
            f"{say(one.times[longest - 1] if longest else last)}: is that date right? If it is, forecast by "
            f"predict(table), with the rows from there on, or fit anew."
        )
    rows = int(places[-1])
    values, covariates = np.full(rows, np.nan), np.full((rows, before.covariates.shape[1]), np.nan)
    values[places - 1], covariates[places - 1] = one.values, one.covariates
    return replace(before, times=freq.after(last, rows), values=values, covariates=covariates)


def followed_by(known: Panel, numbers: NDArray[np.int64], new: Panel, rows: int) -> Panel:
    """Return the last rows of each series of a panel, some of them with the next rows behind; see `read_following`."""
    series = list(known.series)
    for number, one in zip(numbers, new.series, strict=True):
        parts = {
            name: np.concatenate([getattr(series[number], name), getattr(one, name)])[-rows:]
            for name in ("times", "values", "covariates")
        }
        series[number] = replace(one, **parts)
    return replace(known, series=tuple(series))


def _columns(fitted: Panel) -> dict[str, Any]:
    """What `panel` is told to read a table as the one of fit."""
    return {
        "date": fitted.date,
        "target": fitted.target if isinstance(fitted.target, str) else list(fitted.target),
        "id": fitted.id,
        "freq": fitted.freq,
        "categories": {
            each.name: each.categories for each in (*fitted.covariates, *fitted.static) if each.categories is not None
        },
        **{role: [each.name for each in fitted.covariates if each.role == role] for role in ("past", "future")},
    }


def _require_columns(fitted: Panel, known: Panel) -> None:
    """Raise DataError where a panel has other covariates than that of fit, or has them in another order."""
    said, asked = ([f"{each.role} {each.name!r}" for each in (*one.covariates, *one.static)] for one in (known, fitted))
    asked = asked if known.static else asked[: len(fitted.covariates)]
    if said != asked:
        raise DataError(
            f"The model was fitted with the columns {', '.join(asked) or 'of the target alone'}, and this panel has "
            f"{', '.join(said) or 'none of them'}: make it with the same past=, future= and static=, in this order."
        )


def _with_static(fitted: Panel, known: Panel) -> Panel:
    """The panel with the static covariates that it lacks as its series had them in fit."""
    by_id = {one.id: one.static for one in fitted.series}
    own = {each.name: place for place, each in enumerate(known.static)}
    new = [one.id for one in known.series if one.id not in by_id]
    if new:
        names = ", ".join(repr(each.name) for each in fitted.static if each.name not in own)
        raise DataError(
            f"Series {new[0]!r} was not there in fit, so its {names} {'are' if ',' in names else 'is'} not known: give "
            f"a table that has such columns, or a panel, as recuerdo.data.panel(table, static=...) makes it."
        )
    from_table = [(column, own[each.name]) for column, each in enumerate(fitted.static) if each.name in own]

    def completed(one: Series) -> NDArray[np.float64]:
        static = by_id[one.id].copy()
        for column, place in from_table:
            static[column] = one.static[place]
        return static

    series = tuple(replace(one, static=completed(one)) for one in known.series)
    return replace(known, series=series, static=fitted.static)


def require_complete(known: Panel, rows: int = 0) -> None:
    """Raise for missing values, and for fewer rows than a window: a recursive forecast cannot reckon with them.

    Raises:
        OptionError: a value is missing.
        DataError: a series has fewer rows.
    """
    for one in known.series:
        if len(one.values) < rows:
            raise DataError(
                f"Series {one.id!r} has {len(one.values)} rows, and a recursive forecast reads the last {rows}: give "
                f"more of them, or take strategy='direct'."
            )
        if np.isnan(one.values).any():
            raise OptionError(
                f"Series {one.id!r} has missing values, and strategy='recursive' reckons with each value: take "
                f"strategy='direct', which is told what is missing."
            )


def tail(known: Panel, rows: int) -> Panel:
    """The last rows of each series: what the next forecast looks at."""
    cut = tuple(
        replace(one, times=one.times[-rows:], values=one.values[-rows:], covariates=one.covariates[-rows:])
        for one in known.series
    )
    return replace(known, series=cut)
