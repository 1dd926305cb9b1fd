"""Which n-grams a text holds, as sparse features: what a recurrence can have beside it."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from recuerdo.data.text_checks import checked_texts
from recuerdo.data.token_levels import word_splitter
from recuerdo.errors import ModelFileError

__all__ = ["KINDS", "Grams", "NGrams", "reading"]

_AT_ONCE = 10_000  # texts whose features are counted together
KINDS = ("words", "characters")


@dataclass(frozen=True, eq=False)
class Grams:
    """The n-grams of one kind.

    Args:
        kind: "words", or "characters" (within what stands between gaps, with a space at both ends).
        lengths: the shortest and the longest, in words or characters.
        strings: the n-grams in the order of their features.
        found_in: for each, how many training texts hold it.
    """

    kind: str
    lengths: tuple[int, int]
    strings: tuple[str, ...]
    found_in: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class NGrams:
    """What turns texts into weighted n-grams; made by `fit_ngrams`.

    Args:
        texts: how many texts it has learned from.
        grams: the n-grams by kind.
    """

    texts: int
    grams: tuple[Grams, ...]

    @property
    def size(self) -> int:
        """How many features a text has."""
        return sum(len(each.strings) for each in self.grams)

    @property
    def names(self) -> list[str]:
        """The n-grams in the order of the features, those of words first."""
        return [string for each in self.grams for string in each.strings]

    def transform(self, texts: Iterable[str]) -> Any:
        """Weigh the n-grams of some texts.

        An n-gram that stands n times in a text and in d of the D training texts weighs
        (1 + log n) (1 + log((1 + D) / (1 + d))); the weights of one kind are then divided by their Euclidean norm.

        Args:
            texts: N texts, in a list or from an iterator, which is read once.

        Returns:
            A scipy CSR matrix (N, size), float32. A text without a known n-gram is a row of zeros.

        Raises:
            DataError: something among them is not a text; the message names its place.

        Example:
            >>> from recuerdo.data.ngram_counts import fit_ngrams
            >>> grams = fit_ngrams(["good film", "bad film"], words=(1, 1), characters=None)
            >>> grams.names, grams.transform(["Good!"]).toarray().tolist()
            (['bad', 'film', 'good'], [[0.0, 0.0, 1.0]])
        """
        from scipy.sparse import csr_matrix, hstack, vstack

        blocks: list[Any] = [csr_matrix((0, self.size), dtype=np.float32)]
        stream = checked_texts(texts)
        while chunk := list(islice(stream, _AT_ONCE)):
            blocks.append(hstack([each.transform(chunk) for each in self._weighers], format="csr"))
        return vstack(blocks, format="csr")

    def to_json(self) -> str:
        """Everything that `from_json` needs, as JSON."""
        grams = [
            {"kind": each.kind, "lengths": each.lengths, "strings": each.strings, "found_in": each.found_in.tolist()}
            for each in self.grams
        ]
        return json.dumps({"texts": self.texts, "grams": grams}, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, written: str) -> Self:
        """Read what `to_json` wrote.

        Args:
            written: the JSON.

        Returns:
            N-grams that give the same features.

        Raises:
            ModelFileError: it is not what `to_json` writes.

        Example:
            >>> from recuerdo.data.ngram_counts import fit_ngrams
            >>> grams = fit_ngrams(["one text", "another text"])
            >>> NGrams.from_json(grams.to_json()).names == grams.names
            True
        """
        try:
            kept = json.loads(written)
            grams = tuple(
                Grams(each["kind"], _pair(each["lengths"]), tuple(each["strings"]), _counts(each["found_in"]))
                for each in kept["grams"]
            )
            texts = int(kept["texts"])
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            raise ModelFileError(f"{_BROKEN} no JSON with texts and grams. {_AGAIN}") from error
        if not grams:
            raise ModelFileError(f"{_BROKEN} no n-grams at all. {_AGAIN}")
        for each in grams:
            strings, count = each.strings, len(each.strings)
            if each.kind not in KINDS or not 1 <= each.lengths[0] <= each.lengths[1]:
                raise ModelFileError(f"{_BROKEN} of kind {each.kind!r} with lengths {each.lengths}. {_AGAIN}")
            if not count or len(set(strings)) < count or not all(isinstance(one, str) for one in strings):
                raise ModelFileError(f"{_BROKEN} a list that is empty, or holds one twice or no text. {_AGAIN}")
            if each.found_in.shape != (count,) or not 1 <= each.found_in.min() <= each.found_in.max() <= texts:
                raise ModelFileError(f"{_BROKEN} {count}, but their counts in {texts} texts do not fit. {_AGAIN}")
        return cls(texts, grams)

    @cached_property
    def _weighers(self) -> list[Any]:
        """One vectoriser of scikit-learn for each kind, told what it would have learned."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        made = []
        for each in self.grams:
            places = {string: i for i, string in enumerate(each.strings)}
            options: dict[str, Any] = {"sublinear_tf": True, "dtype": np.float32, **reading(each.kind, each.lengths)}
            weigher = TfidfVectorizer(vocabulary=places, **options)
            weigher.idf_ = 1 + np.log((1 + self.texts) / (1 + each.found_in))
            made.append(weigher)
        return made

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_weighers"}


_BROKEN = "The n-grams of a saved model are"
_AGAIN = "Save the model again, or load another one."


def _pair(lengths: list[int]) -> tuple[int, int]:
    shortest, longest = lengths
    return int(shortest), int(longest)


def _counts(numbers: list[int]) -> NDArray[np.int64]:
    return np.array(numbers, np.int64)


def reading(kind: str, lengths: tuple[int, int]) -> dict[str, Any]:
    """Return how scikit-learn's vectorisers are to cut a text."""
    own: dict[str, Any] = {"preprocessor": _plain, "ngram_range": lengths}
    if kind == "characters":
        return {**own, "analyzer": "char_wb"}
    return {**own, "analyzer": "word", "tokenizer": word_splitter(lowercase=False), "token_pattern": None}


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).lower()
