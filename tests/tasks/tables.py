"""Small tables with a known season, in every kind that people bring, and fits that take a moment."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from recuerdo import Forecaster

ROWS, HORIZON, SEASON, LOOKBACK = 64, 5, 7, 14
QUICK: dict[str, Any] = {
    "horizon": HORIZON,
    "hidden_size": 5,
    "max_steps": 4,
    "learning_rate": 0.02,
    "random_state": 3,
    "baselines": None,
    "verbose": False,
}
"""What a fit takes that is not about how good it gets."""


def weekly(rows: int = ROWS, seed: int = 0, level: float = 50.0) -> NDArray[np.float64]:
    """Values with a season of seven, a trend and noise, all above 0."""
    t = np.arange(rows)
    noise = np.random.default_rng(seed).normal(size=rows)
    return level + 0.1 * t + 5 * np.sin(2 * np.pi * (t + seed) / SEASON) + noise


def days(rows: int = ROWS, zone: str | None = None) -> pd.DatetimeIndex:
    return pd.date_range("2024-01-01", periods=rows, freq="D", tz=zone)


def dates(rows: int) -> pl.Series:
    return pl.date_range(date(2024, 1, 1), date(2024, 1, 1) + timedelta(rows - 1), eager=True)


def daily(values: NDArray[np.float64] | None = None) -> pl.DataFrame:
    """A table of one series: day, y."""
    values = weekly() if values is None else values
    return pl.DataFrame({"day": dates(len(values)), "y": values})


def long(**series: NDArray[np.float64]) -> pl.DataFrame:
    """A long table: unique_id, ds, y."""
    parts = [
        pl.DataFrame({"unique_id": [name] * len(values), "ds": dates(len(values)), "y": values})
        for name, values in series.items()
    ]
    return pl.concat(parts)


def covariates(**series: NDArray[np.float64]) -> pl.DataFrame:
    """A long table with a covariate of each kind.

    rain (past, with gaps), price and open (future, a number and a category), size and region (static, likewise).
    """
    parts = []
    for number, (name, values) in enumerate(series.items()):
        rows = len(values)
        draw, t = np.random.default_rng(100 + number), np.arange(rows)
        rain = draw.normal(size=rows)
        rain[3::11] = np.nan
        parts.append(
            pl.DataFrame(
                {
                    "unique_id": [name] * rows,
                    "ds": dates(rows),
                    "y": values,
                    "rain": rain,
                    "price": 2 + 0.1 * t + draw.normal(size=rows),
                    "open": np.where((t + number) % 5 == 0, "no", "yes"),
                    "size": [10.0 + number] * rows,
                    "region": [("north", "south")[number % 2]] * rows,
                }
            )
        )
    return pl.concat(parts)


ROLES: dict[str, Any] = {"past": ["rain"], "future": ["price", "open"], "static": ["size", "region"]}
"""How fit is told of them."""


def ahead(table: pl.DataFrame, rows: int) -> pl.DataFrame:
    """The next rows of each series of such a table, with what is known ahead."""
    parts = []
    for (name,), one in table.group_by("unique_id", maintain_order=True):
        last, draw = one["ds"][-1], np.random.default_rng(len(one))
        parts.append(
            pl.DataFrame(
                {
                    "unique_id": [name] * rows,
                    "ds": pl.date_range(last + timedelta(1), last + timedelta(rows), eager=True),
                    "price": 5 + draw.normal(size=rows),
                    "open": np.where(np.arange(rows) % 2 == 0, "no", "yes"),
                }
            )
        )
    return pl.concat(parts)


def holed(values: NDArray[np.float64], seed: int = 7, share: float = 0.2) -> NDArray[np.float64]:
    """The same values, some of them missing."""
    gone = np.random.default_rng(seed).random(len(values)) < share
    gone[[0, -1]] = False
    return np.where(gone, np.nan, values)


DATA: dict[str, tuple[pl.DataFrame, dict[str, Any]]] = {
    "plain": (daily(), {}),
    "gaps": (daily(holed(weekly())), {}),
    "covariates": (covariates(a=holed(weekly()), b=weekly(80, seed=1, level=20)), ROLES),
}
"""Name -> a table, and how fit is told its columns."""


def following(data: str) -> dict[str, Any]:
    """What predict has to be told of the rows after such a table."""
    return {"future": ahead(DATA["covariates"][0], HORIZON)} if data == "covariates" else {}


def kinds() -> dict[str, tuple[Any, dict[str, Any]]]:
    """Name -> table, and how fit is told its columns."""
    y, other = weekly(), weekly(seed=1, level=20)
    zoned = pd.DataFrame({"time": days(zone="Europe/Madrid"), "y": y})
    wide = {"day": days(), "a": y, "b": other}
    both = long(a=y, b=other)
    return {
        "pandas": (pd.DataFrame({"day": days(), "y": y}), {}),
        "polars": (daily(y), {}),
        "pyarrow": (pa.table({"day": days(), "y": y}), {}),
        "text dates": (pl.DataFrame({"day": days().strftime("%d/%m/%Y").to_list(), "y": y}), {}),
        "time zone": (zoned, {}),
        "integer steps": (pd.DataFrame({"step": np.arange(100, 100 + ROWS), "y": y}), {"date": "step"}),
        "long": (both, {}),
        "long pandas": (both.to_pandas(), {"id": "unique_id", "date": "ds", "target": "y"}),
        "wide": (pd.DataFrame(wide), {"target": ["a", "b"]}),
        "wide pyarrow": (pa.table(wide), {"target": ["a", "b"]}),
    }


def quick(**changes: Any) -> Forecaster:
    """An unfitted forecaster that fits in a moment."""
    return Forecaster(**(QUICK | changes))


def numbers(frame: Any, column: str = "y") -> NDArray[np.float64]:
    """A column of a frame of any kind."""
    return np.asarray(frame[column].to_numpy())
