"""One factor for a gradient that changes with distance: the norms back from the loss, the fit, and the verdict."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from recuerdo.errors import OptionError
from recuerdo.memory.flow import gradient_flow
from recuerdo.memory.recording import Recorded

LEVEL = 5e-4
"""How far from 1 a factor may lie and still be taken for 1: rounding decides no verdict, and four digits show more."""


def trend(factor: float) -> Literal["shrinks", "stays as it is", "grows"]:
    """Return what becomes of a gradient that is multiplied by a factor again and again."""
    if abs(factor - 1) <= LEVEL:
        return "stays as it is"
    return "shrinks" if factor < 1 else "grows"


def happens(factor: float, along: str) -> str:
    """Return the same with its number: "shrinks by the factor 0.5 with each step back"."""
    if trend(factor) == "stays as it is":
        return f"stays as it is, by the factor {factor:.4g} with each {along}"
    return f"{trend(factor)} by the factor {factor:.4g} with each {along}"


def steps_back(recorded: Recorded, loss: Tensor) -> NDArray[np.float64]:
    """|delta_t| from the last step back, for a loss that enters at the last step alone."""
    (flow,) = gradient_flow([recorded], loss)
    way = slice(None) if recorded.job.reverse else slice(None, None, -1)
    total, direct = flow.total[way], flow.direct[way]
    # What is direct is a difference, so rounding leaves a little of it where there is none.
    others = (direct[1:] > 1e-3 * total[1:]) & (direct[1:] > 1e-6 * direct[0])
    if others.any():
        raise OptionError(
            f"The loss reads {recorded.name} at {int(others.sum())} steps before the last as well, which hides what "
            f"time does to a gradient: take the top layer and a loss on the last step, such as output[:, -1].sum()."
        )
    return total


def geometric(norms: NDArray[np.float64]) -> tuple[float, float, float]:
    """The factor r of |gradient| = a r^k, a, and R^2 of the fit to the logarithms; what underflowed is left out."""
    (distance,) = np.nonzero(norms > np.finfo(np.float32).tiny)
    if len(distance) < 3:
        raise OptionError(
            f"{len(distance)} of {len(norms)} gradient norms are above zero, and a factor needs three: give more steps "
            f"or layers, or a loss that depends on them."
        )
    logs = np.log(norms[distance])
    slope, start = np.polyfit(distance, logs, 1)
    spread = np.sum((logs - logs.mean()) ** 2)
    missed = np.sum((logs - start - slope * distance) ** 2)
    # Norms that do not change at all are a perfect line.
    fit = float(1 - missed / spread) if spread > 1e-12 else 1.0
    return float(np.exp(slope)), float(np.exp(start)), fit
