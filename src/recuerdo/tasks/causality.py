"""The causality self-test: does a forecaster use the latest value, and nothing from the future?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from recuerdo.data.tables import Panel, panel
from recuerdo.errors import LeakError
from recuerdo.tasks.forecast_nets import DirectNet
from recuerdo.tasks.forecast_options import checked_options
from recuerdo.tasks.forecast_training import Net, Trained, forecast
from recuerdo.tasks.forecaster import Forecaster


def check_causality(
    forecaster: Forecaster,
    table: Any,
    *,
    date: str | None = None,
    target: Any = None,
    id: str | None = None,  # noqa: A002
) -> list[str]:
    """Fit clones of a forecaster on changed copies of a table, and see that only the past decides.

    Three promises are tested. Changing the last known value of a series changes its first forecast, and not by the
    anchor alone: the recurrent layers read it. Changing every row that the trial holds out changes nothing that the
    trial learned: season, lookback, scale, scalers, windows, and each weight, bit for bit, stay as they were. Changing
    what follows an origin does not change the forecast from it.

    Args:
        forecaster: fitted or not; it is left as it is.
        table, date, target, id: as in Forecaster.fit.

    Returns:
        What was found to hold, in sentences.

    Raises:
        LeakError: a promise is broken; the message says which.
    """
    checked_options(forecaster)
    known = panel(table, date=date, target=target, id=id)
    seed = forecaster.random_state or 0
    settings = forecaster.get_params() | {"random_state": seed, "baselines": None, "verbose": False}
    first = type(forecaster)(**settings)._fit_panel(known)
    held_out, horizon = first._plan.held_out, first.horizon

    # A changed future: what is held out is multiplied and turned over, so that level, spread and order all differ.
    # As many steps as the first took, because a clock would end the second at another one.
    settings |= {"max_steps": first.report_.steps, "max_seconds": None}
    second = type(forecaster)(**settings)._fit_panel(_changed(known, held_out, lambda rows: 3 * rows[::-1] + 1))
    if replace(first._plan, words="") != replace(second._plan, words=""):
        raise LeakError(f"The plan changed with the held-out rows: {first._plan.words} became {second._plan.words}.")
    if first._trial_model.scalers != second._trial_model.scalers:
        raise LeakError("A scaler of the trial has seen held-out rows: it changed with them.")
    if not _same_weights(first._trial_model, second._trial_model):
        raise LeakError("The trial's network has seen held-out rows: its weights changed with them.")
    last_known = np.array([len(one.values) - held_out - 1 for one in known.series])
    earliest = first.trial_.origins[:, 1] == last_known[first.trial_.origins[:, 0]]
    mine, theirs = (each.trial_.forecasts[each.name][earliest] for each in (first, second))
    if not np.array_equal(mine, theirs):
        raise LeakError("A forecast from before the held-out rows changed with them: it has seen its own future.")

    # The latest value: a change of one typical step must reach the first forecast of every series.
    trained, lookback = first._model, first._plan.lookback
    windows = np.stack([s.forward(o.values[-lookback:]) for s, o in zip(trained.scalers, known.series, strict=True)])
    moved = windows.copy()
    moved[:, -1] += trained.unit
    before, after = (forecast(trained.net, each[:, :, None])[0][:, 0] for each in (windows, moved))
    if np.any(before == after) or not _latest_gradient(trained.net, lookback).any():
        raise LeakError(
            "The first forecast does not depend on the latest value: the network reads its output too early."
        )
    return [
        f"changing the last {held_out} rows changed no choice, scaler or weight of what was trained before them",
        f"the {horizon} values forecast from before these rows stayed the same, bit for bit",
        "changing the latest value changed the first forecast of every series",
    ]


def _latest_gradient(net: Net, lookback: int) -> Tensor:
    """The gradient of first forecasts in the latest row that the recurrent layers are given.

    A forecast's anchor and scale know the latest value too, and would hide that the layers' answer is read too early.
    The windows are noise, many of them, because rectified units are silent in some.
    """
    core = net.core if isinstance(net, DirectNet) else net.encoder
    noise = torch.from_numpy(np.random.default_rng(0).normal(size=(64, lookback, 1)))
    seen: list[Tensor] = []
    with core.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].requires_grad_())):
        first = net(noise.to(next(net.parameters())))[:, 0]
    return torch.autograd.grad(first.sum(), seen[0])[0][:, -1]


def _changed(known: Panel, last: int, change: Any) -> Panel:
    changed = [np.concatenate([one.values[:-last], change(one.values[-last:])]) for one in known.series]
    return replace(known, series=tuple(replace(one, values=v) for one, v in zip(known.series, changed, strict=True)))


def _same_weights(one: Trained, other: Trained) -> bool:
    mine, theirs = one.net.state_dict(), other.net.state_dict()
    return mine.keys() == theirs.keys() and all(torch.equal(mine[name], theirs[name]) for name in mine)
