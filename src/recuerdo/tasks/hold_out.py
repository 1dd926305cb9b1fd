"""Hold out the last rows, forecast them, and compare: the plainest test of a forecaster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from recuerdo.data.tables import Panel, panel
from recuerdo.tasks.baselines import MLP, simple_baselines
from recuerdo.tasks.forecast_options import checked_options
from recuerdo.tasks.forecaster import Forecaster
from recuerdo.tasks.forecasts import Forecasts
from recuerdo.tasks.metrics import naive_scale, scores
from recuerdo.tasks.report import score_table, verdict


@dataclass(frozen=True)
class Comparison:
    """A forecast of rows that were held out, beside the truth and the baselines.

    Attributes:
        model: the forecaster, fitted on the rows before.
        forecasts: what it said of them.
        truth: the rows.
        scores: name -> score -> value, the model first.
        coverage: share of true values within the outermost pair of quantiles, 0 to 1; None without quantiles.
    """

    model: Forecaster
    forecasts: Forecasts
    truth: Panel
    scores: dict[str, dict[str, float]]
    coverage: float | None

    @property
    def verdict(self) -> str:
        """One sentence: who wins, by how much, and what follows."""
        return verdict(self.forecasts.model, self.scores)

    def table(self) -> str:
        """Return the scores as a table in plain text."""
        return score_table(self.scores)


def hold_out(forecaster: Forecaster, table: Any, **columns: Any) -> Comparison:
    """Fit a forecaster without the last K rows of each series, and score its forecast of them once.

    Args:
        forecaster: unfitted; it is fitted here.
        table: as in Forecaster.fit.
        **columns: date, target, id, as there.

    Example:
        >>> import recuerdo as rc
        >>> result = hold_out(rc.Forecaster(12, max_steps=5, random_state=0), rc.data.air_passengers())
        >>> sorted(result.scores)
        ['GRU', 'MLP (same size)', 'drift', 'naive', 'seasonal naive']
    """
    checked_options(forecaster)
    horizon = forecaster.horizon
    known, truth = panel(table, **columns).split(horizon)
    forecaster.fit(known)
    forecasts = forecaster.forecast(known)
    series = [one.values for one in known.series]
    candidates = {forecaster.name: np.stack(forecasts.point)}
    if forecaster.baselines == "auto":
        candidates[MLP] = np.stack(forecaster.fit_mlp(known).point)
        for name, baseline in simple_baselines(forecaster.season_).items():
            candidates[name] = np.stack([baseline(values, horizon) for values in series])
    true = np.stack([one.values for one in truth.series])
    units = np.array([naive_scale(values, forecaster.season_) for values in series])
    coverage = None
    if len(forecasts.quantiles) > 1:
        low, high = (np.stack(forecasts.quantiles[q]) for q in (min(forecasts.quantiles), max(forecasts.quantiles)))
        coverage = float(np.mean((low <= true) & (true <= high)))
    result = {name: scores(true, each, units) for name, each in candidates.items()}
    return Comparison(forecaster, forecasts, truth, result, coverage)
