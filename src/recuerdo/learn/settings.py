"""How long to train, how fast, and when to stop."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from recuerdo.errors import OptionError

OPTIMIZERS = ("adamw", "sgd")


@dataclass(frozen=True)
class Settings:
    """How a training goes: its length, learning rate, clipping, evaluations and checkpoints.

    The learning rate rises over `warmup_steps`, stays, and falls over the last `cooldown` share of the steps. The
    fall begins at the earliest of three moments: so that it ends with `max_steps`, so that it ends with
    `max_seconds`, or when `patience` runs out.

    Args:
        max_steps: optimiser steps at most; None leaves it to `max_seconds`.
        max_seconds: seconds at most, evaluations included; None leaves it to `max_steps`.
        learning_rate: the highest of the training.
        weight_decay: of the optimiser.
        warmup_steps: steps until the learning rate is reached.
        cooldown: share of all steps over which the learning rate falls towards zero, 0 to below 1.
        clip: gradients with a larger norm are scaled down to it; None leaves them.
        evaluate_every: steps between evaluations; None evaluates once per epoch.
        patience: evaluations without improvement after which the cool-down begins; None never.
        checkpoint_every: steps between checkpoints; None writes at each evaluation, or every 100 steps where there
            is nothing to evaluate on.
        optimizer: "adamw", or "sgd" for plain gradient descent.
        decay_from, decay_every: the step from which the learning rate is multiplied with `decay`, and the steps after
            each of which it is so again; None for both leaves it.
        decay: see there.

    Raises:
        OptionError: a value that is not offered.

    >>> Settings(max_steps=500, patience=5).cooldown
    0.3
    """

    max_steps: int | None = 1000
    max_seconds: float | None = None
    learning_rate: float = 2e-3
    weight_decay: float = 0.0
    warmup_steps: int = 20
    cooldown: float = 0.3
    clip: float | None = 1.0
    evaluate_every: int | None = None
    patience: int | None = None
    checkpoint_every: int | None = None
    optimizer: str = "adamw"
    decay_from: int | None = None
    decay_every: int | None = None
    decay: float = 0.5

    def __post_init__(self) -> None:
        if self.max_steps is None and self.max_seconds is None:
            raise OptionError("Training needs an end: set max_steps, max_seconds or both.")
        if self.optimizer not in OPTIMIZERS:
            raise OptionError(f"optimizer must be one of {', '.join(OPTIMIZERS)}; got {self.optimizer!r}.")
        if (self.decay_from is None) != (self.decay_every is None):
            raise OptionError("decay_from and decay_every go together: set both, or none of them.")
        optional = (
            "max_steps", "max_seconds", "decay_from", "decay_every", "clip", "evaluate_every", "patience",
            "checkpoint_every",
        )  # fmt: skip
        for name in _RANGES:
            value = getattr(self, name)
            if value is not None or name not in optional:
                object.__setattr__(self, name, _checked(name, value, name in optional))


def _checked(name: str, value: Any, optional: bool) -> int | float:
    kind, fits, words = _RANGES[name]
    if isinstance(value, kind) and not isinstance(value, bool) and math.isfinite(value) and fits(value):
        return int(value) if kind is Integral else float(value)
    raise OptionError(f"{name} must be {words}{', or None' if optional else ''}; got {value!r}.")


_COUNT = (Integral, lambda value: value >= 1, "a whole number from 1")
_RANGES = {
    "max_steps": _COUNT,
    "max_seconds": (Real, lambda value: value > 0, "a number of seconds above 0"),
    "learning_rate": (Real, lambda value: value > 0, "a number above 0"),
    "weight_decay": (Real, lambda value: value >= 0, "a number from 0"),
    "warmup_steps": (Integral, lambda value: value >= 0, "a whole number from 0"),
    "cooldown": (Real, lambda value: 0 <= value < 1, "a share from 0 to below 1"),
    "decay_from": _COUNT,
    "decay_every": _COUNT,
    "decay": (Real, lambda value: 0 < value < 1, "a number between 0 and 1"),
    "clip": (Real, lambda value: value > 0, "a number above 0"),
    "evaluate_every": _COUNT,
    "patience": _COUNT,
    "checkpoint_every": _COUNT,
}
