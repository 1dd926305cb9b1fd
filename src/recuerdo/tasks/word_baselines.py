"""What a tagger of words has to beat: what each word was in training most often, whatever stands beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recuerdo.tasks.class_metrics import checked_weights
from recuerdo.tasks.sequence_baselines import most_frequent

Values = NDArray[np.float64]

WORD_MAJORITY, WORD_MEAN = "majority class of each word", "mean of each word"
"""What tables call it."""


def of_each_word(
    train: Sequence[str],
    y: NDArray[Any],
    test: Sequence[str],
    *,
    classes: int | None = None,
    weights: ArrayLike | None = None,
) -> Values:
    """Return how frequent each class was for a word in training, or the mean of its numbers there.

    To a word's own places one is added that has the frequencies, or the mean, of all words: this decides between
    classes that a word had equally often, and is all that is known of a word that training did not have. Words are
    compared as they are written.

    Args:
        train: N words.
        y: their classes as indices (N,), or numbers (N,) or (N, K).
        test: n words.
        classes: C, or None for numbers.
        weights: how much each training word counts, (N,).

    Returns:
        Probabilities (n, C), or numbers (n,) or (n, K).

    Example:
        >>> of_each_word(["can", "can", "can", "a"], np.array([0, 0, 1, 1]), ["can", "new"], classes=2).tolist()
        [[0.625, 0.375], [0.5, 0.5]]
    """
    anyone = most_frequent(y, 1, classes=classes, weights=weights)[0]
    w = np.ones(len(y)) if weights is None else checked_weights(weights, len(y))
    w = w / w.mean()
    places = {word: i for i, word in enumerate(dict.fromkeys(train))}
    unseen = len(places)
    own = np.array([places[word] for word in train])
    said = np.zeros((unseen + 1, *anyone.shape))
    if classes is not None:
        np.add.at(said, (own, y), w)
    else:
        np.add.at(said, own, y * w.reshape(-1, *(1,) * (y.ndim - 1)))
    count = np.bincount(own, w, minlength=unseen + 1).reshape(-1, *(1,) * anyone.ndim)
    return ((said + anyone) / (count + 1))[[places.get(word, unseen) for word in test]]
