"""The page of one explanation: the words of a text on colours, the running verdict, and what moved it in numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from recuerdo.show.explanation_words import (
    before_of,
    change_of,
    key_of,
    mover_of,
    pieces_of,
    title_of,
    token_of,
    verdict_of,
)
from recuerdo.show.explanations import plot_explanation, plot_running
from recuerdo.show.pages import Page, checked, percent

if TYPE_CHECKING:
    from recuerdo.tasks import Explanation

MOST_ROWS = 40
"""Of the table."""


def save_explanation(explanation: Explanation, path: str | Path) -> Path:
    """Write which steps moved a verdict as a page of one file; see :meth:`Explanation.to_html`."""
    checked(path)
    page = Page(title_of(explanation), f"{before_of(explanation)} {mover_of(explanation)}")
    if explanation.text is not None:
        page.heading("The text", key_of(explanation))
        page.words(pieces_of(explanation))
    page.heading("The running verdict" if explanation.text is not None else "The series and the running verdict")
    ax = Figure(figsize=(7.5, 3 if explanation.text is not None else 5), layout="constrained").subplots()
    if explanation.text is not None:
        plot_running(explanation, ax, ncols=2)
    else:
        plot_explanation(explanation, ax, ncols=2)
    rows = _rows(explanation)
    first = ("Step", "Word") if explanation.text is not None else ("Step",)
    page.picture(
        ax,
        f"Line chart of what the verdict would have been after each of {explanation.places[-1]} steps. "
        f"{mover_of(explanation)}",
        f"the {len(rows)} steps that moved it most" if len(rows) < len(explanation.places) else "all steps",
        (*first, "Moved by", "To"),
        rows,
    )
    return page.save(path)


def _rows(explanation: Explanation) -> list[tuple[str, ...]]:
    if explanation.text is not None and not explanation.tokens:
        return []
    most = np.argsort(-np.abs(explanation.moved), kind="stable")[:MOST_ROWS]
    running = verdict_of(explanation)
    return [
        (
            str(explanation.places[k]),
            *([token_of(explanation, k)] if explanation.text is not None else []),
            change_of(explanation, k),
            f"{running[k]:.4g}" if explanation.classes is None else percent(float(running[k])),
        )
        for k in most
    ]
