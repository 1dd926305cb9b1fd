"""The default call, no option but the horizon, beside the naive forecasts on eight sets."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import mean

import numpy as np
import polars as pl

import recuerdo as rc

from .figures import Effort, Figure
from .sets import beijing, electricity, etth1, long_table, m4, m4_starts, sunspots, temperatures

NAIVE = ("naive", "seasonal naive")


@dataclass(frozen=True)
class Case:
    """A set and the origins that it is forecast from.

    Attributes:
        name: of the set.
        table: makes it.
        horizon: K.
        stride: rows between origins.
        windows: origins of each series; the model is fitted once, before the first.
    """

    name: str
    table: Callable[[], pl.DataFrame]
    horizon: int
    stride: int
    windows: int = 5


def hourly() -> pl.DataFrame:
    """Return the training part of M4 Hourly by the time stamps of its series."""
    data, starts = m4("Hourly"), m4_starts()
    hour = np.timedelta64(1, "h")
    stamps = [starts[one] + np.arange(len(each)) * hour for one, each in zip(data.ids, data.known, strict=True)]
    return long_table(data.ids, list(data.known), stamps)


def weekly() -> pl.DataFrame:
    """Return the training part of M4 Weekly by numbers of rows: it has no published stamps, and M4's season is 1."""
    data = m4("Weekly")
    return long_table(data.ids, list(data.known))


# The origins of a long set lie apart, by no whole number of days where rows are hours or less. Those of M4 Weekly lie
# less than a horizon apart, as its shortest series has 80 rows.
CASES = (
    Case("AirPassengers", rc.data.air_passengers, 12, 12),
    Case("sunspots, monthly", sunspots, 12, 24, 10),
    Case("daily temperatures", temperatures, 14, 37, 20),
    Case("ETTh1 OT", lambda: etth1().select("date", "OT"), 96, 145, 20),
    Case("Victoria electricity", lambda: electricity().select("Time", "Demand"), 48, 337, 50),
    Case("Beijing PM2.5", lambda: beijing().select("ds", "pm2.5"), 24, 169, 50),
    Case("M4 Hourly", hourly, 48, 48),
    Case("M4 Weekly", weekly, 13, 3),
)


def figures(effort: Effort) -> Iterator[Figure]:
    """Every set by three seeds; asked is no more than the better of the naive forecasts."""
    for case in CASES:
        table, began = case.table(), time.perf_counter()
        scores = []
        for seed in effort.seeds(3):
            model = rc.Forecaster(case.horizon, random_state=seed, max_steps=effort.steps(None), verbose=False)
            made = model.backtest(table, windows=case.windows, stride=case.stride)
            scores.append({name: each["MASE"] for name, each in made.scores().items()})
        naive = {name: mean(each[name] for each in scores) for name in NAIVE if name in scores[0]}
        yield Figure.over_seeds(
            f"{case.name}, h = {case.horizon}, MASE",
            [each[model.name] for each in scores],
            seconds=(time.perf_counter() - began) / len(scores),
            at_most=min(naive.values()),
            anchors=naive,
            options={"stride": case.stride, "windows": case.windows},
        )
