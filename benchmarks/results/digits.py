"""MNIST row by row, by the default call."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from statistics import mean

import numpy as np

import recuerdo as rc

from .figures import Effort, Figure
from .fits import scores
from .sequences import digits

SEEDS = 5

# Issue 6, "Must show", 3.
ASKED, SLOWEST = 98.8, 300.0


def figures(effort: Effort) -> Iterator[Figure]:
    """Fit the 60,000 training digits with no option but the seed, on all processors, and judge the 10,000 others."""
    split = digits()
    found: list[dict[str, float]] = []
    seconds: list[float] = []
    baselines: dict[str, list[float]] = {}
    reports: list[str] = []
    for seed in effort.seeds(SEEDS):
        model = rc.SequenceClassifier(max_steps=effort.steps(None), random_state=seed)
        began = time.perf_counter()
        with warnings.catch_warnings():  # that a baseline wins stands in the report, which is kept
            warnings.simplefilter("ignore", UserWarning)
            model.fit(split.X, split.y)
        seconds.append(time.perf_counter() - began)
        found.append(scores(split.truth, np.asarray(model.predict(split.asked))))
        reports.append(model.report_.verdict)
        for name, row in model.report_.scores.items():
            if name != model.report_.model:
                baselines.setdefault(f"{name}, held out", []).append(100 * row["accuracy"])
    yield Figure.over_seeds(
        "MNIST row by row, accuracy %",
        [each["accuracy"] for each in found],
        seconds=mean(seconds),
        at_least=ASKED,
        anchors={name: mean(each) for name, each in baselines.items()},
        options={"reports": reports},
    )
    yield Figure("MNIST row by row, slowest fit, seconds", max(seconds), at_most=SLOWEST)
