"""The arguments of a Forecaster, checked before anything is read or trained."""

from __future__ import annotations

import math
from collections.abc import Sequence
from difflib import get_close_matches
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import torch

from recuerdo.errors import OptionError
from recuerdo.learn import Settings, seeded
from recuerdo.nn import LAYERS
from recuerdo.tasks.forecast_heads import HEADS
from recuerdo.tasks.forecast_losses import LOSSES
from recuerdo.tasks.forecast_shapes import MEMORIES, STRATEGIES

if TYPE_CHECKING:
    from recuerdo.tasks.forecaster import Forecaster

ENCODERS = ("auto", "steps", "segments")

USUAL = (0.1, 0.9)
"""Quantiles that stand beside a forecast unless others are asked for."""


def checked_options(model: Forecaster) -> None:
    """Raise OptionError for the first argument that is not offered, saying what is."""
    for argument in ("horizon", "num_layers", "n_seeds"):
        require_count(argument, getattr(model, argument))
    for argument in ("hidden_size", "batch_size", "lookback", "season", "segment", "max_steps"):
        if getattr(model, argument) is not None:
            require_count(argument, getattr(model, argument))
    require_offered("cell", model.cell, tuple(LAYERS))
    require_offered("strategy", model.strategy, STRATEGIES)
    require_offered("encoder", model.encoder, ENCODERS)
    require_offered("memory", model.memory, MEMORIES)
    require_offered("head", model.head, HEADS)
    require_offered("loss", model.loss, LOSSES)
    require_offered("log", model.log, ("auto", True, False))
    require_offered("baselines", model.baselines, ("auto", None))
    require_offered("trial", model.trial, (True, False))
    if model.strategy == "recursive" and model.lookback is not None and model.lookback < 3:
        raise OptionError(f"lookback={model.lookback}: a recursive forecast needs 3 rows or more.")
    seconds = model.max_seconds
    if seconds is not None and not (isinstance(seconds, Real) and 0 < seconds < math.inf):
        raise OptionError(f"max_seconds={seconds!r}: a budget is a number of seconds above 0, or None.")
    if isinstance(model.quantiles, Real | str):
        raise OptionError(f"quantiles={model.quantiles!r}: it is a list, as in (0.1, 0.9); () asks for none.")
    require_share("dropout", model.dropout)
    if model.loss != "mae" and model.head != "point":
        raise OptionError(
            f"loss={model.loss!r} judges a number, and head={model.head!r} answers more than that: leave loss out, or "
            f"head."
        )
    if model.strategy == "recursive":
        _no_recursion(model)
    if model.segment is not None and model.encoder == "steps":
        raise OptionError(f"segment={model.segment} does not go with encoder='steps': leave one of them out.")
    if isinstance(model.calendar, str) and model.calendar != "auto":
        raise OptionError(f"calendar={model.calendar!r}: it is 'auto' or a list, as in ('hour', 'weekday').")
    if not any(model.verbose is each for each in (True, False, None)) and model.verbose != "brief":
        raise OptionError(f"verbose={model.verbose!r} is not offered; there are True, False, None and 'brief'.")
    with seeded(model.random_state, resolve_device(model.device)):
        Settings(learning_rate=model.learning_rate)  # each of these raises what training would
    levels = levels_of(model.quantiles, trial=model.trial, head=model.head)
    for level in levels:
        if not 0 < level < 1:
            raise OptionError(
                f"quantiles={levels}: each has to lie between 0 and 1, as in (0.1, 0.9) "
                f"(--quantile 0.1 --quantile 0.9)."
            )
    if levels and not model.trial and model.head == "point":
        raise OptionError(
            f"quantiles={levels} need a trial, whose errors they are calibrated on, or a head that has some "
            f"of its own: leave quantiles out, or trial=False, or take head='quantiles', 'gaussian' or 'student_t'."
        )


def levels_of(quantiles: Sequence[float] | None, *, trial: bool, head: str) -> tuple[float, ...]:
    """Return the quantiles that stand beside a forecast, ascending, where None leaves them to what can be had.

    Example:
        >>> levels_of(None, trial=True, head="point"), levels_of(None, trial=False, head="point")
        ((0.1, 0.9), ())
    """
    if quantiles is not None:
        return tuple(sorted(quantiles))
    return USUAL if trial or head != "point" else ()


def _no_recursion(model: Forecaster) -> None:
    """Raise OptionError for what a recursive forecast cannot do."""
    wishes = {
        "head": model.head != "point",
        "loss": model.loss != "mae",
        "encoder": model.encoder == "segments" or model.segment is not None,
        "calendar": bool(model.calendar),
        "memory": model.memory == "running",
    }
    for argument, asked in wishes.items():
        if asked:
            raise OptionError(
                f"{argument}={getattr(model, argument)!r} needs strategy='direct': a recursive forecast answers one "
                f"number for one step at a time."
            )


def resolve_device(device: str) -> torch.device:
    """Return the device of that name; "auto" is a CUDA device if there is one, else the CPU."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.device(device)
    except RuntimeError:
        raise OptionError(f"device={device!r} is not known: 'auto', 'cpu' or 'cuda'.") from None


def require_count(argument: str, value: Any) -> None:
    """Raise OptionError unless an argument is a whole number of 1 or more."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise OptionError(f"{argument}={value!r}: it counts, so it has to be a whole number of 1 or more.")


def require_share(argument: str, value: Any) -> None:
    """Raise OptionError unless an argument is a share from 0 to below 1."""
    if not is_number(value) or not 0 <= value < 1:
        raise OptionError(f"{argument}={value!r}: it is a share, so it has to be in [0, 1).")


def require_from_zero(argument: str, value: Any) -> None:
    """Raise OptionError unless an argument is a finite number from 0."""
    if not is_number(value) or not 0 <= value < math.inf:
        raise OptionError(f"{argument}={value!r}: it has to be a number from 0.")


def is_number(value: Any) -> bool:
    """Whether it is a real number; true and false are none."""
    return isinstance(value, Real) and not isinstance(value, bool)


def require_offered(argument: str, value: Any, offered: tuple[Any, ...]) -> None:
    """Raise OptionError unless an argument is one of those that are offered."""
    if not any(value is each or (isinstance(value, str) and value == each) for each in offered):
        near = get_close_matches(str(value), [each for each in offered if isinstance(each, str)], n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise OptionError(f"{argument}={value!r} is not offered; there are {', '.join(map(repr, offered))}.{hint}")
