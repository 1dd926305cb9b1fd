"""Forecasts from many origins beside what came true: what a fit's own trial and a backtest both come to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recuerdo.data.stamps import column_of
from recuerdo.data.tables import Panel, to_frame
from recuerdo.errors import OptionError
from recuerdo.tasks.interval_metrics import intervals
from recuerdo.tasks.metrics import scores
from recuerdo.tasks.report import score_table, standing, verdict
from recuerdo.tasks.score_tables import Errors
from recuerdo.tasks.standings import Standing

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
        fitted_intervals: whether the quantiles were calibrated on these very forecasts, as in a fit's own trial.
        left_out: baseline -> why it is not among the forecasts.
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
    fitted_intervals: bool = False
    left_out: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.origins)

    @property
    def horizon(self) -> int:
        """K."""
        return self.truth.shape[1]

    @property
    def intervals(self) -> tuple[tuple[float, float], ...]:
        """The pairs of quantiles that bound an interval about the middle, the widest first."""
        return intervals(self.quantiles)

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
        return float(np.nanmean(self._inside(low, high)))

    def coverage_by_step(self, low: float, high: float) -> Values:
        """Return the share of true values between two quantiles at each step ahead, (K,); NaN where none is known."""
        inside = self._inside(low, high)
        known = (~np.isnan(inside)).sum(axis=0)
        return np.nansum(inside, axis=0) / np.where(known == 0, np.nan, known)

    def _inside(self, low: float, high: float) -> Values:
        """1 where the truth lies between two quantiles, 0 where not, NaN where it is missing."""
        for level in (low, high):
            if level not in self.quantiles:
                raise OptionError(f"The quantile {level:g} was not asked for; there are {sorted(self.quantiles)}.")
        inside = (self.quantiles[low] <= self.truth) & (self.truth <= self.quantiles[high])
        return np.where(np.isnan(self.truth), np.nan, inside)

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
    def standing(self) -> Standing:
        """Who stands where, by the score that decides."""
        return standing(self.model, self.scores())

    @property
    def verdict(self) -> str:
        """Who wins, by how much, what follows, and what it was not compared with: a sentence, or a few."""
        return verdict(self.model, self.scores(), self.left_out)

    def table(self) -> str:
        """Return the scores as a table in plain text."""
        return score_table(self.scores())

    def __str__(self) -> str:
        many = f"{len(self)} forecast{'s' if len(self) != 1 else ''} of {self.horizon}"
        said = [f"Mean over {many}:", self.table(), self.verdict]
        for low, high in self.intervals:
            share = 100 * self.coverage(low, high)
            here = ", on which it was calibrated" if self.fitted_intervals else ""
            said.append(f"The {100 * (high - low):.3g} % interval covered {share:.1f} % of the true values{here}.")
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

        labels, means = self.means(what)
        columns: dict[str, list[Any]] = {what: [], "forecaster": []}
        for name, table in means.items():
            columns[what] += labels
            columns["forecaster"] += [name] * len(labels)
            for score, values in table.items():
                columns.setdefault(score, []).extend(values.tolist())
        return nw.from_dict(columns, backend=self.known.kind).to_native()

    def means(self, what: str) -> tuple[list[Any], dict[str, dict[str, Values]]]:
        """Return the numbers behind `by`: the labels of the rows, and name -> score -> (rows,).

        Args:
            what: as there.
        """
        if what == "series":
            places, groups = np.unique(self.origins[:, 0], return_inverse=True)
            labels: list[Any] = [self.known.series[place].id for place in places]
        elif what == "origin":
            stamps = np.array([self.known.series[number].times[end] for number, end in self.origins])
            unique, groups = np.unique(stamps, return_inverse=True)
            labels = column_of(unique, self.known.time_type, what, self.known.kind).to_list()
        elif what == "horizon":
            return list(range(1, self.horizon + 1)), {name: each.by_step() for name, each in self.errors.items()}
        else:
            raise OptionError(f"by({what!r}) is not offered; there are 'series', 'horizon' and 'origin'.")
        return labels, {name: each.by_group(groups) for name, each in self.errors.items()}

    @cached_property
    def errors(self) -> dict[str, Errors]:
        """The errors of each forecaster, by name."""
        return {name: Errors.of(self.truth, each, self.naive_scales) for name, each in self.forecasts.items()}

    def plot(self, *, which: int = 0, ax: Axes | None = None) -> Axes:
        """Draw one series with the forecasts from every origin; see :func:`recuerdo.show.plot_backtest`."""
        from recuerdo.show import plot_backtest

        return plot_backtest(self, which=which, ax=ax)

    def to_html(self, path: str | Path) -> Path:
        """Write scores, forecasts, errors by step, origin and series, and coverage as a page that needs no network.

        Args:
            path: the file, which is replaced if it is there; it ends in .html.

        Returns:
            The file.

        Raises:
            OptionError: another ending.
            OutputError: the file cannot be written.
        """
        from recuerdo.show import save_backtest_page

        return save_backtest_page(self, path)
