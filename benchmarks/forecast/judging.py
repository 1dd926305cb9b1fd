"""What is asked of the figures: how many times as fast as each peer, and in how much less memory."""

from __future__ import annotations

from statistics import median
from typing import Any

from ..kernel.judging import Verdict
from .measuring import BACKTEST, FIT, START
from .work import AIR, HOURLY, HOURLY_LSTM

OURS, SEGMENTS = "recuerdo", "recuerdo_segments"
PEERS = ("neuralforecast", "darts")

# Issue 5, "Must show", 6: their seconds by ours, at least.
TARGETS: dict[tuple[str, str, str], float] = {
    (FIT, AIR.name, "neuralforecast"): 5.0,
    (FIT, AIR.name, "darts"): 3.0,
    **{(FIT, HOURLY.name, peer): 2.5 for peer in PEERS},
    **{(FIT, HOURLY_LSTM.name, peer): 1.5 for peer in PEERS},
    **{(BACKTEST, work.name, peer): 10.0 for work in (AIR, HOURLY) for peer in PEERS},
}
PACED = (HOURLY.name, HOURLY_LSTM.name)
"""Work of which a fit is judged by the pace of its steps alone, and not by what starts and ends it."""
MEMORY = 1.0  # ours by a peer's, at most

Row = dict[str, Any]
"""part, work, who; runs: what :func:`.measuring.measure` returned, each time; reason: why there are none, else None."""


def one_network(run: dict[str, Any]) -> float | None:
    """The seconds of all optimiser steps of the network that forecasts, None if there was but one."""
    return run["networks"][-1]["seconds"]


def same_work(run: dict[str, Any]) -> float:
    """The seconds of the fit without the steps of networks other than the one that forecasts."""
    return run["seconds"]["fit"] - sum(each["seconds"] or 0.0 for each in run["networks"][:-1])


def judged_seconds(part: str, work: str, run: dict[str, Any]) -> float:
    """What a run is judged by."""
    if part != FIT:
        return run["seconds"][part]
    steps = one_network(run)
    return steps if work in PACED and steps is not None else same_work(run)


def seconds(row: Row) -> list[float]:
    """What the row's runs are judged by."""
    return [judged_seconds(row["part"], row["work"], run) for run in row["runs"]]


def ratio(ours: Row, theirs: Row) -> Verdict | None:
    """Their median by ours; None where one of them has no runs."""
    if not ours["runs"] or not theirs["runs"]:
        return None
    target = TARGETS.get((ours["part"], ours["work"], theirs["who"])) if ours["who"] == OURS else None
    return Verdict(median(seconds(theirs)) / median(seconds(ours)), target)


def memory(ours: Row, theirs: Row) -> Verdict | None:
    """Our highest peak by their lowest; None where one is not known."""
    mine, other = ([run["peak"] for run in row["runs"] if run["peak"]] for row in (ours, theirs))
    if not mine or not other:
        return None
    asked = ours["who"] == OURS and ours["part"] != START
    return Verdict(max(mine) / min(other), MEMORY if asked else None, "at most")


def judged(rows: list[Row]) -> list[tuple[str, Verdict]]:
    """Return every figure of a run that has a name and a verdict."""
    found = []
    for mine in rows:
        for other in rows:
            if mine["who"] in PEERS or other["who"] not in PEERS or key(mine) != key(other):
                continue
            name = f"{mine['work']}, {mine['part']}, {mine['who']} beside {other['who']}"
            named = [(f"{name}, times as fast", ratio(mine, other)), (f"{name}, memory", memory(mine, other))]
            found += [(words, verdict) for words, verdict in named if verdict is not None]
    return found


def key(row: Row) -> tuple[str, str]:
    """The rows of one key are compared."""
    return row["part"], row["work"]
