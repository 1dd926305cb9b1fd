"""What the norm of the recurrent weights allows a gradient, and what the gradient does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor

from recuerdo.cells.activations import activation
from recuerdo.errors import OptionError
from recuerdo.memory.geometric import LEVEL, geometric, happens, steps_back, trend
from recuerdo.memory.recording import Recorded

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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
        """True if the norm reaches 1/gamma, but for rounding."""
        return self.norm * self.gamma >= 1 - LEVEL

    @property
    def explodes(self) -> bool:
        """True if the gradient grows with each step back, by more than rounding."""
        return trend(self.rate) == "grows"

    @property
    def holds(self) -> bool:
        """True unless the gradient does not vanish although the norm says that it must."""
        return self.may_explode or trend(self.rate) == "shrinks"

    @property
    def sentence(self) -> str:
        """What was found, with its numbers."""
        reach = "reaches" if self.may_explode else "stays below"
        norm = f"The recurrent norm {self.norm:.3g} {reach} 1/gamma = {1 / self.gamma:.3g}"
        does = happens(self.rate, "step back")
        if not self.holds:
            return f"{norm}, yet the gradient {does}: the statement does not hold."
        if not self.may_explode:
            return f"{norm}, so the gradient must vanish, and it {does}."
        if self.explodes:
            return f"{norm}, so the gradient may explode, and it does: it {does}."
        return f"{norm}, so the gradient may explode, and yet it {does}: necessary, not sufficient."

    @property
    def verdict(self) -> str:
        """The same in a few words, of the gradient."""
        must = "may explode" if self.may_explode else "must vanish"
        does = trend(self.rate)
        as_said = does == ("grows" if self.may_explode else "shrinks")
        return f"{must}, {'and does' if as_said else f'yet {does}'}"

    @property
    def bound(self) -> NDArray[np.float64]:
        """(T,), the most that the norm of U allows: |delta_T| (gamma ||U||)^k, k steps before the last."""
        return self.norms[0] * np.power(self.gamma * self.norm, np.arange(len(self.norms)))

    def to_frame(self) -> pl.DataFrame:
        """Return a row for each step back from the last: distance, norm, bound."""
        return pl.DataFrame({"distance": np.arange(len(self.norms)), "norm": self.norms, "bound": self.bound})

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
        >>> _ = layer.weight_hh_l0.data.copy_(1.5 * turn)  # large, but the input drives tanh to where it is flat
        >>> _ = layer.weight_ih_l0.data.fill_(2.0)
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
    norms = steps_back(recorded, loss)
    return NormBound(norm.item(), _largest_slope(job.cell.nonlinearity), geometric(norms)[0], norms)


def _largest_slope(name: str) -> float:
    """The largest |act'|, on a grid fine enough for every activation that is offered."""
    at = torch.linspace(-10, 10, 20_001, dtype=torch.float64, requires_grad=True)
    (slopes,) = torch.autograd.grad(activation(name)(at).sum(), at)
    return slopes.abs().max().item()
