"""M4 Hourly and Weekly by the official scores, and how often the hourly intervals cover.

What the network is made of was chosen on three origins before the competition's test part, 48, 96 and 144 rows before
its beginning, by networks that learned from the rows before the first of them; the OWA of the fit's own trial, on the
last of these, stands beside. The test part was forecast with what had been chosen.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import recuerdo as rc
from recuerdo.tasks.backtests import Backtest
from recuerdo.tasks.baselines import simple_forecasts

from .chosen import fitted
from .figures import Effort, Figure
from .official import Official, matching
from .sets import M4, Values, long_table, m4

HOURLY: dict[str, Any] = {
    "season": 24,
    "lookback": 336,
    "segment": 24,
    "hidden_size": 128,
    "loss": "owa",
    "log": False,
    "max_steps": 1500,
    "batch_size": 128,
}
WEEKLY: dict[str, Any] = {
    "season": 52,
    "lookback": 104,
    "segment": 13,
    "hidden_size": 128,
    "loss": "owa",
    "log": False,
    "max_steps": 1500,
    "batch_size": 128,
}
LEVELS = {"80 %": (0.1, 0.9), "95 %": (0.025, 0.975)}
ASKED_COVERAGE = {"80 %": (76.0, 84.0), "95 %": (93.0, 97.0)}

AVERAGED, SINGLE, OTHER_CELLS, WEEKLY_OWA, SECONDS = 0.405, 0.412, 0.43, 0.74, 600.0
"""What is asked of OWA, and of the time of all hourly fits and forecasts."""

PUBLISHED = {
    "Hourly": {"M4's winner": 0.440, "best entrant": 0.410},
    "Weekly": {"M4's winner": 0.851, "best entrant": 0.782},
}


def figures(effort: Effort) -> Iterator[Figure]:
    """Hourly by all cells, then Weekly."""
    yield from hourly(effort)
    yield from weekly(effort)


def hourly(effort: Effort) -> Iterator[Figure]:
    """GRU, four seeds averaged and each alone; the other cells by one seed; the intervals of the averaged GRU."""
    data = m4("Hourly")
    levels = tuple(sorted(level for pair in LEVELS.values() for level in pair))
    options = HOURLY | {"n_seeds": 2 if effort.quick else 4, "quantiles": levels}
    model, made, seconds = forecast(data, effort, options)
    official, total = Official.of(made, data.season), seconds
    anchors = PUBLISHED["Hourly"] | {"seasonal naive": official.owa(_seasonal_naive(data, made))}
    yield Figure(
        f"M4 Hourly, GRU, {len(made.members)} seeds averaged, OWA",
        official.owa(made.forecasts[made.model]),
        seconds=seconds,
        at_most=AVERAGED,
        anchors=anchors,
        options=options,
    )
    yield Figure.over_seeds(
        "M4 Hourly, GRU, one seed, OWA",
        [official.owa(each) for each in made.members.values()],
        at_most=SINGLE,
        anchors=anchors,
    )
    yield _validation("M4 Hourly, GRU", model, data.season)
    for name, pair in LEVELS.items():
        low, high = ASKED_COVERAGE[name]
        covered = 100 * made.coverage(*pair)
        yield Figure(f"M4 Hourly, GRU, {name} interval covers, %", covered, at_least=low, at_most=high)
    for cell in ("lstm", "frnn", "indrnn"):
        model, made, seconds = forecast(data, effort, HOURLY | {"cell": cell})
        total += seconds
        yield Figure(
            f"M4 Hourly, {made.model}, OWA",
            official.owa(made.forecasts[made.model]),
            seconds=seconds,
            at_most=OTHER_CELLS,
            anchors=anchors,
        )
        yield _validation(f"M4 Hourly, {made.model}", model, data.season)
    yield Figure("M4 Hourly, all of it, seconds", total, at_most=SECONDS)


def weekly(effort: Effort) -> Iterator[Figure]:
    """GRU, three seeds averaged, with and without the windows that stand in other series' training rows."""
    data = m4("Weekly")
    options = WEEKLY | {"n_seeds": 2 if effort.quick else 3, "quantiles": ()}
    model, made, seconds = forecast(data, effort, options)
    official = Official.of(made, data.season)
    found = matching(data)
    others = official.without(list(found))
    kept = [number for number in range(len(data.ids)) if number not in found]
    point, many = made.forecasts[made.model], f"{len(made.members)} seeds averaged"
    yield Figure(
        f"M4 Weekly, GRU, {many}, OWA",
        official.owa(point),
        seconds=seconds,
        at_most=WEEKLY_OWA,
        anchors=PUBLISHED["Weekly"],
        options=options,
    )
    yield Figure(
        f"M4 Weekly, GRU, {many}, OWA without matches",
        others.owa(point[kept]),
        options={"left out": {data.ids[one]: [data.ids[other] for other in each] for one, each in found.items()}},
    )
    yield Figure.over_seeds("M4 Weekly, GRU, one seed, OWA", [official.owa(each) for each in made.members.values()])
    yield Figure("M4 Weekly, windows that match", len(found))
    yield _validation("M4 Weekly, GRU", model, data.season)


def forecast(data: M4, effort: Effort, options: dict[str, Any]) -> tuple[rc.Forecaster, Backtest, float]:
    """Fit on the training part, and forecast the test part once.

    Returns:
        The forecaster, its forecasts beside the truth, one for each series, and the seconds that both took.
    """
    began = time.perf_counter()
    model = fitted(data.horizon, long_table(data.ids, list(data.known)), options, effort, seed=0)
    made = model.backtest(long_table(data.ids, data.whole), windows=1, refit="never")
    return model, made, time.perf_counter() - began


def _validation(name: str, model: rc.Forecaster, season: int) -> Figure:
    trial = model.trial_
    return Figure(f"{name}, OWA of the trial", Official.of(trial, season).owa(trial.forecasts[trial.model]))


def _seasonal_naive(data: M4, made: Backtest) -> Values:
    return simple_forecasts(data.whole, made.origins, data.horizon, data.season)["seasonal naive"]
