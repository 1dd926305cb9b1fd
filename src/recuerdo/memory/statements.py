"""The classic statement that a tanh network's gradient shrinks through time and depth, checked on one at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor

from recuerdo.errors import OptionError
from recuerdo.memory.depth import gradient_by_layer
from recuerdo.memory.geometric import geometric, happens, steps_back, trend
from recuerdo.memory.recording import Recorded

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STRAIGHT = 0.9
"""R^2 of log norms against distance from which one factor is taken to describe them."""


@dataclass(frozen=True)
class Shrinking:
    """Whether a tanh network's gradient shrinks geometrically: |gradient| = a r^k at distance k from the loss, r < 1.

    Attributes:
        along: what the distance counts.
        norms: (M,), the gradient's norm, beginning nearest to the loss.
        rate: r, the factor from one distance to the next, by least squares on the logarithms.
        start: a, by the same fit.
        fit: R^2 of that fit, 0 to 1.
        derivatives: the smallest, the mean and the largest derivative of tanh that was met, in (0, 1] but for rounding.
            Where the rate is far below the mean, it is the weights that shrink the gradient.

    Source:
        Hochreiter 1991; Bengio et al. 1994, Learning long-term dependencies with gradient descent is difficult.
    """

    along: Literal["step back", "layer down"]
    norms: NDArray[np.float64]
    rate: float
    start: float
    fit: float
    derivatives: tuple[float, float, float]

    @property
    def holds(self) -> bool:
        """True if one factor below 1 describes the norms (R^2 from 0.9)."""
        return trend(self.rate) == "shrinks" and self.fit >= STRAIGHT

    @property
    def sentence(self) -> str:
        """What was found, with its numbers."""
        low, mean, high = self.derivatives
        met = f"The derivative of tanh lies between {low:.2g} and {high:.2g} here (mean {mean:.2g})"
        found = f"the gradient {happens(self.rate, self.along)} (R² {self.fit:.2f})"
        if self.holds:
            return f"{met}, and {found}: geometrically, as the statement says."
        if trend(self.rate) == "shrinks":
            return f"{met}, and {found}: it shrinks, but not by one factor, so the statement holds only roughly."
        balance = "outweigh" if trend(self.rate) == "grows" else "make up for"
        return f"{met}, yet {found}: the weights {balance} the derivative, and the statement does not hold."

    @property
    def verdict(self) -> str:
        """The same in a few words, of the gradient."""
        if self.holds:
            return "shrinks geometrically"
        return "shrinks, not by one factor" if trend(self.rate) == "shrinks" else trend(self.rate)

    @property
    def fitted(self) -> NDArray[np.float64]:
        """(M,), a r^k at the distances of `norms`."""
        return self.start * np.power(self.rate, np.arange(len(self.norms)))

    def to_frame(self) -> pl.DataFrame:
        """Return a row for each distance from the loss: distance, norm, fitted."""
        return pl.DataFrame({"distance": np.arange(len(self.norms)), "norm": self.norms, "fitted": self.fitted})

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw it: see :func:`recuerdo.show.plot_shrinking`."""
        from recuerdo import show

        return show.plot_shrinking(self, ax=ax)


def shrinking_in_time(recorded: Recorded, loss: Tensor) -> Shrinking:
    """Check that the gradient of a tanh network shrinks geometrically with the number of steps.

    Args:
        recorded: an FRNN or IndRNN with tanh, one layer in one direction.
        loss: a scalar that reads this layer after the last step alone, such as ``output[:, -1].sum()``.

    Raises:
        OptionError: another activation; a loss that reads other steps as well; or too few norms above zero.

    Example:
        >>> import recuerdo as rc
        >>> _ = torch.manual_seed(0)
        >>> layer = rc.nn.FRNN(1, 16)
        >>> (output, h), recorded = rc.memory.record(layer, {"x": torch.randn(8, 30, 1)})
        >>> shrinking_in_time(recorded[0], output[:, -1].sum()).holds
        True
    """
    derivatives = _derivatives([recorded])
    norms = steps_back(recorded, loss)
    return Shrinking("step back", norms, *geometric(norms), derivatives)


def shrinking_in_depth(recorded: Sequence[Recorded], loss: Tensor) -> Shrinking:
    """Check that the gradient of a stack of tanh layers shrinks geometrically with the number of layers.

    Args:
        recorded: all layers of a stack of FRNN or IndRNN layers with tanh, in one direction.
        loss: a scalar that reads the top layer.

    Raises:
        OptionError: another activation, two directions, or too few norms above zero.

    Example:
        >>> import recuerdo as rc
        >>> _ = torch.manual_seed(0)
        >>> layer = rc.nn.FRNN(4, 16, num_layers=20)
        >>> (output, h), recorded = rc.memory.record(layer, {"x": torch.randn(8, 1, 4)})
        >>> shrinking_in_depth(recorded, output.sum()).holds
        True
    """
    if any(each.job.reverse for each in recorded):
        raise OptionError("Depth is counted along a stack in one direction, and this one has two: build it with one.")
    derivatives = _derivatives(recorded)
    norms = gradient_by_layer(recorded, loss).outputs[::-1]
    return Shrinking("layer down", norms, *geometric(norms), derivatives)


def _derivatives(recorded: Sequence[Recorded]) -> tuple[float, float, float]:
    """The smallest, mean and largest 1 - h^2 over all steps that count."""
    for each in recorded:
        if each.job.cell.nonlinearity != "tanh":
            what = each.job.cell.nonlinearity or "gates"
            raise OptionError(
                f"The statement is about tanh, and {each.name} has {what}: give FRNN or IndRNN with tanh."
            )
    slopes = torch.cat([1 - each.states["h"].detach().double()[each.inside].flatten() ** 2 for each in recorded])
    return slopes.min().item(), slopes.mean().item(), slopes.max().item()
