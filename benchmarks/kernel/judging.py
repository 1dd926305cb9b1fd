"""What is asked of the figures, and geometric means over many shapes."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, fsum, log
from typing import Any, Literal

from .cases import CELLS, FORWARD, GRID, MODES, TRAINING, Shape
from .measuring import OURS, Row
from .memory import LENGTHENED, PEER
from .streaming import STEPPER

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
# The same, 2, 6 and 7: each at most.
STREAMING_SECONDS = 2.3e-6
MEMORY = 1.0  # of the peer's
LINEAR = 1.05  # the rise from 2T to 4T, by twice the rise from T to 2T: the rest is the allocator's
LONG_BYTES = 2**30
GROWTH = 1.15


@dataclass(frozen=True)
class Verdict:
    """A figure, and what is asked of it: None if nothing is; over how many shapes of how many that are wanted."""

    value: float
    target: float | None
    bound: Literal["at least", "at most"] = "at least"
    shapes: int = 1
    wanted: int = 1

    @property
    def words(self) -> str:
        """Whether the target is met."""
        if self.target is None:
            return "no target"
        if self.shapes < self.wanted:
            return f"not judged, {self.shapes} of {self.wanted} shapes ran"
        met = self.value >= self.target if self.bound == "at least" else self.value <= self.target
        return "met" if met else "missed"


Summed = dict[tuple[str, str], dict[Measure, Verdict]]


def geometric_mean(values: list[float]) -> float:
    """The n-th root of the product of n numbers."""
    return exp(fsum(map(log, values)) / len(values))


def summed(rows: list[Row]) -> Summed:
    """Sum the rows of the grid up for each cell and mode that has any.

    Returns:
        (cell, mode) -> measure -> verdict. "all" and "wide" are geometric means of the ratios, "lowest" is the smallest
        ratio, "of_floor" the geometric mean of the fractions of the floor.
    """
    found: Summed = {}
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
                verdict = Verdict(value, target, shapes=ran, wanted=len(wanted))
                found.setdefault((cell, mode), {})[measure] = verdict
    return found


def beside_peer(row: dict[str, Any]) -> Verdict | None:
    """Our peak memory by the peer's, None where one is not known. What torch.nn has not has no target."""
    if not isinstance(row[OURS], int) or not isinstance(row[PEER], int) or not row[PEER]:
        return None
    return Verdict(row[OURS] / row[PEER], MEMORY if row["cell"] in PLAIN else None, "at most")


def lengthened(rows: list[dict[str, Any]]) -> dict[str, list[int]]:
    """Cell -> our peaks over T, 2T and 4T steps, where all are known."""
    at = {(row["cell"], tuple(row["shape"])): row[OURS] for row in rows}
    found = {name: [at.get((name, shape)) for shape in LENGTHENED] for name in CELLS}
    return {name: peaks for name, peaks in found.items() if all(isinstance(peak, int) for peak in peaks)}


def linear(peaks: list[int]) -> Verdict:
    """How much the second doubling of T adds, by twice what the first one adds: 1 if the memory is linear in T."""
    once, twice, four = peaks
    return Verdict((four - twice) / (2 * max(1, twice - once)), LINEAR, "at most")


def kept_small(row: dict[str, Any]) -> Verdict | None:
    """The peak of a very long sequence, None if it is not known."""
    return Verdict(row["peak"], LONG_BYTES, "at most") if isinstance(row["peak"], int) else None


def excess(row: dict[str, Any]) -> Verdict:
    """The growth beside the floor's."""
    return Verdict(row["excess"], GROWTH, "at most")


def streamed(rows: list[dict[str, Any]]) -> dict[int, Verdict]:
    """Streams -> the seconds of a step; what is asked of many is that they cost no more than one after the other."""
    seconds = {row["streams"]: row["seconds"][STEPPER]["median"] for row in rows if STEPPER in row["seconds"]}
    one = seconds.get(1)
    found = {}
    for streams, each in seconds.items():
        target = STREAMING_SECONDS if streams == 1 else None if one is None else streams * one
        found[streams] = Verdict(each, target, "at most")
    return found


def judged(found: dict[str, Any]) -> list[tuple[str, Verdict]]:
    """Return every figure of a run that has a name and a verdict."""
    named: list[tuple[str, Verdict | None]] = [
        (f"{cell}, {mode}, {measure}", verdict)
        for (cell, mode), measures in summed(found.get("grid", [])).items()
        for measure, verdict in measures.items()
    ]
    memory = found.get("memory", [])
    named += [(f"{row['cell']}, {Shape(*row['shape'])}, memory beside the peer's", beside_peer(row)) for row in memory]
    named += [(f"{cell}, memory linear in T", linear(peaks)) for cell, peaks in lengthened(memory).items()]
    named += [(f"lstm, {Shape(*row['shape'])}, memory in pieces", kept_small(row)) for row in found.get("long", [])]
    for row in found.get("growth", []):
        named.append((f"{row['cell']}, {row['letter']} {row['from']} to {row['to']}, excess", excess(row)))
    named += [(f"lstm, streams {n}, seconds", verdict) for n, verdict in streamed(found.get("streaming", [])).items()]
    return [(name, verdict) for name, verdict in named if verdict is not None]


def as_json(found: list[tuple[str, Verdict]]) -> list[dict[str, Any]]:
    """The verdicts as rows."""
    return [
        {"figure": name, "value": each.value, "bound": each.bound, "target": each.target, "verdict": each.words}
        for name, each in found
    ]
