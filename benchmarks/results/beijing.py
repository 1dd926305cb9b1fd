"""Beijing PM2.5, a day ahead with the weather up to now, with the values that it lacks and with more knocked out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import mean

import numpy as np
import polars as pl

import recuerdo as rc
from recuerdo.tasks.backtests import Backtest
from recuerdo.tasks.metrics import mase

from .figures import Effort, Figure
from .sets import BEIJING_NUMBERS, BEIJING_WIND, beijing

HORIZON = 24
STRIDE, ORIGINS = 7 * 24 + 1, 50
"""Of the last year; a stride of no whole number of days has origins at all hours."""

SHARES = (0.0, 0.1, 0.3, 0.5)


def figures(effort: Effort) -> Iterator[Figure]:
    """Fit on the first four years and a little, and forecast from 50 origins; scored by all values that are known."""
    table = beijing()
    whole: list[Backtest] = []
    for share in SHARES:
        made, began = list[Backtest](), time.perf_counter()
        for seed in effort.seeds(3):
            model = rc.Forecaster(HORIZON, random_state=seed, max_steps=effort.steps(None), verbose=False)
            known = knocked_out(table, share, seed)
            past = [*BEIJING_NUMBERS, BEIJING_WIND]
            made.append(model.backtest(known, windows=ORIGINS, stride=STRIDE, date="ds", target="pm2.5", past=past))
        seconds = (time.perf_counter() - began) / len(made)
        whole = whole or made
        own = [scored(each, whole[0], each.model) for each in made]
        naive = {name: mean(scored(each, whole[0], name) for each in made) for name in ("seasonal naive", "naive")}
        name = f"Beijing PM2.5, {share:.0%} knocked out"
        yield Figure.over_seeds(
            f"{name}, MASE", own, seconds=seconds, at_most=None if share else min(naive.values()), anchors=naive
        )
        if share:
            before = mean(scored(each, whole[0], each.model) for each in whole)
            yield Figure(f"{name}, MASE by that of none", mean(own) / before)
        yield Figure(f"{name}, forecasts that are NaN", float(sum(map(missing, made))), at_most=0)


def knocked_out(table: pl.DataFrame, share: float, seed: int) -> pl.DataFrame:
    """The table with a share of all cells but the time stamps made null, wherever they stand."""
    drawn = np.random.default_rng(seed)
    columns = [name for name in table.columns if name != "ds"]
    lost = {name: pl.Series(drawn.random(table.height) < share) for name in columns}
    return table.with_columns(pl.when(~lost[name]).then(pl.col(name)).alias(name) for name in columns)


def scored(made: Backtest, whole: Backtest, name: str) -> float:
    """MASE of some forecasts by the truth, and in the unit, of the table from which nothing was knocked out."""
    return mase(whole.truth, made.forecasts[name], whole.naive_scales)


def missing(made: Backtest) -> int:
    """Numbers that are NaN among a model's forecasts and quantiles."""
    return sum(int(np.isnan(each).sum()) for each in (made.forecasts[made.model], *made.quantiles.values()))
