"""Listeners: code that looks at a training while it runs."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from torch import nn

from recuerdo.learn.adamw import AdamW
from recuerdo.learn.best import Best
from recuerdo.learn.budget import Budget
from recuerdo.learn.history import History, Stop
from recuerdo.learn.settings import Settings


@dataclass
class Run:
    """A training that is going on, as a callback sees it.

    Args:
        module: what is being trained.
        optimizer: its AdamW.
        settings: how it is trained.
        budget: the clock.
        history: what has happened so far.
        total: steps in all; None while the clock has not decided it yet.
        reason: what will have ended the training when `total` is reached.
        best: the best weights so far.
    """

    module: nn.Module
    optimizer: AdamW
    settings: Settings
    budget: Budget
    history: History
    total: int | None
    reason: Stop = "max_steps"
    best: Best = field(default_factory=Best)

    @property
    def step(self) -> int:
        """Optimiser steps taken."""
        return self.history.steps

    @property
    def loss(self) -> float:
        """Training loss of the last step; NaN before the first."""
        return self.history.losses[-1] if self.history.losses else math.nan

    @property
    def grad_norm(self) -> float:
        """Gradient norm of the last step, before clipping; NaN before the first."""
        return self.history.grad_norms[-1] if self.history.grad_norms else math.nan


class Callback:
    """Something that listens to a training; each method does nothing until it is given something to do.

    What a callback raises ends the training and reaches the caller. `KeyboardInterrupt` ends it as Ctrl-C does.

    >>> class Steps(Callback):
    ...     def on_step(self, run):
    ...         print(run.step, run.total)
    """

    def on_start(self, run: Run) -> None:
        """Called once, before the first step (since the last resumption, where there was one)."""

    def on_step(self, run: Run) -> None:
        """Called after each optimiser step; the gradients of the step are still there."""

    def on_evaluation(self, run: Run) -> None:
        """Called after each evaluation, which is the last entry of `run.history.evaluations`."""

    def on_end(self, run: Run) -> None:
        """Called once when the training has ended or was interrupted, after the best weights were put back."""
