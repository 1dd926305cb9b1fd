"""Many series from a folder of Parquet files: memory, and time as their number grows."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from .figures import Effort, Figure

ROOT = Path(__file__).resolve().parents[2]
CHILD = f"{__package__}.scale_child"

ROWS, SEASON = 500, 7
FEW, MANY = 1_000, 10_000
FILE = 1_000
"""Series of a file."""

STEPS = 200
GIB = 2**30
MEMORY = 4.0
LINEAR = 1.1
"""Of the seconds of a series among the few; the rest is noise."""


def figures(effort: Effort) -> Iterator[Figure]:
    """Fit and forecast 1,000 and 10,000 series, each in a process of its own."""
    found = {}
    for count in (FEW, MANY):
        folder = written(ROOT / "build" / "results" / f"series-{count}", count)
        found[count] = one = measured(folder, effort.steps(STEPS))
        seconds = one["fit"] + one["predict"]
        options = {"max_steps": effort.steps(STEPS), "fit": one["fit"], "predict": one["predict"]}
        name = f"{count:,} series x {ROWS} rows"
        yield Figure(
            f"{name}, peak memory, GiB",
            one["peak"] / GIB,
            seconds=seconds,
            at_most=MEMORY if count == MANY else None,
            anchors={"with imports alone": one["before"] / GIB},
            options=options,
        )
        yield Figure(f"{name}, milliseconds a series", 1e3 * seconds / count)
    each = {count: (one["fit"] + one["predict"]) / count for count, one in found.items()}
    yield Figure(f"time of a series, {MANY:,} by {FEW:,}", each[MANY] / each[FEW], at_most=LINEAR)


def written(folder: Path, count: int) -> Path:
    """Write series with a season, a trend and noise as a folder of Parquet files, the same in every run."""
    folder.mkdir(parents=True, exist_ok=True)
    days = pl.date_range(pl.date(2020, 1, 1), pl.date(2020, 1, 1) + pl.duration(days=ROWS - 1), eager=True)
    steps = np.arange(ROWS)
    for first in range(0, count, FILE):
        drawn, n = np.random.default_rng(first), min(FILE, count - first)
        level, swing, slope, phase = drawn.uniform([10, 1, -0.01, 0], [100, 8, 0.01, SEASON], (n, 4)).T[:, :, None]
        season = swing * np.sin(2 * np.pi * (steps + phase) / SEASON)
        y = level + slope * steps + season + drawn.normal(size=(n, ROWS))
        ids = [f"series {first + number}" for number in range(n)]
        table = pl.DataFrame({"unique_id": np.repeat(ids, ROWS), "ds": pl.concat([days] * n), "y": y.reshape(-1)})
        table.write_parquet(folder / f"{first:06}.parquet")
    return folder


def measured(folder: Path, steps: int | None) -> dict[str, Any]:
    """Return what the child says: seconds of fit and predict, bytes at the peak and after the imports."""
    command = [sys.executable, "-m", CHILD, str(folder), str(steps)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{folder.name}: the forecaster's process failed.\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])
