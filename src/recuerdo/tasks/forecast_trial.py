"""The trial: a network that has not seen the last rows forecasts them, beside the baselines that it has to beat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recuerdo.data.windows import WindowSet
from recuerdo.tasks.baselines import simple_baselines
from recuerdo.tasks.conformal import Conformal
from recuerdo.tasks.forecast_training import Trained, forecast
from recuerdo.tasks.metrics import naive_scale, scores

Values = NDArray[np.float64]

MOST_WINDOWS = 5000
"""Held-out windows that are looked at, at most, evenly over all series: a score does not get better by more."""


@dataclass(frozen=True)
class Trial:
    """Forecasts of held-out windows, in the series' own units.

    Attributes:
        origins: (n, 2), number of the series and index of the last known row.
        truth: (n, K).
        forecasts: name -> (n, K): the model first, then the baselines.
        naive_scales: (n,), the unit of MASE of each window's series, from its training rows.
        errors: (n, K), of the model, in units of each window's scale.
    """

    origins: NDArray[np.int64]
    truth: Values
    forecasts: dict[str, Values]
    naive_scales: Values
    errors: Values

    def scores(self) -> dict[str, dict[str, float]]:
        """Return name -> score -> value."""
        return {name: scores(self.truth, each, self.naive_scales) for name, each in self.forecasts.items()}

    def conformal(self) -> Conformal:
        """Return the intervals that the model's errors support."""
        return Conformal.fitted(self.errors)


def run_trial(
    series: Sequence[Values],
    names: Sequence[object],
    held_out: int,
    models: dict[str, Trained],
    *,
    season: int,
    lookback: int,
    horizon: int,
    baselines: bool,
) -> Trial:
    """Forecast the windows whose targets lie in the last `held_out` rows of each series.

    Args:
        series: (T_i,) each, whole.
        names: what to call them in messages.
        held_out: rows at the end that `models` have not seen.
        models: name -> what was trained on the rows before; the first is the one that is judged.
        season: of the seasonal naive forecast and of MASE.
        lookback: L.
        horizon: K.
        baselines: whether the simple baselines forecast too.
    """
    plain = WindowSet(series, lookback, horizon, names=names).split(held_out)[1]
    chosen = np.unique(np.linspace(0, len(plain) - 1, min(len(plain), MOST_WINDOWS)).astype(np.int64))
    origins, truth = plain.origins[chosen], plain.gather(chosen)[1]
    first, *_ = models.values()

    forecasts: dict[str, Values] = {}
    errors = np.empty(0)
    for name, trained in models.items():
        scaled = [scaler.forward(values) for scaler, values in zip(trained.scalers, series, strict=True)]
        inputs, targets = WindowSet(scaled, lookback, horizon, names=names).split(held_out)[1].gather(chosen)
        z, scale = forecast(trained.net, inputs)
        forecasts[name] = np.stack(
            [trained.scalers[number].back(row) for number, row in zip(origins[:, 0], z, strict=True)]
        )
        if trained is first:
            errors = (targets - z) / scale
    if baselines:
        for name, baseline in simple_baselines(season).items():
            forecasts[name] = np.stack([baseline(series[number][: end + 1], horizon) for number, end in origins])
    units = np.array([naive_scale(values[:-held_out], season) for values in series])
    return Trial(origins, truth, forecasts, units[origins[:, 0]], errors)
