"""The work as darts does it, with its BlockRNNModel.

Lean settings: float32 series, window mean/std (its reversible instance norm), L1 loss, full batches alone, no
validation, logger, checkpoint, progress bar or summary; inference in batches of 1,024 windows instead of a step's.
"""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pandas as pd
import torch
from darts import TimeSeries
from darts.models import BlockRNNModel

from .work import LEARNING_RATE, LIGHTNING, SEED, Floats, Rows, Work, scored_rows

PACKAGES = ("darts", "pytorch-lightning", "torch", "pandas", "numpy")
INFERENCE = {"batch_size": 1024}


class Contestant:
    """darts' BlockRNNModel with a GRU or LSTM."""

    def __init__(self, work: Work) -> None:
        logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
        logging.getLogger("darts").setLevel(logging.ERROR)
        self.work = work

    def prepared(self, rows: Rows) -> list[TimeSeries]:
        """One TimeSeries for each series, straight from the arrays, which is quicker than from a long table."""
        return [
            TimeSeries.from_times_and_values(pd.date_range(rows.start, periods=len(values), freq=rows.freq), values)
            for values in rows.values
        ]

    def fit(self, series: list[TimeSeries], rows: Rows) -> None:
        """Train."""
        work = self.work
        self.series = series
        self.model = BlockRNNModel(
            input_chunk_length=work.lookback,
            output_chunk_length=work.horizon,
            model=work.cell.upper(),
            hidden_dim=work.hidden_size,
            n_rnn_layers=1,
            use_reversible_instance_norm=True,
            loss_fn=torch.nn.L1Loss(),
            batch_size=work.batch_size,
            optimizer_kwargs={"lr": LEARNING_RATE},
            random_state=SEED,
            pl_trainer_kwargs={**LIGHTNING, "max_steps": work.steps, "max_epochs": -1},
        )
        self.model.fit(series, dataloader_kwargs={"drop_last": True})

    def predict(self) -> list[TimeSeries]:
        """Forecast what follows the rows of fit."""
        return self.model.predict(self.work.horizon, self.series, verbose=False, **INFERENCE)

    def backtest(self, series: list[TimeSeries]) -> list[list[TimeSeries]]:
        """Forecast from every origin with the network of fit."""
        return self.model.historical_forecasts(
            series,
            forecast_horizon=self.work.horizon,
            start=-scored_rows(self.work),
            start_format="position",
            stride=self.work.stride,
            retrain=False,
            last_points_only=False,
            verbose=False,
            predict_kwargs=INFERENCE,
        )

    def numbers(self, said: Any) -> Floats:
        """(series, origins, K)."""
        origins = [each if isinstance(each, list) else [each] for each in said]
        return np.array([[one.values()[:, 0] for one in each] for each in origins], np.float32)
