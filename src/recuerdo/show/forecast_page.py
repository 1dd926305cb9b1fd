"""The pages of a forecaster and of a backtest: what was chosen, who wins, what is forecast, and how sure that is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from recuerdo.show.accuracy import (
    plot_coverage,
    plot_error_by_horizon,
    plot_error_by_origin,
    plot_error_by_series,
    plot_losses,
)
from recuerdo.show.backtests import in_view, plot_backtest
from recuerdo.show.forecasts import MOST_PANELS, plot_forecast
from recuerdo.show.pages import SIZE, Page, checked, number, percent, score
from recuerdo.show.series import name_of, stamp, stamps

if TYPE_CHECKING:
    from recuerdo.learn import History
    from recuerdo.tasks import Forecasts, Report
    from recuerdo.tasks.backtests import Backtest
    from recuerdo.tasks.report import Standing

NAMES = 3
"""Names of lines beside each other, above a picture."""

MOST_ROWS = 40
"""Of a table by series or by origin."""

Scores = Mapping[str, Mapping[str, float]]


def save_forecast_page(
    report: Report,
    path: str | Path,
    *,
    forecasts: Forecasts,
    trial: Backtest | None = None,
    histories: Sequence[History] = (),
) -> Path:
    """Write what a fit did and forecasts as one file; see :meth:`recuerdo.Forecaster.to_html`."""
    checked(path)
    known = forecasts.known
    what = forecasts.name if isinstance(known.target, str) else ", ".join(known.target[:3])
    page = Page(f"{what}, {known.freq.words}: the next {len(forecasts.point[0])}", report.verdict)
    rows = known if trial is None else trial.known
    page.say(f"{_many(len(rows), 'series', 'series')}, {rows.rows:,} rows; forecast by {report.model}.")
    _forecasts(page, forecasts, trial)
    if report.scores:
        held = f"Mean over {_many(report.windows, 'forecast')} of rows that training had not seen. Lower is better."
        _scores(page, report.scores, report.standing, held)
    _seeds(page, report.model, report.scores, report.seed_scores)
    page.heading("What was chosen, and why")
    page.items(_sentence(each) for each in report.choices)
    page.table("The network", ("", ""), _facts(report), best=None)
    if trial is None and report.scores:
        page.say("The held-out forecasts are not saved with a model, so there are no pictures of them here.")
    if trial is not None:
        _windows(page, trial, "Held-out windows")
        _errors(page, trial)
        _coverage(page, trial)
    if histories:
        page.heading("Training")
        ends = [f"{each.losses[0]:.4g} to {each.losses[-1]:.4g}" for each in histories]
        page.picture(
            plot_losses(histories, ax=_axes(), ncols=NAMES),
            f"Line chart of the training loss, which went from {'; '.join(ends)}.",
            "training by seed",
            ("Seed", "Steps", "First loss", "Last loss", "Seconds"),
            [
                (str(each.random_state), str(each.steps), f"{each.losses[0]:.4g}", f"{each.losses[-1]:.4g}",
                 f"{each.seconds:.1f}")
                for each in histories
            ],
        )  # fmt: skip
    return page.save(path)


def save_backtest_page(backtest: Backtest, path: str | Path) -> Path:
    """Write forecasts from many origins and how good they are as one file; see :meth:`Backtest.to_html`."""
    checked(path)
    known = backtest.known
    what = known.target if isinstance(known.target, str) else ", ".join(known.target[:3])
    page = Page(f"{what}, {known.freq.words}: a backtest of {_many(len(backtest), 'forecast')}", backtest.verdict)
    page.say(f"{_many(len(known), 'series', 'series')}; {backtest.horizon} steps ahead from each origin.")
    page.items(_sentence(each) for each in backtest.notes)
    _scores(page, backtest.scores(), backtest.standing, "Mean over all true values. Lower is better.")
    _seeds(page, backtest.model, backtest.scores(), backtest.seed_scores())
    _windows(page, backtest, "Forecasts beside what came true")
    _errors(page, backtest)
    _coverage(page, backtest)
    return page.save(path)


def chosen_series(backtest: Backtest | None, count: int) -> dict[int, str]:
    """Return the numbers of the series that a page shows, six at most, and why these.

    Args:
        backtest: where the errors of the series are known.
        count: how many series there are.
    """
    if backtest is None or count <= MOST_PANELS:
        return dict.fromkeys(range(min(count, MOST_PANELS)), "")
    judged, deciding = np.unique(backtest.origins[:, 0]), backtest.standing.score
    errors = backtest.means("series")[1][backtest.model][deciding]
    known = np.flatnonzero(np.isfinite(errors))
    ranked = judged[known[np.argsort(errors[known])]]
    if not len(ranked):
        return dict.fromkeys(range(MOST_PANELS), "")
    reasons = {
        "the best": 0.0,
        "a quarter of the way down": 0.25,
        "the median": 0.5,
        "three quarters of the way down": 0.75,
        "the worst": 1.0,
    }
    found = {int(ranked[round(share * (len(ranked) - 1))]): f"{why} by {deciding}" for why, share in reasons.items()}
    return {0: "the first"} | found if 0 not in found else found


def _forecasts(page: Page, forecasts: Forecasts, trial: Backtest | None) -> None:
    known = forecasts.known
    shown = chosen_series(trial, len(known))
    page.heading("The forecast")
    if len(shown) < len(known):
        page.say(f"{len(shown)} of {len(known):,} series are shown here; the table that predict returns has all.")
    for which, why in shown.items():
        point, name = forecasts.point[which], name_of(known, which)
        times = stamps(known, forecasts.times[which])
        levels = sorted(forecasts.quantiles)
        alt = (
            f"Line chart of {name}{f' ({why})' if why else ''}: history up to "
            f"{stamps(known, known.series[which].times[-1:])[0]}, then {len(point)} forecast values from "
            f"{number(point[0])} to {number(point[-1])}, the highest {number(point.max())}."
        )
        page.picture(
            plot_forecast(forecasts, which=which, ax=_axes(), ncols=NAMES),
            alt,
            f"forecast of {name}{f', {why}' if why else ''}",
            (known.date, "Forecast", *(f"{100 * level:g} % quantile" for level in levels)),
            [
                (each, number(value), *(number(forecasts.quantiles[level][which][k]) for level in levels))
                for k, (each, value) in enumerate(zip(times, point, strict=True))
            ],
        )


def _scores(page: Page, scores: Scores, standing: Standing, said: str) -> None:
    page.heading("Beside the baselines", said)
    head = ("", *next(iter(scores.values())))
    rows = [(name, *map(score, row.values())) for name, row in scores.items()]
    page.table(f"Scores; {standing.score} decides", head, rows, best=standing.winner)


def _seeds(page: Page, model: str, scores: Scores, seeds: Mapping[int, Mapping[str, float]]) -> None:
    if not seeds:
        return
    rows = [(f"seed {seed}", *map(score, row.values())) for seed, row in seeds.items()]
    mean = (f"{model}, the mean of their forecasts", *map(score, scores[model].values()))
    page.heading("Seeds", f"{len(seeds)} networks that differ by their seed alone: how much chance decides.")
    page.table("Scores of each seed on its own", ("", *scores[model]), [*rows, mean])


def _facts(report: Report) -> list[tuple[str, str]]:
    return [
        ("Cell", report.model),
        ("Numbers that a network learned", f"{report.parameters:,}"),
        ("Optimiser steps", f"{report.steps:,}"),
        ("Seed", str(report.random_state)),
        (f"Seconds of the whole fit{', with trial and baselines' if report.scores else ''}", f"{report.seconds:.1f}"),
        ("Seconds of the final training", "unknown" if report.training_seconds != report.training_seconds
         else f"{report.training_seconds:.1f}"),
    ]  # fmt: skip


def _windows(page: Page, backtest: Backtest, heading: str) -> None:
    judged = set(backtest.origins[:, 0].tolist())
    shown = {which: why for which, why in chosen_series(backtest, len(backtest.known)).items() if which in judged}
    counts = [backtest.origins[backtest.origins[:, 0] == which, 1] for which in shown]
    cut = any(len(in_view(np.sort(each), backtest.horizon)) < len(each) for each in counts)
    page.heading(
        heading,
        "What the model said from each origin, when it knew nothing of what followed.",
        *["There are too many origins for a picture: the last ones are drawn. Scores are of all."] * cut,
    )
    for which, why in shown.items():
        rows = np.flatnonzero(backtest.origins[:, 0] == which)
        ends = backtest.known.series[which].times[backtest.origins[rows, 1]]
        from_times = stamps(backtest.known, ends)
        errors = {name: each.by_forecast()[backtest.standing.score][rows] for name, each in backtest.errors.items()}
        name = name_of(backtest.known, which)
        own = errors[backtest.model]
        page.picture(
            plot_backtest(backtest, which=which, ax=_axes(), ncols=NAMES),
            f"Line chart of {name}{f' ({why})' if why else ''}: what came true beside {_many(len(rows), 'forecast')} "
            f"from origins {from_times[0]} to {from_times[-1]}; mean {backtest.standing.score} "
            f"{_mean(own)}.",
            f"{backtest.standing.score} by origin, {name}{f', {why}' if why else ''}",
            ("Last known row", *errors),
            _cut([(end, *(score(each[k]) for each in errors.values())) for k, end in enumerate(from_times)]),
        )


def _errors(page: Page, backtest: Backtest) -> None:
    deciding, model, best = backtest.standing.score, backtest.model, backtest.standing.best
    page.heading("Where the errors are")
    steps, means = backtest.means("horizon")
    own = means[model][deciding]
    page.picture(
        plot_error_by_horizon(backtest, ax=_axes(), ncols=NAMES),
        f"Line chart of {deciding} by step ahead: {model} from {score(own[0])} at step 1 to {score(own[-1])} at step "
        f"{steps[-1]}.",
        f"{deciding} by step ahead",
        ("Steps ahead", *means),
        [(str(step), *(score(each[deciding][k]) for each in means.values())) for k, step in enumerate(steps)],
    )
    labels, means = backtest.means("origin")
    if len(labels) > 1:
        own = means[model][deciding]
        page.picture(
            plot_error_by_origin(backtest, ax=_axes(), ncols=NAMES),
            f"Line chart of {deciding} by origin: {model} {_span(own)}.",
            f"{deciding} by origin",
            ("Last known row", *means),
            _cut(
                [(stamp(each), *(score(row[deciding][k]) for row in means.values())) for k, each in enumerate(labels)]
            ),
        )
    labels, means = backtest.means("series")
    if len(labels) > 1:
        own = means[model][deciding]
        order: list[int] = np.argsort(-np.nan_to_num(own, nan=-1)).tolist()
        better = ""
        if best is not None:
            share = percent(float(np.mean(own < means[best][deciding])), 0)
            better = f"{model} is better than {best} in {share} of {len(labels):,} series."
        page.picture(
            plot_error_by_series(backtest, ax=_axes(), ncols=NAMES),
            f"Chart of {deciding} by series: {model} {_span(own)}. {better}",
            f"{deciding} by series, the worst first",
            ("Series", *means),
            _cut([(str(labels[k]), *(score(float(row[deciding][k])) for row in means.values())) for k in order]),
        )
        if better:
            page.say(better)


def _coverage(page: Page, backtest: Backtest) -> None:
    if not backtest.intervals:
        return
    here = (
        "They were calibrated on these very forecasts, and made wider where few errors can count as independent: the "
        "shares here are no test of them. A backtest tells whether they hold on rows that come later."
    )
    page.heading("How sure it is", *([here] if backtest.fitted_intervals else []))
    rows = []
    for low, high in backtest.intervals:
        width = np.nanmean(backtest.quantiles[high] - backtest.quantiles[low])
        rows.append((f"{100 * (high - low):.3g} %", percent(backtest.coverage(low, high)), number(float(width))))
    page.table("Share of true values within each interval", ("Asked for", "Measured", "Mean width"), rows)
    shares = {pair: backtest.coverage_by_step(*pair) for pair in backtest.intervals}
    page.picture(
        plot_coverage(backtest, ax=_axes(), ncols=2),
        "Line chart of the share of true values within each interval by step ahead: "
        + "; ".join(
            f"{row[0]} asked for, {row[1]} measured" for row in rows
        ) + ".",
        "coverage by step ahead",
        ("Steps ahead", *(row[0] for row in rows)),
        [(str(k + 1), *(percent(each[k]) for each in shares.values())) for k in range(backtest.horizon)],
    )  # fmt: skip


def _mean(values: NDArray[np.float64]) -> str:
    known = values[np.isfinite(values)]
    return score(float(known.mean()) if len(known) else np.nan)


def _span(values: NDArray[np.float64]) -> str:
    known = values[np.isfinite(values)]
    return f"between {score(known.min())} and {score(known.max())}" if len(known) else "undefined"


def _axes() -> Axes:
    return Figure(figsize=SIZE, layout="constrained").subplots()


def _cut(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The first rows of a long table, and a line that says how many there are."""
    if len(rows) <= MOST_ROWS:
        return rows
    rest = f"and {len(rows) - MOST_ROWS:,} more"
    return [*rows[:MOST_ROWS], (rest, *[""] * (len(rows[0]) - 1))]


def _many(count: int, one: str, several: str | None = None) -> str:
    return f"{count:,} {one if count == 1 else several or one + 's'}"


def _sentence(words: str) -> str:
    """A note as a sentence; a name of a file or a folder that it begins with stays as it is."""
    named = re.match(r"[^,]*(, column '| is read )", words)
    return (words[:1] if named else words[:1].upper()) + words[1:] + ("" if words.endswith(".") else ".")
