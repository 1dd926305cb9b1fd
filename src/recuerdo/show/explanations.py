"""Which steps of a sequence moved a verdict: the running verdict below a series, the words of a text on colours."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from recuerdo.show.pages import Page, checked, percent
from recuerdo.show.style import INK, MODEL, PALE, TRUTH, counted, headline, line, looks, quiet_axes, say
from recuerdo.show.words import LEADING, draw_lines, in_lines, lacking, note_below

if TYPE_CHECKING:
    from recuerdo.tasks import Explanation

COLOURS = LinearSegmentedColormap.from_list("moved", [PALE[MODEL], "#ffffff", PALE[TRUTH]])
"""Red for what moved the verdict away, blue for what moved towards it."""

MOST_LINES, MOST_FEATURES, MOST_MARKS, MOST_ROWS = 26, 6, 8, 40
"""Lines of a text in a picture; features that are lines; steps that are marked; rows of a page's table."""

LEAST = 0.02
"""A probability that moved by less than this is no more than a tint, however little the others moved."""

WIDTH = 9.0
"""Of a picture, in inches."""


def plot_explanation(explanation: Explanation, ax: Axes | None = None) -> Axes:
    """Draw which steps moved a verdict.

    Of numbers the series stands above, of more than six features as strips, each in shades from its lowest value to
    its highest; below runs what the verdict would have been after each step. The steps that moved it most are marked.
    The words of a text stand on blue where they moved it towards the verdict, on red where away; of a long text the
    first lines are drawn, and how much is missing is said.

    Args:
        explanation: what `explain` of a classifier or regressor returned.
        ax: where to draw; None makes a new figure.

    Returns:
        The axes.
    """
    return _text(explanation, ax) if explanation.text is not None else _series(explanation, ax)


def save_explanation(explanation: Explanation, path: str | Path) -> Path:
    """Write which steps moved a verdict as a page of one file; see :meth:`Explanation.to_html`."""
    checked(path)
    page = Page(_title(explanation), f"{_before(explanation)} {_most(explanation)}")
    if explanation.text is not None:
        page.heading("The text", _key(explanation))
        page.words(_told(explanation))
    page.heading("The running verdict" if explanation.text is not None else "The series and the running verdict")
    ax = Figure(figsize=(7.5, 3 if explanation.text is not None else 5), layout="constrained").subplots()
    if explanation.text is not None:
        _running(ax, explanation, None)
    else:
        _series(explanation, ax)
    rows = _rows(explanation)
    first = ("Step", "Word") if explanation.text is not None else ("Step",)
    page.picture(
        ax,
        f"Line chart of what the verdict would have been after each of {explanation.places[-1]} steps. "
        f"{_most(explanation)}",
        f"the {len(rows)} steps that moved it most" if len(rows) < len(explanation.places) else "all steps",
        (*first, "Moved by", "To"),
        rows,
    )
    return page.save(path)


def _title(explanation: Explanation) -> str:
    if explanation.classes is None:
        return f"Verdict: {explanation.running[-1, 0]:.4g}"
    return f"Verdict: {explanation.answer}, with a probability of {percent(float(_verdict(explanation)[-1]))}"


def _before(explanation: Explanation) -> str:
    first = explanation.before[explanation.verdict]
    return f"Of nothing at all it would say {first:.4g}." if explanation.classes is None else (
        f"Of nothing at all it would give it {percent(first)}."
    )  # fmt: skip


def _most(explanation: Explanation) -> str:
    """Which step moved it most, in a sentence."""
    k = int(np.argmax(np.abs(explanation.moved)))
    if explanation.text is not None and not explanation.tokens:
        return "The text has no token that the model reads."
    step = f"step {explanation.places[k]}"
    if explanation.text is not None:
        step += f", “{_token(explanation, k)}”"
    return f"It was moved most by {step}: by {_change(explanation, k)}."


def _key(explanation: Explanation) -> str:
    if explanation.classes is None:
        return "Words on blue raised the number, words on red lowered it; the darker, the more."
    name = _short(str(explanation.answer), 40)
    return f"Words on blue moved it towards {name}, words on red away from it; the darker, the more."


def _change(explanation: Explanation, k: int) -> str:
    moved = explanation.moved[k]
    return f"{moved:+.4g}" if explanation.classes is None else f"{100 * moved:+.1f} points"


def _token(explanation: Explanation, k: int) -> str:
    """The last token before a place, on one line."""
    assert explanation.text is not None
    token = explanation.tokens[explanation.places[k] - 1]
    return " ".join(explanation.text[token.start : token.end].split())


def _rows(explanation: Explanation) -> list[tuple[str, ...]]:
    if explanation.text is not None and not explanation.tokens:
        return []
    most = np.argsort(-np.abs(explanation.moved), kind="stable")[:MOST_ROWS]
    running = _verdict(explanation)
    return [
        (
            str(explanation.places[k]),
            *([_token(explanation, k)] if explanation.text is not None else []),
            _change(explanation, k),
            f"{running[k]:.4g}" if explanation.classes is None else percent(float(running[k])),
        )
        for k in most
    ]


def _verdict(explanation: Explanation) -> NDArray[np.float64]:
    return explanation.running[:, explanation.verdict]


def _shares(explanation: Explanation) -> NDArray[np.float64]:
    """How much each place moved the verdict, from -1 to 1, beside the one that moved it most."""
    moved = explanation.moved
    least = LEAST if explanation.classes is not None else 1e-12
    return moved / max(float(np.abs(moved).max()), least)


def _told(explanation: Explanation) -> Iterator[tuple[str, str | None, str]]:
    """Yield the text in pieces, each with its colour and what it moved; spaces between tokens have none."""
    text, end = explanation.text or "", 0
    shares = _shares(explanation)
    places = np.searchsorted(explanation.places, np.arange(1, len(explanation.tokens) + 1))
    # Several tokens may stand for one character, as the bytes of an emoji do: they are one piece, the last one's.
    for (start, stop), same in groupby(
        zip(explanation.tokens, places, strict=True), key=lambda both: (both[0].start, both[0].end)
    ):
        k = int([place for _, place in same][-1])
        start = max(start, end)
        if start > end:
            yield text[end:start], None, ""
        if stop > start:
            share = shares[k]
            colour = to_hex(COLOURS(0.5 + 0.5 * float(np.sign(share) * np.abs(share) ** 0.7)))
            yield text[start:stop], colour, _change(explanation, k)
            end = stop
    if end < len(text):
        yield text[end:], None, ""


def _text(explanation: Explanation, ax: Axes | None) -> Axes:
    text = explanation.text or ""
    own = ax is None
    width, room = 72 * (WIDTH - 0.6), MOST_LINES
    if ax is not None:
        sides, inches = ax.get_position(), ax.get_figure(root=True).get_size_inches()  # type: ignore[union-attr]
        width = max(72 * sides.width * inches[0], 8 * LEADING)
        room = max(1, int(72 * sides.height * inches[1] / LEADING) - 3)
    pieces = [(words, None if colour == "#ffffff" else colour) for words, colour, _ in _told(explanation)]
    lines = in_lines(pieces, width)
    shown = lines[:room]
    notes = [_key(explanation)]
    if len(lines) > room:
        all_words, drawn = (sum(map(len, some)) for some in (lines, shown))
        notes.append(f"{all_words - drawn:,} of {all_words:,} words are not drawn; to_html(path) writes them all.")
    if missing := lacking(text):
        notes.append(f"{missing:,} characters, which the letters of this picture lack, are boxes; a page has them.")
    if not lines:
        notes = ["The text is empty."]
    if ax is None:
        ax = Figure(
            figsize=(WIDTH, 0.9 + LEADING / 72 * (len(shown) + len(notes) + 0.5)), layout="constrained"
        ).subplots()
    draw_lines(ax, shown, width)
    for number, note in enumerate(notes):
        note_below(ax, note, len(shown) + 0.3 + number)
    high = LEADING * (len(shown) + len(notes) + 0.5)
    ax.set_ylim(high if own else max(high, LEADING * (room + len(notes))), 0)
    headline(ax, _plain(_title(explanation)))
    return ax


def _series(explanation: Explanation, ax: Axes | None) -> Axes:
    if ax is None:
        ax = Figure(figsize=(WIDTH, 5.2), layout="constrained").subplots()
    ax.set_axis_off()
    above, below = ax.inset_axes((0, 0.5, 1, 0.5)), ax.inset_axes((0, 0, 1, 0.4))
    quiet_axes(above)
    values = np.asarray(explanation.values, dtype=np.float64)
    T, D = values.shape
    steps = np.arange(1, T + 1)
    if MOST_FEATURES >= D:
        for k, look in enumerate(looks([f"feature {k}" for k in range(D)])):
            line(above, steps, values[:, k], **({"linewidth": 1.4} | look))
        above.set_ylabel("value" if D == 1 else "values", color=INK)
        if D == 1:
            above.lines[0].set(color=INK, label="_nolegend_")
    else:
        _strips(above, values)
    _running(below, explanation, above)
    above.set_xlim(below.get_xlim())
    above.tick_params(labelbottom=False)
    headline(above, _plain(_title(explanation)), ncols=6)
    return ax


def _strips(ax: Axes, values: NDArray[np.float64]) -> None:
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
    ax.grid(visible=False)
    ax.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    ax.set_ylabel("feature", color=INK)


def _running(ax: Axes, explanation: Explanation, above: Axes | None) -> None:
    """What the verdict would have been after each step, from none to all."""
    quiet_axes(ax)
    if explanation.text is not None and not explanation.tokens:
        say(ax, "There is no step.")
        return
    at = np.concatenate([[0], explanation.places])
    running = np.concatenate([explanation.before[None], explanation.running])
    if explanation.classes is not None:
        bold = {"color": TRUTH, "linewidth": 2.2, "label": f"{_short(str(explanation.answer))} (the verdict)"}
        line(ax, at, running[:, explanation.verdict], **bold)
        others = np.argsort(-explanation.running[-1], kind="stable")
        second = next((k for k in others if k != explanation.verdict), None)
        if second is not None:
            name = f"{_short(str(explanation.classes[second]))} (the next)"
            line(ax, at, running[:, second], color=MODEL, linewidth=1.1, linestyle=(0, (5, 1.5)), label=name)
        ax.set_ylim(-0.03, 1.03)
    else:
        for k, look in enumerate(looks([f"number {k}" for k in range(running.shape[1])])):
            line(ax, at, running[:, k], **({"linewidth": 2.2 if k == 0 else 1.1} | look))
        if running.shape[1] == 1:
            ax.lines[0].set(color=TRUTH, label="_nolegend_")
    shares = _shares(explanation)
    most = np.argsort(-np.abs(shares), kind="stable")[:MOST_MARKS]
    for k in most[np.abs(shares[most]) >= 0.2]:
        for one in (ax, *([] if above is None else [above])):
            colour = PALE[TRUTH if shares[k] > 0 else MODEL]
            one.axvspan(
                float(at[k]) + 0.5,
                float(at[k + 1]) + 0.5,
                color=colour,
                alpha=0.25 + 0.5 * float(abs(shares[k])),
                lw=0,
                zorder=0,
            )
    ax.set_xlim(-0.02 * at[-1], at[-1] + 0.5)
    counted(ax, "step", "probability" if explanation.classes is not None else "number")
    names = ax.get_legend_handles_labels()[1]
    if names:
        ax.legend(
            loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False, fontsize=9, borderaxespad=0.2
        )  # fmt: skip


def _short(name: str, most: int = 24) -> str:
    name = " ".join(name.split())
    return _plain(name if len(name) <= most else f"{name[: most - 1]}…")


def _plain(words: str) -> str:
    """Words in which matplotlib sees no formula."""
    return " ".join(words.split()).replace("$", r"\$")
