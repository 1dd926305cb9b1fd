"""WikiText-2 by words, in half an hour of two cores."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import recuerdo as rc

from . import characters
from .figures import Effort, Figure

BUDGET = 1_750.0
"""Seconds; issue 7, "Must show", 5."""

SIZES: dict[str, Any] = {
    "embedding_size": 400, "hidden_size": 400, "num_layers": 1, "dropout": 0.4, "embedding_dropout": 0.1,
    "batch_size": 32, "steps": 35, "learning_rate": 2e-3,
}  # fmt: skip


def words(effort: Effort) -> Iterator[Figure]:
    """Train a tied LSTM, and say its perplexity on the test part."""
    train, valid, test = (
        characters.words(characters.LANGUAGE / "wikitext2" / f"{part}.txt.gz", effort)
        for part in ("train", "valid", "test")
    )
    limit = {"max_steps": effort.steps(None)} if effort.quick else {"max_seconds": effort.max_seconds or BUDGET}
    began = time.perf_counter()
    model = rc.LanguageModel("given", **SIZES, **limit, random_state=0, baselines=None, verbose=False)
    model.fit(train, valid)
    seconds = time.perf_counter() - began
    yield Figure(
        "WikiText-2, tied LSTM, half an hour, test perplexity",
        model.perplexity(test),
        seconds=seconds,
        # Others trained two layers for days of a GPU; of Grave et al. 2017 and Merity et al. 2018.
        anchors={"LSTM": 99.3, "AWD-LSTM": 65.8, "valid": model.perplexity(valid)},
        options={**SIZES, "steps": model.report_.steps},
    )
