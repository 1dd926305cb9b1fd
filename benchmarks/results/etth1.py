"""ETTh1, the usual multivariate protocol: 12, 4 and 4 months, z-scores fitted on the first, all windows of the last."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from .chosen import fitted
from .figures import Effort, Figure
from .sets import ETTH1_COLUMNS, etth1

TRAIN, VALIDATION, TEST = 8640, 2880, 2880
"""Rows: months of 30 days."""

OPTIONS: dict[str, Any] = {
    "segment": 24,
    "dropout": 0.5,
    "batch_size": 256,
    "loss": "mse",
    "log": False,
    "trial": False,
}
BY_LOOKBACK: dict[int, dict[str, Any]] = {
    96: {"max_steps": 400, "hidden_size": 256, "learning_rate": 5e-4},
    720: {"max_steps": 100, "hidden_size": 128, "learning_rate": 1e-3},
}
"""What had the lowest MSE on the four months of validation, for h = 96, of about eight choices each."""

CASES = ((96, 96), (96, 720), (192, 96), (336, 96), (720, 96))
"""(horizon, lookback)."""

ASKED = {(96, 96): 0.372, (96, 720): 0.360}
PUBLISHED = {
    (96, 96): {"SegRNN": 0.368},
    (96, 720): {"SegRNN": 0.341},
    (192, 96): {"SegRNN": 0.408},
    (336, 96): {"SegRNN": 0.444},
    (720, 96): {"SegRNN": 0.446},
}


def figures(effort: Effort) -> Iterator[Figure]:
    """Train one model for all seven series on the first 12 months alone, and score it on the last four."""
    table = standardised(etth1())
    for horizon, lookback in CASES:
        squared, absolute, began = [], [], time.perf_counter()
        options = OPTIONS | {"lookback": lookback} | BY_LOOKBACK[lookback]
        for seed in effort.seeds(3):
            model = fitted(horizon, table[:TRAIN], options, effort, seed, date="date", target=list(ETTH1_COLUMNS))
            known = table[: TRAIN + VALIDATION + TEST]
            made = model.backtest(known, windows=TEST - horizon + 1, stride=1, refit="never")
            errors = made.truth - made.forecasts[made.model]
            squared.append(float(np.mean(errors**2)))
            absolute.append(float(np.mean(np.abs(errors))))
        name, case = f"ETTh1, h = {horizon}, L = {lookback}", (horizon, lookback)
        seconds = (time.perf_counter() - began) / len(squared)
        yield Figure.over_seeds(
            f"{name}, MSE",
            squared,
            seconds=seconds,
            at_most=ASKED.get(case),
            anchors=PUBLISHED[case],
            options=options,
        )
        yield Figure.over_seeds(f"{name}, MAE", absolute)


def standardised(table: pl.DataFrame) -> pl.DataFrame:
    """The table in z-scores by mean and standard deviation of its first 12 months."""
    known = table[:TRAIN]
    return table.with_columns((pl.col(name) - known[name].mean()) / known[name].std(ddof=0) for name in ETTH1_COLUMNS)
