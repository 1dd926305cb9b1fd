"""Fits of a classifier by some seeds, and its baselines, on the sequences of one set; a process of its own calls it."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score

import recuerdo as rc
from recuerdo.data import Ragged
from recuerdo.tasks.text_baselines import tfidf
from recuerdo.tasks.warping_baseline import dtw

from .sequences import TEXTS, named

SPARSE = 10
"""Of a quick run's training texts, one in so many is learned from."""


def fitted(name: str, options: Mapping[str, Any], seeds: Sequence[int], quick: bool) -> dict[str, Any]:
    """Fit a classifier to a set by each seed, and a baseline that knows all of the training part.

    Args:
        name: of the set.
        options: of the classifier, beside the seed; none for the default call.
        seeds: one for each fit.
        quick: a few steps on a part of the texts.

    Returns:
        accuracy, macro_f1, seconds, beaten (whether its report says so) and report: a list each, by seed; baseline:
        name -> accuracy and macro_f1.
    """
    split = named(name)
    if quick:
        split = split.every(SPARSE) if name in TEXTS else split
        options = {**options, "max_steps": 5}
    found: dict[str, Any] = {name: [] for name in ("accuracy", "macro_f1", "seconds", "beaten", "report")}
    for seed in seeds:
        model = rc.SequenceClassifier(**options, random_state=seed)
        began = time.perf_counter()
        with warnings.catch_warnings():  # that a baseline wins is counted, and need not be said
            warnings.simplefilter("ignore", UserWarning)
            model.fit(split.X, split.y)
        found["seconds"].append(time.perf_counter() - began)
        for score, value in scores(split.truth, np.asarray(model.predict(split.asked))).items():
            found[score].append(value)
        found["beaten"].append(model.report_.beaten)
        found["report"].append(model.report_.verdict)
    return found


def baseline(name: str, quick: bool) -> dict[str, float]:
    """Return the scores of what a set's classifier has to beat: TF-IDF of texts, the nearest neighbour of series."""
    split = named(name)
    if quick and name in TEXTS:
        split = split.every(SPARSE)
    classes, y = np.unique(split.y, return_inverse=True)
    if name in TEXTS:
        said = tfidf(split.X, y, split.asked, classes=len(classes))
    else:
        said = dtw(Ragged.of(split.X), y, Ragged.of(split.asked), classes=len(classes))
    assert said is not None  # no limit of time was set
    return scores(split.truth, classes[said.argmax(axis=1)])


def scores(truth: NDArray[Any], said: NDArray[Any]) -> dict[str, float]:
    """Return the scores of some verdicts, in percent."""
    return {
        "accuracy": 100 * float(accuracy_score(truth, said)),
        "macro_f1": 100 * float(f1_score(truth, said, average="macro")),
    }
