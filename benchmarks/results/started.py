"""Does it help SST-2 to begin with a language model of other films' reviews?"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from statistics import mean
from typing import Any

import numpy as np

import recuerdo as rc

from ..kernel.machine import ROOT
from . import side_by_side
from .figures import Effort, Figure
from .fits import scores
from .sequences import named

SEEDS = 5

READER = ROOT / "build" / "results" / "reader"
"""Where the language model is kept that all of them begin with."""

OPTIONS: dict[str, Any] = {"cell": "gru", "embedding_size": 128, "hidden_size": 64, "tied": False, "lowercase": True}

STARTS = ("language model", "ppmi", "random")


def fine_tuned(effort: Effort) -> Iterator[Figure]:
    """Fit one classifier from three beginnings, by each seed: a language model, its texts' statistics, at random."""
    yield reading(effort)
    seeds = effort.seeds(SEEDS)
    jobs = [("started", "one", (start, [seed], effort.quick)) for start in STARTS for seed in seeds]
    done = side_by_side.run(jobs)
    for start in STARTS:
        found = [next(done) for _ in seeds]
        yield Figure.over_seeds(
            f"SST-2, begun with {start}, accuracy %",
            [each["accuracy"] for each in found],
            seconds=mean(each["seconds"] for each in found),
            anchors={"recurrence alone": mean(each["alone"] for each in found)},
        )


def reading(effort: Effort) -> Figure:
    """Train the language model, on SST-2's training sentences and the polarity set's reviews, none of them judged."""
    texts = unlabelled()
    limit = {"max_steps": effort.steps(None)} if effort.quick else {"max_seconds": 300.0}
    model = rc.LanguageModel("word", **OPTIONS, **limit, min_count=2, random_state=0, baselines=None, verbose=False)
    model.fit(texts)
    model.save(READER, overwrite=True)
    return Figure(
        "language model of reviews, held-out perplexity",
        np.exp(model.report_.nats[model.report_.model]),
        seconds=model.report_.seconds,
    )


def unlabelled() -> list[str]:
    """Return the texts that the language model reads."""
    return [*named("SST-2").X, *named("review polarity").X]


def one(start: str, seeds: Sequence[int], quick: bool) -> dict[str, float]:
    """Fit a classifier from one beginning; return what it scores, with the bag beside it and without."""
    split = named("SST-2")
    (seed,) = seeds
    limit = {"max_steps": 5} if quick else {}
    found = {}
    for name, bag in (("accuracy", "auto"), ("alone", False)):
        options: dict[str, Any] = {**limit, "bag": bag, "random_state": seed, "baselines": None, "verbose": False}
        if start == "language model":
            model = rc.load(READER).classifier(**options)
        else:
            model = rc.SequenceClassifier(embeddings=start, **options)
        began = time.perf_counter()
        model.fit(split.X, split.y, unlabelled=unlabelled() if start == "ppmi" else None)
        found[name] = scores(split.truth, np.asarray(model.predict(split.asked)))["accuracy"]
        if name == "accuracy":
            found["seconds"] = time.perf_counter() - began
    return found
