"""A score by step or by origin as lines of plain text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

MOST_LINES = 12


def shown(labels: Sequence[Any]) -> str:
    """Return how many of the labels have a line, in words, where not all have one.

    Example:
        >>> shown(range(48)), shown(range(3))
        (' (12 of 48 shown)', '')
    """
    return f" ({MOST_LINES} of {len(labels):,} shown)" if len(labels) > MOST_LINES else ""


def score_lines(labels: Sequence[Any], means: Mapping[str, Mapping[str, np.ndarray]], score: str) -> str:
    """Return a line for each label and a column for each forecaster; of many labels a few, evenly, with both ends.

    Args:
        labels: of the rows.
        means: name -> score -> (rows,).
        score: which one.

    Example:
        >>> print(score_lines([1, 2], {"GRU": {"MAE": np.array([0.5, np.nan])}}, "MAE"))
             GRU
        1  0.500
        2      -
    """
    chosen = np.unique(np.linspace(0, len(labels) - 1, min(len(labels), MOST_LINES)).round().astype(int))
    first = [str(labels[place]).removesuffix(" 00:00:00") for place in chosen]
    width = max(map(len, first))
    widths = {name: max(len(name), 5) for name in means}
    lines = [" " * width + "".join(f"  {name:>{widths[name]}}" for name in means)]
    for place, label in zip(chosen, first, strict=True):
        cells = {name: each[score][place] for name, each in means.items()}
        written = {name: "-" if np.isnan(value) else f"{value:.3f}" for name, value in cells.items()}
        lines.append(f"{label:>{width}}" + "".join(f"  {each:>{widths[name]}}" for name, each in written.items()))
    return "\n".join(lines)
