"""Where gradients go while a network learns: flows that are taken now and then, at a small share of the training."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from recuerdo.errors import OptionError
from recuerdo.learn import Batch, Callback, Problem, Run, in_evaluation, seeded
from recuerdo.memory.adapters import arguments_by_name, watchable
from recuerdo.memory.flow import gradient_flow
from recuerdo.memory.recording import record

SAMPLES = 8
"""Of the problem's first batch, that flows are taken of."""


@dataclass(frozen=True)
class FlowAt:
    """Gradient flows at one place of a training.

    Attributes:
        step: optimiser steps taken.
        total: layer and direction -> (T,), |dL/ds_t|, as GradientFlow has it.
    """

    step: int
    total: dict[str, NDArray[np.float64]]


class FlowHistory(Callback):
    """Watch where gradients go during a training, for `Audit.to_html(path, training=...)`.

    It draws no random number and changes nothing, so the training stays the same, bit for bit. It takes a flow before
    the first step and after the last, and between them as often as its share of the time allows.

    Args:
        problem: that is trained, whose first few samples and whose loss are looked at.
        share: of the training's time that it may take, above 0 and below 1.

    Attributes:
        rows: what was seen, in order.

    Raises:
        OptionError: a share out of range; or, when the training begins, nothing recurrent runs.

    Example:
        >>> import recuerdo as rc
        >>> net = rc.nn.Stack(rc.nn.GRU(1, 4), torch.nn.Linear(4, 1))
        >>> x = torch.randn(64, 9, 1)
        >>> batches = rc.learn.ArrayBatches({"x": x}, x.sum(dim=1))
        >>> problem = rc.learn.Problem(net, batches, lambda y, batch: (y - batch.target).square().mean())
        >>> seen = FlowHistory(problem)
        >>> _ = rc.learn.fit(problem, settings=rc.learn.Settings(max_steps=30), callbacks=[seen], verbose=False)
        >>> seen.rows[0].step, seen.rows[-1].step, seen.rows[0].total["encoder.l0"].shape
        (0, 30, (9,))
    """

    def __init__(self, problem: Problem, share: float = 0.03) -> None:
        if not 0 < share < 1:
            raise OptionError(f"FlowHistory(share={share}): it is a share of the time, above 0 and below 1.")
        self.share = share
        self.rows: list[FlowAt] = []
        place = problem.batches.state_dict()
        whole = next(iter(problem.batches))
        problem.batches.load_state_dict(place)
        self._batch = Batch(
            {name: value[:SAMPLES] for name, value in whole.inputs.items()},
            whole.target[:SAMPLES],
            {name: value[:SAMPLES] for name, value in whole.aside.items()},
        )
        self._loss = problem.loss
        self._due = 0.0

    def on_start(self, run: Run) -> None:
        """Look at the network as it begins."""
        self._look(run)

    def on_step(self, run: Run) -> None:
        """Look, if enough time has gone by."""
        if time.perf_counter() >= self._due:
            self._look(run)

    def on_end(self, run: Run) -> None:
        """Look at what came of it, with the best weights back in place."""
        self._look(run)

    def to_frame(self) -> pl.DataFrame:
        """Return a row for each place of the training, layer and step: taken, layer, step, total."""
        parts = [
            pl.DataFrame({"layer": [name] * len(total), "step": np.arange(len(total)), "total": total})
            .with_columns(taken=pl.lit(row.step))
            .select("taken", "layer", "step", "total")
            for row in self.rows
            for name, total in row.total.items()
        ]
        return pl.concat(parts)

    def _look(self, run: Run) -> None:
        began = time.perf_counter()
        batch = self._batch.to(next(run.module.parameters()).device)
        inputs = arguments_by_name(run.module, batch.inputs)
        with seeded(0), in_evaluation(run.module), torch.enable_grad():
            module = watchable(run.module, inputs)  # a copy, so that no gradient of the training is touched
            output, recorded = record(module, inputs)
            flows = gradient_flow(recorded, self._loss(output, batch))
        totals = {each.name: each.total for each in flows}
        if self.rows and self.rows[-1].step == run.step:
            self.rows.pop()
        self.rows.append(FlowAt(run.step, totals))
        now = time.perf_counter()
        self._due = now + (now - began) / self.share
