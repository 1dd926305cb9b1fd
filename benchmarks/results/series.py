"""Eleven sets of series by the default call, beside the nearest neighbour by dynamic time warping and MiniRocket."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from json import dumps
from statistics import mean
from typing import Any

import numpy as np

from recuerdo.data import Ragged

from .. import environments
from ..kernel.child import NoAnswerError, answered
from ..kernel.machine import ROOT
from . import side_by_side
from .figures import Effort, Figure
from .sequences import SERIES, series

SEEDS = 5

# Issue 6, "Must show", 1.
ASKED = {
    "JapaneseVowels": 98.0,
    "BasicMotions": 99.0,
    "SyntheticControl": 98.5,
    "GunPoint": 98.0,
    "SwedishLeaf": 88.0,
}
ABOVE, BELOW, SPARED = 3.0, -2.0, "TwoLeadECG"
SECONDS = 600.0

PUBLISHED = {
    "ArrowHead": 70.3,
    "DodgerLoopDay": 50.0,
    "ECG200": 77.0,
    "GunPoint": 90.7,
    "ItalyPowerDemand": 95.0,
    "SwedishLeaf": 79.2,
    "SyntheticControl": 99.3,
    "Trace": 100.0,
    "TwoLeadECG": 90.4,
    "JapaneseVowels": 94.9,
    "BasicMotions": 97.5,
}
"""1-NN DTW with the full window: UCR's DataSummary, where every series is standardised by itself, and of the last two
UEA's table of DTW_D."""

LIMIT = 900.0
"""Seconds of aeon on one set."""


def figures(effort: Effort) -> Iterator[Figure]:
    """Fit each set's training part with no option but the seed, and judge its test part."""
    seeds = list(effort.seeds(SEEDS))
    others = by_aeon(seeds)
    began = time.perf_counter()
    jobs = [("fits", "fitted", (name, {}, seeds, effort.quick)) for name in SERIES]
    jobs += [("fits", "baseline", (name, effort.quick)) for name in SERIES]
    done = side_by_side.run(jobs)
    fits = {name: next(done) for name in SERIES}
    nearest = {name: next(done)["accuracy"] for name in SERIES}
    took = time.perf_counter() - began
    for name in SERIES:
        beside = {"1-NN DTW": nearest[name], "published": PUBLISHED[name]}
        if name in others:
            beside |= {"MiniRocket": mean(others[name]["rocket"])}
        beside |= {"reports won by a baseline": float(sum(fits[name]["beaten"]))}
        yield Figure.over_seeds(
            f"{name}, accuracy %",
            fits[name]["accuracy"],
            seconds=mean(fits[name]["seconds"]),
            at_least=ASKED.get(name),
            anchors=beside,
            options={"reports": fits[name]["report"]},
        )
    by_seed = [mean(fits[name]["accuracy"][k] for name in SERIES) for k in range(len(seeds))]
    beside = {"1-NN DTW": mean(nearest.values())}
    if len(others) == len(SERIES):
        beside |= {"MiniRocket": mean(mean(each["rocket"]) for each in others.values())}
    yield Figure.over_seeds(f"mean of {len(SERIES)} sets, accuracy %", by_seed, anchors=beside)
    yield Figure("the same above 1-NN DTW, points", mean(by_seed) - beside["1-NN DTW"], at_least=ABOVE)
    above = {name: mean(fits[name]["accuracy"]) - nearest[name] for name in SERIES}
    lowest = min((name for name in SERIES if name != SPARED), key=above.__getitem__)
    yield Figure(f"lowest above 1-NN DTW, points ({lowest})", above[lowest], at_least=BELOW)
    yield Figure(f"{SPARED} above 1-NN DTW, points", above[SPARED])
    yield Figure(f"fits and 1-NN DTW, {side_by_side.PROCESSES} side by side, seconds", took, at_most=SECONDS)
    if others:
        apart = max(abs(each["dtw"] - nearest[name]) for name, each in others.items())
        yield Figure("1-NN DTW by aeon, farthest from ours, points", apart)


def by_aeon(seeds: list[int]) -> dict[str, Any]:
    """Return set -> accuracies of MiniRocket and 1-NN DTW, by aeon; empty where aeon cannot be installed."""
    try:
        python = environments.python("aeon", ROOT / "build" / "peers")
    except environments.NotInstalledError as reason:
        print(f"MiniRocket is left out: {reason}", file=sys.stderr)
        return {}
    # aeon must not see our packages, so the path is that of the modules alone.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment |= {"PYTHONPATH": str(ROOT)}
    found = {}
    for name in SERIES:
        split = series(name)
        both = Ragged.of([*split.X, *split.asked])
        labels = np.concatenate([split.y, split.truth])
        path = ROOT / "build" / "results" / "series" / f"{name}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, values=both.values, lengths=both.lengths, labels=labels, known=len(split.y))
        command = [str(python), "-m", f"{__package__}.by_aeon", dumps([str(path), seeds])]
        try:
            found[name] = answered(command, environment, LIMIT)
        except NoAnswerError as reason:
            print(f"MiniRocket on {name} is left out: {reason}", file=sys.stderr)
    return found
