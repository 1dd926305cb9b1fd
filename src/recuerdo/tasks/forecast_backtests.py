"""How a forecaster would have done from several origins in the past, with nothing known of what followed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from recuerdo.data.frequency import say
from recuerdo.data.tables import Panel, panel
from recuerdo.errors import DataError, OptionError
from recuerdo.tasks.backtests import Backtest
from recuerdo.tasks.baselines import MLP
from recuerdo.tasks.forecast_options import require_count, require_offered
from recuerdo.tasks.forecast_reading import read_again, read_alike
from recuerdo.tasks.forecast_trial import judge

if TYPE_CHECKING:
    from recuerdo.tasks.forecaster import Forecaster

REFIT = (False, True, "never")


def backtest(
    forecaster: Forecaster,
    table: Any,
    *,
    windows: int,
    stride: int | None,
    refit: bool | str,
    columns: Mapping[str, Any],
) -> Backtest:
    """Forecast from several origins; see :meth:`Forecaster.backtest`."""
    require_count("windows", windows)
    if stride is not None:
        require_count("stride", stride)
    require_offered("refit", refit, REFIT)
    if refit == "never":
        forecaster._require_fitted()
    fitted = getattr(forecaster, "_panel", None)
    if refit == "never" and not columns:
        known = read_again(forecaster._panel, table)
    elif columns or fitted is None:
        known = panel(table, **columns)
    else:
        known = read_alike(fitted, table)
    horizon = forecaster.horizon
    stride = horizon if stride is None else stride
    rows = horizon + stride * (windows - 1)
    require_rows(known, rows)
    # Origin by origin, the earliest first; of each all series.
    steps = [rows - stride * number for number in range(windows)]
    if refit is True:
        return _joined(
            [_judged(_fitted(forecaster, known, last), known, [last], last) for last in steps],
            f"fitted anew before each of {windows} origins",
        )
    if refit is False:
        model = _fitted(forecaster, known, rows)
        said = f"fitted once, without the last {rows} rows"
    else:
        model, said = forecaster, "the forecaster as it was fitted"
        _require_unseen(forecaster, known, rows)
    made = _judged(model, known, steps, rows)
    return replace(made, notes=(said, *made.notes))


def _fitted(forecaster: Forecaster, known: Panel, last: int) -> Forecaster:
    """A clone that has learned from all but the last rows."""
    # Where the steps are known and nothing is to be calibrated, a trial would leave the networks as they are.
    idle = forecaster.max_steps is not None and forecaster.max_seconds is None and not forecaster._levels
    hold_trial = False if idle else None
    made = cast("Forecaster", clone(forecaster))._fit_panel(known.split(last)[0], hold_trial=hold_trial)
    if made._cut:
        raise KeyboardInterrupt  # a model that was cut short is not the one that is asked about
    return made


def _judged(model: Forecaster, known: Panel, steps: list[int], last: int) -> Backtest:
    """Forecasts from the origins that lie so many rows before the end, none of which the model has learned from."""
    ends = np.array([len(one.values) - 1 for one in known.series])
    origins: NDArray[np.int64] = np.concatenate(
        [np.stack([np.arange(len(ends)), ends - step], axis=1) for step in steps]
    )
    before = known.split(last)[0]
    models, left_out = {model.name: model._ensemble}, dict[str, str]()
    # A trial leaves it out where it took too long; without a trial nothing says so.
    if MLP in model.report_.scores or (model.baselines == "auto" and not model.report_.scores):
        models[MLP] = model.fit_mlp(before)
    elif model.baselines == "auto":
        left_out[MLP] = model.report_.left_out.get(MLP, "as in the fit")
    return judge(
        known,
        before,
        origins,
        models,
        season=model.season_,
        horizon=model.horizon,
        levels=model._ensemble.shape.levels,
        calibration=model._calibration,
        baselines=model.baselines == "auto",
        left_out=left_out,
    )[0]


def _joined(parts: list[Backtest], note: str) -> Backtest:
    first = parts[0]
    names = [name for name in first.forecasts if all(name in each.forecasts for each in parts)]
    return replace(
        first,
        origins=np.concatenate([each.origins for each in parts]),
        truth=np.concatenate([each.truth for each in parts]),
        forecasts={name: np.concatenate([each.forecasts[name] for each in parts]) for name in names},
        quantiles={level: np.concatenate([each.quantiles[level] for each in parts]) for level in first.quantiles},
        # One unit for each series, that of the rows before the first origin.
        naive_scales=np.concatenate([first.naive_scales] * len(parts)),
        members={seed: np.concatenate([each.members[seed] for each in parts]) for seed in first.members}
        if all(each.members.keys() == first.members.keys() for each in parts)
        else {},
        notes=(note, *first.notes),
        left_out={name: _in_some(parts, name) for each in parts for name in each.left_out},
    )


def _in_some(parts: list[Backtest], name: str) -> str:
    """Why a baseline was left out, and in how many of the fits."""
    reasons = [each.left_out[name] for each in parts if name in each.left_out]
    return reasons[0] + (f" in {len(reasons)} of {len(parts)} fits" if len(reasons) < len(parts) else "")


def require_rows(known: Panel, rows: int) -> None:
    """Raise DataError where a series has no row before the first origin, which lies so many rows before its end."""
    for one in known.series:
        if len(one.values) <= rows:
            raise DataError(
                f"Series {one.id!r} has {len(one.values)} rows, and these origins need {rows} behind the first alone: "
                f"ask for fewer windows or a shorter stride, or leave the series out."
            )


def _require_unseen(forecaster: Forecaster, known: Panel, rows: int) -> None:
    """Raise OptionError where a series was fitted beyond the first origin."""
    fitted = {one.id: last for one, last in zip(forecaster._panel.series, forecaster._learned, strict=True)}
    alone = len(fitted) == len(known) == 1
    for one in known.series:
        last = next(iter(fitted.values())) if alone else fitted.get(one.id)
        if last is not None and last > one.times[-rows - 1]:
            raise OptionError(
                f"The forecaster has learned from rows of series {one.id!r} up to {say(last)}, behind the first origin "
                f"{say(one.times[-rows - 1])}: fit it on fewer rows, ask for fewer windows, or take refit=False."
            )
