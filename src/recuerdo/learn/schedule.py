"""The learning rate of every step: warm up, hold, cool down. It depends on the step and the total alone.

Because nothing else enters, a total that was found on the way (by the clock, or by patience) gives the same learning
rates as the same total known from the start. Source: warmup-stable-decay, Hu et al. 2024 (MiniCPM), section 4.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache

from recuerdo.learn.settings import Settings


def cooldown_steps(total: int, cooldown: float) -> int:
    """The steps of the cool-down in a training of `total` steps: floor(cooldown * total).

    The share counts as the decimal number that was written, so 0.3 of 10 is 3.

    >>> cooldown_steps(10, 0.3)
    3
    """
    return math.floor(_share(cooldown) * total)


def total_when_cooling_at(step: int, cooldown: float) -> int:
    """The smallest total whose cool-down begins at `step`: the least N with N - cooldown_steps(N) = step.

    >>> total_when_cooling_at(7, 0.3)
    9
    >>> 9 - cooldown_steps(9, 0.3)
    7
    """
    return 0 if step == 0 else math.floor((step - 1) / (1 - _share(cooldown))) + 1


def is_cooling(step: int, total: int | None, cooldown: float) -> bool:
    """Whether the cool-down has begun when `step` steps have been taken."""
    return total is not None and step >= total - cooldown_steps(total, cooldown)


def learning_rate(step: int, total: int | None, settings: Settings) -> float:
    """The learning rate of the step with this number, counted from 0.

    lr · min(1, (step + 1) / warmup, (total - step) / (cooldown_steps(total) + 1)). The last term is 1 or more until the
    cool-down begins, so it may be left out (`total=None`) as long as the total is not known.

    >>> settings = Settings(learning_rate=1.0, warmup_steps=2, cooldown=0.5)
    >>> [round(learning_rate(step, 6, settings), 2) for step in range(6)]
    [0.5, 1.0, 1.0, 0.75, 0.5, 0.25]
    """
    rise = (step + 1) / max(settings.warmup_steps, 1)
    fall = 1.0 if total is None else (total - step) / (cooldown_steps(total, settings.cooldown) + 1)
    return settings.learning_rate * min(1.0, rise, fall) * _decayed(step, settings)


def _decayed(step: int, settings: Settings) -> float:
    if settings.decay_from is None or settings.decay_every is None or step < settings.decay_from:
        return 1.0
    return settings.decay ** ((step - settings.decay_from) // settings.decay_every + 1)


@cache
def _share(cooldown: float) -> Fraction:
    return Fraction(str(cooldown))
