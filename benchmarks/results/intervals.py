"""How often intervals cover: Victoria's demand for electricity, a day ahead, from 52 weekly origins of 2014."""

from __future__ import annotations

import time
from collections.abc import Iterator

import polars as pl

import recuerdo as rc

from .figures import Effort, Figure
from .sets import electricity

HORIZON = 48
WEEK = 7 * 48
WEEKS = 52
ASKED = {(0.1, 0.9): (76.0, 84.0), (0.025, 0.975): (93.0, 97.0)}
"""Quantiles -> what share of the true values may lie between them, in percent."""


def figures(effort: Effort) -> Iterator[Figure]:
    """Fit once on 2012 and 2013, and forecast the first day of each week of 2014, with no option but the quantiles."""
    table, began = weekly_origins(electricity()), time.perf_counter()
    levels = sorted(level for pair in ASKED for level in pair)
    made = [
        rc.Forecaster(
            HORIZON, quantiles=levels, random_state=seed, max_steps=effort.steps(None), verbose=False
        ).backtest(table, windows=WEEKS, stride=WEEK, date="Time", target="Demand")
        for seed in effort.seeds(3)
    ]
    seconds = (time.perf_counter() - began) / len(made)
    for (low, high), (least, most) in ASKED.items():
        yield Figure.over_seeds(
            f"Victoria electricity, {100 * (high - low):.0f} % interval covers, %",
            [100 * each.coverage(low, high) for each in made],
            seconds=seconds,
            at_least=least,
            at_most=most,
        )
    scores = [each.scores() for each in made]
    yield Figure.over_seeds(
        "Victoria electricity, the same forecasts, MASE",
        [each[one.model]["MASE"] for each, one in zip(scores, made, strict=True)],
        anchors={name: scores[0][name]["MASE"] for name in ("seasonal naive", "naive")},
    )


def weekly_origins(table: pl.DataFrame) -> pl.DataFrame:
    """The table up to the last row that is forecast, so that the first origin is the end of 2013 in local time."""
    known = table.filter(pl.col("Date") < "2014-01-01").height
    return table[: known + HORIZON + WEEK * (WEEKS - 1)]
