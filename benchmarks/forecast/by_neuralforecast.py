"""The work as neuralforecast does it.

Lean settings: one encoder layer, a linear decoder, window mean/std ("standard") instead of the slower default medians,
no validation, logger, checkpoint, progress bar or summary; 32 series a batch (its default), of which it draws the
windows of a step; inference in its default batches.
"""

from __future__ import annotations

import logging

import neuralforecast.models
import numpy as np
import pandas as pd
from neuralforecast import NeuralForecast
from neuralforecast.losses.pytorch import MAE

from .work import LEARNING_RATE, LIGHTNING, ORIGINS, SEED, Floats, Rows, Work, names

PACKAGES = ("neuralforecast", "pytorch-lightning", "torch", "pandas", "numpy")


class Contestant:
    """neuralforecast's GRU or LSTM."""

    def __init__(self, work: Work) -> None:
        logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
        self.work = work

    def prepared(self, rows: Rows) -> pd.DataFrame:
        """A long table."""
        stamps = [pd.date_range(rows.start, periods=len(each), freq=rows.freq) for each in rows.values]
        ids = np.repeat(names(rows), [len(each) for each in rows.values])
        return pd.DataFrame({"unique_id": ids, "ds": np.concatenate(stamps), "y": np.concatenate(rows.values)})

    def fit(self, table: pd.DataFrame, rows: Rows) -> None:
        """Train."""
        work = self.work
        model = getattr(neuralforecast.models, work.cell.upper())(
            h=work.horizon,
            input_size=work.lookback,
            encoder_n_layers=1,
            encoder_hidden_size=work.hidden_size,
            decoder_layers=1,
            loss=MAE(),
            learning_rate=LEARNING_RATE,
            max_steps=work.steps,
            windows_batch_size=work.batch_size,
            scaler_type="standard",
            random_seed=SEED,
            alias="network",
            **LIGHTNING,
        )
        self.fitted = NeuralForecast([model], rows.freq)
        self.fitted.fit(table)

    def predict(self) -> pd.DataFrame:
        """Forecast what follows the rows of fit."""
        return self.fitted.predict()

    def backtest(self, table: pd.DataFrame) -> pd.DataFrame:
        """Forecast from every origin with the network of fit."""
        return self.fitted.cross_validation(table, n_windows=ORIGINS, step_size=self.work.stride, use_fitted=True)

    def numbers(self, said: pd.DataFrame) -> Floats:
        """(series, origins, K)."""
        order = [each for each in ("unique_id", "cutoff", "ds") if each in said]
        values = said.sort_values(order)["network"].to_numpy(np.float32)
        return values.reshape(said["unique_id"].nunique(), -1, self.work.horizon)
