"""Forecasts from origins that a network has not learned from, beside the baselines that it has to beat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from recuerdo.data.tables import Panel
from recuerdo.tasks.backtests import Backtest
from recuerdo.tasks.baselines import simple_forecasts
from recuerdo.tasks.conformal import Answer, independent_errors
from recuerdo.tasks.forecast_ensembles import Calibration, Ensemble, own_units
from recuerdo.tasks.forecast_inputs import Rows, make_rows, naive_units

Values = NDArray[np.float64]


def judge(
    known: Panel,
    before: Panel,
    origins: NDArray[np.int64],
    models: Mapping[str, Ensemble],
    *,
    season: int,
    horizon: int,
    levels: Sequence[float],
    calibration: Calibration | None,
    baselines: bool,
    calibrate_on: NDArray[np.int64] | None = None,
    beside: Mapping[str, Values] = MappingProxyType({}),
    left_out: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Backtest, Calibration]:
    """Forecast from some origins and stand the forecasts beside what came true.

    Args:
        known: the series, whole.
        before: their rows up to the first origin: the unit of MASE comes from these.
        origins: (n, 2), number of the series and index of the last known row.
        models: name -> networks; the first is the one that is judged.
        season: of the seasonal naive forecast and of MASE.
        horizon: K.
        levels: the quantiles that are asked for.
        calibration: of the quantiles; None takes the one that windows ask for here.
        baselines: whether the simple baselines forecast too.
        calibrate_on: the origins of these windows, (m, 2), all held out from training; None takes those above.
        beside: name -> (n, K), further forecasts from these origins in the series' own units.
        left_out: baseline -> why it is not among them.

    Returns:
        The forecasts, and the calibration that made their quantiles.
    """
    (first, judged), *others = models.items()
    numbers = origins[:, 0]
    rows = make_rows(known, judged.encoding)
    answer, points = judged.answer(rows, origins)
    fitted_here = calibration is None
    if calibration is None:
        ends = origins if calibrate_on is None else calibrate_on
        z = z_followed(rows, ends, horizon)
        said = answer if calibrate_on is None else judged.answer(rows, ends)[0]
        calibration = judged.calibrated(said, z, levels, independent_errors(ends, z))
    quantiles = bounds(calibration, answer, levels, rows, origins)
    members = {
        each.seed: own_units(point, rows.scalers, numbers) for each, point in zip(judged.members, points, strict=True)
    }
    forecasts = {first: own_units(answer.point, rows.scalers, numbers)}
    for name, ensemble in others:
        # Fitted on the same rows, as the MLP is, they are encoded alike.
        theirs = rows if ensemble.encoding == judged.encoding else make_rows(known, ensemble.encoding)
        forecasts[name] = own_units(ensemble.answer(theirs, origins)[0].point, theirs.scalers, numbers)
    notes = ()
    if baselines:
        notes = _short(origins, season)
        forecasts |= simple_forecasts([one.values for one in known.series], origins, horizon, season)
    forecasts |= beside
    truth, units = followed(known, origins, horizon), naive_units(before, season)[numbers]
    members = members if len(members) > 1 else {}
    made = Backtest(known, first, origins, truth, forecasts, quantiles, units, members, notes, fitted_here, left_out)
    return made, calibration


def _short(origins: NDArray[np.int64], season: int) -> tuple[str, ...]:
    """Say how many series have not shown all places of a season before their first origin."""
    count = len(np.unique(origins[origins[:, 1] + 1 < season, 0]))
    if not count:
        return ()
    return (
        f"{count} series ha{'s' if count == 1 else 've'} fewer rows than a season of {season} before an origin: the "
        f"seasonal naive forecast of a place in the season that was never observed is the last value",
    )


def bounds(
    calibration: Calibration, answer: Answer, levels: Sequence[float], rows: Rows, origins: NDArray[np.int64]
) -> dict[float, Values]:
    """Return level -> calibrated quantile (n, K) in the series' own units; they do not cross, 0.5 is the forecast."""
    ordered = sorted(levels)
    if not ordered:
        return {}
    z = np.stack([calibration.quantile(level, answer) for level in ordered])
    if 0.5 in ordered:
        middle = ordered.index(0.5)
        z[:middle] = np.minimum(z[:middle], z[middle])
        z[middle:] = np.maximum(z[middle:], z[middle])
    z = np.sort(z, axis=0)
    return {level: own_units(each, rows.scalers, origins[:, 0]) for level, each in zip(ordered, z, strict=True)}


def followed(known: Panel, origins: NDArray[np.int64], horizon: int) -> Values:
    """Return the rows that followed some origins, (n, K), in the series' own units."""
    return np.stack([known.series[number].values[end + 1 : end + 1 + horizon] for number, end in origins])


def z_followed(rows: Rows, origins: NDArray[np.int64], horizon: int) -> Values:
    """Return the same on the network's scale."""
    first = rows.starts[origins[:, 0]] + origins[:, 1] + 1
    return rows.table[first[:, None] + np.arange(horizon), 0].astype(np.float64)
