"""Which steps of a sequence moved a verdict: the running verdict below a series, the words of a text on colours."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from recuerdo.show.explanation_words import key_of, pieces_of, plain, shares_of, short, title_of
from recuerdo.show.style import (
    INK,
    MODEL,
    PALE,
    QUIET,
    TRUTH,
    counted,
    headline,
    line,
    looks,
    one_axes,
    quiet_axes,
    say,
)
from recuerdo.show.words import LEADING, NOTE_LETTER, draw_lines, height, in_lines, lacking

if TYPE_CHECKING:
    from recuerdo.tasks import Explanation

MOST_LINES, MOST_FEATURES, MOST_MARKS = 26, 6, 8
"""Lines of a text; features that are lines; steps that are marked."""

MOST_NAMES = 24
"""Strips up to which each is named; of more, every second, third and so on."""

MARKED = 0.06
"""The share of the height that is kept above strips for the marks, which would change their shades."""

WIDTH = 9.0
"""Of a picture, in inches."""


def plot_explanation(explanation: Explanation, ax: Axes | None = None, *, ncols: int = 4) -> Axes:
    """Draw which steps moved a verdict.

    Of numbers the series stands above, of more than six features as strips, each in shades from its lowest value to
    its highest; below runs what the verdict would have been after each step. The steps that moved it most are marked.
    The words of a text stand on blue where they moved it towards the verdict, on red where away; of a long text the
    first lines are drawn, and how much is missing is said.

    Args:
        explanation: what `explain` of a classifier or regressor returned.
        ax: where to draw; None makes a new figure.
        ncols: names of lines beside each other, above them.

    Returns:
        The axes.
    """
    return _text(explanation, ax) if explanation.text is not None else _series(explanation, ax, ncols)


def plot_running(explanation: Explanation, ax: Axes | None = None, *, ncols: int = 4) -> Axes:
    """Draw what the verdict would have been after each step, from none to all; arguments as in `plot_explanation`."""
    ax = one_axes(ax)
    _running(ax, explanation, None, ncols)
    return ax


def _text(explanation: Explanation, ax: Axes | None) -> Axes:
    text = explanation.text or ""
    width, room = 72 * WIDTH - 12, MOST_LINES
    if ax is not None:
        figure, place = ax.get_figure(root=True), ax.get_position()
        assert figure is not None
        inches = figure.get_size_inches()
        width = max(72 * float(place.width * inches[0]), 6 * LEADING)
        room = max(1, int(72 * float(place.height * inches[1]) / LEADING) - 2)
    lines = in_lines([(words, colour) for words, colour, _ in pieces_of(explanation)], width)
    shown = lines[:room]
    notes = [key_of(explanation)] if lines else ["The text is empty."]
    if len(lines) > room:
        every, drawn = (sum(map(len, some)) for some in (lines, shown))
        notes.append(f"{every - drawn:,} of {every:,} words are not drawn; to_html(path) writes them all.")
    if missing := lacking(text):
        notes.append(f"Characters that these letters lack are boxes ({missing:,}); to_html(path) writes them.")
    notes = [each for note in notes for each in wrap(note, int(width / NOTE_LETTER))]
    if ax is None:
        high = 36 + height(len(shown), len(notes))
        ax = Figure(figsize=(WIDTH, high / 72), layout="constrained").subplots()
    draw_lines(ax, shown, width, notes)
    headline(ax, plain(title_of(explanation)))
    return ax


def _series(explanation: Explanation, ax: Axes | None, ncols: int) -> Axes:
    values = np.asarray(explanation.values, dtype=np.float64)
    T, D = values.shape
    names = explanation.features or [f"feature {k}" for k in range(D)]
    if ax is None:
        high = 5.2 + 0.14 * max(0, min(len(names), MOST_NAMES) - 8)
        ax = Figure(figsize=(WIDTH, high), layout="constrained").subplots()
    ax.set_axis_off()
    room = 0.1 if ncols >= 4 else 0.17  # for the names above the lower one, in one row or in two
    above, below = ax.inset_axes((0, 0.4 + room, 1, 0.6 - room)), ax.inset_axes((0, 0, 1, 0.4))
    quiet_axes(above)
    steps = np.arange(1, T + 1)
    if MOST_FEATURES >= D:
        for k, look in enumerate(looks([plain(short(name)) for name in names])):
            line(above, steps, values[:, k], **({"linewidth": 1.4} | look))
        named = plain(short(names[0])) if explanation.features else "value"
        above.set_ylabel(named if D == 1 else "values", color=INK)
        if D == 1:
            above.lines[0].set(color=INK, label="_nolegend_")
    else:
        _strips(above, values, [plain(short(name, 16)) for name in names])
    _running(below, explanation, above, ncols)
    above.set_xlim(below.get_xlim())
    above.tick_params(labelbottom=False)
    headline(above, plain(title_of(explanation)), ncols=ncols)
    return ax


def _strips(ax: Axes, values: NDArray[np.float64], names: list[str]) -> None:
    """A strip for each feature, from its lowest value, light, to its highest, dark."""
    T, D = values.shape
    with np.errstate(all="ignore"):
        low, high = (
            np.where(np.isnan(values).all(axis=0), 0, pick(values, axis=0)) for pick in (np.fmin.reduce, np.fmax.reduce)
        )
    shades = (values - low) / np.where(high > low, high - low, 1)
    ax.imshow(
        shades.T, aspect="auto", cmap="Greys", vmin=-0.15, vmax=1.15, interpolation="nearest",
        extent=(0.5, T + 0.5, D - 0.5, -0.5),
    )  # fmt: skip
    ax.set_ylim(D - 0.5, -0.5 - D * MARKED / (1 - MARKED))
    ax.grid(visible=False)
    shown = range(0, D, -(-D // MOST_NAMES))
    ax.set_yticks(shown, [names[k] for k in shown], fontsize=8)
    key = "each from its lowest value, light, to its highest, dark"
    small = {"ha": "right", "va": "top", "fontsize": 8, "color": QUIET}
    ax.annotate(key, (1, 0), (0, -4), "axes fraction", textcoords="offset points", **small)


def _running(ax: Axes, explanation: Explanation, above: Axes | None, ncols: int) -> None:
    """What the verdict would have been after each step, from none to all."""
    quiet_axes(ax)
    if explanation.text is not None and not explanation.tokens:
        say(ax, "There is no step.")
        return
    at = np.concatenate([[0], explanation.places])
    running = np.concatenate([explanation.before[None], explanation.running])
    if explanation.classes is not None:
        bold = {"color": TRUTH, "linewidth": 2.2, "label": f"{plain(short(str(explanation.answer)))} (the verdict)"}
        line(ax, at, running[:, explanation.verdict], **bold)
        others = np.argsort(-explanation.running[-1], kind="stable")
        second = next((k for k in others if k != explanation.verdict), None)
        if second is not None:
            name = f"{plain(short(str(explanation.classes[second])))} (the next)"
            line(ax, at, running[:, second], color=MODEL, linewidth=1.1, linestyle=(0, (5, 1.5)), label=name)
        ax.set_ylim(-0.03, 1.03)
    else:
        for k, look in enumerate(looks([f"number {k}" for k in range(running.shape[1])])):
            line(ax, at, running[:, k], **({"linewidth": 2.2 if k == 0 else 1.1} | look))
        if running.shape[1] == 1:
            ax.lines[0].set(color=TRUTH, label="_nolegend_")
    shares = shares_of(explanation)
    most = np.argsort(-np.abs(shares), kind="stable")[:MOST_MARKS]
    strips = above is not None and bool(above.images)
    named: set[bool] = set()
    for k in most[np.abs(shares[most]) >= 0.2]:
        towards = bool(shares[k] > 0)
        label = "_nolegend_" if towards in named else _side(explanation, towards)
        named.add(towards)
        look = {"color": PALE[TRUTH if towards else MODEL], "alpha": 0.25 + 0.5 * float(abs(shares[k])), "lw": 0}
        span = (float(at[k]) + 0.5, float(at[k + 1]) + 0.5)
        ax.axvspan(*span, zorder=0, label=label, **look)
        if above is not None:
            above.axvspan(*span, ymin=1 - MARKED if strips else 0, zorder=0, **look)
    ax.set_xlim(-0.02 * at[-1], at[-1] + 0.5)
    counted(ax, "step", "probability" if explanation.classes is not None else "number")
    names = ax.get_legend_handles_labels()[1]
    if names:
        ax.legend(
            loc="lower left", bbox_to_anchor=(0, 1), ncols=ncols, frameon=False, fontsize=9, borderaxespad=0.2
        )  # fmt: skip


def _side(explanation: Explanation, towards: bool) -> str:
    if explanation.classes is None:
        return "raised it most" if towards else "lowered it most"
    return "moved it towards the verdict" if towards else "moved it away"
