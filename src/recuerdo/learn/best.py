"""The best weights so far, and how long nothing better has come."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor, nn

from recuerdo.learn.weights import set_weights, weights


@dataclass
class Best:
    """The weights with the lowest validation loss so far.

    Args:
        loss: their validation loss.
        step: steps taken when they were met; None before the first evaluation.
        stale: evaluations since then.
        kept: the weights by name.

    >>> best, module = Best(), nn.Linear(2, 1)
    >>> best.consider(module, 10, 0.5)
    >>> best.consider(module, 20, 0.6)
    >>> best.step, best.stale
    (10, 1)
    """

    loss: float = math.inf
    step: int | None = None
    stale: int = 0
    kept: dict[str, Tensor] | None = None

    def consider(self, module: nn.Module, step: int, loss: float) -> None:
        """Keeps the module's weights if `loss` is lower than any before; counts the evaluation as stale otherwise."""
        if loss < self.loss:
            self.loss, self.step, self.stale, self.kept = loss, step, 0, weights(module)
        else:
            self.stale += 1

    def restore(self, module: nn.Module) -> None:
        """Puts the best weights back into the module; without any evaluation it stays as it is."""
        if self.kept is not None:
            set_weights(module, self.kept)
