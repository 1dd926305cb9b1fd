"""Hold out the last rows, forecast them, and compare: the plainest test of a forecaster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from recuerdo.data.tables import Panel, panel
from recuerdo.tasks.forecast_options import checked_options
from recuerdo.tasks.forecaster import Forecaster
from recuerdo.tasks.forecasts import Forecasts
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
        left_out: baseline -> why it is not among the scores.
    """

    model: Forecaster
    forecasts: Forecasts
    truth: Panel
    scores: dict[str, dict[str, float]]
    coverage: float | None
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """Who wins, by how much, what follows, and what it was not compared with: a sentence, or a few."""
        return verdict(self.forecasts.model, self.scores, self.left_out)

    def table(self) -> str:
        """Return the scores as a table in plain text."""
        return score_table(self.scores)


def hold_out(forecaster: Forecaster, table: Any, **columns: Any) -> Comparison:
    """Fit a forecaster without the last K rows of each series, and score its forecast of them once.

    Args:
        forecaster: unfitted; it is fitted here.
        table: as in Forecaster.fit.
        **columns: date, target, id, past, future, static, as there.

    Example:
        >>> import recuerdo as rc
        >>> result = hold_out(rc.Forecaster(12, max_steps=5, random_state=0), rc.data.air_passengers())
        >>> sorted(result.scores)
        ['GRU', 'MLP (same size)', 'drift', 'naive', 'seasonal naive']
    """
    checked_options(forecaster)
    horizon = forecaster.horizon
    whole = panel(table, **columns)
    known, truth = whole.split(horizon)
    forecaster.fit(known)
    judged = forecaster.backtest(whole, windows=1, refit="never")
    quantiles = {level: tuple(rows) for level, rows in judged.quantiles.items()}
    forecasts = Forecasts(known, judged.model, tuple(judged.forecasts[judged.model]), quantiles)
    coverage = judged.coverage() if len(judged.quantiles) > 1 else None
    return Comparison(forecaster, forecasts, truth, judged.scores(), coverage, judged.left_out)
