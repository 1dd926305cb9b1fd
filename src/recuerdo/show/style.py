"""One look for all pictures: few colours with fixed meanings, light grids, no frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

INK = "#222222"
QUIET = "#8a8f98"
MODEL = "#c8452f"
TRUTH = "#1f4e79"
PALE = {MODEL: "#eda99c", TRUTH: "#a3bdd8"}
"""The fills: light enough for a number or a word on them, and in grey apart from the paper."""

# Told apart without colour as well: by dashes in lines, by shape in points.
HUES = (MODEL, TRUTH, "#2f8f5b", "#b8860b")
DASHES = ("solid", (0, (5, 1.5)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)))
POINTS = ("o", "s", "^", "D")


def quiet_axes(ax: Axes) -> None:
    """Take the frame away and leave a light horizontal grid."""
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.spines["bottom"].set_color(QUIET)
    ax.tick_params(colors=INK, length=0, labelsize=9)
    ax.grid(axis="y", color="#e6e8eb", linewidth=0.8)
    ax.set_axisbelow(True)


def one_axes(ax: Axes | None) -> Axes:
    """Return the axes that were given, or those of a new figure, without a frame."""
    ax = Figure(figsize=(7.5, 4.2), layout="constrained").subplots() if ax is None else ax
    quiet_axes(ax)
    return ax


def panels(ax: Axes | None, widths: Sequence[float]) -> tuple[Axes, list[Axes]]:
    """Panels side by side in the place of one axes, the first at its left edge and the last at its right."""
    if ax is None:
        ax = Figure(figsize=(9.5, 4.4), layout="constrained").subplots()
    ax.set_axis_off()
    gap = (1 - sum(widths)) / (len(widths) - 1)
    lefts = [k * gap + sum(widths[:k]) for k in range(len(widths))]
    made = [ax.inset_axes((left, 0, width, 1)) for left, width in zip(lefts, widths, strict=True)]
    for panel in made:
        quiet_axes(panel)
    return ax, made


def back_in_time(ax: Axes, x: str, y: str) -> None:
    """Let the horizontal axis count steps back, the last step at the right, and name both axes."""
    ax.xaxis.set_inverted(True)  # time runs to the right, as everywhere
    counted(ax, x, y)


def counted(ax: Axes, x: str, y: str) -> None:
    """Name both axes; the horizontal one counts steps, units or layers, of which there are no halves."""
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))
    ax.set_xlabel(x, color=INK)
    ax.set_ylabel(y, color=INK)


def line(ax: Axes, x: np.ndarray, y: np.ndarray, **look: Any) -> None:
    """A line with a gap where y is NaN; what has no neighbour is a point, since a line has no length there."""
    there = np.pad(np.isfinite(y), 1)
    (alone,) = np.nonzero(there[1:-1] & ~there[:-2] & ~there[2:])
    if len(alone):
        look = {"marker": "o", "markersize": 4, "markevery": alone.tolist(), **look}
    ax.plot(x, y, **look)


def say(ax: Axes, words: str) -> None:
    """Write into the middle of a picture why it is empty."""
    ax.text(0.5, 0.5, words, transform=ax.transAxes, color=QUIET, fontsize=10, ha="center", va="center")


def above_zero(norms: np.ndarray) -> np.ndarray:
    """A logarithmic scale has no place for zero: leave a gap there."""
    return np.where(norms > 0, norms, np.nan)


def logarithmic(ax: Axes) -> None:
    """A logarithmic scale over two powers of ten at least, so that a gradient that does not change looks flat."""
    ax.set_yscale("log")
    ax.minorticks_off()
    low, high = ax.get_ylim()
    if high < 100 * low:
        middle = np.sqrt(low * high)
        ax.set_ylim(middle / 10, middle * 10)


def looks(names: Sequence[str]) -> list[dict[str, Any]]:
    """Return colour, dashes and label for each of several lines.

    More than four are shaded from the first to the last, and only the two and every few between them are named, so
    that twenty layers read as one movement.
    """
    count = len(names)
    if count <= len(HUES):
        return [{"color": HUES[k], "linestyle": DASHES[k], "label": name} for k, name in enumerate(names)]
    named = set(np.linspace(0, count - 1, min(count, 6)).round().astype(int).tolist())
    shades = colormaps["viridis_r"](np.linspace(0.12, 1, count))
    return [
        {"color": to_hex(shades[k]), "linestyle": "solid", "label": name if k in named else "_nolegend_"}
        for k, name in enumerate(names)
    ]


def headline(ax: Axes, words: str, *, ncols: int = 4, heading: str | None = None, rows: int = 0) -> int:
    """Write the title flush left, and the names of the lines between it and the axes, where they can hide no line.

    Args:
        ax: the axes, drawn.
        words: the title.
        ncols: how many names stand side by side.
        heading: what the names are, above them.
        rows: rows of names to leave room for at least, so that the titles of neighbours stand level.

    Returns:
        Rows of names that there is room for.
    """
    names = len(ax.get_legend_handles_labels()[1])
    if names:
        ax.legend(
            loc="lower left", bbox_to_anchor=(0, 1), ncols=ncols, borderaxespad=0.2, frameon=False, fontsize=9,
            title=heading, alignment="left", title_fontsize=9,
        )  # fmt: skip
    rows = max(rows, -(-names // ncols) + (heading is not None))
    ax.set_title(words, loc="left", fontsize=11, color=INK, pad=10 + 16 * rows)
    return rows
