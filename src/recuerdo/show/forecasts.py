"""A forecast as a picture: what was known, what is forecast, how sure it is, and what came true."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib.dates as mdates
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from recuerdo.data.tables import Panel
from recuerdo.errors import OptionError
from recuerdo.show.files import save_picture
from recuerdo.show.style import INK, MODEL, QUIET, TRUTH, quiet_axes

if TYPE_CHECKING:
    from recuerdo.tasks import Forecasts

MOST_PANELS = 6
"""Series that one picture shows at most."""


def plot_forecast(
    forecasts: Forecasts, *, which: int = 0, truth: Panel | None = None, ax: Axes | None = None, history: int = 72
) -> Axes:
    """Draw one series: history, forecast, interval and, where it is known, the truth.

    Args:
        forecasts: what Forecaster.forecast returned.
        which: the number of the series.
        truth: the rows that followed, as a panel with the same series.
        ax: where to draw; None makes a new figure.
        history: known rows to show at most; a forecaster that was loaded knows as many as it looks back.

    Returns:
        The axes.
    """
    count = len(forecasts.known.series)
    if not 0 <= which < count:
        raise OptionError(f"which={which}: the series are numbered from 0 to {count - 1}.")
    if history < 1:
        raise OptionError(f"history={history}: at least one known row is shown.")
    if truth is not None and len(truth.series[which].values) != len(forecasts.point[which]):
        raise OptionError(
            f"truth has {len(truth.series[which].values)} rows and the forecast {len(forecasts.point[which])}: "
            f"give as many."
        )
    if ax is None:
        ax = Figure(figsize=(9, 4.2), layout="constrained").subplots()
    one = forecasts.known.series[which]
    times, point = forecasts.times[which], forecasts.point[which]
    past_times, past = one.times[-history:], one.values[-history:]
    ax.plot(past_times, past, color=INK, linewidth=1.2, label="history")
    # The last known value begins each line, so that no gap hides the step into the future.
    bridge = np.concatenate([past_times[-1:], times])
    if len(forecasts.quantiles) > 1:
        low, high = min(forecasts.quantiles), max(forecasts.quantiles)
        bounds = [np.concatenate([past[-1:], forecasts.quantiles[q][which]]) for q in (low, high)]
        words = f"{100 * (high - low):.0f} % interval"
        ax.fill_between(bridge, bounds[0], bounds[1], color=MODEL, alpha=0.16, linewidth=0, label=words)
    if truth is not None:
        true = truth.series[which].values
        ax.plot(bridge, np.concatenate([past[-1:], true]), color=TRUTH, linewidth=1.4, label="what came true")
    line = np.concatenate([past[-1:], point])
    ax.plot(bridge, line, color=MODEL, linewidth=1.8, linestyle=(0, (5, 1.5)), label=f"forecast ({forecasts.model})")
    ax.axvline(past_times[-1], color=QUIET, linewidth=0.8, linestyle=":")
    quiet_axes(ax)
    if np.issubdtype(one.times.dtype, np.datetime64):
        locator = mdates.AutoDateLocator()
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))
    ax.margins(x=0.01)
    named = forecasts.name if isinstance(forecasts.known.target, str) else str(one.id)
    title = named if forecasts.known.id is None else f"{named}, {one.id}"
    ax.set_title(
        f"{title}, {forecasts.known.freq.words}: the next {len(point)}", loc="left", fontsize=11, color=INK, pad=24
    )
    # Between title and axes, where it can hide no line.
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, borderaxespad=0.2, frameon=False, fontsize=9)
    return ax


def save_forecasts(forecasts: Forecasts, path: str | Path, *, truth: Panel | None = None) -> Path:
    """Draw the first series, six at most, one above the other, into a PNG, SVG or PDF file.

    Args:
        forecasts: what Forecaster.forecast returned.
        path: the file; its ending decides the format.
        truth: the rows that followed, as a panel with the same series.

    Returns:
        The file.

    Raises:
        OptionError: another ending.
        OutputError: the file cannot be written.
    """
    shown = min(len(forecasts.known.series), MOST_PANELS)
    figure = Figure(figsize=(9, 0.6 + 3.6 * shown), layout="constrained")
    axes: Any = figure.subplots(shown, squeeze=False)[:, 0]
    for which, ax in enumerate(axes):
        plot_forecast(forecasts, which=which, truth=truth, ax=ax)
    if shown < len(forecasts.known.series):
        figure.supxlabel(f"{shown} of {len(forecasts.known.series)} series", fontsize=9, color=QUIET)
    return save_picture(figure, path)
