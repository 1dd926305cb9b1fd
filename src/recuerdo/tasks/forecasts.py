"""The result of a forecast: numbers by series, as a table in the user's kind, and as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recuerdo.data.frequency import Times
from recuerdo.data.tables import Panel, to_frame
from recuerdo.errors import DataError, OptionError, warn
from recuerdo.learn import seeded
from recuerdo.tasks.forecast_ensembles import Calibration, Ensemble, own_units
from recuerdo.tasks.forecast_inputs import make_rows
from recuerdo.tasks.forecast_options import require_count
from recuerdo.tasks.forecast_samples import Mixture
from recuerdo.tasks.forecast_shapes import Shape
from recuerdo.tasks.forecast_streams import Stream
from recuerdo.tasks.forecast_trial import bounds
from recuerdo.tasks.interval_metrics import intervals

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Values = NDArray[np.float64]

SHOWN = 6
"""Rows of a table that is printed."""

SAMPLE = "sample"
"""The column that numbers samples."""


@dataclass(frozen=True, eq=False)
class Forecasts:
    """The next K values of each series of a panel, in the series' own units.

    Attributes:
        known: the series and how their table was written; what the forecasts continue.
        model: the name of what made them.
        point: (K,) for each series.
        quantiles: quantile, such as 0.1 -> (K,) for each series.
        mixture: the distributions that the networks answered, for samples; None where their head is none.
    """

    known: Panel
    model: str
    point: tuple[Values, ...]
    quantiles: Mapping[float, tuple[Values, ...]]
    mixture: Mixture | None = None

    def __repr__(self) -> str:
        """The first rows of the table, under a line that says what it is."""
        import narwhals as nw

        frame = nw.from_native(self.frame(), eager_only=True)
        rows = [[f"{cell:.6g}" if isinstance(cell, float) else str(cell) for cell in row] for row in
                frame.head(SHOWN).iter_rows()]  # fmt: skip
        table = [frame.columns, *rows]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = ["  ".join(f"{cell:>{wide}}" for cell, wide in zip(row, widths, strict=True)) for row in table]
        many = f"{len(self.known):,} series"
        said = f"Forecasts by {self.model}: {many}, the next {len(self.point[0])}, {self.known.freq.words}"
        rest = [f"... {len(frame) - SHOWN:,} more rows in .frame()"] if len(frame) > SHOWN else []
        return "\n".join([said, *lines, *rest])

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

    def samples(self, count: int, *, random_state: int | None = None) -> Any:
        """Draw values from the distributions that the networks answered, each step and series on its own.

        A network answers a distribution for each step, and does not say how steps hang together: the values of one
        sample are independent of each other, no path. A share of samples says how likely a value is at one step;
        nothing follows for the sum or the highest of several steps.

        Samples follow the distributions as the head has them. The quantiles of the forecast are theirs too without a
        trial and with one network. A trial has moved them to fit the held-out rows; and several networks answer the
        mean of their quantiles, where samples are of the mixture: each takes one of the networks by chance. The
        forecast itself is the centre, median and mean alike; where logarithms were taken it is the median.

        Args:
            count: samples of each step.
            random_state: a seed; None draws one.

        Returns:
            A long table of the kind that came in: the id if there is one, the time stamps, "sample" (0 to count - 1),
            and the values under the target's own name, in its own units.

        Raises:
            OptionError: the model has another head than "gaussian" or "student_t", or a number is out of range.
            DataError: the table has a column called "sample".

        Example:
            >>> import recuerdo as rc
            >>> model = rc.Forecaster(12, head="gaussian", trial=False, max_steps=5, random_state=0)
            >>> drawn = model.fit(rc.data.air_passengers()).forecast().samples(100, random_state=0)
            >>> drawn.columns, drawn.height
            (['month', 'sample', 'passengers'], 1200)
        """
        require_count("count", count)
        if self.mixture is None:
            raise OptionError(
                "These forecasts hold no distribution to draw samples from: take those of a Forecaster with "
                "head='gaussian' or head='student_t', as forecast() gives them."
            )
        if self.name == SAMPLE:
            raise DataError(
                f"The target is called {SAMPLE!r}, as the column that numbers the samples is: rename yours."
            )
        with seeded(random_state):
            drawn = self.mixture.sample(count)
        times = [np.tile(each, count) for each in self.times]
        numbers = [np.repeat(np.arange(count), len(each)) for each in self.point]
        values = [drawn[:, which].reshape(-1) for which in range(len(self.point))]
        return to_frame(self.known, times, {SAMPLE: numbers, self.name: values})

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
    mixture = Mixture(answer.distributions, tuple(rows.scalers)) if answer.distributions else None
    return Forecasts(known, model, tuple(point), {level: tuple(each) for level, each in made.items()}, mixture)


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
        warn(
            f"{count} of the last {lookback} values of series {name!r} are missing{more}. The model has met no missing "
            f"values in fit: {_counted_as(ensemble.shape)}"
        )


def _counted_as(shape: Shape) -> str:
    """What a network that has met complete series alone takes a missing value for, and what to do about it."""
    beside = "each is taken from the same place in a season beside it, or is the mean where none has that place"
    if shape.memory == "running":
        beside = "each counts as the one a season before, or as the last one, or before the first as a later one"
    return f"here {beside}. Fit on a table with missing values to have the network learn what they mean."
