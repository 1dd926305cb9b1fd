"""A text as a picture: its words in reading order, in lines, each piece of them on a colour of its own."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.patches import Rectangle
from matplotlib.textpath import TextToPath
from matplotlib.transforms import Affine2D, ScaledTranslation, Transform

from recuerdo.show.style import INK, QUIET

SIZE, LEADING = 11, 19.0
"""Of the letters, and from line to line, in points."""

NOTE, NOTE_LETTER = 9, 5.0
"""Of the letters of notes, and how wide one is, in points."""

Piece = tuple[str, str | None]
"""Characters of a text, and the colour behind them."""


@dataclass(frozen=True)
class Word:
    """What stands between two spaces: its pieces, and how wide they are in points."""

    pieces: tuple[Piece, ...]
    widths: tuple[float, ...]
    leftwards: bool | None

    @property
    def width(self) -> float:
        """Of the whole word."""
        return sum(self.widths)


def in_lines(pieces: Iterable[Piece], width: float) -> list[list[Word]]:
    """Break a text into lines between its words; a word that is wider than a line is broken within.

    Args:
        pieces: the text, whole and in order.
        width: of a line, in points.
    """
    lines: list[list[Word]] = [[]]
    space, used = _measure(" "), 0.0
    for word in _words(pieces, width):
        if lines[-1] and used + space + word.width > width:
            lines.append([])
        used = word.width if not lines[-1] else used + space + word.width
        lines[-1].append(word)
    return lines if lines[-1] else []


def draw_lines(ax: Axes, lines: Sequence[Sequence[Word]], width: float, notes: Sequence[str] = ()) -> None:
    """Draw lines from the top of axes downwards, at their size in points however large the axes are.

    A text that begins with a word that is read from right to left stands at the right.

    Args:
        ax: without anything in it.
        lines: of `in_lines`.
        width: of a line, in points.
        notes: sentences below them, in small grey letters.
    """
    ax.set_axis_off()
    figure = ax.get_figure(root=True)
    assert figure is not None
    corner: Any = ax.transAxes  # as matplotlib does; its types ask for less than it takes
    points = Affine2D().scale(1 / 72, -1 / 72) + figure.dpi_scale_trans + ScaledTranslation(0, 1, corner)
    space = _measure(" ")
    strong = (word.leftwards for line in lines for word in line if word.leftwards is not None)
    leftwards = next(strong, False)
    for number, line in enumerate(lines):
        x = 0.0
        for word in _in_order(line, leftwards):
            inwards = word.leftwards if word.leftwards is not None else leftwards
            parts = list(zip(word.pieces, word.widths, strict=True))
            left = width - x - word.width if leftwards else x
            for (words, colour), wide in reversed(parts) if inwards else parts:
                if colour is not None:
                    box = Rectangle((left, number * LEADING + 1), wide, LEADING - 3, facecolor=colour, edgecolor="none")
                    _add(ax, box, points)
                _write(ax, words, left, number, SIZE, INK, points)
                left += wide
            x += word.width + space
    for number, note in enumerate(notes):
        _write(ax, note, 0, len(lines) + 0.2 + 0.8 * number, NOTE, QUIET, points)


def height(lines: int, notes: int) -> float:
    """Return how high so many lines and notes below them are, in points."""
    return LEADING * (lines + 0.3 + 0.8 * notes)


def lacking(text: str) -> int:
    """Return how many characters of a text the letters of pictures do not have."""
    return sum(not _has(letter) and not _silent(letter) for letter in text if not letter.isspace())


def _add(ax: Axes, box: Rectangle, points: Transform) -> None:
    box.set_transform(points)
    box.set_in_layout(False)
    ax.add_artist(box)


def _write(ax: Axes, words: str, left: float, line: float, size: float, colour: str, points: Transform) -> None:
    baseline = (line + 0.72) * LEADING
    written = ax.text(left, baseline, words, fontsize=size, color=colour, parse_math=False, transform=points)
    written.set_in_layout(False)


def _words(pieces: Iterable[Piece], width: float) -> Iterable[Word]:
    """Yield the words of a text, none of them wider than a line."""
    held: list[Piece] = []
    for text, colour in pieces:
        for part in re.findall(r"\s+|\S+", text):
            if part.isspace():
                yield from _broken(held, width)
                held = []
            else:
                held.append((_drawable(part), colour))
    yield from _broken(held, width)


def _broken(pieces: list[Piece], width: float) -> Iterable[Word]:
    pieces = [(words, colour) for words, colour in pieces if words]
    if not pieces:
        return
    widths = [_measure(words) for words, _ in pieces]
    leftwards = _leftwards("".join(words for words, _ in pieces))
    if sum(widths) <= width:
        yield Word(tuple(pieces), tuple(widths), leftwards)
        return
    held: list[Piece] = []
    used = 0.0
    for words, colour in pieces:
        for letter in words:
            wide = _measure(letter)
            if held and used + wide > 0.96 * width:  # on a screen letters stand on whole pixels, a little wider
                yield Word(tuple(held), tuple(_measure(each) for each, _ in held), leftwards)
                held, used = [], 0.0
            if held and held[-1][1] == colour:
                held[-1] = (held[-1][0] + letter, colour)
            else:
                held.append((letter, colour))
            used += wide
    yield Word(tuple(held), tuple(_measure(each) for each, _ in held), leftwards)


def _in_order(line: Sequence[Word], leftwards: bool) -> list[Word]:
    """Return the words of a line as they follow one another from its beginning, runs of the other direction turned."""
    ordered: list[Word] = []
    run: list[Word] = []
    for word in line:
        if word.leftwards is not None and word.leftwards != leftwards:
            run.append(word)
            continue
        ordered += [*reversed(run), word]
        run = []
    return ordered + run[::-1]


def _leftwards(text: str) -> bool | None:
    """Whether a text is read from right to left by its first letter that says so; None where none does."""
    for letter in text:
        if (kind := unicodedata.bidirectional(letter)) in ("L", "R", "AL"):
            return kind != "L"
    return None


def _drawable(text: str) -> str:
    """Return a text with a box for each character that the letters of pictures do not have."""
    box = "□" if _has("□") else "?"
    return "".join(letter if _has(letter) else "" if _silent(letter) else box for letter in text)


def _has(letter: str) -> bool:
    return bool(get_font(findfont(FontProperties())).get_char_index(ord(letter)))


def _silent(letter: str) -> bool:
    """Whether a character has no shape of its own, such as what joins two emoji to one."""
    return unicodedata.category(letter) in ("Mn", "Me", "Cf")


def _measure(words: str) -> float:
    return float(np.asarray(TextToPath().get_text_width_height_descent(words, FontProperties(size=SIZE), False)[0]))
