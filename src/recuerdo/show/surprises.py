"""Where a language model stumbles: the words of a text on red, the darker the less they were expected."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.figure import Figure

from recuerdo.show.pages import Page, checked
from recuerdo.show.style import MODEL, PALE, headline
from recuerdo.show.words import NOTE_LETTER, draw_lines, height, in_lines, lacking

if TYPE_CHECKING:
    from recuerdo.tasks import Surprise

COLOURS = LinearSegmentedColormap.from_list("surprise", ["#ffffff", PALE[MODEL]])

LEAST_BITS = 8.0
"""Bits of the darkest red, at the least: a text that is expected throughout stays pale."""

MOST_LINES, WIDTH, MOST_ROWS = 26, 9.0, 40
"""Lines of a picture, its width in inches, and rows of a page's table."""


def plot_surprise(surprise: Surprise, ax: Axes | None = None) -> Axes:
    """Draw a text with its words on red, the darker the less the model expected them.

    Args:
        surprise: what `surprise` of a language model returned.
        ax: where to draw; None makes a new figure.

    Returns:
        The axes.
    """
    width = 72 * WIDTH - 12
    lines = in_lines([(words, colour) for words, colour, _ in pieces_of(surprise)], width)
    shown = lines[:MOST_LINES]
    notes = [_key(surprise)]
    if len(lines) > len(shown):
        every, drawn = (sum(map(len, some)) for some in (lines, shown))
        notes.append(f"{every - drawn:,} of {every:,} words are not drawn; to_html(path) writes them all.")
    if missing := lacking(surprise.text):
        notes.append(f"Characters that these letters lack are boxes ({missing:,}); to_html(path) writes them.")
    notes = [each for note in notes for each in wrap(note, int(width / NOTE_LETTER))]
    if ax is None:
        ax = Figure(figsize=(WIDTH, (36 + height(len(shown), len(notes))) / 72), layout="constrained").subplots()
    draw_lines(ax, shown, width, notes)
    headline(ax, _title(surprise))
    return ax


def save_surprise(surprise: Surprise, path: str | Path) -> Path:
    """Write it as a page of one file; see :meth:`Surprise.to_html`."""
    checked(path)
    page = Page(_title(surprise), f"The {len(surprise.tokens):,} tokens of a text, each given all before it.")
    page.heading("The text", _key(surprise))
    page.words(pieces_of(surprise))
    order = np.argsort(-surprise.bits, kind="stable")[:MOST_ROWS]
    rows = [(str(k + 1), f"{surprise.bits[k]:.1f}", surprise.around(int(k))) for k in order]
    page.heading("Least expected")
    page.table(f"the {len(rows)} tokens with the most bits", ("Place", "Bits", "Token"), rows)
    return page.save(path)


def pieces_of(surprise: Surprise) -> Iterator[tuple[str, str | None, str]]:
    """Yield the text in pieces, each with its colour and its bits; what lies between tokens has none."""
    end, highest = 0, max(LEAST_BITS, float(surprise.bits.max(initial=0)))
    places: dict[tuple[int, int], float] = {}
    for token, bits in zip(surprise.tokens, surprise.bits, strict=True):  # bytes of one character are one piece
        places[token.start, token.end] = places.get((token.start, token.end), 0.0) + float(bits)
    for (start, stop), bits in places.items():
        if start > end:
            yield surprise.text[end:start], None, ""
        if stop > max(start, end):
            yield surprise.text[max(start, end) : stop], to_hex(COLOURS(min(1.0, bits / highest))), f"{bits:.1f} bits"
        end = max(end, stop)
    if end < len(surprise.text):
        yield surprise.text[end:], None, ""


def _title(surprise: Surprise) -> str:
    return f"Surprise: {surprise.bits.mean():.2f} bits a token"


def _key(surprise: Surprise) -> str:
    k = int(surprise.bits.argmax())
    word = " ".join(surprise.token_at(k).split()) or "a gap"
    return f"The darker, the less it was expected; the least of all “{word}”, by {surprise.bits[k]:.1f} bits."
