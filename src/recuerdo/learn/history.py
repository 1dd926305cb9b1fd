"""What happened in a training, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from recuerdo.errors import ModelFileError

Stop = Literal["max_steps", "max_seconds", "patience", "interrupted"]


@dataclass
class History:
    """The record of one training.

    Args:
        losses: training loss of each step, before the step.
        grad_norms: gradient norm of each step, before clipping.
        learning_rates: learning rate of each step.
        evaluations: (steps taken, mean validation loss), in order.
        best_step: steps taken when the validation loss was lowest; None without evaluations.
        stopped: what ended the training; None while it goes on.
        seconds: time spent, before and after it was resumed alike.
        random_state: the seed that was used, drawn or given.
        clip: the gradient norm above which gradients were scaled down; None for never.

    >>> history = History(losses=[2.0, 1.0], grad_norms=[3.0, 0.5], clip=1.0)
    >>> history.steps, history.clip_rate
    (2, 0.5)
    """

    losses: list[float] = field(default_factory=list)
    grad_norms: list[float] = field(default_factory=list)
    learning_rates: list[float] = field(default_factory=list)
    evaluations: list[tuple[int, float]] = field(default_factory=list)
    best_step: int | None = None
    stopped: Stop | None = None
    seconds: float = 0.0
    random_state: int | None = None
    clip: float | None = None

    @property
    def steps(self) -> int:
        """The optimiser steps taken."""
        return len(self.losses)

    @property
    def clip_rate(self) -> float:
        """The share of steps whose gradient was scaled down, 0 to 1."""
        if self.clip is None or not self.grad_norms:
            return 0.0
        return sum(norm > self.clip for norm in self.grad_norms) / len(self.grad_norms)

    def to_dict(self) -> dict[str, Any]:
        """The record as plain numbers, lists and text, ready for JSON."""
        return {
            "losses": list(self.losses),
            "grad_norms": list(self.grad_norms),
            "learning_rates": list(self.learning_rates),
            "evaluations": [list(pair) for pair in self.evaluations],
            "best_step": self.best_step,
            "stopped": self.stopped,
            "seconds": self.seconds,
            "random_state": self.random_state,
            "clip": self.clip,
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> History:
        """The record that `to_dict` gave.

        Raises:
            ModelFileError: an entry is missing, or one is unknown.

        >>> History.from_dict(History(losses=[1.0]).to_dict()).losses
        [1.0]
        """
        expected = cls().to_dict().keys()
        if record.keys() != expected:
            odd = ", ".join(sorted(record.keys() ^ expected))
            raise ModelFileError(
                f"A training history with other entries than expected: {odd}. Was it written by another version?"
            )
        pairs = [(int(step), float(loss)) for step, loss in record["evaluations"]]
        return cls(**{**record, "evaluations": pairs})
