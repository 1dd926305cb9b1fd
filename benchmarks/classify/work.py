"""The work that everybody does, and its sequences. It needs numpy alone, since every contestant's Python reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

THREADS = 2
SEED = 0
HIDDEN, DROPOUT = 64, 0.3
LEARNING_RATE, WEIGHT_DECAY, CLIP = 1e-3, 0.01, 1.0
CELLS = ("gru", "lstm", "frnn", "indrnn")


@dataclass(frozen=True)
class Work:
    """Sequences to tell apart, and how many steps are taken.

    Args:
        name: what tables call it.
        shortest, longest: steps of a sequence.
        median: of the lengths, which are lognormal.
        spread: standard deviation of their logarithms.
        features: D numbers of a step, or of a token's vector.
        vocabulary: V tokens; 0 for numbers.
        classes: C.
        batch_size: sequences of an optimiser step.
        steps: optimiser steps.
    """

    name: str
    shortest: int
    longest: int
    median: float
    spread: float
    features: int
    vocabulary: int
    classes: int
    batch_size: int = 32
    steps: int = 40


WORKS = {
    "text": Work("text like SST-2, 3-50 words", 3, 50, 18.0, 0.55, 128, 8000, 2, batch_size=64),
    "series": Work("series like JapaneseVowels, 7-29 steps", 7, 29, 14.5, 0.25, 12, 0, 9),
    "long": Work("long series, 20-400 steps", 20, 400, 90.0, 0.8, 12, 0, 5, steps=20),
}


@dataclass(frozen=True, eq=False)
class Data:
    """Sequences, their classes, the batches of every step, and the numbers that the networks begin with.

    Args:
        values: all steps in one, (sum of T_i, D) float32 or (sum of T_i,) token ids from 1.
        lengths: (N,) T_i.
        labels: (N,) from 0 to C - 1.
        drawn: (steps, batch size) which sequences a step learns from, in an order that knows no lengths.
        alike: the same with sequences of like length in a batch.
        weights: name -> tensor, as in the networks' state_dict.
    """

    values: NDArray[np.generic]
    lengths: NDArray[np.int64]
    labels: NDArray[np.int64]
    drawn: NDArray[np.int64]
    alike: NDArray[np.int64]
    weights: Mapping[str, NDArray[np.float32]]

    @property
    def sequences(self) -> list[NDArray[np.generic]]:
        """Each by itself, (T_i, ...)."""
        return np.split(self.values, np.cumsum(self.lengths)[:-1])

    def padding(self, batches: NDArray[np.int64]) -> float:
        """The share of padding among all steps of some batches."""
        own = self.lengths[batches]
        return 1 - float(own.sum() / (own.max(axis=1).sum() * batches.shape[1]))

    @classmethod
    def load(cls, path: str | Path) -> Data:
        """Read what :meth:`save` wrote."""
        with np.load(path) as found:
            plain = {name: found[name] for name in ("values", "lengths", "labels", "drawn", "alike")}
            weights = {name.removeprefix("of "): found[name] for name in found.files if name.startswith("of ")}
        return cls(**plain, weights=weights)

    def save(self, path: Path) -> None:
        """Write one .npz file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        plain = {name: value for name, value in vars(self).items() if name != "weights"}
        np.savez(path, **plain, **{f"of {name}": value for name, value in self.weights.items()})


def sequences(work: Work) -> tuple[NDArray[np.generic], NDArray[np.int64], NDArray[np.int64]]:
    """Draw values, lengths and labels: as many sequences as the steps take once."""
    drawn = np.random.default_rng(SEED)
    N = work.steps * work.batch_size
    lengths = np.exp(np.log(work.median) + work.spread * drawn.normal(size=N))
    lengths = np.clip(lengths.round(), work.shortest, work.longest).astype(np.int64)
    total = int(lengths.sum())
    values = drawn.normal(size=(total, work.features)).astype(np.float32)
    if work.vocabulary:
        values = np.minimum(drawn.zipf(1.3, total), work.vocabulary - 1).astype(np.int32)
    return values, lengths, drawn.integers(work.classes, size=N)
