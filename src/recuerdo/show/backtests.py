"""Forecasts from many origins as pictures: over the series itself, and their errors by step, by series and by level."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from recuerdo.errors import OptionError
from recuerdo.show.series import dated, fan, mark_missing, name_of, origin_mark, parted
from recuerdo.show.style import MODEL, TRUTH, headline, line, quiet_axes

if TYPE_CHECKING:
    from recuerdo.tasks.backtests import Backtest


MOST_WHOLE, MOST_OTHERS = 6, 40
"""Forecasts that a picture draws whole, and others that overlap them, as thin lines."""


def plot_backtest(backtest: Backtest, *, which: int = 0, ax: Axes | None = None, ncols: int = 4) -> Axes:
    """Draw one series with the forecasts from every origin, their intervals, and the origins.

    Where forecasts overlap, those that follow one another from the last are drawn whole, and the others as thin lines.
    Of many the last six are drawn whole, and some of the others between them.

    Args:
        backtest: what Forecaster.backtest returned, or a fit's trial_.
        which: the number of the series.
        ax: where to draw; None makes a new figure.
        ncols: names of lines beside each other, above the picture.

    Returns:
        The axes.

    Raises:
        OptionError: there is no such series, or none of its rows was forecast.
    """
    count, K = len(backtest.known), backtest.horizon
    if not 0 <= which < count:
        raise OptionError(f"which={which}: the series are numbered from 0 to {count - 1}.")
    (rows,) = np.nonzero(backtest.origins[:, 0] == which)
    one = backtest.known.series[which]
    if not len(rows):
        raise OptionError(f"which={which}: no forecast of series {one.id!r} was judged, so there is none to draw.")
    many = f"{len(rows):,} forecast{'s' if len(rows) != 1 else ''} of {K}"
    rows = rows[np.argsort(backtest.origins[rows, 1])]
    drawn = in_view(backtest.origins[rows, 1], K)
    if len(drawn) < len(rows):
        many = f"the last {len(drawn):,} of {many}"
    rows = rows[drawn]
    ends = backtest.origins[rows, 1]
    if ax is None:
        ax = Figure(figsize=(9, 4.2), layout="constrained").subplots()
    first = max(0, ends[0] + 1 - 2 * K)
    shown = slice(first, ends[-1] + 1 + K)
    times, truth = one.times[shown], one.values[shown]
    line(ax, times, truth, color=TRUTH, linewidth=1.2, label="what came true")
    whole = apart(ends, K)
    ahead = [one.times[end + 1 : end + 1 + K] for end in ends]
    forecast = backtest.forecasts[backtest.model]
    others = np.setdiff1d(np.arange(len(rows)), whole)
    if len(others):
        among = f" of {len(others):,}" if len(others) > MOST_OTHERS else ""
        others = others[:: -(-len(others) // MOST_OTHERS)]
        x, y = parted([ahead[k] for k in others]), parted(list(forecast[rows[others]]), np.nan)
        words = f"overlapping ({len(others)}{among})"
        ax.plot(x, y, color=MODEL, linewidth=0.7, alpha=0.45, label=words)
    x = parted([ahead[k] for k in whole])
    bounds = {level: parted(list(each[rows[whole]]), np.nan) for level, each in backtest.quantiles.items()}
    fan(ax, x, bounds, backtest.intervals)
    y = parted(list(forecast[rows[whole]]), np.nan)
    line(ax, x, y, color=MODEL, linewidth=1.6, linestyle=(0, (5, 1.5)), label=f"forecast ({backtest.model})")
    origin_mark(ax, one.times[ends[whole]], "origin")
    mark_missing(ax, times, truth)
    quiet_axes(ax)
    dated(ax, one.times)
    headline(ax, f"{name_of(backtest.known, which)}, {backtest.known.freq.words}: {many}", ncols=ncols)
    return ax


def in_view(ends: NDArray[np.int64], horizon: int) -> NDArray[np.int64]:
    """Return the places of origins, rising, that a picture has room for: of many the last ones, from a whole one on."""
    whole = apart(ends, horizon)
    return np.arange(whole[-min(len(whole), MOST_WHOLE)] if len(whole) > MOST_WHOLE else 0, len(ends))


def apart(ends: NDArray[np.int64], horizon: int) -> NDArray[np.int64]:
    """Return the places of origins, rising, whose forecasts do not overlap, taken from the last backwards."""
    kept = [len(ends) - 1]
    for place in range(len(ends) - 2, -1, -1):
        if ends[kept[-1]] - ends[place] >= horizon:
            kept.append(place)
    return np.array(kept[::-1])
