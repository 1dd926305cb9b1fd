"""What an explanation says, in sentences and in the pieces of its text: for its picture and for its page."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_hex
from numpy.typing import NDArray

from recuerdo.show.pages import percent
from recuerdo.show.style import MODEL, PALE, TRUTH

if TYPE_CHECKING:
    from recuerdo.tasks import Explanation

COLOURS = LinearSegmentedColormap.from_list("moved", [PALE[MODEL], "#ffffff", PALE[TRUTH]])
"""Red for what moved the verdict away, blue for what moved towards it."""

LEAST = 0.02
"""A probability that moved by less than this is no more than a tint, however little the others moved."""


def title_of(explanation: Explanation) -> str:
    """Return the verdict, how sure it is, and what would have been right."""
    truth = "" if explanation.truth is None else f" (label: {short(str(explanation.truth))})"
    if explanation.classes is None:
        return f"{explanation.heading}: {explanation.running[-1, 0]:.4g}{truth}"
    sure = percent(float(verdict_of(explanation)[-1]))
    return f"{explanation.heading}: {explanation.answer}, with a probability of {sure}{truth}"


def before_of(explanation: Explanation) -> str:
    """Return what would be said of no step at all, in a sentence."""
    first = explanation.before[explanation.verdict]
    return f"Of nothing at all it would say {first:.4g}." if explanation.classes is None else (
        f"Of nothing at all it would give it {percent(first)}."
    )  # fmt: skip


def mover_of(explanation: Explanation) -> str:
    """Return which step moved it most, in a sentence."""
    k = int(np.argmax(np.abs(explanation.moved)))
    if explanation.text is not None and not explanation.tokens:
        return "The text has no token that the model reads."
    step = f"step {explanation.places[k]}"
    if explanation.text is not None:
        step += f", “{token_of(explanation, k)}”"
    return f"It was moved most by {step}: by {change_of(explanation, k)}."


def key_of(explanation: Explanation) -> str:
    """Return what the colours behind words mean, in a sentence."""
    if explanation.classes is None:
        return "Words on blue raised the number, words on red lowered it; the darker, the more."
    name = short(str(explanation.answer), 40)
    return f"Words on blue moved it towards {name}, words on red away from it; the darker, the more."


def change_of(explanation: Explanation, k: int) -> str:
    """Return by how much a place moved the verdict."""
    moved = explanation.moved[k]
    return f"{moved:+.4g}" if explanation.classes is None else f"{100 * moved:+.1f} points"


def token_of(explanation: Explanation, k: int) -> str:
    """Return the last token before a place, on one line."""
    return " ".join(explanation.token_at(k).split())


def verdict_of(explanation: Explanation) -> NDArray[np.float64]:
    """Return the running verdict, (P,) probabilities or numbers."""
    return explanation.running[:, explanation.verdict]


def shares_of(explanation: Explanation) -> NDArray[np.float64]:
    """Return how much each place moved the verdict, from -1 to 1, beside the one that moved it most."""
    moved = explanation.moved
    least = LEAST if explanation.classes is not None else 1e-12
    return moved / max(float(np.abs(moved).max()), least)


def pieces_of(explanation: Explanation) -> Iterator[tuple[str, str | None, str]]:
    """Yield the text in pieces, each with its colour and what it moved; spaces between tokens have none."""
    text, end = explanation.text or "", 0
    shares = shares_of(explanation)
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
            yield text[start:stop], colour, change_of(explanation, k)
            end = stop
    if end < len(text):
        yield text[end:], None, ""


def short(name: str, most: int = 24) -> str:
    """Return a name on one line, without its end where it is long."""
    name = " ".join(name.split())
    return name if len(name) <= most else f"{name[: most - 1]}…"


def plain(words: str) -> str:
    """Return words on one line in which matplotlib sees no formula."""
    return " ".join(words.split()).replace("$", r"\$")
