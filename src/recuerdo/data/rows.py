"""The rows of all series in one block, and how they come to lie on the grid of a frequency."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recuerdo.data.frequency import Frequency, Times, say
from recuerdo.errors import DataError

__all__ = ["LEAST_RUN", "Rows", "laid_out", "no_endless_run", "positions", "say_moved"]

LEAST_RUN = 500
"""Missing rows in a run from which it can be thought to come from a wrong date."""

ENDLESS = 4
"""How many times as many rows as a series has may be missing, where the better part of them is missing in one run."""


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of many series: series after series, ascending in time within each.

    Attributes:
        ids: (n,) the names of the series.
        bounds: (n + 1,) where each series begins, and where the last one ends.
        times: (R,) datetime64[us] or int64.
        values: (R,), NaN where missing.
        covariates: (R, C), NaN where missing.
        numbers: (R,) what messages call each row; -1 for a row that the table does not have.
        where: what to call the table in messages.
    """

    ids: tuple[Any, ...]
    bounds: NDArray[np.int64]
    times: Times
    values: NDArray[np.float64]
    covariates: NDArray[np.float64]
    numbers: NDArray[np.int64]
    where: str

    @property
    def starts(self) -> NDArray[np.int64]:
        """Where each series begins (n,)."""
        return self.bounds[:-1]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """How many rows each series has (n,)."""
        return np.diff(self.bounds)

    @property
    def series(self) -> NDArray[np.int64]:
        """The number of the series of each row (R,)."""
        return np.repeat(np.arange(len(self.ids)), self.lengths)

    def place(self, series: int) -> str:
        """What messages call a series, by its number."""
        return f"{self.where}, series {self.ids[series]!r}"

    def part(self, series: int) -> slice:
        """The rows of a series, by its number."""
        return slice(int(self.bounds[series]), int(self.bounds[series + 1]))


def positions(rows: Rows, freq: Frequency) -> tuple[NDArray[np.int64], NDArray[np.bool_], Times]:
    """Where the rows lie on the grids of their series.

    Returns:
        For each row the number of steps (R,) from the origin of its series, whether it lies there exactly (R,), and
        the origins (R,).
    """
    origins = np.repeat(freq.begin(rows.times[rows.starts]), rows.lengths)
    found = freq.positions(rows.times, origins)
    return found, freq.at(origins, found) == rows.times, origins


def no_endless_run(rows: Rows, freq: Frequency, least: int = LEAST_RUN) -> None:
    """Make sure that no series is mostly one run of missing rows, before these are made: one wrong date does that.

    Args:
        rows: the rows.
        freq: the frequency.
        least: missing rows in a run from which that is said.

    Raises:
        DataError: a series is; the message says where the run begins and ends.
    """
    found, _, origins = positions(rows, freq)
    ahead = np.diff(found, append=found[-1:] + 1)
    ahead[rows.bounds[1:] - 1] = 1  # no step from one series into the next
    longest = np.maximum.reduceat(ahead, rows.starts) - 1
    missing = found[rows.bounds[1:] - 1] - found[rows.starts] + 1 - rows.lengths
    endless = np.flatnonzero((longest >= least) & (missing > ENDLESS * rows.lengths) & (2 * longest >= missing))
    if not endless.size:
        return
    i = int(endless[0])
    part = rows.part(i)
    before = part.start + int(ahead[part].argmax())
    first, last = freq.at(origins[before], np.array([found[before] + 1, found[before + 1] - 1]))
    if 2 * (before + 1 - part.start) >= part.stop - part.start:
        suspect, which = before + 1, "last" if before + 2 == part.stop else "next"
    else:
        suspect, which = before, "first" if before == part.start else "previous"
    place = rows.place(i) if len(rows.ids) > 1 else rows.where
    more = f" ({endless.size} such series)" if endless.size > 1 else ""
    raise DataError(
        f"{place}: {longest[i]:,} rows in a run are missing, from {say(first)} to {say(last)}, and only "
        f"{rows.lengths[i]:,} are there{more}. Is the {which} date right, {say(rows.times[suspect])} in row "
        f"{rows.numbers[suspect]}? Correct it; if it is, give the rows on one side of the gap alone."
    )


def say_moved(rows: Rows, freq: Frequency) -> list[str]:
    """A note on what becomes of irregular stamps."""
    if not freq.nearest:
        return []
    found, exact, _ = positions(rows, freq)
    joined = int(((np.diff(found) == 0) & (np.diff(rows.series) == 0)).sum())
    return [
        f"time stamps are irregular and go to the nearest point of a grid ({freq.words}): "
        f"{(~exact).sum()} of {len(exact)} rows are moved, {joined} are averaged with the row before at the same "
        "point, and points without a row are missing"
    ]


def laid_out(rows: Rows, freq: Frequency, last: NDArray[np.bool_]) -> Rows:
    """One row for each step from the first to the last of each series, without values where the table has no row.

    Args:
        rows: rows that lie on the grid, or any if the frequency is `nearest`: then each goes to its nearest point, and
            of several at one point the values are averaged.
        freq: the frequency.
        last: (C,) for each covariate whether the last value of several is taken rather than their average.
    """
    found, _, origins = positions(rows, freq)
    # Positions ascend within a series, since times do.
    first, final = found[rows.starts], found[rows.bounds[1:] - 1]
    lengths = final - first + 1
    if not freq.nearest and lengths.sum() == len(found):
        return rows
    bounds = np.concatenate([[0], np.cumsum(lengths)])
    target = found + np.repeat(bounds[:-1] - first, rows.lengths)
    steps = np.arange(bounds[-1]) + np.repeat(first - bounds[:-1], lengths)
    times = freq.at(np.repeat(origins[rows.starts], lengths), steps)
    runs = np.flatnonzero(np.diff(target, prepend=-1))
    places = target[runs]
    several = len(runs) < len(target)
    values = _spread(_mean(rows.values, runs) if several else rows.values, places, len(times))
    covariates = np.full((len(times), rows.covariates.shape[1]), np.nan)
    for i, column in enumerate(rows.covariates.T):
        merged = (_last(column, runs) if last[i] else _mean(column, runs)) if several else column
        covariates[places, i] = merged
    numbers = np.full(len(times), -1)
    numbers[places] = rows.numbers[runs]
    return replace(rows, bounds=bounds, times=times, values=values, covariates=covariates, numbers=numbers)


def _spread(values: NDArray[np.float64], places: NDArray[np.int64], length: int) -> NDArray[np.float64]:
    spread = np.full(length, np.nan)
    spread[places] = values
    return spread


def _mean(values: NDArray[np.float64], runs: NDArray[np.int64]) -> NDArray[np.float64]:
    """The average of each run of rows, of those that are there."""
    known = ~np.isnan(values)
    count = np.add.reduceat(known.astype(np.int64), runs)
    total = np.add.reduceat(np.where(known, values, 0.0), runs)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _last(values: NDArray[np.float64], runs: NDArray[np.int64]) -> NDArray[np.float64]:
    """The last value of each run of rows that is there."""
    latest = np.maximum.reduceat(np.where(np.isnan(values), -1, np.arange(len(values))), runs)
    return np.where(latest < 0, np.nan, values[latest])
