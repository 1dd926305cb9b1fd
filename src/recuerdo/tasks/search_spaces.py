"""What a tuning searches: for each option its choices, or a range."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from inspect import signature
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np

from recuerdo.errors import OptionError
from recuerdo.tasks.forecast_options import checked_options
from recuerdo.tasks.forecast_plan import Plan, Wishes

if TYPE_CHECKING:
    from recuerdo.tasks.forecaster import Forecaster

WHOLE = ("hidden_size", "num_layers", "lookback", "segment", "season", "batch_size", "max_steps")
REAL = ("dropout", "learning_rate")
NAMED = ("cell", "encoder", "strategy", "log", "head", "loss", "calendar")
SEARCHED = (*WHOLE, *REAL, *NAMED)

SIZES = (32, 64, 128)
"""Hidden units that are tried unless others are asked for."""

SEASONS = (2, 3, 4, 7, 14)
"""Seasons of a lookback that are tried."""

LOOKBACKS = (12, 24, 48, 96)
"""Rows of a lookback that are tried where there is no season."""

DECADE = 10
"""A range that spans this factor is searched on a logarithmic scale."""


@dataclass(frozen=True)
class Choices:
    """Some values of an option.

    Attributes:
        values: what may be chosen.
    """

    values: tuple[Any, ...]

    @property
    def labels(self) -> list[Any]:
        """How a storage knows them: what is no number or text by the way Python writes it."""
        return [each if each is None or isinstance(each, str | int | float) else repr(each) for each in self.values]

    def label(self, value: Any) -> Any:
        """Return the label of a value, or raise ValueError where it is no choice."""
        return self.labels[self.values.index(value)]

    def value(self, label: Any) -> Any:
        """Return the value of a label."""
        return self.values[self.labels.index(label)]

    def to_json(self) -> Any:
        """Return what tells these choices from others."""
        return self.labels


@dataclass(frozen=True)
class Range:
    """All numbers of an option from `low` to `high`; `whole` for whole ones alone."""

    low: float
    high: float
    whole: bool

    @property
    def log(self) -> bool:
        """Whether it is searched on a logarithmic scale."""
        return self.low > 0 and self.high >= DECADE * self.low

    def label(self, value: Any) -> Any:
        """Return a value, or raise ValueError where it lies outside."""
        if not isinstance(value, int | float) or not self.low <= value <= self.high:
            raise ValueError(value)
        return value

    def value(self, label: Any) -> Any:
        """Return the value of a label: it is one."""
        return label

    def to_json(self) -> Any:
        """Return what tells this range from others."""
        return {"low": self.low, "high": self.high}


Space = Mapping[str, Choices | Range]


def read_space(space: Mapping[str, Any], horizon: int) -> Space:
    """Return what a user asked for, each choice and each end of a range checked as the forecaster's argument.

    Raises:
        OptionError: an option is not searched, has no choices, or one that is not offered.
    """
    if not isinstance(space, Mapping) or not space:
        raise OptionError(f"space={space!r}: it is a dict of options, as in {{'hidden_size': [32, 64]}}, or None.")
    return {name: _read(name, wanted, horizon) for name, wanted in space.items()}


def default_space(forecaster: Forecaster, plan: Plan, rows: int) -> Space:
    """Return what is searched unless asked otherwise: of some options those that the forecaster leaves open.

    Args:
        forecaster: whose options stay, where they are not at their defaults.
        plan: what it would decide itself, which is always among the choices.
        rows: training rows of a series; no lookback takes more than a third of them.
    """
    defaults = {name: each.default for name, each in signature(type(forecaster)).parameters.items()}
    direct = forecaster.strategy == "direct"
    least = Wishes(strategy=forecaster.strategy).least_lookback(plan.season)
    lookbacks = [plan.season * each for each in SEASONS] if plan.season > 1 else LOOKBACKS
    offered: dict[str, Choices | Range] = {
        "hidden_size": Choices(tuple(sorted({*SIZES, plan.hidden_size}))),
        "lookback": Choices(
            tuple(sorted({plan.lookback, *(each for each in lookbacks if least <= each <= rows // 3)}))
        ),
        "learning_rate": Range(5e-4, 1e-2, whole=False),
    }
    if direct and plan.season > 1 and forecaster.segment is None:
        offered["encoder"] = Choices(("steps", "segments"))
    if direct or forecaster.num_layers > 1:  # nothing else of a recursive network drops anything
        offered["dropout"] = Choices((0.0, 0.1, 0.2, 0.3))
    left = {name: each for name, each in offered.items() if getattr(forecaster, name) == defaults[name]}
    if not left:
        raise OptionError(f"This forecaster has {', '.join(offered)} set, so nothing is left to search: give space=.")
    return {name: each for name, each in left.items() if not isinstance(each, Choices) or len(each.values) > 1}


def own_labels(space: Space, forecaster: Forecaster, plan: Plan) -> dict[str, Any]:
    """Return the forecaster's own options where the space has them, those that the data decide as they decided."""
    decided = {
        "hidden_size": plan.hidden_size,
        "batch_size": plan.batch_size,
        "lookback": plan.lookback,
        "season": plan.season,
        "encoder": "segments" if plan.segment > 1 else "steps",
    }
    labels = {}
    for name, each in space.items():
        own = getattr(forecaster, name)
        for value in (own, decided.get(name, own)):
            try:
                labels[name] = each.label(value)
            except ValueError:
                continue
            break
    return labels


def combinations(space: Space) -> float:
    """Return how many combinations there are; infinite where there is a range."""
    return math.prod(math.inf if isinstance(each, Range) else len(each.values) for each in space.values())


def _read(name: str, wanted: Any, horizon: int) -> Choices | Range:
    if name not in SEARCHED:
        near = get_close_matches(str(name), SEARCHED, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise OptionError(f"space has {name!r}, which is not searched; there are {', '.join(SEARCHED)}.{hint}")
    if isinstance(wanted, tuple):
        found = _range(name, wanted)
        ends: tuple[Any, ...] = found.low, found.high
    elif isinstance(wanted, list) and wanted:
        ends = tuple(each.item() if isinstance(each, np.generic) else each for each in wanted)
        found = Choices(ends)
    else:
        raise OptionError(f"space[{name!r}]={wanted!r}: it is a list of choices, or (low, high), a range of numbers.")
    if len(set(map(repr, ends))) < len(ends):
        raise OptionError(f"space[{name!r}]={wanted!r} names a value twice: leave one of them out.")
    from recuerdo.tasks.forecaster import Forecaster

    for value in ends:
        checked_options(Forecaster(horizon).set_params(**{name: value}))
    return found


def _range(name: str, wanted: tuple[Any, ...]) -> Range:
    kind = Integral if name in WHOLE else Real
    numbers = all(isinstance(each, kind) and not isinstance(each, bool) for each in wanted)
    if name in NAMED or len(wanted) != 2 or not numbers or not wanted[0] < wanted[1]:
        what = {Integral: "two whole numbers", Real: "two numbers"}[kind]
        mend = "it takes a list of choices" if name in NAMED else f"a range is {what}, the lower first"
        raise OptionError(f"space[{name!r}]={wanted!r}: a tuple is a range, and {mend}.")
    low, high = (int(each) if kind is Integral else float(each) for each in wanted)
    return Range(low, high, whole=kind is Integral)
