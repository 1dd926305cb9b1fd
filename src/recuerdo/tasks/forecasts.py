"""The result of a forecast: numbers by series, as a table in the user's kind, and as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recuerdo.data.frequency import Times
from recuerdo.data.tables import Panel, to_frame
from recuerdo.tasks.conformal import Conformal
from recuerdo.tasks.forecast_training import Net, forecast
from recuerdo.tasks.scaling import Scaler

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

    def frame(self) -> Any:
        """Return the forecasts as a table of the kind that came in, with its own column names."""
        bounds = {f"{self.name}-{100 * quantile:g}": rows for quantile, rows in sorted(self.quantiles.items())}
        return to_frame(self.known, self.times, {self.name: self.point, **bounds})

    def plot(self, *, which: int = 0, truth: Panel | None = None, ax: Axes | None = None, history: int = 72) -> Axes:
        """Draw one series with its forecast and interval; see :func:`recuerdo.show.plot_forecast`."""
        from recuerdo.show import plot_forecast

        return plot_forecast(self, which=which, truth=truth, ax=ax, history=history)


def make_forecasts(
    known: Panel,
    model: str,
    net: Net,
    scalers: Sequence[Scaler],
    lookback: int,
    conformal: Conformal,
    quantiles: Sequence[float],
) -> Forecasts:
    """Forecast from the end of each series, and go back to its own units.

    Args:
        known: the series, of `lookback` rows or more.
        model: what to call the forecasts' maker.
        net: the trained network.
        scalers: one for each series.
        lookback: L.
        conformal: what the interval at a quantile is.
        quantiles: which are asked for, each in (0, 1).
    """
    tails = [one.values[-lookback:] for one in known.series]
    scaled = np.stack([scaler.forward(values) for scaler, values in zip(scalers, tails, strict=True)])
    z, scale = forecast(net, scaled[:, :, None])

    def own_units(rows: Values) -> tuple[Values, ...]:
        return tuple(scaler.back(row) for scaler, row in zip(scalers, rows, strict=True))

    bounds = {}
    for quantile in quantiles:
        reach = np.sign(quantile - 0.5) * scale * conformal.margin(abs(2 * quantile - 1))
        bounds[quantile] = own_units(z + reach)
    return Forecasts(known, model, own_units(z), bounds)
