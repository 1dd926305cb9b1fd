"""Texts whose words are given: each word is one step, whatever stands in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Sentences"]


@dataclass(frozen=True, eq=False)
class Sentences:
    """N texts as their words.

    Args:
        words: the words of each text.

    Example:
        >>> read = Sentences([["The", "cat"], ["Go"]])
        >>> len(read), read.lengths.tolist(), read.take([1]).words, read.texts
        (2, [2, 1], [['Go']], ['The cat', 'Go'])
    """

    words: list[list[str]]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """How many words each text has (N,)."""
        return np.array([len(words) for words in self.words], np.int64)

    @property
    def texts(self) -> list[str]:
        """The N texts, one space between their words."""
        return [" ".join(words) for words in self.words]

    def __len__(self) -> int:
        return len(self.words)

    def __iter__(self) -> Iterator[list[str]]:
        return iter(self.words)

    def take(self, indices: ArrayLike) -> Sentences:
        """Some of the texts, in the order asked for.

        Args:
            indices: (n,) numbers of texts.
        """
        return Sentences([self.words[i] for i in np.asarray(indices, np.int64)])
