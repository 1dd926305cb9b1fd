"""How large the errors of many forecasts are: by step ahead, by origin and by series, and how often intervals hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from recuerdo.learn import History
from recuerdo.show.series import in_lines
from recuerdo.show.style import DASHES, HUES, INK, MODEL, QUIET, TRUTH, counted, headline, line, one_axes, say

if TYPE_CHECKING:
    from recuerdo.tasks.backtests import Backtest

MOST_NAMES = 12
"""Series that are named; of more a histogram is drawn."""

MOST_DATES = 4
"""Origins that are named below."""

MOST_POINTS = 120
"""Points of a line by origin; of more origins each point is the mean of several in a row."""

BARS = 24
"""Of that histogram."""


def plot_error_by_horizon(backtest: Backtest, *, ax: Axes | None = None, ncols: int = 3) -> Axes:
    """Draw the score that decides at each step ahead, of the model and the baselines.

    Args:
        backtest: what Forecaster.backtest returned, or a fit's trial_.
        ax: where to draw; None makes a new figure.
        ncols: names beside each other, above the picture.
    """
    ax = one_axes(ax)
    steps, means = backtest.means("horizon")
    for name, look in looks_of(backtest).items():
        line(ax, np.array(steps), means[name][backtest.standing.score], **look)
    counted(ax, "steps ahead", backtest.standing.score)
    ax.set_ylim(bottom=0)
    headline(ax, f"{backtest.standing.score} by step ahead", ncols=ncols)
    return ax


def plot_error_by_origin(backtest: Backtest, *, ax: Axes | None = None, ncols: int = 3) -> Axes:
    """Draw the score that decides of the forecasts from each origin, the earliest first; of many, means of several."""
    ax = one_axes(ax)
    labels, means = backtest.means("origin")
    several = -(-len(labels) // MOST_POINTS)
    at = np.arange(0, len(labels), several)
    marks = {"marker": "o", "markersize": 3} if several == 1 else {}
    for name, look in looks_of(backtest).items():
        line(ax, at, _in_blocks(means[name][backtest.standing.score], several), **(marks | look))
    ax.set_ylabel(backtest.standing.score, color=INK)
    ticks = at[:: -(-len(at) // MOST_DATES)]
    ax.set_xticks(ticks, [in_lines(labels[tick]) for tick in ticks])
    ax.set_xlabel(
        "last known row" + (f"; each point is the mean of {several} origins" if several > 1 else ""), color=INK
    )
    ax.set_ylim(bottom=0)
    headline(ax, f"{backtest.standing.score} by origin", ncols=ncols)
    return ax


def plot_error_by_series(backtest: Backtest, *, ax: Axes | None = None, ncols: int = 3) -> Axes:
    """Draw the score that decides of each series, of the model and the best baseline; of many series a histogram."""
    ax = one_axes(ax)
    score, best = backtest.standing.score, backtest.standing.best
    labels, means = backtest.means("series")
    names = [backtest.model, *([] if best is None else [best])]
    values = {name: means[name][score] for name in names}
    known = np.concatenate([each[np.isfinite(each)] for each in values.values()])
    if not len(known):
        say(ax, f"{score} is undefined for every series")
    elif len(labels) <= MOST_NAMES:
        for name, colour, marker in zip(names, HUES, "os", strict=False):
            ax.plot(values[name], np.arange(len(labels)), marker, color=colour, markersize=6, label=name)
        ax.set_yticks(range(len(labels)), [_short(str(each)) for each in labels])
        ax.yaxis.set_inverted(True)
        ax.set(xlim=(0, None), ylim=(len(labels) - 0.5, -0.5))
        ax.grid(axis="x", color="#e6e8eb", linewidth=0.8)
    else:
        top = float(np.percentile(known, 98)) or 1.0
        edges = np.linspace(0, top, BARS + 1)
        for name, colour, dashes, filled in zip(names, HUES, DASHES, (True, False), strict=False):
            counts, _ = np.histogram(np.minimum(values[name][np.isfinite(values[name])], top), edges)
            ax.stairs(counts, edges, fill=filled, color=colour, alpha=0.45 if filled else 1, linestyle=dashes,
                      linewidth=0 if filled else 1.6, label=name)  # fmt: skip
        ax.set_ylabel("series", color=INK)
        ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel(score if len(labels) <= MOST_NAMES else f"{score}; the last bar holds all above", color=INK)
    headline(ax, f"{score} by series", ncols=ncols)
    return ax


def plot_coverage(backtest: Backtest, *, ax: Axes | None = None, ncols: int = 3) -> Axes:
    """Draw the share of true values within each interval at each step ahead, beside what was asked for."""
    ax = one_axes(ax)
    steps = np.arange(1, backtest.horizon + 1)
    for (low, high), colour, dashes in zip(backtest.intervals, (MODEL, TRUTH, *HUES[2:]), DASHES, strict=False):
        name = f"{100 * (high - low):.3g} %"
        ax.axhline(100 * (high - low), color=colour, linewidth=0.9, linestyle=(0, (1, 1.5)), label=f"{name} asked for")
        share = 100 * backtest.coverage_by_step(low, high)
        line(ax, steps, share, color=colour, linewidth=1.6, linestyle=dashes, label=f"{name} interval")
    ax.set_ylim(0, 103)
    counted(ax, "steps ahead", "% of true values within")
    headline(ax, "How often the intervals hold", ncols=ncols)
    return ax


def plot_losses(histories: Sequence[History], *, ax: Axes | None = None, ncols: int = 3) -> Axes:
    """Draw the loss of each training step, and its running mean, of one network or of several seeds."""
    ax = one_axes(ax)
    for k, history in enumerate(histories):
        colour, dashes = HUES[k % len(HUES)], DASHES[k % len(DASHES)]
        losses = np.array(history.losses)
        steps = np.arange(1, len(losses) + 1)
        ax.plot(steps, losses, color=colour, linewidth=0.5, alpha=0.3)
        width = max(1, len(losses) // 25)
        mean = np.convolve(losses, np.full(width, 1 / width), "valid")
        label = f"seed {history.random_state}"
        line(ax, steps[width - 1 :], mean, color=colour, linewidth=1.6, linestyle=dashes, label=label)
    counted(ax, "steps", "loss")
    headline(ax, "Loss in training", ncols=ncols)
    return ax


def looks_of(backtest: Backtest) -> dict[str, dict[str, Any]]:
    """Return how each forecaster's line looks: the model and its best baseline in colour, the others grey."""
    looks: dict[str, dict[str, Any]] = {}
    quiet = iter([DASHES[2], DASHES[3], (0, (3, 3)), (0, (8, 2)), (0, (2, 4)), "solid"])
    for name in backtest.forecasts:
        if name == backtest.model:
            looks[name] = {"color": MODEL, "linewidth": 2, "linestyle": "solid", "label": name}
        elif name == backtest.standing.best:
            looks[name] = {"color": TRUTH, "linewidth": 1.6, "linestyle": DASHES[1], "label": name}
        else:
            looks[name] = {"color": QUIET, "linewidth": 1.2, "linestyle": next(quiet), "label": name}
    return looks


def _in_blocks(values: NDArray[np.float64], several: int) -> NDArray[np.float64]:
    """The mean of each so many values in a row, of those that are known; NaN where none is."""
    if several == 1:
        return values
    starts, known = np.arange(0, len(values), several), np.isfinite(values)
    count = np.add.reduceat(known.astype(np.int64), starts)
    return np.add.reduceat(np.where(known, values, 0.0), starts) / np.where(count == 0, np.nan, count)


def _short(name: str) -> str:
    return name if len(name) <= 18 else f"{name[:17]}…"
