"""Tiny Shakespeare and Don Quijote, character by character."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np

import recuerdo as rc
from recuerdo.data import text_source
from recuerdo.tasks.kneser_ney import fit_kneser_ney
from recuerdo.tasks.problem_runs import CELLS

from ..kernel.machine import ROOT
from .figures import Effort, Figure

LANGUAGE = ROOT.parent / "shared" / "data" / "language"

NATS, BUDGET, SEEDS = 1.48, 590.0, 3
"""Issue 7, "Must show", 3: under ten minutes, evaluation included."""

ALIKE = 150.0
"""Seconds that each cell has where they are compared."""

SIZES: dict[str, Any] = {"hidden_size": 512, "batch_size": 32, "steps": 96, "dropout": 0.3, "learning_rate": 3e-3}

PUBLISHED = {"nanoGPT on a GPU": 1.4697, "nanoGPT on a CPU": 1.88}
"""Of github.com/karpathy/nanoGPT's README, validation loss of its own 90/10 split."""

QUICK = 40_000
"""Characters of a quick run's text."""

WRITTEN = ROOT / "build" / "results" / "quijote.txt"


def book(name: str, effort: Effort) -> str:
    """Return a text of the folder beside the checkout; of a quick run its beginning alone."""
    folder = LANGUAGE / name
    files = sorted(Path(folder).glob("*.txt*"))
    if len(files) != 1:
        raise SystemExit(f"{folder} holds {len(files)} texts, and one is needed.")
    return "".join(text_source(files[0]).pieces())[: QUICK if effort.quick else None]


def words(path: Path, effort: Effort) -> Path | str:
    """Return a file of text; of a quick run its beginning alone, as a text."""
    if not effort.quick:
        return path
    return "".join(islice(text_source(path).lines(), 50))


def parts(text: str, *shares: float) -> list[str]:
    """Return a text in contiguous parts, of which each but the last has its share."""
    cuts = [0, *(int(share * len(text)) for share in np.cumsum(shares)), len(text)]
    return [text[begin:end] for begin, end in pairwise(cuts)]


def trained(text: str, valid: str, effort: Effort, seconds: float, **options: Any) -> tuple[rc.LanguageModel, float]:
    """Train for some seconds; return the model and how long it took."""
    limit = {"max_steps": effort.steps(None)} if effort.quick else {"max_seconds": effort.max_seconds or seconds}
    began = time.perf_counter()
    model = rc.LanguageModel("char", **{**SIZES, **limit, **options}, baselines=None, verbose=False).fit(text, valid)
    return model, time.perf_counter() - began


def shakespeare(effort: Effort) -> Iterator[Figure]:
    """Train an LSTM by three seeds in ten minutes each."""
    yield over_seeds(effort, "float32", at_most=NATS)


def shakespeare_bf16(effort: Effort) -> Iterator[Figure]:
    """Train it with products in bfloat16, which pays where the processor has AMX."""
    yield over_seeds(effort, "bf16", at_most=NATS)


def over_seeds(effort: Effort, precision: str, *, at_most: float) -> Figure:
    """Return the validation loss by some seeds."""
    text, valid = parts(book("tinyshakespeare", effort), 0.9)
    nats, seconds, steps = [], [], []
    for seed in effort.seeds(SEEDS):
        model, taken = trained(text, valid, effort, BUDGET, random_state=seed, precision=precision)
        nats.append(model.evaluate(valid).nats)
        seconds.append(taken)
        steps.append(model.report_.steps)
    return Figure.over_seeds(
        f"Tiny Shakespeare, LSTM, {precision}, valid nats",
        nats,
        seconds=max(seconds),
        at_most=at_most,
        anchors=PUBLISHED,
        options={**SIZES, "steps": steps},
    )


def shakespeare_cells(effort: Effort) -> Iterator[Figure]:
    """Train each of the four cells for as long."""
    text, valid = parts(book("tinyshakespeare", effort), 0.9)
    for cell in effort.cells or ("lstm", "gru", "indrnn", "frnn"):
        rate = {"learning_rate": 1e-3} if cell in ("frnn", "indrnn") else {}
        model, taken = trained(text, valid, effort, ALIKE, random_state=0, cell=cell, **rate)
        yield Figure(
            f"Tiny Shakespeare, {CELLS[cell].__name__}, {ALIKE:g} s, valid nats",
            model.evaluate(valid).nats,
            seconds=taken,
            options={**SIZES, **rate, "steps": model.report_.steps},
        )


def quijote(effort: Effort) -> Iterator[Figure]:
    """Train on the first nine tenths of the book; say how many bits a character of its end takes, and write on."""
    whole = book("quijote", effort)
    text, valid, asked = parts(whole, 0.9, 0.05)
    model, seconds = trained(text, valid, effort, 300.0, random_state=0)
    _, tokens = model._fitted()
    ids, end = (tokens.encode([each]).values for each in (text, asked))
    bits = {
        name: float(fit_kneser_ney(ids, vocabulary=tokens.size, order=order).losses(end).mean()) / math.log(2)
        for name, order in (("unigram", 1), ("5-gram (Kneser-Ney)", 5))
    }
    bits["uniform"] = math.log2(tokens.size)
    scores = model.evaluate(asked)
    yield Figure("Don Quijote, LSTM, test bits per character", scores.bits_per_character, seconds=seconds, anchors=bits)
    yield Figure(
        "Don Quijote, whole book there and back, characters lost", float(lost(whole, ("char", "bpe"))), at_most=0
    )
    WRITTEN.parent.mkdir(parents=True, exist_ok=True)
    WRITTEN.write_text(model.generate("En un lugar de la Mancha", max_tokens=500, temperature=0.7, random_state=0))


def lost(text: str, levels: Sequence[str]) -> int:
    """Return how many characters of a text do not come back from their tokens."""
    count = 0
    for level in levels:
        tokens = rc.data.fit_tokens([text], level=level)
        back = tokens.decode(tokens.encode([text]).values)
        count += abs(len(back) - len(text)) + sum(a != b for a, b in zip(text, back, strict=False))
    return count
