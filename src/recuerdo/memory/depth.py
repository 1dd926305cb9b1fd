"""Gradient flow through depth, and what a training does with it: gradients by layer, and how far weights move."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from recuerdo.errors import OptionError
from recuerdo.learn import Callback, Run
from recuerdo.memory.gates import gate_activity
from recuerdo.memory.recording import Recorded, record


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


@dataclass(frozen=True)
class Movement:
    """One row of what :class:`WeightMovement` saw.

    Attributes:
        step: optimiser steps taken.
        grad_norm: mean gradient norm, before clipping, of the steps since the last row.
        clip_rate: share of those steps whose gradient was clipped.
        update_ratio: weight -> |w_step - w_{step-1}| / |w_{step-1}|, for this one step; infinite for one that was zero.
        still: weight -> share of its numbers that this step left exactly as they were, as an update below the
            resolution of the number, or a gradient of zero, does.
        left, right: "layer.gate" -> share of steps, samples and units at which the gate stands below 0.1 and above
            0.9; empty without a probe.
    """

    step: int
    grad_norm: float
    clip_rate: float
    update_ratio: dict[str, float]
    still: dict[str, float]
    left: dict[str, float]
    right: dict[str, float]


class WeightMovement(Callback):
    """Watch how far each weight moves during a training, what its gradients are, and how stuck its gates.

    It draws no random number and changes nothing, so the training stays the same, bit for bit.

    Args:
        every: steps from one row to the next; len(batches) gives one row per epoch.
        probe: the module's arguments, by name, for a pass in evaluation mode that looks at the gates; a few sequences
            are enough. None leaves the gates out.

    Attributes:
        rows: a :class:`Movement` for every so many steps.

    Raises:
        OptionError: every is below 1.

    Source:
        The ratio of update to weight, best near 1e-3: Bottou 2015, Multilayer neural networks (lecture notes).

    Example:
        >>> import recuerdo as rc
        >>> net = rc.nn.Stack(rc.nn.GRU(1, 4), nn.Linear(4, 1))
        >>> x = torch.randn(64, 9, 1)
        >>> batches = rc.learn.ArrayBatches({"x": x}, x.sum(dim=1))
        >>> problem = rc.learn.Problem(net, batches, lambda y, batch: (y - batch.target).square().mean())
        >>> seen = WeightMovement(every=10, probe={"x": x[:8]})
        >>> _ = rc.learn.fit(problem, settings=rc.learn.Settings(max_steps=30), callbacks=[seen], verbose=False)
        >>> [row.step for row in seen.rows], sorted(seen.rows[-1].left)
        ([10, 20, 30], ['encoder.l0.r', 'encoder.l0.z'])
    """

    def __init__(self, every: int = 50, probe: Mapping[str, Any] | None = None) -> None:
        if every < 1:
            raise OptionError(f"WeightMovement(every={every}): it counts steps, so it has to be 1 or more.")
        self.every, self.probe = every, probe
        self.rows: list[Movement] = []
        self._before: dict[str, Tensor] = {}
        self._last = 0

    def on_start(self, run: Run) -> None:
        """Begin to count, and keep the weights if the first step is to be seen."""
        self._last = run.step
        self._keep(run)

    def on_step(self, run: Run) -> None:
        """Write a row if one is due, and keep the weights if the next step is to be seen."""
        if run.step % self.every == 0:
            self.rows.append(self._row(run))
            self._last = run.step
        self._keep(run)

    @torch.no_grad()
    def _keep(self, run: Run) -> None:
        if (run.step + 1) % self.every == 0:
            self._before = {name: weight.clone() for name, weight in _trainable(run.module)}

    @torch.no_grad()
    def _row(self, run: Run) -> Movement:
        norms = run.history.grad_norms[self._last :]
        clip = run.settings.clip
        moved = {
            name: torch.stack([
                torch.linalg.vector_norm(weight - self._before[name]) / torch.linalg.vector_norm(self._before[name]),
                (weight == self._before[name]).sum() / weight.numel(),
            ])
            for name, weight in _trainable(run.module)
        }  # fmt: skip
        ratios, still = torch.stack(list(moved.values())).double().cpu().unbind(dim=1)
        left, right = self._saturation(run.module)
        return Movement(
            step=run.step,
            grad_norm=float(np.mean(norms)),
            clip_rate=0.0 if clip is None else float(np.mean([norm > clip for norm in norms])),
            update_ratio=dict(zip(moved, ratios.tolist(), strict=True)),
            still=dict(zip(moved, still.tolist(), strict=True)),
            left=left,
            right=right,
        )

    def _saturation(self, module: nn.Module) -> tuple[dict[str, float], dict[str, float]]:
        if self.probe is None:
            return {}, {}
        modes = {part: part.training for part in module.modules()}
        module.eval()
        try:
            activity = gate_activity(record(module, self.probe)[1])
        finally:
            for part, training in modes.items():
                part.training = training
        left = {f"{each.name}.{gate}": float(share.mean()) for each in activity for gate, share in each.left.items()}
        right = {f"{each.name}.{gate}": float(share.mean()) for each in activity for gate, share in each.right.items()}
        return left, right


def _trainable(module: nn.Module) -> list[tuple[str, Tensor]]:
    return [(name, weight) for name, weight in module.named_parameters() if weight.requires_grad]


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
