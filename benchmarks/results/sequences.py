"""Series, texts and digits with their classes, from the folder beside the checkout, split as they are judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold, train_test_split

from recuerdo.data import Ragged, mnist_rows, read_archive, texts_from_table

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
DIGITS = DATA / "classification" / "mnist"

SERIES = (
    "SwedishLeaf",  # those first whose fits take longest
    "JapaneseVowels",
    "SyntheticControl",
    "Trace",
    "DodgerLoopDay",
    "ArrowHead",
    "ECG200",
    "GunPoint",
    "ItalyPowerDemand",
    "BasicMotions",
    "TwoLeadECG",
)
"""Sets of the UCR and UEA archives, with their published splits."""


@dataclass(frozen=True, eq=False)
class Split:
    """What is learned from, and what is judged.

    Attributes:
        X, y: N training sequences and their classes (N,).
        asked, truth: those that are judged.
    """

    X: Any
    y: NDArray[Any]
    asked: Any
    truth: NDArray[Any]

    def every(self, step: int) -> Split:
        """Return one in so many training sequences, with all that are judged."""
        kept = np.arange(0, len(self.y), step)
        X = self.X[kept] if isinstance(self.X, np.ndarray) else [self.X[i] for i in kept]
        return Split(X, self.y[kept], self.asked, self.truth)


def series(name: str) -> Split:
    """Return a set of SERIES as the archive splits it, its values as they are written."""
    folder, sides = _at("classification", name), []
    for part in ("TRAIN", "TEST"):
        files = [each for each in folder.glob(f"{name}_{part}.*") if ".arff" not in each.suffixes]
        if len(files) != 1:
            raise SystemExit(f"{folder} holds {len(files)} files of {name}_{part}, .ts or .tsv: one is needed.")
        found = read_archive(files[0])
        sides += [arrays(found.sequences), found.labels]
    return Split(*sides)


def arrays(sequences: Ragged) -> list[NDArray[Any]]:
    """Return sequences as a list of (T_i, D)."""
    return [sequences[i] for i in range(len(sequences))]


def sst2() -> Split:
    """Return the published split of SST-2; its development part is left out."""
    known, asked = (_at("sentiment", "sst2", f"{part}.tsv") for part in ("train", "test"))
    return Split(*texts_from_table(known), *texts_from_table(asked))


def mr() -> Split:
    """Return the first of ten stratified folds of MR, shuffled by seed 0."""
    texts, labels = texts_from_table(_at("sentiment", "mr", "rt-polarity.tsv.gz"))
    known, asked = next(StratifiedKFold(10, shuffle=True, random_state=0).split(texts, labels))
    return _split(texts, labels, known, asked)


def review_polarity() -> Split:
    """Return the long reviews, a fifth of them to judge."""
    table = _at("sentiment", "review_polarity", "review_polarity.tsv.gz")
    return _fifth(*texts_from_table(table, text="text", label="label"))


def restmex() -> Split:
    """Return the Spanish reviews, each text once, a fifth of them to judge."""
    table = _at("sentiment", "restmex2021_es", "restmex2021_train.csv.gz")
    texts, labels = texts_from_table(table, text="text", label="label")
    first = np.sort(np.unique(np.array(texts, dtype=object), return_index=True)[1])
    return _fifth([texts[i] for i in first], np.asarray(labels)[first])


def digits() -> Split:
    """Return MNIST row by row."""
    _at("classification", "mnist")
    return Split(*mnist_rows(DIGITS, "train"), *mnist_rows(DIGITS, "test"))


TEXTS: Mapping[str, Callable[[], Split]] = {
    "SST-2": sst2,
    "MR": mr,
    "review polarity": review_polarity,
    "Rest-Mex": restmex,
}


def named(name: str) -> Split:
    """Return a set by its name."""
    return TEXTS[name]() if name in TEXTS else series(name)


def _fifth(texts: list[str], labels: Any) -> Split:
    known, asked = train_test_split(np.arange(len(texts)), test_size=0.2, stratify=labels, random_state=0)
    return _split(texts, labels, known, asked)


def _split(texts: list[str], labels: Any, known: NDArray[Any], asked: NDArray[Any]) -> Split:
    labels = np.asarray(labels)
    return Split([texts[i] for i in known], labels[known], [texts[i] for i in asked], labels[asked])


def _at(*names: str) -> Path:
    path = DATA.joinpath(*names)
    if not path.exists():
        raise SystemExit(f"{path} is not there: put the data there that {DATA} is to hold, or leave this part out.")
    return path
