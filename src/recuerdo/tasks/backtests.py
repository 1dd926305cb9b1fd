"""Forecasts from many origins beside what came true: what a fit's own trial and a backtest both come to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recuerdo.data.stamps import column_of
from recuerdo.data.tables import Panel, to_frame
from recuerdo.errors import OptionError
from recuerdo.tasks.metrics import scores
from recuerdo.tasks.report import score_table, verdict
from recuerdo.tasks.score_tables import Errors

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Values = NDArray[np.float64]

MOST_WINDOWS = 5000
"""Held-out windows that a fit looks at, at most, evenly over all series: a score does not get better by more."""


COPIES = 0.1
"""A model whose forecasts lie nearer to the last value than this share of how far the truth lies from it copies it."""


@dataclass(frozen=True, eq=False)
class Backtest:
    """Forecasts of rows that the model had not seen, in the series' own units.

    Attributes:
        known: the panel, the forecast rows among its last.
        model: the model's name, the first of `forecasts`.
        origins: (n, 2), number of the series and index of the last row that was known.
        truth: (n, K), NaN where missing.
        forecasts: name -> (n, K): the model first, then the baselines.
        quantiles: level -> (n, K), of the model.
        naive_scales: (n,), the unit of MASE of each window's series, from the rows before the first origin.
        members: seed -> (n, K), where several seeds were averaged.
        notes: what was decided or left out, in sentences.
    """

    known: Panel
    model: str
    origins: NDArray[np.int64]
    truth: Values
    forecasts: Mapping[str, Values]
    quantiles: Mapping[float, Values]
    naive_scales: Values
    members: Mapping[int, Values] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.origins)

    @property
    def horizon(self) -> int:
        """K."""
        return self.truth.shape[1]

    def scores(self) -> dict[str, dict[str, float]]:
        """Return name -> score -> value, over all windows."""
        return {name: scores(self.truth, each, self.naive_scales) for name, each in self.forecasts.items()}

    def seed_scores(self) -> dict[int, dict[str, float]]:
        """Return seed -> score -> value of each member on its own; empty for one seed."""
        return {seed: scores(self.truth, each, self.naive_scales) for seed, each in self.members.items()}

    def coverage(self, low: float | None = None, high: float | None = None) -> float:
        """Return the share of true values between two quantiles, 0 to 1; the outermost pair by default.

        Raises:
            OptionError: these quantiles were not asked for.
        """
        levels = sorted(self.quantiles)
        low = min(levels, default=0.0) if low is None else low
        high = max(levels, default=1.0) if high is None else high
        for level in (low, high):
            if level not in self.quantiles:
                raise OptionError(f"The quantile {level:g} was not asked for; there are {levels}.")
        known = ~np.isnan(self.truth)
        inside = (self.quantiles[low] <= self.truth) & (self.truth <= self.quantiles[high])
        return float(inside[known].mean())

    def warnings(self) -> tuple[str, ...]:
        """Return in a sentence that the model does little more than repeat the last value, where that is so."""
        naive = self.forecasts.get("naive")
        if naive is None:
            return ()
        known = ~np.isnan(self.truth)
        moved = np.abs(self.forecasts[self.model] - naive)[known].mean()
        needed = np.abs(self.truth - naive)[known].mean()
        if moved >= COPIES * needed:
            return ()
        return (
            f"{self.model} does little more than repeat the last value: its forecasts move by "
            f"{100 * moved / needed:.0f} % of what the series did",
        )

    @property
    def verdict(self) -> str:
        """One sentence: who wins, by how much, and what follows."""
        return verdict(self.model, self.scores())

    def table(self) -> str:
        """Return the scores as a table in plain text."""
        return score_table(self.scores())

    def __str__(self) -> str:
        many = f"{len(self)} forecast{'s' if len(self) != 1 else ''} of {self.horizon}"
        said = [f"Mean over {many}:", self.table(), self.verdict]
        for low, high in zip(sorted(self.quantiles), sorted(self.quantiles, reverse=True), strict=True):
            if low < 0.5 < high and math.isclose(low + high, 1):
                share = 100 * self.coverage(low, high)
                said.append(f"The {100 * (high - low):.0f} % interval covered {share:.1f} % of the true values.")
        return "\n".join([*said, *self.notes])

    def frame(self) -> Any:
        """Return every forecast as a table of the kind that came in: id, cutoff, time stamp, truth and forecasts.

        `cutoff` is the time stamp of the last row that was known. Columns: the target's own name for the truth, each
        forecaster's name, and one for each quantile.
        """
        target = self.known.target if isinstance(self.known.target, str) else "y"
        ends = [(self.known.series[number], int(end)) for number, end in self.origins]
        times = [one.times[end + 1 : end + 1 + self.horizon] for one, end in ends]
        columns = {
            target: list(self.truth),
            **{name: list(each) for name, each in self.forecasts.items()},
            **{f"{target}-{100 * level:g}": list(each) for level, each in sorted(self.quantiles.items())},
        }
        cutoffs = {"cutoff": [one.times[end] for one, end in ends]}
        return to_frame(self.known, times, columns, [one.id for one, _ in ends], cutoffs)

    def by(self, what: str) -> Any:
        """Return mean scores of every forecaster as a table, a row for each series, horizon step or origin.

        Args:
            what: "series", "horizon" (steps ahead, from 1) or "origin" (time stamp of the last known row).

        Raises:
            OptionError: another word.
        """
        import narwhals as nw

        if what == "series":
            places, groups = np.unique(self.origins[:, 0], return_inverse=True)
            labels: Sequence[Any] = [self.known.series[place].id for place in places]
        elif what == "origin":
            stamps = np.array([self.known.series[number].times[end] for number, end in self.origins])
            unique, groups = np.unique(stamps, return_inverse=True)
            labels = column_of(unique, self.known.time_type, what, self.known.kind).to_list()
        elif what == "horizon":
            groups, labels = None, range(1, self.horizon + 1)
        else:
            raise OptionError(f"by({what!r}) is not offered; there are 'series', 'horizon' and 'origin'.")
        columns: dict[str, list[Any]] = {what: [], "forecaster": []}
        for name, each in self.forecasts.items():
            errors = Errors.of(self.truth, each, self.naive_scales)
            columns[what] += labels
            columns["forecaster"] += [name] * len(labels)
            for score, values in (errors.by_step() if groups is None else errors.by_group(groups)).items():
                columns.setdefault(score, []).extend(values.tolist())
        return nw.from_dict(columns, backend=self.known.kind).to_native()

    def plot(self, *, which: int = 0, ax: Axes | None = None) -> Axes:
        """Draw one series with the forecasts from every origin; see :func:`recuerdo.show.plot_backtest`."""
        from recuerdo.show import plot_backtest

        return plot_backtest(self, which=which, ax=ax)
