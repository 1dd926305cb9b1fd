"""The rows that are forecast, read here and handed to every contestant as one file of numbers."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np

import recuerdo as rc

from .work import Floats, Rows


class MissingDataError(Exception):
    """The files of a data set are not there; says where they were looked for and where they come from."""


def air_passengers() -> Rows:
    """The 144 months that come with recuerdo."""
    return Rows([np.asarray(rc.data.air_passengers()["passengers"], np.float32)], "1949-01-01", "MS")


def m4_hourly(folder: Path) -> Rows:
    """All 414 series of M4 Hourly, training and test part together.

    Args:
        folder: holds Hourly-train.csv or Hourly-train.csv.gz, and Hourly-test.csv or Hourly-test.csv.gz, as in Dataset/
            of the GitHub repository Mcompetitions/M4-methods.

    Raises:
        MissingDataError: a file is not there.
    """
    known, after = _read(folder, "Hourly-train"), _read(folder, "Hourly-test")
    return Rows([np.concatenate([known[name], after[name]]) for name in known], "2015-07-01", "h")


def _read(folder: Path, name: str) -> dict[str, Floats]:
    """Read a file of one series a row: its id, its values, and empty cells."""
    plain, packed = folder / f"{name}.csv", folder / f"{name}.csv.gz"
    if not plain.exists() and not packed.exists():
        raise MissingDataError(
            f"M4 Hourly was left out: neither {plain.name} nor {packed.name} is in {folder}. Take them from Dataset/ "
            f"of the GitHub repository Mcompetitions/M4-methods, and name their folder: --m4 FOLDER."
        )
    with plain.open(newline="") if plain.exists() else gzip.open(packed, "rt", newline="") as file:
        lines = csv.reader(file)
        next(lines)
        return {line[0]: np.array([float(cell) for cell in line[1:] if cell], np.float32) for line in lines}
