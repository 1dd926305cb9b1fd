"""How the time of a training step grows when T, N or H doubles, beside the growth of its products alone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import torch

from . import peers
from .cases import TRAINING, Cell, Floor, Shape
from .measuring import FLOOR, OURS
from .timing import interleave

BASE = Shape(100, 32, 16, 64)
RANGES = {"T": (25, 50, 100, 200, 400, 800), "N": (16, 32, 64, 128, 256), "H": (32, 64, 128, 256, 512)}
"""Each letter over the range that it has in the grid, the others as in the base."""


def steps() -> Iterator[tuple[str, list[Shape]]]:
    """Yield each letter with the shapes along its range."""
    for letter, sizes in RANGES.items():
        yield letter, [BASE._replace(**{letter: size}) for size in sizes]


def measure(cell: Cell, letter: str, shapes: list[Shape], budget: float) -> list[dict[str, Any]]:
    """Time the training step along a range and return one row for each doubling.

    Returns:
        cell, letter, from, to; ours and floor: the factors by which the median grew; excess: ours by the floor's.
    """
    medians = []
    for shape in shapes:
        torch.manual_seed(0)
        contestant = peers.ours(cell.ours(shape))
        x, by_output = peers.inputs(shape, TRAINING)
        calls = {
            OURS: lambda c=contestant, x=x, g=by_output: c.training(x, g),
            FLOOR: Floor(cell, shape, TRAINING),
        }
        medians.append({name: each.median for name, each in interleave(calls, budget).items()})
    rows = []
    for (small, one), (large, two) in pairwise(zip(shapes, medians, strict=True)):
        mine, floor = two[OURS] / one[OURS], two[FLOOR] / one[FLOOR]
        ends = {"from": getattr(small, letter), "to": getattr(large, letter)}
        rows.append({"cell": cell.name, "letter": letter, **ends, OURS: mine, FLOOR: floor, "excess": mine / floor})
    return rows
