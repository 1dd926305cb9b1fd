"""What a training does with its gradients: how often they are clipped, how far weights move, how stuck gates are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import torch
from torch import Tensor, nn

from recuerdo.errors import OptionError
from recuerdo.learn import Callback, Run, in_evaluation, seeded
from recuerdo.memory.adapters import arguments_by_name, watchable
from recuerdo.memory.gates import gate_activity
from recuerdo.memory.recording import record

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Movement:
    """One row of what :class:`WeightMovement` saw.

    Attributes:
        step: optimiser steps taken.
        grad_norm: mean gradient norm, before clipping, of the steps since the last row.
        clip_rate: share of those steps whose gradient was clipped.
        update_ratio: weight -> |w_step - w_{step-1}| / |w_{step-1}|, for this one step; infinite for one that was zero
            and moved, 0 for one that did not move.
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
        probe: the module's arguments by name, or its first argument alone, as tensors or arrays, for a pass in
            evaluation mode that looks at the gates, of torch.nn's layers too; a few sequences are enough. It is tried
            before the first step. None leaves the gates out.

    Attributes:
        rows: a :class:`Movement` for every so many steps.

    Raises:
        OptionError: every is below 1; or, when the training begins, the probe meets nothing recurrent.
        ConversionError: then too, a layer of the module has no equal here.

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

    def __init__(self, every: int = 50, probe: Any = None) -> None:
        if every < 1:
            raise OptionError(f"WeightMovement(every={every}): it counts steps, so it has to be 1 or more.")
        self.every, self.probe = every, probe
        self.rows: list[Movement] = []
        self._before: dict[str, Tensor] = {}
        self._last = 0

    def on_start(self, run: Run) -> None:
        """Begin to count, try the probe, and keep the weights if the first step is to be seen."""
        self._saturation(run.module)
        self._last = run.step
        self._keep(run)

    def on_step(self, run: Run) -> None:
        """Write a row if one is due, and keep the weights if the next step is to be seen."""
        if run.step % self.every == 0:
            self.rows.append(self._row(run))
            self._last = run.step
        self._keep(run)

    def to_frame(self) -> pl.DataFrame:
        """Return a row for each step and weight: step, grad_norm, clip_rate, weight, update_ratio, still."""
        schema = {
            "step": pl.Int64,
            "grad_norm": pl.Float64,
            "clip_rate": pl.Float64,
            "weight": pl.String,
            "update_ratio": pl.Float64,
            "still": pl.Float64,
        }
        rows = [
            (row.step, row.grad_norm, row.clip_rate, weight, ratio, row.still[weight])
            for row in self.rows
            for weight, ratio in row.update_ratio.items()
        ]
        return pl.DataFrame(rows, schema=schema, orient="row")

    def saturation_frame(self) -> pl.DataFrame:
        """Return a row for each step and gate: step, gate, left, right; none without a probe."""
        schema = {"step": pl.Int64, "gate": pl.String, "left": pl.Float64, "right": pl.Float64}
        rows = [(row.step, gate, left, row.right[gate]) for row in self.rows for gate, left in row.left.items()]
        return pl.DataFrame(rows, schema=schema, orient="row")

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw it: see :func:`recuerdo.show.plot_movement`.

        Raises:
            OptionError: no row has been written yet.
        """
        from recuerdo import show

        return show.plot_movement(self.rows, ax=ax)

    def plot_saturation(self, *, ax: Axes | None = None) -> Axes:
        """Draw what stands still, weights and gates: see :func:`recuerdo.show.plot_saturation`.

        Raises:
            OptionError: no row has been written yet.
        """
        from recuerdo import show

        return show.plot_saturation(self.rows, ax=ax)

    @torch.no_grad()
    def _keep(self, run: Run) -> None:
        if (run.step + 1) % self.every == 0:
            self._before = {name: weight.clone() for name, weight in _trainable(run.module)}

    @torch.no_grad()
    def _row(self, run: Run) -> Movement:
        norms = run.history.grad_norms[self._last :]
        clip = run.settings.clip
        moved = {name: _moved(self._before[name], weight) for name, weight in _trainable(run.module)}
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
        inputs = arguments_by_name(module, self.probe)
        if any(isinstance(part, nn.RNNBase) for part in module.modules()):
            # A copy's layers draw their first weights, and the training's random numbers are its own.
            with seeded(0, next(module.parameters()).device):
                module = watchable(module, inputs)
        with in_evaluation(module):
            activity = gate_activity(record(module, inputs, differentiable=False)[1])
        left = {f"{each.name}.{gate}": float(share.mean()) for each in activity for gate, share in each.left.items()}
        right = {f"{each.name}.{gate}": float(share.mean()) for each in activity for gate, share in each.right.items()}
        return left, right


def _moved(before: Tensor, after: Tensor) -> Tensor:
    """The ratio of update to weight, and the share of numbers that stayed as they were, (2,)."""
    update = torch.linalg.vector_norm(after - before)
    ratio = torch.where(update > 0, update / torch.linalg.vector_norm(before), 0)
    return torch.stack([ratio, (after == before).sum() / after.numel()])


def _trainable(module: nn.Module) -> list[tuple[str, Tensor]]:
    return [(name, weight) for name, weight in module.named_parameters() if weight.requires_grad]
