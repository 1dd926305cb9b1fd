"""Gradient flow through depth: how much of a loss's gradient each layer of a stack receives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from recuerdo.memory.recording import Recorded, record

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class DepthFlow:
    """How much of a loss's gradient each layer of a stack receives, from the lowest layer to the top.

    Attributes:
        names: the layers and directions, L in all.
        outputs: (L,), |dL/dy_l|: the norm of N dL/dy_l over all steps and units of the layer's output, the mean over
            samples. What comes back through the recurrence is in it.
        weight_ih: (L,), |dL/dW|, the norm of the gradient by the input weights; NaN where they are frozen.
        weight_hh: (L,), |dL/dU|, the same by the recurrent weights.

    Source:
        Glorot and Bengio 2010, Understanding the difficulty of training deep feedforward neural networks, section 4.2.
    """

    names: tuple[str, ...]
    outputs: NDArray[np.float64]
    weight_ih: NDArray[np.float64]
    weight_hh: NDArray[np.float64]

    @property
    def ways(self) -> list[list[int]]:
        """The rows of each direction, from the lowest layer to the top: of the forward one, then of the reverse."""
        ways: dict[bool, list[int]] = {False: [], True: []}
        for row, name in enumerate(self.names):
            ways[name.split(" ")[0].endswith("_reverse")].append(row)
        return [rows for rows in ways.values() if rows]

    @property
    def layers(self) -> int:
        """How many layers stand on top of each other."""
        return max(map(len, self.ways), default=0)

    def to_frame(self) -> pl.DataFrame:
        """Return a row for each layer: layer, outputs, weight_ih, weight_hh."""
        columns = {"outputs": self.outputs, "weight_ih": self.weight_ih, "weight_hh": self.weight_hh}
        return pl.DataFrame({"layer": list(self.names), **columns})

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw it: see :func:`recuerdo.show.plot_depth`."""
        from recuerdo import show

        return show.plot_depth(self, ax=ax)


def gradient_by_layer(recorded: Sequence[Recorded], loss: Tensor) -> DepthFlow:
    """Follow the gradient of a loss down through the layers of one recorded pass.

    Args:
        recorded: what :func:`recuerdo.memory.record` returned.
        loss: a scalar computed from the recorded module's output.

    Example:
        >>> import recuerdo as rc
        >>> stack = rc.nn.FRNN(3, 3, num_layers=4, nonlinearity="linear", bias=False)
        >>> for weights in stack.weights():  # each layer halves what it is given, and has no memory
        ...     _ = weights.weight_ih.data.copy_(torch.eye(3) / 2), weights.weight_hh.data.zero_()
        >>> (output, h), recorded = rc.memory.record(stack, {"x": torch.randn(1, 1, 3)})
        >>> gradient_by_layer(recorded, output[0, 0, 0]).outputs.tolist()
        [0.125, 0.25, 0.5, 1.0]
    """
    outputs = torch.autograd.grad(loss, [each.nudge[0] for each in recorded], retain_graph=True, materialize_grads=True)
    return DepthFlow(
        names=tuple(each.name for each in recorded),
        outputs=np.array([_per_sample(gradient) for gradient in outputs]),
        weight_ih=_norms(loss, [each.job.weights.weight_ih for each in recorded]),
        weight_hh=_norms(loss, [each.job.weights.weight_hh for each in recorded]),
    )


def gradient_by_depth(
    make: Callable[[int], nn.Module],
    inputs: Mapping[str, Any],
    loss: Callable[[Any], Tensor],
    depths: Iterable[int] = range(1, 21),
) -> list[DepthFlow]:
    """Build stacks of growing depth, and follow the gradient down through each of them.

    Args:
        make: a number of layers -> a module; seed it if the stacks are to be comparable.
        inputs: the arguments with which each module is called, by name.
        loss: what a module returns -> a scalar.
        depths: the numbers of layers.

    Returns:
        One flow for each depth.

    Example:
        >>> import recuerdo as rc
        >>> flows = gradient_by_depth(
        ...     lambda L: rc.nn.FRNN(3, 8, num_layers=L), {"x": torch.randn(4, 5, 3)}, lambda made: made[0].mean()
        ... )
        >>> len(flows), flows[-1].outputs.shape
        (20, (20,))
    """
    flows = []
    for depth in depths:
        output, recorded = record(make(depth), inputs)
        flows.append(gradient_by_layer(recorded, loss(output)))
    return flows


def _per_sample(gradient: Tensor) -> float:
    """The norm over steps and units of N times a gradient (T, N, H), the mean over samples."""
    return gradient.double().mul(gradient.shape[1]).transpose(0, 1).flatten(1).norm(dim=1).mean().item()


def _norms(loss: Tensor, weights: Sequence[Tensor]) -> NDArray[np.float64]:
    """The norm of the gradient by each weight; NaN for one that is frozen."""
    norms = np.full(len(weights), np.nan)
    free = [k for k, weight in enumerate(weights) if weight.requires_grad]
    if free:
        asked = [weights[k] for k in free]
        gradients = torch.autograd.grad(loss, asked, retain_graph=True, materialize_grads=True)
        norms[free] = [gradient.double().norm().item() for gradient in gradients]
    return norms
