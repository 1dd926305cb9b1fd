"""The causality self-test: does a forecaster use the latest value, and nothing from the future?"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recuerdo.data.tables import Panel, panel
from recuerdo.errors import LeakError
from recuerdo.tasks.forecast_ensembles import Ensemble
from recuerdo.tasks.forecast_inputs import Rows, make_rows
from recuerdo.tasks.forecast_nets import RecursiveNet
from recuerdo.tasks.forecast_options import checked_options
from recuerdo.tasks.forecast_running import RunningNet, with_changes
from recuerdo.tasks.forecast_shapes import Net
from recuerdo.tasks.forecaster import Forecaster


def check_causality(
    forecaster: Forecaster,
    table: Any,
    *,
    date: str | None = None,
    target: Any = None,
    id: str | None = None,  # noqa: A002
    **covariates: Any,
) -> list[str]:
    """Fit clones of a forecaster on changed copies of a table, and see that only the past decides.

    Three promises are tested. Changing the last known value of a series changes its first forecast, and not by the
    anchor alone: the recurrent layers read it. Changing every row that the trial is judged by changes nothing that the
    trial learned: season, lookback, scale, scalers, windows, and each weight, bit for bit, stay as they were. Changing
    what follows an origin does not change the forecast from it.

    Args:
        forecaster: fitted or not; it is left as it is.
        table, date, target, id: as in Forecaster.fit.
        **covariates: past, future, static, as there.

    Returns:
        What was found to hold, in sentences.

    Raises:
        LeakError: a promise is broken; the message says which.
    """
    checked_options(forecaster)
    known = panel(table, date=date, target=target, id=id, **covariates)
    seed = forecaster.random_state or 0
    settings = forecaster.get_params() | {"random_state": seed, "baselines": None, "verbose": False}
    settings["max_seconds"] = None  # a clock would end two trainings at two steps
    if not forecaster.trial:
        settings["quantiles"] = ()
    settings["trial"] = True  # whose held-out rows are those that are changed
    first = type(forecaster)(**settings)._fit_panel(known)
    held_out, horizon = first._plan.judged, first.horizon

    # A changed future: what is judged is multiplied and turned over, so that level, spread and order all differ.
    second = type(forecaster)(**settings)._fit_panel(_changed(known, held_out, lambda rows: 3 * rows[::-1] + 1))
    if replace(first._plan, words="") != replace(second._plan, words=""):
        raise LeakError(f"The plan changed with the held-out rows: {first._plan.words} became {second._plan.words}.")
    if first._tried.encoding != second._tried.encoding:
        raise LeakError("A scaler of the trial has seen held-out rows: it changed with them.")
    if not _same_weights(first._tried, second._tried):
        raise LeakError("The trial's network has seen held-out rows: its weights changed with them.")
    last_known = np.array([len(one.values) - held_out - 1 for one in known.series])
    earliest = first.trial_.origins[:, 1] == last_known[first.trial_.origins[:, 0]]
    mine, theirs = (each.trial_.forecasts[each.name][earliest] for each in (first, second))
    if not np.array_equal(mine, theirs):
        raise LeakError("A forecast from before the held-out rows changed with them: it has seen its own future.")

    # The latest value: a change of one typical step must reach the first forecast of every series.
    ensemble, past = first._ensemble, len(first._ensemble.encoding.past)
    ahead = [np.repeat(one.covariates[-1:, past:], horizon, axis=0) for one in known.series]  # the same for both
    rows = make_rows(known, ensemble.encoding, ahead, horizon if ensemble.shape.future else 0)
    moved = replace(rows, table=rows.table.copy())
    last_rows = rows.starts + rows.lengths - 1
    moved.table[last_rows, 0] = np.nan_to_num(moved.table[last_rows, 0]) + ensemble.members[0].unit
    origins = np.stack([np.arange(len(known)), rows.lengths - 1], axis=1)
    (before, states), (after, others) = (_first_and_states(ensemble, each, origins) for each in (rows, moved))
    if np.any(before == after):
        raise LeakError(_TOO_EARLY)
    if not all(_latest_gradient(each.net, ensemble).any() for each in ensemble.members):
        raise LeakError(_TOO_EARLY)
    whole = torch.from_numpy(origins[:, 1] + 1 >= ensemble.shape.segment)  # a shorter series has no state yet
    if not all((one != other).any(dim=1)[whole].all() for one, other in zip(states, others, strict=True)):
        raise LeakError(_TOO_EARLY)
    return [
        f"changing the last {held_out} rows changed no choice, scaler or weight of what was trained before them",
        f"the {horizon} values forecast from before these rows stayed the same, bit for bit",
        "changing the latest value changed the first forecast of every series",
    ]


_TOO_EARLY = "The first forecast does not depend on the latest value: the network reads its output too early."


def _latest_gradient(net: Net, ensemble: Ensemble) -> Tensor:
    """The gradient of first forecasts in the latest row that the recurrent layers are given.

    A forecast's anchor and scale know the latest value too, and would hide that the layers' answer is read too early.
    The windows are noise, many of them, because rectified units are silent in some.
    """
    shape, draw = ensemble.shape, np.random.default_rng(0)
    core = net.encoder if isinstance(net, RecursiveNet) else net.core
    shapes = {"window": (shape.lookback, 1 + shape.covariates), "future": (shape.horizon, shape.future)}
    noise = {name: draw.normal(size=(64, *size)) for name, size in shapes.items() if 0 not in size}
    if shape.static:
        noise["static"] = draw.normal(size=(64, shape.static))
    if isinstance(net, RunningNet):
        read = [with_changes(each.astype(np.float32), shape.season, shape.lookback) for each in noise["window"]]
        noise["window"] = np.stack(read).astype(np.float64)
    inputs = {name: torch.from_numpy(each).to(next(net.parameters())) for name, each in noise.items()}
    seen: list[Tensor] = []
    with core.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].requires_grad_())):
        first = net(**inputs)[:, 0]
    return torch.autograd.grad(first.sum(), seen[0])[0][:, -1]


def _first_and_states(
    ensemble: Ensemble, rows: Rows, origins: NDArray[np.int64]
) -> tuple[NDArray[np.float64], list[Tensor]]:
    """The first forecasts (n,), and the states (n, H) that they are made from by each network that keeps one."""
    nets = [each.net for each in ensemble.members if isinstance(each.net, RunningNet)]
    read: list[list[Tensor]] = [[] for _ in nets]

    def keeper(states: list[Tensor]) -> Callable[[Any, Any], None]:
        return lambda _, inputs: states.append(inputs[0].cpu())

    with ExitStack() as hooks:
        for net, states in zip(nets, read, strict=True):
            hooks.enter_context(net.core.head.register_forward_pre_hook(keeper(states)))
        answer, _ = ensemble.answer(rows, origins)
    return answer.point[:, 0], [torch.cat(each) for each in read]


def _changed(known: Panel, last: int, change: Any) -> Panel:
    """The panel with other values, and other covariates that are not known ahead, in its last rows."""
    past = [column for column, each in enumerate(known.covariates) if each.role == "past" and each.categories is None]
    series = []
    for one in known.series:
        values, covariates = one.values.copy(), one.covariates.copy()
        values[-last:] = change(values[-last:])
        covariates[-last:, past] = change(covariates[-last:, past])
        series.append(replace(one, values=values, covariates=covariates))
    return replace(known, series=tuple(series))


def _same_weights(one: Ensemble, other: Ensemble) -> bool:
    for first, second in zip(one.members, other.members, strict=True):
        mine, theirs = first.net.state_dict(), second.net.state_dict()
        if mine.keys() != theirs.keys() or not all(torch.equal(mine[name], theirs[name]) for name in mine):
            return False
    return True
