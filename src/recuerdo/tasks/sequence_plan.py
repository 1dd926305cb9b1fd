"""What a fit of sequences decides from the data before anything is trained, and says in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recuerdo.data.ragged import Ragged
from recuerdo.data.sentences import Sentences
from recuerdo.tasks.sequence_models import Source
from recuerdo.tasks.sequence_targets import Targets

MOST_FRAMES = 64
"""Steps of the recurrence over a long series: more of them are folded into frames."""

SMOOTH = 0.5
"""Share of a feature's spread below which the typical change from step to step says which way it goes; above, it is
mostly noise (1.41 for values without any memory)."""

FEW, SHARES = 1000, (0.2, 0.1)
"""Sequences below which the first share of them is held out for the trial, and from which the second."""

MOST_HELD = 2000
"""Sequences that are held out at most."""

FEWEST = 10
"""Sequences below which no trial is held: a handful of verdicts tells nothing, and the model needs the rows."""

NUMBER_PASSES, NUMBER_STEPS, LEAST_PASSES = 60, (600, 1500), 8
"""Passes over few sequences of numbers, within these steps; and over many, beyond them."""

TEXT_PASSES, LEAST_TEXT_STEPS = 3, 400
"""Passes over texts, after which a network that begins with embeddings has them by heart; and steps at least."""

WORD_PASSES, LEAST_WORD_STEPS = 10, 800
"""The same where every word has an answer, which takes longer to learn. Truecasing of WikiText-2, share of right words:
with 8,000 sentences 0.941 after 3 passes, 0.950 after 6, 0.953 after 10 and after 16; with 1,000 sentences 0.912 after
416 steps, 0.915 after 832."""

MANY_FEATURES = 4
"""Features for each step from which a person is asked which of the two they are."""

LONG_WORD = 20
"""Characters of a text that is longer than a word of most languages."""


@dataclass(frozen=True)
class Plan:
    """What is decided.

    Attributes:
        texts: whether sequences are texts.
        fold: steps that make a frame.
        changes: whether changes from step to step are read. Both follow from the inputs of all sequences, those that
            are held out included, and from no label.
        batch_size, max_steps, learning_rate: of training; max_steps is None where a clock alone ends it.
        early_stop: whether the trial says when training is over.
        held: indices of what is held out for the trial; empty for none.
        words: all this in sentences.
    """

    texts: bool
    fold: int
    changes: bool
    batch_size: int
    max_steps: int | None
    learning_rate: float
    early_stop: bool
    held: NDArray[np.int64]
    words: tuple[str, ...]


def batch_size_for(texts: bool, samples: int) -> int:
    """Return how many sequences a step learns from, where that is left open."""
    if texts:
        return 64 if samples >= 4 * FEW else 32
    return 128 if samples >= 20 * FEW else 32


def steps_for(texts: bool, batches: int, *, each: bool = False) -> int:
    """Return the steps of a training whose length is left open.

    Args:
        texts: whether sequences are texts, whose training rows are known by heart after a few passes.
        batches: how many make a pass over the training rows.
        each: whether every step or word has an answer.
    """
    if texts and each:
        return max(WORD_PASSES * batches, LEAST_WORD_STEPS)
    if texts:
        return max(TEXT_PASSES * batches, LEAST_TEXT_STEPS)
    return max(int(np.clip(NUMBER_PASSES * batches, *NUMBER_STEPS)), LEAST_PASSES * batches)


def frames_for(longest: int) -> int:
    """Return how many steps make a frame, so that the longest sequence has MOST_FRAMES frames or fewer.

    Example:
        >>> frames_for(64), frames_for(65), frames_for(784)
        (1, 2, 13)
    """
    return -(-longest // MOST_FRAMES)


def doubts(source: Source, level: str) -> list[str]:
    """Return what the sequences look like though they may be something else, in sentences for the report.

    Args:
        source: the sequences of fit.
        level: what texts are cut into.
    """
    if isinstance(source, Ragged):
        T, D = int(source.lengths.max()), source.values.shape[1]
        if MANY_FEATURES * T <= D:
            return [f"{D} features and {T} steps: if the features are the steps, X.transpose(0, 2, 1) turns them"]
        return []
    texts = [text for text in source if isinstance(text, str) and len(text) >= LONG_WORD]
    joined = sum(not any(map(str.isspace, text)) for text in texts)
    if level == "word" and 2 * len(texts) > len(source) and joined > 0.9 * len(texts):
        return ["the texts have no spaces between words, so that level='char' or 'bpe' may read them better"]
    return []


def changes_tell(known: Ragged) -> bool:
    """Whether the changes of most features from step to step are small beside their spread."""
    values = known.values.astype(np.float64)
    inside = np.ones(len(values), dtype=bool)
    inside[known.starts[:-1]] = False
    change = np.diff(values, axis=0, prepend=values[:1])[inside]
    if not len(change):
        return False
    seen = ~np.isnan(change).all(axis=0) & ~np.isnan(values).all(axis=0)
    if not seen.any():
        return False
    spread, moved = np.nanstd(values[:, seen], axis=0), np.sqrt(np.nanmean(change[:, seen] ** 2, axis=0))
    return bool(np.median(moved / np.where(spread > 0, spread, np.inf)) < SMOOTH)


def held_out(targets: Targets, random_state: int) -> NDArray[np.int64]:
    """Return which sequences the trial holds out, in their order: a share of each class, of which one stays at least.

    Args:
        targets: the answers to N sequences.
        random_state: the seed of the choice.
    """
    # A sequence without an answer at any step judges nothing.
    rows = np.unique(targets.flatten()[1]) if targets.each else np.arange(len(targets))
    N = len(rows)
    if N < FEWEST:
        return np.zeros(0, np.int64)
    share = SHARES[N >= FEW] * min(1.0, MOST_HELD / (SHARES[N >= FEW] * N))
    order = np.random.default_rng(random_state).permutation(rows)
    if targets.classes is None or isinstance(targets.values, Ragged):
        return np.sort(order[: round(share * N)])
    labels = targets.values[order]
    kept = [order[labels == label][: _of_class(int((labels == label).sum()), share)] for label in np.unique(labels)]
    return np.sort(np.concatenate(kept))


def _of_class(rows: int, share: float) -> int:
    """Return how many rows of a class are held out: one or more of four, and never all."""
    return min(max(round(share * rows), int(rows >= 4)), rows - 1)


def said_of(source: Source, targets: Targets) -> str:
    """Return a sentence on what was read."""
    N = len(source)
    answers = f"{targets.outputs} classes" if targets.classes is not None else "numbers"
    place = " at every step" if targets.each else ""
    if isinstance(source, Sentences):
        place = " for every word" if targets.each else ""
        return f"{N:,} texts of {source.lengths.sum():,} words, with {answers}{place}"
    if not isinstance(source, Ragged):
        return f"{N:,} texts with {answers}"
    lengths = source.lengths
    span = f"{lengths.min()} to {lengths.max()}" if lengths.min() < lengths.max() else f"{lengths.max()}"
    features = source.values.shape[1]
    return f"{N:,} sequences of {span} steps and {features} feature{'s'[: features != 1]}, with {answers}{place}"
