"""The work that everybody does, and its rows. It needs numpy alone, since every contestant's Python reads it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

THREADS = 2
SEED = 0
LEARNING_RATE = 2e-3
ORIGINS = 20
"""Of a backtest, the last one as late as its horizon allows."""

LIGHTNING = {
    "accelerator": "cpu",
    "devices": 1,
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "num_sanity_val_steps": 0,
}
"""What the peers' trainer, which is PyTorch Lightning's in both, is told: no more than the training itself."""


@dataclass(frozen=True)
class Work:
    """A network to train and what to forecast with it.

    Args:
        name: what tables call it.
        data: the name of its rows: see :mod:`.rows`.
        cell: "gru" or "lstm", one layer that reads the lookback step by step.
        hidden_size: H.
        lookback: rows of a window.
        horizon: K.
        season: rows of a season.
        stride: rows from one origin of a backtest to the next.
        batch_size: windows of an optimiser step.
        steps: optimiser steps.
    """

    name: str
    data: str
    cell: str
    hidden_size: int
    lookback: int
    horizon: int
    season: int
    stride: int
    batch_size: int
    steps: int


AIR = Work(
    "AirPassengers GRU",
    "air_passengers",
    "gru",
    32,
    lookback=24,
    horizon=12,
    season=12,
    stride=1,
    batch_size=32,
    steps=300,
)
HOURLY = Work(
    "M4 Hourly GRU", "m4_hourly", "gru", 128, lookback=168, horizon=48, season=24, stride=24, batch_size=128, steps=100
)
HOURLY_LSTM = replace(HOURLY, name="M4 Hourly LSTM", cell="lstm")


@dataclass(frozen=True, eq=False)
class Rows:
    """Many series, each on a grid of its own.

    Args:
        values: of each series, (T,).
        start: the first time stamp of all of them, as ISO 8601.
        freq: their step in pandas' short form.
    """

    values: list[Floats]
    start: str
    freq: str

    @classmethod
    def load(cls, path: str | Path) -> Rows:
        """Read what :meth:`save` wrote."""
        with np.load(path) as found:
            parts = np.split(found["values"], np.cumsum(found["lengths"])[:-1])
            return cls(parts, str(found["start"]), str(found["freq"]))

    def save(self, path: Path) -> None:
        """Write one .npz file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        lengths = [len(each) for each in self.values]
        np.savez(path, values=np.concatenate(self.values), lengths=lengths, start=self.start, freq=self.freq)

    def without_last(self, rows: int) -> Rows:
        """All but the last rows of each series."""
        return Rows([each[:-rows] for each in self.values], self.start, self.freq)

    def origins(self, work: Work) -> list[list[int]]:
        """The number of rows known at each origin of a backtest, for each series."""
        last = [len(each) - work.horizon for each in self.values]
        return [[end - work.stride * back for back in reversed(range(ORIGINS))] for end in last]


def scored_rows(work: Work) -> int:
    """The rows at the end of each series that the origins of a backtest forecast."""
    return work.horizon + (ORIGINS - 1) * work.stride


def names(rows: Rows) -> list[str]:
    """Ids that sort as the series stand."""
    return [f"s{k:05}" for k in range(len(rows.values))]


def mase(forecasts: Floats, rows: Rows, ends: list[list[int]], season: int) -> float:
    """The mean absolute scaled error, by each origin's own seasonal naive scale, averaged over all origins.

    Args:
        forecasts: (series, origins, K).
        rows: the known values and what came true.
        ends: the number of rows known at each origin, for each series.
        season: m, in rows.
    """
    K, errors = forecasts.shape[-1], []
    for series, values, known in zip(forecasts, rows.values, ends, strict=True):
        for forecast, end in zip(series, known, strict=True):
            scale = np.abs(values[season:end] - values[: end - season]).mean()
            errors.append(np.abs(forecast - values[end : end + K]).mean() / scale)
    return float(np.mean(errors))
