"""Gradient flow through time: how much of a loss each state is answerable for, and by which way its gradient came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor

from recuerdo.cells import State
from recuerdo.errors import OptionError
from recuerdo.memory.recording import Recorded
from recuerdo.memory.steps import Steps

if TYPE_CHECKING:
    from matplotlib.axes import Axes


ROUNDING = 100
"""Units of rounding of the gradient below which the difference that is its direct part is taken for none."""


@dataclass(frozen=True)
class GradientFlow:
    """|dL/ds_t| for every step of one layer in one direction, the mean over samples.

    delta_t = dL/ds_t = (dL/ds_t through y_t) + J_{t+1}^T delta_{t+1}, with J_{t+1} = ds_{t+1}/ds_t: a state is
    answerable for what is read from it directly (by the layer above, by the loss, or as the final state) and for what
    it becomes. A loss that is a mean over samples gives each its N-th part; the norms here are of N dL/ds_t, the whole.

    Attributes:
        name: the layer and direction.
        total: (T,), the norm of delta_t over all units of all states.
        direct: (T,), the norm of the part that arrives without the recurrence; 0 where it is lost in the rounding of
            the whole. torch.nn's output.grad is this part alone.
        recurrent: (T,), the norm of the part that comes back through the recurrence.

    Source:
        Pascanu et al. 2013, On the difficulty of training recurrent neural networks, eq. 3-5.
    """

    name: str
    total: NDArray[np.float64]
    direct: NDArray[np.float64]
    recurrent: NDArray[np.float64]

    def to_frame(self) -> pl.DataFrame:
        """Return a row for each step: layer, step, total, direct, recurrent."""
        parts = {"total": self.total, "direct": self.direct, "recurrent": self.recurrent}
        return pl.DataFrame({"layer": [self.name] * len(self.total), "step": np.arange(len(self.total)), **parts})

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw it: see :func:`recuerdo.show.plot_gradient_flow`."""
        from recuerdo import show

        return show.plot_gradient_flow(self, ax=ax)


def gradient_flow(recorded: Sequence[Recorded], loss: Tensor) -> list[GradientFlow]:
    """Follow the gradient of a loss back through time, in every recorded layer and direction.

    Args:
        recorded: what :func:`recuerdo.memory.record` returned.
        loss: a scalar computed from the recorded module's output.

    Returns:
        One flow for each layer and direction, in the order recorded.

    Raises:
        OptionError: the loss is not one number, or carries no gradient.

    Example:
        >>> import recuerdo as rc
        >>> layer = rc.nn.FRNN(1, 2, nonlinearity="linear", bias=False)
        >>> _ = layer.weight_hh_l0.data.copy_(torch.eye(2) / 2)  # a linear network that forgets half at each step
        >>> (output, h), recorded = rc.memory.record(layer, {"x": torch.randn(1, 4, 1)})
        >>> (flow,) = gradient_flow(recorded, output[:, -1, 0].sum())
        >>> flow.total.tolist(), flow.direct.tolist()
        ([0.125, 0.25, 0.5, 1.0], [0.0, 0.0, 0.0, 1.0])
    """
    flows = []
    for each, delta in zip(recorded, deltas(recorded, loss), strict=True):
        steps = Steps(each)
        recurrent = steps.earlier(steps.pull(delta))
        direct = tuple(whole - part for whole, part in zip(delta, recurrent, strict=True))
        # A difference leaves a shadow of what it is taken from: eps of delta_t, and of the delta_{t+1} it came from.
        size = torch.maximum(_lengths(delta), _lengths(steps.earlier(delta)))
        there = _lengths(direct) > ROUNDING * torch.finfo(each.nudge[0].dtype).eps * size
        direct = tuple(torch.where(there.unsqueeze(-1), part, 0) for part in direct)
        flows.append(GradientFlow(each.name, *(norms(part, each.inside) for part in (delta, direct, recurrent))))
    return flows


def deltas(recorded: Sequence[Recorded], loss: Tensor) -> list[State]:
    """Return N dL/ds_t by every recorded state, (T, N, H) each; zero where the loss does not depend on it."""
    if loss.numel() != 1 or not loss.requires_grad:
        raise OptionError(
            f"A gradient flow starts from a loss of one number that was computed from the recorded output, got shape "
            f"{tuple(loss.shape)} with requires_grad={loss.requires_grad}: take a mean, without detach() or no_grad()."
        )
    handles = [nudge for each in recorded for nudge in each.nudge]
    gradients = iter(torch.autograd.grad(loss, handles, retain_graph=True, materialize_grads=True))
    return [tuple(next(gradients).double() * nudge.shape[1] for nudge in each.nudge) for each in recorded]


def norms(parts: State, inside: Tensor) -> NDArray[np.float64]:
    """The norm over all units of all states, (T,), the mean over the samples that have that step."""
    count = inside.sum(dim=1).clamp(min=1)
    return ((_lengths(parts) * inside).sum(dim=1) / count).double().cpu().numpy()


def _lengths(parts: State) -> Tensor:
    """The norm over all units of all states at each step of each sample, (T, N)."""
    return torch.linalg.vector_norm(torch.cat(parts, dim=-1), dim=-1)
