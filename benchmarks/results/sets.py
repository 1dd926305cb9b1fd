"""The data of the results, from the folder beside the checkout, as tables that a Forecaster takes."""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

Values = NDArray[np.float64]

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "forecasting"

ETTH1_COLUMNS = ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT")
BEIJING_NUMBERS = ("DEWP", "TEMP", "PRES", "Iws", "Is", "Ir")
BEIJING_WIND = "cbwd"


@dataclass(frozen=True)
class M4:
    """One frequency of the M4 competition.

    Attributes:
        ids: of the series.
        known: (T_i,) each, the training part.
        truth: (n, K), the test part.
        season: that of the official scores.
    """

    ids: tuple[str, ...]
    known: tuple[Values, ...]
    truth: Values
    season: int

    @property
    def horizon(self) -> int:
        """K."""
        return self.truth.shape[1]

    @property
    def whole(self) -> list[Values]:
        """Training and test part of each series in one."""
        return [np.concatenate(parts) for parts in zip(self.known, self.truth, strict=True)]


def m4(name: str) -> M4:
    """Return "Hourly" or "Weekly"."""
    known, truth = (_m4_rows(f"{name}-{part}") for part in ("train.csv.gz", "test.csv"))
    if list(known) != list(truth):
        raise ValueError(f"The series of {name}-train.csv.gz and {name}-test.csv are not the same: fetch both anew.")
    return M4(tuple(known), tuple(known.values()), np.stack(list(truth.values())), 24 if name == "Hourly" else 1)


def m4_starts() -> dict[str, np.datetime64]:
    """Return the time stamp of the first row of each hourly series."""
    info = pl.read_csv(_at("m4", "M4-info-derived.csv")).filter(pl.col("SP") == "Hourly")
    return {one: np.datetime64(start.replace(" ", "T"), "us") for one, start in info["M4id", "StartingDate"].rows()}


def long_table(
    ids: tuple[str, ...], series: list[Values], stamps: list[NDArray[np.generic]] | None = None
) -> pl.DataFrame:
    """Return series as a table of unique_id, ds and y; without stamps ds counts the rows."""
    lengths = [len(each) for each in series]
    ds = [np.arange(length) for length in lengths] if stamps is None else stamps
    return pl.DataFrame({"unique_id": np.repeat(ids, lengths), "ds": np.concatenate(ds), "y": np.concatenate(series)})


def etth1() -> pl.DataFrame:
    """Return the seven loads and temperatures, hourly."""
    return pl.read_csv(_unzipped("etth1", "ETTh1.csv.gz")).with_columns(pl.col("date").str.to_datetime())


def electricity() -> pl.DataFrame:
    """Return the demand of Victoria, half-hourly in UTC, with the local day in `Date`."""
    return pl.read_csv(_unzipped("vic_electricity", "vic_electricity.csv.gz"))


def beijing() -> pl.DataFrame:
    """Return PM2.5 as `pm2.5`, null where missing, hourly as `ds`, with the weather beside it."""
    table = pl.read_csv(_unzipped("beijing_pm25", "pollution.csv.gz"), null_values="NA", infer_schema_length=None)
    stamped = table.select("pm2.5", *BEIJING_NUMBERS, BEIJING_WIND, ds=pl.datetime("year", "month", "day", "hour"))
    return stamped.with_columns(pl.col("pm2.5", *BEIJING_NUMBERS).cast(pl.Float64))


def sunspots() -> pl.DataFrame:
    """Return the sunspots of each month."""
    return pl.read_csv(_at("sunspots", "monthly-sunspots.csv"))


def temperatures() -> pl.DataFrame:
    """Return the lowest temperature of each day in Melbourne."""
    return pl.read_csv(_at("daily_min_temperatures", "daily-min-temperatures.csv"))


def _at(folder: str, name: str) -> Path:
    path = DATA / folder / name
    if not path.exists():
        raise SystemExit(
            f"{path} is not there: put the data that its SOURCE.md names in {DATA}, or leave this part out."
        )
    return path


def _unzipped(folder: str, name: str) -> bytes:
    return gzip.decompress(_at(folder, name).read_bytes())


def _m4_rows(name: str) -> dict[str, Values]:
    """Id -> its values; a row is padded with empty cells."""
    text = _unzipped("m4", name) if name.endswith(".gz") else _at("m4", name).read_bytes()
    rows = list(csv.reader(StringIO(text.decode())))[1:]
    return {row[0]: np.array([float(cell) for cell in row[1:] if cell]) for row in rows}
