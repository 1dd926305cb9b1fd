"""Learning which n-grams texts hold: counted once, and learned from any of the texts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recuerdo.data.ngrams import KINDS, Grams, NGrams, reading
from recuerdo.data.text_checks import checked_texts
from recuerdo.errors import DataError, OptionError

__all__ = ["Counted", "count_ngrams", "fit_ngrams"]


def fit_ngrams(
    texts: Iterable[str],
    *,
    words: tuple[int, int] | None = (1, 2),
    characters: tuple[int, int] | None = (2, 5),
    max_features: int = 100_000,
    min_count: int = 1,
) -> NGrams:
    """Learn which n-grams training texts hold, and how rare each is.

    Texts are read in the composed form of Unicode (NFC) and in small letters; words are those of
    `fit_tokens(level="word")`, punctuation among them. N-grams of characters do not reach over a gap between words.

    Args:
        texts: the training texts, in a list or from an iterator.
        words: the shortest and the longest n-gram of words; None for none.
        characters: the same for characters.
        max_features: how many n-grams are kept of each kind: the most frequent.
        min_count: in how many texts an n-gram has to stand.

    Returns:
        The n-grams.

    Raises:
        DataError: there is no text, something among them is not a text, or no n-gram is left.
        OptionError: an option out of its range, or neither words nor characters.

    Source:
        scikit-learn's `CountVectorizer` and `TfidfVectorizer`, which count and weigh here too.

    Example:
        >>> fit_ngrams(["not good", "not bad"], characters=None).names
        ['bad', 'good', 'not', 'not bad', 'not good']
    """
    counted = count_ngrams(texts, words=words, characters=characters)
    return counted.learn(max_features=max_features, min_count=min_count)[0]


@dataclass(frozen=True, eq=False)
class Counted:
    """How often texts hold which n-grams, of which any of them can then be learned from; made by `count_ngrams`.

    Cutting texts into n-grams is most of the work, and this way it is done once however often they are learned from.

    Args:
        kinds: of each kind its name, the shortest and the longest n-gram, the n-grams by alphabet, and their counts as
            a scipy CSR matrix (N, n-grams).
    """

    kinds: tuple[tuple[str, tuple[int, int], NDArray[np.object_], Any], ...]

    def learn(
        self, rows: NDArray[np.int64] | None = None, *, max_features: int = 100_000, min_count: int = 1
    ) -> tuple[NGrams, Any]:
        """Learn from some of the texts, and see nothing of the others.

        Args:
            rows: indices of the texts; None for all.
            max_features, min_count: as in `fit_ngrams`.

        Returns:
            The n-grams, and what they make of these texts: what `transform` would, without cutting them again.

        Raises:
            DataError: no n-gram is left.
            OptionError: an option out of its range.
        """
        from scipy.sparse import hstack

        for name, value in (("max_features", max_features), ("min_count", min_count)):
            if value < 1:
                raise OptionError(f"{name}={value}: it has to be 1 or more.")
        grams, blocks = [], []
        count = 0
        for kind, lengths, strings, counts in self.kinds:
            own = counts if rows is None else counts[rows]
            count = own.shape[0]
            found_in = np.bincount(own.indices, minlength=own.shape[1])
            frequent = np.flatnonzero(found_in >= min_count)
            if not frequent.size:
                raise DataError(
                    f"No n-gram of {kind} stands in {min_count} of the {count} texts or more. Lower min_count, or "
                    f"choose "
                    f"{kind}=None."
                )
            falling = np.argsort(-np.asarray(own.sum(axis=0)).ravel()[frequent], kind="stable")  # ties by alphabet
            kept = np.sort(frequent[falling[:max_features]])
            grams.append(Grams(kind, lengths, tuple(strings[kept].tolist()), found_in[kept].astype(np.int64)))
            blocks.append(_weighed(own[:, kept], found_in[kept]))
        return NGrams(count, tuple(grams)), hstack(blocks, format="csr")


def count_ngrams(
    texts: Iterable[str],
    *,
    words: tuple[int, int] | None = (1, 2),
    characters: tuple[int, int] | None = (2, 5),
) -> Counted:
    """Count the n-grams of texts; arguments and errors are those of `fit_ngrams`.

    Example:
        >>> counted = count_ngrams(["not good", "not bad", "good"], characters=None)
        >>> grams, features = counted.learn(np.array([0, 1]))
        >>> grams.names, features.shape
        (['bad', 'good', 'not', 'not bad', 'not good'], (2, 5))
    """
    asked = [(kind, span) for kind, span in zip(KINDS, (words, characters), strict=True) if span is not None]
    if not asked:
        raise OptionError("words=None and characters=None leave no n-grams. Give one of them, such as words=(1, 2).")
    for kind, span in asked:
        if len(span) != 2 or not 1 <= span[0] <= span[1]:
            raise OptionError(f"{kind}={span}: it is the shortest and the longest n-gram, such as (1, 2).")
    texts = list(checked_texts(texts))
    if not texts:
        raise DataError("There is no text to learn n-grams from. Give one training text or more.")
    return Counted(tuple(_count(texts, kind, (span[0], span[1])) for kind, span in asked))


def _count(texts: list[str], kind: str, lengths: tuple[int, int]) -> tuple[str, tuple[int, int], NDArray[Any], Any]:
    from sklearn.feature_extraction.text import CountVectorizer

    counter: Any = CountVectorizer(**reading(kind, lengths))
    try:
        counts = counter.fit_transform(texts)
    except ValueError as error:  # scikit-learn's way to say that it has found none
        raise DataError(
            f"There are no n-grams of {lengths[0]} to {lengths[1]} {kind} in the {len(texts)} texts. Give longer "
            f"texts, shorter n-grams, or {kind}=None."
        ) from error
    return kind, lengths, counter.get_feature_names_out(), counts


def _weighed(counts: Any, found_in: NDArray[np.integer]) -> Any:
    """Return counts (N, F) as `NGrams.transform` weighs them."""
    from sklearn.preprocessing import normalize

    made = counts.astype(np.float32)
    made.data = 1 + np.log(made.data)
    idf = (1 + np.log((1 + counts.shape[0]) / (1 + found_in))).astype(np.float32)
    made.data *= idf[made.indices]
    return normalize(made, copy=False)
