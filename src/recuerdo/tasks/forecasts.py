"""The result of a forecast: numbers by series, as a table in the user's kind, and as a picture."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recuerdo.data.frequency import Times
from recuerdo.data.tables import Panel, to_frame
from recuerdo.tasks.forecast_ensembles import Calibration, Ensemble, own_units
from recuerdo.tasks.forecast_inputs import make_rows
from recuerdo.tasks.forecast_streams import Stream
from recuerdo.tasks.forecast_trial import bounds
from recuerdo.tasks.interval_metrics import intervals

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Forecasts:
    """The next K values of each series of a panel, in the series' own units.

    Attributes:
        known: the series and how their table was written; what the forecasts continue.
        model: the name of what made them.
        point: (K,) for each series.
        quantiles: quantile, such as 0.1 -> (K,) for each series.
    """

    known: Panel
    model: str
    point: tuple[Values, ...]
    quantiles: Mapping[float, tuple[Values, ...]]

    @property
    def name(self) -> str:
        """The target's own name; "y" where several columns were series."""
        return self.known.target if isinstance(self.known.target, str) else "y"

    @property
    def times(self) -> list[Times]:
        """The time stamps (K,) of each series' forecast."""
        return self.known.future(len(self.point[0]))

    @property
    def intervals(self) -> tuple[tuple[float, float], ...]:
        """The pairs of quantiles that bound an interval about the middle, the widest first."""
        return intervals(self.quantiles)

    def frame(self) -> Any:
        """Return the forecasts as a table of the kind that came in, with its own column names."""
        bounds = {f"{self.name}-{100 * quantile:g}": rows for quantile, rows in sorted(self.quantiles.items())}
        return to_frame(self.known, self.times, {self.name: self.point, **bounds})

    def plot(
        self, *, which: int = 0, truth: Panel | None = None, ax: Axes | None = None, history: int | None = None
    ) -> Axes:
        """Draw one series with its forecast and intervals; see :func:`recuerdo.show.plot_forecast`."""
        from recuerdo.show import plot_forecast

        return plot_forecast(self, which=which, truth=truth, ax=ax, history=history)


def make_forecasts(
    known: Panel,
    model: str,
    ensemble: Ensemble,
    calibration: Calibration,
    levels: Sequence[float],
    ahead: Sequence[Values] | None = None,
    stream: Stream | None = None,
) -> Forecasts:
    """Forecast from the end of each series, and go back to its own units.

    Args:
        known: the series up to now.
        model: what to call the forecasts' maker.
        ensemble: the trained networks.
        calibration: what the quantiles are.
        levels: which quantiles are asked for, each in (0, 1).
        ahead: (K, F) of each series, where the networks know covariates ahead.
        stream: where the networks stand behind these series, if they have read them.
    """
    shape = ensemble.shape
    _say_missing(known, ensemble)
    rows = make_rows(known, ensemble.encoding, ahead, shape.horizon if shape.future else 0)
    origins = np.stack([np.arange(len(known)), rows.lengths - 1], axis=1)
    if stream is None:
        answer, _ = ensemble.answer(rows, origins)
    else:
        answer, _ = ensemble.answer(stream.rows(rows), origins, stream.memories())
    made = bounds(calibration, answer, levels, rows, origins)
    point = own_units(answer.point, rows.scalers, origins[:, 0])
    return Forecasts(known, model, tuple(point), {level: tuple(each) for level, each in made.items()})


def _say_missing(known: Panel, ensemble: Ensemble) -> None:
    """Warn where a network that has met complete series alone is given one with missing values."""
    if ensemble.gaps:
        return
    lookback = ensemble.shape.lookback
    counts = {
        one.id: lookback - int((~np.isnan(one.values[-lookback:])).sum())
        for one in known.series
        if np.isnan(one.values[-lookback:]).any() or len(one.values) < lookback
    }
    if counts:
        name, count = next(iter(counts.items()))
        more = f", and of {len(counts) - 1} other series" if len(counts) > 1 else ""
        warnings.warn(
            f"{count} of the last {lookback} values of series {name!r} are missing{more}. The model has met no missing "
            f"values in fit: here each is taken from the same place in a season beside it. Fit on a table with "
            f"missing values to have the network learn what they mean.",
            UserWarning,
            stacklevel=4,
        )
