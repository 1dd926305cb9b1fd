"""Gradient flow through time, item by item: what each step of the answer asks of each state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor

from recuerdo.errors import OptionError
from recuerdo.memory.axes import Axes, axes_of
from recuerdo.memory.flow import norms
from recuerdo.memory.recording import Recorded

if TYPE_CHECKING:
    from matplotlib.axes import Axes as Picture

MOST_LOSSES = 24
"""Rows of the matrix at most: each costs a pass back through all steps."""


@dataclass(frozen=True)
class ItemisedFlow:
    """|dL_k/ds_t|, the gradient of each loss by each state, for one layer in one direction; the mean over samples.

    L_k is the part of the loss that is read from y_k, the output's step k (of an answer that is given once, its k-th
    number, such as the k-th step of a forecast), so that dL/ds_t = sum over k of dL_k/ds_t, with
    dL_k/ds_t = (dy_k/ds_t)^T dL/dy_k. The norms are of N dL_k/ds_t, as in GradientFlow.

    Attributes:
        name: the layer and direction.
        losses: (K,), the output's steps k, in rising order.
        of: how many steps the loss reads; more than K where some were left out.
        norms: (K, T), |dL_k/ds_t|; zero where y_k does not depend on s_t, as for every t > k in a forward direction.

    Source:
        Pascanu et al. 2013, On the difficulty of training recurrent neural networks, eq. 4-5.
    """

    name: str
    losses: NDArray[np.int64]
    of: int
    norms: NDArray[np.float64]

    def to_frame(self) -> pl.DataFrame:
        """Return a row for each loss and step: layer, loss, step, norm."""
        K, T = self.norms.shape
        return pl.DataFrame(
            {
                "layer": [self.name] * (K * T),
                "loss": np.repeat(self.losses, T),
                "step": np.tile(np.arange(T), K),
                "norm": self.norms.ravel(),
            }
        )

    def plot(self, *, ax: Picture | None = None) -> Picture:
        """Draw it: see :func:`recuerdo.show.plot_itemised`."""
        from recuerdo import show

        return show.plot_itemised(self, ax=ax)


def itemised_flow(
    recorded: Sequence[Recorded], output: Tensor, loss: Tensor, *, most: int = MOST_LOSSES, axes: Axes | None = None
) -> list[ItemisedFlow]:
    """Follow the gradient of each step's loss back to each state, in every recorded layer and direction.

    Args:
        recorded: what :func:`recuerdo.memory.record` returned.
        output: what the loss was computed from, (N, K, ...), (K, N, ...) or (N, ..., K): which axis counts the
            samples is seen from its derivatives, and the steps are on one as long as the recurrence, if there is one.
        loss: a scalar computed from the output.
        most: losses to follow at most; of more, as many are taken evenly, from the first that is read to the last.
        axes: those of the output, where they are known.

    Returns:
        One matrix for each layer and direction, in the order recorded. Memory grows with most times T.

    Raises:
        OptionError: the output has no second axis, its samples cannot be told from its steps, or the loss does not
            depend on it; or most is below 1.

    Example:
        >>> import recuerdo as rc
        >>> layer = rc.nn.FRNN(1, 2, nonlinearity="linear", bias=False)
        >>> _ = layer.weight_hh_l0.data.copy_(torch.eye(2) / 2)  # a linear network that forgets half at each step
        >>> (output, h), recorded = rc.memory.record(layer, {"x": torch.randn(1, 3, 1)})
        >>> itemised_flow(recorded, output, output[..., 0].sum())[0].norms.tolist()
        [[1.0, 0.0, 0.0], [0.5, 1.0, 0.0], [0.25, 0.5, 1.0]]
    """
    if most < 1:
        raise OptionError(f"itemised_flow(most={most}): it counts losses, so it has to be 1 or more.")
    if output.ndim < 2:
        raise OptionError(
            f"An itemised flow needs an output with samples and steps, (N, K, ...), got shape "
            f"{tuple(output.shape)}: take the output at every step rather than one number."
        )
    axes = axes_of(recorded, output) if axes is None else axes
    if axes is None:
        raise OptionError(
            f"Which axis of this output, {tuple(output.shape)}, counts the samples cannot be told: give the tensor as "
            f"(N, K, ...), each row of it computed from one sample."
        )
    by_output = torch.autograd.grad(loss, output, retain_graph=True, allow_unused=True)[0]
    read = (
        [] if by_output is None else by_output.movedim(axes.steps, 0).flatten(1).any(dim=1).nonzero().flatten().tolist()
    )
    if by_output is None or not read:
        raise OptionError("The loss does not depend on this output: give the tensor that the loss was computed from.")
    losses = np.array(read)[np.unique(np.linspace(0, len(read) - 1, min(most, len(read))).round().astype(int))]
    handles = [nudge for each in recorded for nudge in each.nudge]
    rows: list[list[NDArray[np.float64]]] = [[] for _ in recorded]
    for k in losses.tolist():
        only = torch.zeros_like(by_output)
        only.select(axes.steps, k).copy_(by_output.select(axes.steps, k))
        gradients = iter(torch.autograd.grad(output, handles, only, retain_graph=True, materialize_grads=True))
        for each, row in zip(recorded, rows, strict=True):
            row.append(norms(tuple(next(gradients).double() * nudge.shape[1] for nudge in each.nudge), each.inside))
    return [ItemisedFlow(each.name, losses, len(read), np.stack(row)) for each, row in zip(recorded, rows, strict=True)]
