"""Which classes are taken for which, as a picture of what tasks/ counted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from recuerdo.show.explanation_words import plain
from recuerdo.show.style import INK, MODEL, QUIET, TRUTH, headline

RIGHT = LinearSegmentedColormap.from_list("right", ["#ffffff", TRUTH])
WRONG = LinearSegmentedColormap.from_list("wrong", ["#ffffff", MODEL])

WITH_SHARES, WITH_COUNTS = 8, 30
"""Classes up to which a cell holds its count and its share, and its count alone; beyond, shades speak."""

MOST_NAMES = 50
"""Classes up to which each is named; of more, every second, third and so on."""

MOST_LETTERS = 16
"""Of a class's name."""


def plot_confusion(
    confusion: NDArray[np.integer], classes: Sequence[object], *, title: str = "Verdicts", ax: Axes | None = None
) -> Axes:
    """Draw how often each true class was given each verdict.

    A cell holds a count, and of few classes the share of its row; the darker, the larger that share. Right verdicts, on
    the diagonal, are blue and wrong ones red. A class without a true row has an empty row.

    Args:
        confusion: counts (C, C), true classes down, verdicts across.
        classes: C names.
        title: above it.
        ax: where to draw; None makes a new figure.

    Returns:
        The axes.
    """
    count = len(classes)
    if ax is None:
        cell = 0.62 if count <= WITH_SHARES else 0.45
        side = float(np.clip(1.6 + cell * count, 4.0, 12.5))
        ax = Figure(figsize=(side + 0.6, side), layout="constrained").subplots()
    rows = confusion.sum(axis=1, keepdims=True)
    shares = confusion / np.maximum(rows, 1)
    colours = WRONG(shares**0.7)  # a few percent of a row are worth seeing
    np.einsum("iij->ij", colours)[:] = RIGHT(np.diagonal(shares))
    ax.imshow(colours, aspect="equal", interpolation="nearest")
    _write(ax, confusion, shares)
    names = [_short(name) for name in classes]
    size = 9 if count <= 12 else 8 if count <= 20 else 7
    upright = max(map(len, names)) * count > 60
    named = range(0, count, -(-count // MOST_NAMES))
    ax.set_xticks(named, [names[k] for k in named], fontsize=size, rotation=90 if upright else 0)
    ax.set_yticks(named, [f"{names[k]} ({rows[k, 0]})" for k in named], fontsize=size)
    ax.tick_params(colors=INK, length=0)
    ax.set_xlabel("verdict", color=INK)
    ax.set_ylabel("true class (how many)", color=INK)
    ax.set_xticks(np.arange(count + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(count + 1) - 0.5, minor=True)
    ax.grid(which="minor", color="#e6e8eb", linewidth=0.8)
    ax.tick_params(which="minor", length=0)
    for spine in ax.spines.values():
        spine.set_color(QUIET)
        spine.set_linewidth(0.6)
    right = int(np.diagonal(confusion).sum())
    headline(ax, f"{title}, {right} of {int(confusion.sum())} right")
    return ax


def _write(ax: Axes, confusion: NDArray[np.integer], shares: NDArray[np.floating]) -> None:
    count = len(confusion)
    if count > WITH_COUNTS:
        return
    size = 10 if count <= WITH_SHARES else 9 if count <= 14 else 6.5
    for i, j in zip(*np.nonzero(confusion), strict=True):
        words = f"{confusion[i, j]}"
        if count <= WITH_SHARES:
            words += f"\n{100 * shares[i, j]:.0f} %"
        colour = "white" if shares[i, j] > 0.55 else INK
        ax.text(j, i, words, ha="center", va="center", fontsize=size, color=colour, linespacing=1.25, in_layout=False)


def _short(name: object) -> str:
    """Return a name on one line, without its middle where it is long: names often differ at their ends."""
    words = " ".join(str(name).split())
    half = MOST_LETTERS // 2
    return plain(words if len(words) <= MOST_LETTERS else f"{words[:half]}…{words[1 - half :]}")
