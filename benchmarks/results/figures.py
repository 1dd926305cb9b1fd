"""A measured number beside what is asked of it and what others have published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from statistics import mean, stdev
from typing import Any

NAME = 54  # columns of a figure's name


@dataclass(frozen=True)
class Figure:
    """One number of a result.

    Attributes:
        name: set, model and score, with its unit.
        value: the mean over seeds, or of the averaged forecasts.
        seconds: time that it took, fit and forecasts; None where another figure of the same fit says it.
        seeds: the value of each seed alone; empty for one.
        at_least, at_most: what is asked of it; None where nothing is.
        anchors: what others have published, or what a baseline got in the same run.
        options: those of the model, where they say more than the part does, and what else belongs to the number.
    """

    name: str
    value: float
    seconds: float | None = None
    seeds: tuple[float, ...] = ()
    at_least: float | None = None
    at_most: float | None = None
    anchors: Mapping[str, float] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def over_seeds(cls, name: str, values: list[float], **more: Any) -> Figure:
        """The mean over seeds."""
        return cls(name, mean(values), seeds=tuple(values) if len(values) > 1 else (), **more)

    @property
    def verdict(self) -> str:
        """Whether what is asked is met; a value that is not a number meets nothing."""
        if self.at_least is None and self.at_most is None:
            return ""
        low = self.at_least is None or self.value >= self.at_least
        high = self.at_most is None or self.value <= self.at_most
        return "met" if low and high else "missed"

    @property
    def asked(self) -> str:
        """What is asked, in words."""
        if self.at_least is not None and self.at_most is not None:
            return f"{self.at_least:g} to {self.at_most:g}"
        if self.at_most is not None:
            return f"<= {self.at_most:.4g}"
        return "" if self.at_least is None else f">= {self.at_least:.4g}"

    def line(self, judged: bool = True) -> str:
        """One line of the table under :func:`heading`; unjudged, a target shows without a verdict."""
        spread = f"± {stdev(self.seeds):.3f}, {min(self.seeds):.3f}–{max(self.seeds):.3f}" if self.seeds else ""
        asked = f"{self.asked} {self.verdict if judged else ''}".strip()
        seconds = "" if self.seconds is None else f"{self.seconds:.1f}"
        beside = "; ".join(f"{name} {value:.3f}" for name, value in self.anchors.items())
        return f"{self.name:<{NAME}}{self.value:>9.3f}{spread:>25}  {asked:<17}{seconds:>8}  {beside}".rstrip()

    def as_json(self) -> dict[str, Any]:
        """Every field, and the verdict."""
        return {**asdict(self), "verdict": self.verdict}


def heading() -> str:
    """The heading of the table."""
    return f"{'':<{NAME}}{'value':>9}{'± sd, lowest–highest':>25}  {'asked':<17}{'seconds':>8}  beside it"


@dataclass(frozen=True)
class Effort:
    """How much is computed: everything, or a few steps of one seed, which only shows that it works.

    Attributes:
        quick: whether it is only to be seen that it works.
        most_seeds: seeds of a figure at most; None for as many as are wanted.
        most_steps: optimiser steps of a network at most.
        max_seconds: of a training, where a part lets itself be limited so.
        cells: those that are trained, where a part lets them be chosen; empty for its own.
    """

    quick: bool = False
    most_seeds: int | None = None
    most_steps: int | None = None
    max_seconds: float | None = None
    cells: tuple[str, ...] = ()

    def seeds(self, wanted: int) -> range:
        """The seeds to train."""
        return range(1 if self.quick else min(wanted, self.most_seeds or wanted))

    def steps(self, wanted: int | None) -> int | None:
        """Optimiser steps of a network."""
        if self.quick:
            return 5
        return wanted if self.most_steps is None else min(wanted or self.most_steps, self.most_steps)
