"""AirPassengers from the ends of four years, by the default call, beside exponential smoothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import mean

import recuerdo as rc
from recuerdo.tasks.backtests import Backtest
from recuerdo.tasks.exponential_smoothing import automatic_ets, holt_winters
from recuerdo.tasks.metrics import mape

from .figures import Effort, Figure

HORIZON = 12
YEARS = (1957, 1958, 1959, 1960)
TARGET = 4.5
"""Mean MAPE over the years, in percent, by the default call."""


def figures(effort: Effort) -> Iterator[Figure]:
    """Forecast each year from the rows before it, by a forecaster that is fitted anew, with no option but the seed."""
    table, began = rc.data.air_passengers(), time.perf_counter()
    made = [
        rc.Forecaster(HORIZON, random_state=seed, max_steps=effort.steps(None), verbose=False).backtest(
            table, windows=len(YEARS), refit=True
        )
        for seed in effort.seeds(5)
    ]
    seconds = (time.perf_counter() - began) / len(made)
    classics = _classics(made[0])
    for row, year in enumerate(YEARS):
        errors = [by_year(each)[row] for each in made]
        yield Figure.over_seeds(
            f"AirPassengers {year}, MAPE %", errors, anchors={name: each[row] for name, each in classics.items()}
        )
    yield Figure.over_seeds(
        "AirPassengers 1957-1960, mean MAPE %",
        [mean(by_year(each)) for each in made],
        seconds=seconds,
        at_most=TARGET,
        anchors={name: mean(each) for name, each in classics.items()},
    )


def by_year(made: Backtest) -> list[float]:
    """The model's MAPE from each origin."""
    return [mape(*pair) for pair in zip(made.truth, made.forecasts[made.model], strict=True)]


def _classics(made: Backtest) -> dict[str, list[float]]:
    """Name -> MAPE from each origin of what needs no network."""
    values = made.known.series[0].values
    known = [values[: end + 1] for _, end in made.origins]
    forecasts = {
        "Holt-Winters": [holt_winters(rows, HORIZON, HORIZON) for rows in known],
        "ETS": [automatic_ets(rows, HORIZON, HORIZON).forecast for rows in known],
        "seasonal naive": list(made.forecasts["seasonal naive"]),
    }
    return {name: [mape(*pair) for pair in zip(made.truth, each, strict=True)] for name, each in forecasts.items()}
