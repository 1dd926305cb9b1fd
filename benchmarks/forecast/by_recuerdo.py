"""The work as recuerdo does it: without baselines and without a trial, so that a fit trains once, as the peers' do."""

from __future__ import annotations

import numpy as np
import polars as pl

from recuerdo import Forecaster
from recuerdo.learn.adamw import AdamW

from .work import LEARNING_RATE, ORIGINS, SEED, Floats, Rows, Work, names

PACKAGES = ("recuerdo", "torch", "polars", "numpy")
OPTIMISERS = (AdamW,)
UNIT = {"MS": "mo", "h": "h"}


class Contestant:
    """rc.Forecaster with a step-wise encoder."""

    encoder = "steps"

    def __init__(self, work: Work) -> None:
        self.work = work

    def prepared(self, rows: Rows) -> pl.DataFrame:
        """A long table."""
        longest = max(map(len, rows.values))
        begin = pl.lit(rows.start).str.to_datetime()
        stamps = pl.select(begin.dt.offset_by(pl.int_range(longest).cast(pl.String) + UNIT[rows.freq])).to_series()
        parts = [
            pl.DataFrame({"ds": stamps[: len(values)], "y": values}).select(pl.lit(name).alias("unique_id"), "ds", "y")
            for name, values in zip(names(rows), rows.values, strict=True)
        ]
        return pl.concat(parts)

    def fit(self, table: pl.DataFrame, rows: Rows) -> None:
        """Train."""
        work = self.work
        self.model = Forecaster(
            work.horizon,
            cell=work.cell,
            hidden_size=work.hidden_size,
            encoder=self.encoder,
            lookback=work.lookback,
            trial=False,
            baselines=None,
            max_steps=work.steps,
            batch_size=work.batch_size,
            learning_rate=LEARNING_RATE,
            random_state=SEED,
            verbose=False,
        ).fit(table, id="unique_id", date="ds", target="y")

    def predict(self) -> pl.DataFrame:
        """Forecast what follows the rows of fit."""
        return self.model.predict()

    def backtest(self, table: pl.DataFrame) -> pl.DataFrame:
        """Forecast from every origin with the network of fit."""
        found = self.model.backtest(table, windows=ORIGINS, stride=self.work.stride, refit="never")
        return found.frame().rename({"y": "truth", found.model: "y"})

    def numbers(self, said: pl.DataFrame) -> Floats:
        """(series, origins, K)."""
        order = [each for each in ("unique_id", "cutoff", "ds") if each in said.columns]
        values = said.sort(order)["y"].to_numpy().astype(np.float32)
        return values.reshape(said["unique_id"].n_unique(), -1, self.work.horizon)
