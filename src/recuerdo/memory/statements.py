"""The classic statements about gradients through time and depth, each checked on a network at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recuerdo.cells.activations import activation
from recuerdo.errors import OptionError
from recuerdo.memory.depth import gradient_by_layer
from recuerdo.memory.flow import gradient_flow
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
        return self.rate < 1 and self.fit >= STRAIGHT

    @property
    def sentence(self) -> str:
        """What was found, with its numbers."""
        low, mean, high = self.derivatives
        met = f"The derivative of tanh lies between {low:.2g} and {high:.2g} here (mean {mean:.2g})"
        verb = "shrinks" if self.rate < 1 else "grows"
        found = f"the gradient {verb} by the factor {self.rate:.3g} with each {self.along} (R² {self.fit:.2f})"
        if self.holds:
            return f"{met}, and {found}: geometrically, as the statement says."
        if self.rate < 1:
            return f"{met}, and {found}: it shrinks, but not by one factor, so the statement holds only roughly."
        return f"{met}, yet {found}: the weights outweigh the derivative, and the statement does not hold."

    @property
    def fitted(self) -> NDArray[np.float64]:
        """(M,), a r^k at the distances of `norms`."""
        return self.start * np.power(self.rate, np.arange(len(self.norms)))

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
    norms = _steps_back(recorded, loss)
    return Shrinking("step back", norms, *_geometric(norms), derivatives)


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
    return Shrinking("layer down", norms, *_geometric(norms), derivatives)


@dataclass(frozen=True)
class NormBound:
    """What the norm of U allows and what happens: |delta_t| <= gamma ||U|| |delta_{t+1}|, gamma the largest slope.

    Below 1/gamma the gradient must vanish (sufficient); from 1/gamma on it may explode, and need not (necessary).

    Attributes:
        norm: ||U||, the largest singular value of the recurrent weights; max|u| in IndRNN.
        gamma: the largest derivative of the activation, 1 for tanh, 1/4 for the sigmoid.
        rate: the factor by which the gradient changes with each step back, fitted on the logarithms.
        norms: (T,), |delta_t|, beginning at the last step.

    Source:
        Pascanu et al. 2013, On the difficulty of training recurrent neural networks, section 2.1.
    """

    norm: float
    gamma: float
    rate: float
    norms: NDArray[np.float64]

    @property
    def may_explode(self) -> bool:
        """True if the norm reaches 1/gamma."""
        return self.norm * self.gamma >= 1

    @property
    def explodes(self) -> bool:
        """True if the gradient grows with each step back."""
        return self.rate > 1

    @property
    def holds(self) -> bool:
        """True unless the gradient explodes although the norm forbids it."""
        return self.may_explode or not self.explodes

    @property
    def sentence(self) -> str:
        """What was found, with its numbers."""
        reach = "reaches" if self.may_explode else "stays below"
        norm = f"The recurrent norm {self.norm:.3g} {reach} 1/gamma = {1 / self.gamma:.3g}"
        happens = f"{'grows' if self.explodes else 'shrinks'} by the factor {self.rate:.3g} with each step back"
        if not self.holds:
            return f"{norm}, yet the gradient {happens}: the statement does not hold."
        if not self.may_explode:
            return f"{norm}, so the gradient must vanish, and it {happens}."
        if self.explodes:
            return f"{norm}, so the gradient may explode, and it does: it {happens}."
        return f"{norm}, so the gradient may explode, and yet it {happens}: necessary, not sufficient."

    @property
    def bound(self) -> NDArray[np.float64]:
        """(T,), the most that the norm of U allows: |delta_T| (gamma ||U||)^k, k steps before the last."""
        return self.norms[0] * np.power(self.gamma * self.norm, np.arange(len(self.norms)))

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw it: see :func:`recuerdo.show.plot_norm_bound`."""
        from recuerdo import show

        return show.plot_norm_bound(self, ax=ax)


def norm_bound(recorded: Recorded, loss: Tensor) -> NormBound:
    """Compare what the recurrent norm allows with what the gradient does.

    Args:
        recorded: a plain FRNN or IndRNN with any activation, one layer in one direction.
        loss: a scalar that reads this layer after the last step alone, such as ``output[:, -1].sum()``.

    Raises:
        OptionError: a cell with gates; layer norm, zoneout or recurrent dropout, which the statement does not know; a
            loss that reads other steps as well; or too few norms above zero.

    Example:
        >>> import recuerdo as rc
        >>> layer = rc.nn.FRNN(1, 2, bias=False)
        >>> turn = torch.tensor([[0.0, -1.0], [1.0, 0.0]])
        >>> _ = layer.weight_hh_l0.data.copy_(1.5 * turn)  # large, but it drives tanh to where it is flat
        >>> (output, h), recorded = rc.memory.record(layer, {"x": torch.ones(1, 20, 1)})
        >>> found = norm_bound(recorded[0], output[:, -1].sum())
        >>> found.may_explode, found.explodes
        (True, False)
    """
    job = recorded.job
    if job.cell.nonlinearity is None:
        raise OptionError(
            f"The bound is about h = act(W x + U h + b), not about {job.cell.name}: give an FRNN or IndRNN."
        )
    changed = (job.weights.norm_hh, job.zoneout, job.recurrent_mask)
    if any(each is not None for each in changed):
        raise OptionError(
            "The bound is about a plain U h, and layer norm, zoneout or recurrent dropout changes it: leave them out."
        )
    U = job.weights.weight_hh.detach().double()
    norm = U.abs().max() if job.cell.recurrent == "diagonal" else torch.linalg.matrix_norm(U, 2)
    norms = _steps_back(recorded, loss)
    return NormBound(norm.item(), _largest_slope(job.cell.nonlinearity), _geometric(norms)[0], norms)


def _steps_back(recorded: Recorded, loss: Tensor) -> NDArray[np.float64]:
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


def _geometric(norms: NDArray[np.float64]) -> tuple[float, float, float]:
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


def _largest_slope(name: str) -> float:
    """The largest |act'|, on a grid fine enough for every activation that is offered."""
    at = torch.linspace(-10, 10, 20_001, dtype=torch.float64, requires_grad=True)
    (slopes,) = torch.autograd.grad(activation(name)(at).sum(), at)
    return slopes.abs().max().item()
