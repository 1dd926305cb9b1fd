"""From a panel to a trained network: encodings, windows, batches, and one call of the training loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recuerdo.data.tables import Panel
from recuerdo.data.windows import WindowSet
from recuerdo.learn import (
    Batch,
    Callback,
    GatherBatches,
    History,
    Problem,
    Settings,
    fit,
    in_evaluation,
    seeded,
    threads_for,
)
from recuerdo.tasks.forecast_anchor import FITTED_ON
from recuerdo.tasks.forecast_heads import make_head
from recuerdo.tasks.forecast_inputs import Encoding, Rows, make_rows, naive_units
from recuerdo.tasks.forecast_losses import Objective
from recuerdo.tasks.forecast_nets import DirectNet, RecursiveNet, seasonal_change
from recuerdo.tasks.forecast_running import RunningNet, memories, running_rows
from recuerdo.tasks.forecast_shapes import Net, Shape
from recuerdo.tasks.metrics import smape

Values = NDArray[np.float64]
AUTO_STEPS = (100, 1500)
"""Fewest and most steps of a training whose length the number of windows decides."""

EVALUATIONS, PATIENCE = 15, 4
"""Where steps are chosen on windows that are watched: evaluations of a whole training, and of them without gain."""

MOST_WATCHED = 512
"""Windows that are watched at most, evenly over all."""

RESOLUTION = 1e-6
"""Changes of a standardised series below this are rounding, in float32 anyway, and no unit to measure in."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast a network is trained; see recuerdo.learn.Settings."""

    max_steps: int | None
    max_seconds: float | None
    batch_size: int
    learning_rate: float
    loss: str
    device: torch.device
    verbose: bool | str | None


@dataclass(frozen=True)
class Trained:
    """A trained network and all that was fitted with it, on the rows that it was given and no others."""

    net: Net
    shape: Shape
    encoding: Encoding
    unit: float
    history: History
    seed: int

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the training early."""
        return self.history.stopped == "interrupted"


def train(
    shape: Shape,
    known: Panel,
    encoding: Encoding,
    *,
    least: int,
    schedule: Schedule,
    random_state: int | None,
    label: str,
    watched: tuple[Panel, NDArray[np.int64]] | None = None,
    callbacks: Sequence[Callback] = (),
) -> Trained:
    """Fit a network on all windows of a panel.

    Args:
        shape: which network; its numbers of covariates are filled in here.
        known: training rows; nothing else is seen.
        encoding: as fitted on these rows.
        least: input rows that a window has at least; missing rows stand before the beginning of a series.
        schedule: how long and how fast.
        random_state: the seed; None draws one.
        label: what the progress calls it.
        watched: a panel that goes on behind these rows, and origins in it: the weights with which these windows are
            forecast best are kept, and training ends when they no longer get better.
        callbacks: what listens to the training.
    """
    rows = make_rows(known, encoding)
    static = 0 if rows.static is None else rows.static.shape[1]
    windows = WindowSet(rows.lengths, shape.lookback, shape.horizon, least=least)
    shape = replace(
        shape,
        covariates=rows.table.shape[1] - 1,
        future=rows.future,
        static=static,
        gaps=shape.strategy == "direct" and (least < shape.lookback or bool(np.isnan(rows.table[:, 0]).any())),
    )
    unit = typical_change(rows, shape.season)
    max_steps = schedule.max_steps
    if max_steps is None and schedule.max_seconds is None:
        max_steps = auto_steps(len(windows), schedule.batch_size)
    watching: dict[str, Any] = {}
    if watched is not None:
        every = max(1, max_steps // EVALUATIONS) if max_steps else AUTO_STEPS[1] // EVALUATIONS
        watching = {"evaluate_every": every, "patience": PATIENCE}
    settings = Settings(
        max_steps=max_steps, max_seconds=schedule.max_seconds, learning_rate=schedule.learning_rate, **watching
    )
    with seeded(random_state) as seed, threads_for(schedule.batch_size * shape.products):
        net = shape.build(unit)
        units = series_units(known, rows, shape.season) if schedule.loss == "owa" else None
        objective = Objective(schedule.loss, make_head(shape.head, shape.levels), encoding.log)
        rows = rows_for(net, rows)
        if isinstance(net, RunningNet):
            net.fit_scale(rows)
        if not isinstance(net, RecursiveNet):
            sample = windows.origins(evenly(len(windows), FITTED_ON))
            objective = begin(net, objective, rows, sample, units)
        problem = as_problem(net, rows, windows, objective, units=units, batch_size=schedule.batch_size, seed=seed)
        valid = None
        if watched is not None:
            whole, origins = rows_for(net, make_rows(watched[0], encoding)), watched[1]

            def watch(indices: NDArray[np.int64]) -> Batch:
                batch = _batch(net, whole, origins[indices], shape.lookback, shape.horizon, units)
                if not isinstance(net, RunningNet):
                    return batch
                # As it forecasts: from where its state stands with the weights of this evaluation.
                memory = memories(net, whole, origins[indices])
                return replace(batch, inputs={**batch.inputs, "memory": memory})

            # All at once where each series is run from its first row, so that it is run once.
            size = len(origins) if isinstance(net, RunningNet) else schedule.batch_size
            valid = GatherBatches(len(origins), watch, batch_size=size, shuffle=False)
        history = fit(
            problem,
            valid=valid,
            settings=settings,
            callbacks=callbacks,
            random_state=seed,
            device=schedule.device,
            verbose=schedule.verbose,
            label=label,
        )
    return Trained(net, shape, encoding, unit, history, seed)


def evenly(count: int, most: int) -> NDArray[np.int64]:
    """Return the numbers from 0 to count - 1, or `most` of them, evenly."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64))


def auto_steps(windows: int, batch_size: int) -> int:
    """Return the optimiser steps of a training without max_steps or max_seconds: twenty passes, within AUTO_STEPS."""
    return int(np.clip(20 * -(-windows // batch_size), *AUTO_STEPS))


@torch.no_grad()
def begin(
    net: DirectNet | RunningNet, objective: Objective, rows: Rows, origins: NDArray[np.int64], units: Tensor | None
) -> Objective:
    """Fit the anchor's first weights, and the references of an "owa" loss, on some training windows."""
    inputs, target = rows.inputs(origins, net.anchor.lookback, net.anchor.horizon)
    z = net.anchored(inputs["window"])
    net.anchor.fit(z, target, net.scale(inputs["window"]))
    if units is None:
        return objective
    mean, std, naive = units[origins[:, 0]][..., None].unbind(dim=1)
    seasonal = net.anchor.members(z)[..., 2 if net.anchor.season > 1 else 0] * std + mean
    truth = target * std + mean
    if objective.log:
        seasonal, truth = seasonal.exp(), truth.exp()
    mase = ((truth - seasonal).abs() / naive).nanmean().item()
    return replace(objective, references=(smape(truth.numpy(), seasonal.numpy()), mase))


def series_units(known: Panel, rows: Rows, season: int) -> Tensor:
    """Return mean and standard deviation of each series' scaler and its unit of MASE, (n, 3)."""
    naive = naive_units(known, season)
    table = [[scaler.mean, scaler.std, unit] for scaler, unit in zip(rows.scalers, naive, strict=True)]
    # A series that repeats itself exactly has no unit of its own: it is measured by its spread.
    return torch.tensor([[m, s, s if np.isnan(unit) else unit] for m, s, unit in table], dtype=torch.float32)


def rows_for(net: Net, rows: Rows) -> Rows:
    """Return rows with what a network reads of them beside the values themselves."""
    return running_rows(rows, net.anchor.season, net.anchor.lookback) if isinstance(net, RunningNet) else rows


def as_problem(
    net: Net,
    rows: Rows,
    windows: WindowSet,
    objective: Objective,
    *,
    units: Tensor | None,
    batch_size: int,
    seed: int = 0,
    shuffle: bool = True,
    labels: Sequence[str] = ("y",),
) -> Problem:
    """Return what the network learns from these windows, for training or for a look inside.

    Args:
        net: the network.
        rows: all rows, as `rows_for` makes them.
        windows: which of them make a sample.
        objective: the loss.
        units: (n, 3) of each series, for "owa".
        batch_size, seed, shuffle: of the batches.
        labels: names of the columns of a window.
    """

    def gather(indices: NDArray[np.int64]) -> Batch:
        return _batch(net, rows, windows.origins(indices), windows.lookback, windows.horizon, units)

    def loss(output: Tensor, batch: Batch) -> Tensor:
        if isinstance(net, RecursiveNet):
            return net.loss(output, batch.inputs["window"], batch.target)
        return objective(output, batch.target, net.scale(batch.inputs["window"]), batch.aside)

    batches = GatherBatches(len(windows), gather, batch_size=batch_size, seed=seed, shuffle=shuffle)
    return Problem(net, batches, loss, {"window": tuple(labels)}, gaps=not isinstance(net, RecursiveNet))


def _batch(
    net: Net, rows: Rows, origins: NDArray[np.int64], lookback: int, horizon: int, units: Tensor | None
) -> Batch:
    inputs, target = rows.inputs(origins, lookback, horizon)
    if isinstance(net, RecursiveNet):
        inputs["following"] = target
    return Batch(inputs, target, {} if units is None else {"units": units[origins[:, 0]]})


def typical_change(rows: Rows, season: int) -> float:
    """Return the root mean square of z_t - z_{t-season} over all series; 1 if nothing ever changes but by rounding."""
    z = rows.table[:, 0].astype(np.float64)
    change = z[season:] - z[:-season]
    place = np.arange(len(z)) - np.repeat(rows.starts, rows.lengths + rows.ahead)
    change = change[(place[season:] >= season) & ~np.isnan(change)]  # not from one series into the next
    unit = float(np.sqrt(np.mean(change**2))) if change.size else 1.0
    return unit if unit > RESOLUTION else 1.0


@torch.no_grad()
def answers(
    net: Net,
    shape: Shape,
    rows: Rows,
    origins: NDArray[np.int64],
    memory: Tensor | None = None,
    batch_size: int = 1024,
) -> tuple[Tensor, Values, Values]:
    """Answer from some origins.

    Args:
        net: a network, trained or in training; it is left in the mode in which it came.
        shape: of the network.
        rows: the rows on its scale.
        origins: (n, 2), number of the series and index of the last known row.
        memory: of a running network, its state after each origin (n, H), where rows come with what it reads of them;
            None runs each series from its first row.
        batch_size: windows at a time.

    Returns:
        The head's answers, (n, K) or (n, K, ·), the windows' scales and their seasonal changes, (n, 1) each, all
        float64 on the scaler's scale.
    """
    device = next(net.parameters()).device
    made, scales, changes = [], [], []
    with in_evaluation(net):
        if isinstance(net, RunningNet) and memory is None:
            rows = rows_for(net, rows)
            memory = memories(net, rows, origins)
        for first in range(0, len(origins), batch_size):
            part = slice(first, first + batch_size)
            inputs, _ = rows.inputs(origins[part], shape.lookback, shape.horizon)
            if memory is not None:
                inputs["memory"] = memory[part]
            inputs = {name: value.to(device) for name, value in inputs.items()}
            made.append(net(**inputs).double().cpu())
            scales.append(net.scale(inputs["window"]).double().cpu().numpy())
            change = seasonal_change(inputs["window"][..., 0], shape.season, net.unit)
            changes.append(change.double().cpu().numpy())
    return torch.cat(made), np.concatenate(scales), np.concatenate(changes)
