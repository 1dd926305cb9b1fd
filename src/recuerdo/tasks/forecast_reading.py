"""Tables that a fitted forecaster is given: read as its own was, and cut to what it looks at."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from recuerdo.data.tables import Panel, panel
from recuerdo.errors import DataError


def read_again(fitted: Panel, table: Any) -> Panel:
    """Read a table by the columns, the frequency and the categories of the one that a model was fitted on.

    Args:
        fitted: the panel of fit.
        table: a frame, a path or a panel.

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
        roles = {role: [each.name for each in fitted.covariates if each.role == role] for role in ("past", "future")}
        categories = {each.name: each.categories for each in fitted.covariates if each.categories is not None}
        target = fitted.target if isinstance(fitted.target, str) else list(fitted.target)
        known = panel(
            table,
            date=fitted.date,
            target=target,
            id=fitted.id,
            freq=fitted.freq,
            categories=categories,
            **roles,
        )
    for one in known.series:
        if np.isnan(one.values).all():
            raise DataError(
                f"Series {one.id!r} has no value at all, so there is nothing to forecast from: leave it out."
            )
    if fitted.static and not known.static:
        known = _with_static(fitted, known)
    return known


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
    """The panel with the static covariates that its series had in fit."""
    by_id = {one.id: one.static for one in fitted.series}
    new = [one.id for one in known.series if one.id not in by_id]
    if new:
        names = ", ".join(repr(each.name) for each in fitted.static)
        raise DataError(
            f"Series {new[0]!r} was not there in fit, so its {names} are not known: give a panel that has them, as "
            f"recuerdo.data.panel(table, static=...) makes it."
        )
    series = tuple(replace(one, static=by_id[one.id]) for one in known.series)
    return replace(known, series=series, static=fitted.static)


def tail(known: Panel, rows: int) -> Panel:
    """The last rows of each series: what the next forecast looks at."""
    cut = tuple(
        replace(one, times=one.times[-rows:], values=one.values[-rows:], covariates=one.covariates[-rows:])
        for one in known.series
    )
    return replace(known, series=cut)
