"""Geometric means over many shapes, and what is asked of them."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, fsum, log
from typing import Any, Literal

from .cases import CELLS, FORWARD, GRID, MODES, TRAINING, Shape
from .measuring import Row

WIDE = 200
"""From this H on, a shape counts as wide: the products alone take most of the time."""

Measure = Literal["all", "wide", "lowest", "of_floor"]
MEASURES: tuple[Measure, ...] = ("all", "wide", "lowest", "of_floor")
VARIANTS = ("lstm+recurrent_dropout", "lstm+zoneout", "lstm+layer_norm")
PLAIN = ("lstm", "gru", "frnn")

# Issue 4, "Must show", 1 and 3.
TARGETS: dict[tuple[str, str, Measure], float] = {
    ("lstm", TRAINING, "all"): 1.4,
    ("gru", TRAINING, "all"): 3.0,
    ("frnn", TRAINING, "all"): 2.5,
    ("indrnn", TRAINING, "all"): 15.0,
    **{(name, TRAINING, "all"): 8.0 for name in VARIANTS},
    ("lstm", TRAINING, "wide"): 1.1,
    ("gru", TRAINING, "wide"): 1.2,
    ("frnn", TRAINING, "wide"): 1.15,
    **{(name, TRAINING, "lowest"): 0.95 for name in (*PLAIN, "indrnn", *VARIANTS)},
    **{(name, TRAINING, "of_floor"): 0.8 for name in PLAIN},
    ("lstm", FORWARD, "all"): 1.2,
    ("gru", FORWARD, "all"): 2.5,
    ("frnn", FORWARD, "all"): 2.0,
    ("lstm+bf16", TRAINING, "all"): 1.0,
    ("gru+bf16", TRAINING, "all"): 1.5,
}

STREAMING_SECONDS = 2.3e-6
GROWTH = 1.15


@dataclass(frozen=True)
class Verdict:
    """A figure over several shapes, and what is asked of it: None if nothing is."""

    value: float
    target: float | None
    shapes: int
    wanted: int

    @property
    def words(self) -> str:
        """Whether the target is met."""
        if self.target is None:
            return "no target"
        if self.shapes < self.wanted:
            return f"not judged, {self.shapes} of {self.wanted} shapes ran"
        return "met" if self.value >= self.target else "missed"


def geometric_mean(values: list[float]) -> float:
    """The n-th root of the product of n numbers."""
    return exp(fsum(map(log, values)) / len(values))


def verdicts(rows: list[Row]) -> dict[tuple[str, str], dict[Measure, Verdict]]:
    """Sum the rows up for each cell and mode that has any.

    Returns:
        (cell, mode) -> measure -> verdict. "all" and "wide" are geometric means of the ratios, "lowest" is the smallest
        ratio, "of_floor" the geometric mean of the fractions of the floor.
    """
    found: dict[tuple[str, str], dict[Measure, Verdict]] = {}
    for cell, mode in [(cell, mode) for cell in CELLS for mode in MODES]:
        mine = [row for row in rows if (row["cell"], row["mode"]) == (cell, mode)]
        wide = [row for row in mine if row["shape"][3] >= WIDE]
        grid = [shape for shape in GRID if CELLS[cell].narrowest <= shape.H]
        for measure in MEASURES if mine else ():
            those, wanted = (wide, [each for each in grid if each.H >= WIDE]) if measure == "wide" else (mine, grid)
            values = [row["of_floor" if measure == "of_floor" else "ratio"] for row in those]
            if values:
                value = min(values) if measure == "lowest" else geometric_mean(values)
                ran = len({Shape(*row["shape"]) for row in those} & set(wanted))
                target = TARGETS.get((cell, mode, measure))
                found.setdefault((cell, mode), {})[measure] = Verdict(value, target, ran, len(wanted))
    return found


def as_json(found: dict[tuple[str, str], dict[Measure, Verdict]]) -> list[dict[str, Any]]:
    """The verdicts as rows."""
    return [
        {
            "cell": cell,
            "mode": mode,
            "measure": measure,
            "value": each.value,
            "target": each.target,
            "verdict": each.words,
        }
        for (cell, mode), measures in found.items()
        for measure, each in measures.items()
    ]
