"""How the time of a training step grows when T, N or H doubles, beside the growth of its products alone."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import hypot
from typing import Any

from . import peers
from .cases import TRAINING, Cell, Floor, Shape
from .measuring import FLOOR, OURS
from .timing import interleave

BASE = Shape(100, 32, 16, 64)
RANGES = {"T": (25, 50, 100, 200, 400, 800), "N": (16, 32, 64, 128, 256), "H": (32, 64, 128, 256, 512)}
"""Each letter over the range that it has in the grid, the others as in the base."""


def shapes(letter: str) -> list[Shape]:
    """The shapes along the range of a letter."""
    return [BASE._replace(**{letter: size}) for size in RANGES[letter]]


def measure(cell: Cell, letter: str, along: list[Shape], budget: float) -> list[dict[str, Any]]:
    """Time the training step along a range, all shapes in turns, and return one row for each doubling.

    Args:
        cell: which.
        letter: what doubles.
        along: the shapes, each with twice the one before of it.
        budget: seconds for them all.

    Returns:
        cell, letter, from, to; ours and floor: the factors by which the median grew; excess: ours by the floor's, and
        error: its standard error.
    """
    calls: dict[str, Callable[[], object]] = {}
    for shape in along:
        contestant = peers.ours(cell.ours(shape))
        x, by_output = peers.inputs(shape, TRAINING)
        calls[f"{OURS} {shape}"] = lambda c=contestant, x=x, g=by_output: c.training(x, g)
        calls[f"{FLOOR} {shape}"] = Floor(cell, shape, TRAINING)
    found = interleave(calls, budget)
    rows = []
    for small, large in pairwise(along):
        mine, floor = (found[f"{who} {large}"].median / found[f"{who} {small}"].median for who in (OURS, FLOOR))
        apart = hypot(*(found[f"{who} {shape}"].error for who in (OURS, FLOOR) for shape in (small, large)))
        ends = {"from": getattr(small, letter), "to": getattr(large, letter)}
        factors = {OURS: mine, FLOOR: floor, "excess": mine / floor, "error": apart * mine / floor}
        rows.append({"cell": cell.name, "letter": letter, **ends, **factors})
    return rows
