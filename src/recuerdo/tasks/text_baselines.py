"""What a classifier or a regressor of texts has to beat: TF-IDF of words and characters under a linear model."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recuerdo.errors import DataError
from recuerdo.tasks.class_metrics import checked_weights
from recuerdo.tasks.sequence_baselines import most_frequent

Values = NDArray[np.float64]

TFIDF = "TF-IDF"
"""What tables call it."""

SOFTNESS = 4.0
"""C of the logistic regression: of 1, 2, 4, 8 and 16, 4 and 8 had the least log loss on SST-2's development part."""

PROBED = 10
"""One in so many texts is fitted on first, to tell how long all of them take; of few texts a part of each so long."""

WORTH_PROBING = 100_000
"""Characters from which that is done; fewer take about half a second."""

FEW = 200
"""Texts below which one in ten may lack a class, or words at all."""


def tfidf(
    train: Sequence[str],
    y: NDArray[Any],
    test: Sequence[str],
    *,
    classes: int | None = None,
    weights: ArrayLike | None = None,
    max_seconds: float | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Values | None:
    """Return what logistic regression says, or ridge regression of numbers, on TF-IDF features.

    The features are the words and pairs of words, and the runs of 2 to 5 characters within words, in lower case, with
    1 + ln(count) for the count.

    Args:
        train: N texts.
        y: their classes as indices (N,), or numbers (N,) or (N, K).
        test: n texts.
        classes: C, or None for numbers. A class that no training text has gets probability 0.
        weights: how much each training text counts, (N,).
        max_seconds: for all of it.
        clock: gives the present moment in seconds.

    Returns:
        Probabilities (n, C), or numbers (n,) or (n, K); None where it would take longer than max_seconds, which some
        of the texts tell.

    Raises:
        DataError: the training texts have no word.

    Source:
        The runs of characters within words: scikit-learn, TfidfVectorizer with analyzer="char_wb".

    Example:
        >>> said = tfidf(["good", "very good", "bad"], np.array([1, 1, 0]), ["so good", "so bad"], classes=2)
        >>> (said[0, 1] > said[1, 1]).item()
        True
    """
    w = None if weights is None else checked_weights(weights, len(y))
    size = _characters(train) + _characters(test)
    if max_seconds is not None and size >= WORTH_PROBING:
        few = len(train) < FEW
        some = slice(None, None, 1 if few else PROBED)
        known, asked = (
            [text[: -(-len(text) // PROBED)] for text in side] if few else side[some] for side in (train, test)
        )
        began = clock()
        _fitted(known, y[some], asked, classes, None if w is None else w[some])
        if (clock() - began) * size / (_characters(known) + _characters(asked)) > max_seconds:
            return None
    return _fitted(train, y, test, classes, w)


def _characters(texts: Sequence[str]) -> int:
    return sum(map(len, texts))


def _fitted(
    train: Sequence[str], y: NDArray[Any], test: Sequence[str], classes: int | None, w: Values | None
) -> Values:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_union

    if classes is not None and len(np.unique(y if w is None else y[w > 0])) < 2:
        return most_frequent(y, len(test), classes=classes, weights=w)  # nothing to tell apart
    words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b", sublinear_tf=True)
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
    union = make_union(words, characters)
    try:
        x = union.fit_transform(train)
    except ValueError as error:
        if "empty vocabulary" not in str(error):
            raise
        raise DataError(f"{TFIDF} needs a word, and the {len(train)} training texts have none: leave it out.") from None
    if classes is None:
        return np.asarray(Ridge().fit(x, y, sample_weight=w).predict(union.transform(test)), dtype=np.float64)
    model = LogisticRegression(C=SOFTNESS, max_iter=1000).fit(x, y, sample_weight=w)
    made = np.zeros((len(test), classes))
    made[:, model.classes_] = model.predict_proba(union.transform(test))
    return made
