"""A forecast as a picture: what was known, what is forecast, how sure it is, and what came true."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from recuerdo.data.tables import Panel
from recuerdo.errors import OptionError
from recuerdo.show.files import save_picture
from recuerdo.show.series import dated, fan, mark_missing, name_of, origin_mark
from recuerdo.show.style import INK, MODEL, QUIET, TRUTH, headline, line, quiet_axes

if TYPE_CHECKING:
    from recuerdo.tasks import Forecasts

MOST_PANELS = 6
"""Series that one picture shows at most."""

HISTORY = 72
"""Known rows before a forecast, where it is not longer than half of them."""


def plot_forecast(
    forecasts: Forecasts,
    *,
    which: int = 0,
    truth: Panel | None = None,
    ax: Axes | None = None,
    history: int | None = None,
    ncols: int = 4,
) -> Axes:
    """Draw one series: history, forecast, intervals and, where it is known, the truth.

    Quantiles that lie as far below the middle as others above it bound an interval; several make a fan. Where values
    are missing the line stops, over a grey ground.

    Args:
        forecasts: what Forecaster.forecast returned.
        which: the number of the series.
        truth: the rows that followed, as a panel with the same series.
        ax: where to draw; None makes a new figure.
        history: known rows to show at most; None takes 72, or two horizons. A forecaster that was loaded knows as many
            as it looks back.
        ncols: names of lines beside each other, above the picture.

    Returns:
        The axes.
    """
    count = len(forecasts.known.series)
    if not 0 <= which < count:
        raise OptionError(f"which={which}: the series are numbered from 0 to {count - 1}.")
    if history is not None and history < 1:
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
    shown = max(HISTORY, 2 * len(point)) if history is None else history
    past_times, past = one.times[-shown:], one.values[-shown:]
    line(ax, past_times, past, color=INK, linewidth=1.2, label="history")
    # The last known value begins each line, so that no gap hides the step into the future.
    bridge = np.concatenate([past_times[-1:], times])
    bounds = {level: np.concatenate([past[-1:], rows[which]]) for level, rows in forecasts.quantiles.items()}
    fan(ax, bridge, bounds, forecasts.intervals)
    if truth is not None:
        true = np.concatenate([past[-1:], truth.series[which].values])
        line(ax, bridge, true, color=TRUTH, linewidth=1.4, label="what came true")
    said = np.concatenate([past[-1:], point])
    line(ax, bridge, said, color=MODEL, linewidth=1.8, linestyle=(0, (5, 1.5)), label=f"forecast ({forecasts.model})")
    origin_mark(ax, past_times[-1:])
    mark_missing(ax, past_times, past)
    quiet_axes(ax)
    dated(ax, one.times)
    headline(ax, f"{name_of(forecasts.known, which)}, {forecasts.known.freq.words}: the next {len(point)}", ncols=ncols)
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
