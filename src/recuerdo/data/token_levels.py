r"""The levels at which a text is cut into tokens. A level is data plus four functions: `LEVELS` lists them.

Regular expressions are those of `tokenizers` (Oniguruma), which know scripts; Python's `\w` would cut Hindi words at
their vowels.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recuerdo.data.byte_pairs import are_byte_pairs, byte_codec, learn_byte_pairs, readable, spell_bytes
from recuerdo.data.text_checks import checked_texts, checked_words
from recuerdo.data.token_codecs import END, SPECIAL, UNKNOWN, Codec, Cut, Merges, Pieces, parts

__all__ = ["LEVELS", "Level", "word_splitter"]


@dataclass(frozen=True)
class Level:
    """One way to cut texts.

    Args:
        learn: (texts, lowercase, most ids, least count) -> the pieces by id, and the pairs to join.
        codec: (pieces, merges, lowercase) -> what encodes and decodes.
        shown: a piece as a reader sees it.
        spell: (pieces, id or None for the end, what the last one left) -> the text of the id, and what it leaves.
        holds: whether pieces and merges, as a file gives them, can belong to this level.
        most: V at most where the user says nothing; None has no limit.
        fixed: ids that are there whatever the texts are, beside the special ones.
        given: whether a text comes as the list of its words.
    """

    learn: Callable[[Iterable[Any], bool, int | None, int], tuple[Pieces, Merges]]
    codec: Callable[[Pieces, Merges, bool], Codec]
    shown: Callable[[str], str]
    spell: Callable[[Pieces, int | None, str], tuple[str, str]]
    holds: Callable[[Pieces, Merges], bool]
    most: int | None = None
    fixed: int = 0
    given: bool = False

    def checked(self, texts: Iterable[Any]) -> Iterator[Any]:
        """Hand on texts as long as they come in this level's form; else a DataError names the place."""
        return checked_words(texts) if self.given else checked_texts(texts)


def _lowered(text: str) -> str:
    """Letter by letter, as `tokenizers` does it: Python alone lets a final sigma depend on what follows."""
    return text.replace("Σ", "σ").lower()


def _most_frequent(counts: Counter[str], most: int | None, least: int) -> Pieces:
    kept = sorted((-count, piece) for piece, count in counts.items() if count >= least)
    return (*SPECIAL, *(piece for _, piece in kept[: None if most is None else most - len(SPECIAL)]))


# Words ---------------------------------------------------------------------------------------------------------------

_JOINT = "'’\u200c\u200d"  # inside a word: apostrophes, and the joiners of Persian and of Indian scripts
_ALONE = r"\p{Han}\p{Hiragana}"
_FIRST = rf"[[\p{{L}}\p{{N}}_]&&[^{_ALONE}]]"
_LATER = rf"[[\p{{L}}\p{{M}}\p{{N}}_]&&[^{_ALONE}]]"
_WORD = "|".join(
    (
        rf"[{_ALONE}]\p{{M}}*",
        r"\p{N}+(?:[.,]\p{N}+)+",
        rf"{_FIRST}{_LATER}*(?:[{_JOINT}]{_LATER}+)*",
        r"(?!\s)\X",  # whatever else a reader sees as one character, families and flags among them
    )
)


def _word_cutter(lowercase: bool) -> tuple[Any, Any]:
    """A normaliser and a pre-tokeniser of `tokenizers`."""
    from tokenizers import Regex, normalizers, pre_tokenizers

    steps = [normalizers.NFC(), *([normalizers.Lowercase()] if lowercase else [])]
    return normalizers.Sequence(steps), pre_tokenizers.Split(Regex(_WORD), behavior="removed", invert=True)


def word_splitter(*, lowercase: bool) -> Callable[[str], list[str]]:
    """What cuts a text into the words of level "word".

    Args:
        lowercase: make letters small first.

    Returns:
        text -> its words, in the composed form (NFC).

    Example:
        >>> word_splitter(lowercase=True)("¿Qué? Don't!")
        ['¿', 'qué', '?', "don't", '!']
    """
    normaliser, cutter = _word_cutter(lowercase)

    def words(text: str) -> list[str]:
        pieces = (normaliser.normalize_str(part) for part in parts(text))
        return [word for piece in pieces for word, _ in cutter.pre_tokenize_str(piece)]

    return words


def _learn_words(texts: Iterable[str], lowercase: bool, most: int | None, least: int) -> tuple[Pieces, Merges]:
    counts: Counter[str] = Counter()
    for words in map(word_splitter(lowercase=lowercase), texts):
        counts.update(words)
    return _most_frequent(counts, most, least), ()


def _word_codec(pieces: Pieces, merges: Merges, lowercase: bool) -> Codec:
    from tokenizers import Tokenizer, models

    ids = {piece: i for i, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token=SPECIAL[UNKNOWN]))
    tokenizer.normalizer, tokenizer.pre_tokenizer = _word_cutter(lowercase)
    return Cut(tokenizer, lambda found: " ".join(pieces[i] for i in found))


# Characters ----------------------------------------------------------------------------------------------------------


def _learn_characters(texts: Iterable[str], lowercase: bool, most: int | None, least: int) -> tuple[Pieces, Merges]:
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(_lowered(text) if lowercase else text)
    return _most_frequent(counts, most, least), ()


class _Characters:
    """Code points to ids by a table: no library is needed, and a long text costs four bytes a character."""

    def __init__(self, pieces: Pieces, merges: Merges, lowercase: bool) -> None:
        self._lowercase, self._pieces = lowercase, (*pieces[:UNKNOWN], "\ufffd", *pieces[UNKNOWN + 1 :])
        codes = np.array([ord(piece) for piece in pieces[len(SPECIAL) :]], np.int64)
        self._table = np.full(max(codes, default=0) + 2, UNKNOWN, np.int32)  # its last place is for all beyond
        self._table[codes] = np.arange(len(SPECIAL), len(pieces))

    def ids(self, text: str) -> NDArray[np.int32]:
        text = _lowered(text) if self._lowercase else text
        codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
        return self._table[np.minimum(codes, len(self._table) - 1)]

    def spans(self, text: str) -> list[tuple[int, int, int]]:
        places = [i for i, letter in enumerate(text) for _ in (_lowered(letter) if self._lowercase else letter)]
        return [(int(found), i, i + 1) for found, i in zip(self.ids(text), places, strict=True)]

    def text(self, ids: Sequence[int]) -> str:
        return "".join(self._pieces[i] for i in ids)


# Words that are given ------------------------------------------------------------------------------------------------


def _composed(word: str, lowercase: bool) -> str:
    """A word as it is compared: as `_word_cutter` normalises a text."""
    word = word if word.isascii() else unicodedata.normalize("NFC", word)
    return _lowered(word) if lowercase else word


def _learn_given(texts: Iterable[list[str]], lowercase: bool, most: int | None, least: int) -> tuple[Pieces, Merges]:
    counts: Counter[str] = Counter()
    for words in texts:
        counts.update(_composed(word, lowercase) for word in words)
    for special in SPECIAL:
        del counts[special]
    return _most_frequent(counts, most, least), ()


class _Given:
    """Words to ids by a dictionary. One that is spelled like a special id is unknown, as `<unk>` in corpora is."""

    def __init__(self, pieces: Pieces, merges: Merges, lowercase: bool) -> None:
        self._lowercase, self._pieces = lowercase, pieces
        self._ids = {piece: i for i, piece in enumerate(pieces) if i >= len(SPECIAL)}

    def ids(self, text: list[str]) -> NDArray[np.int32]:
        found = (self._ids.get(_composed(word, self._lowercase), UNKNOWN) for word in text)
        return np.fromiter(found, np.int32, len(text))

    def spans(self, text: list[str]) -> list[tuple[int, int, int]]:
        begins = accumulate((len(word) + 1 for word in text), initial=0)
        return [(int(i), at, at + len(word)) for i, at, word in zip(self.ids(text), begins, text, strict=False)]

    def text(self, ids: Sequence[int]) -> str:
        return " ".join(self._pieces[i] for i in ids)


# Texts that go on ----------------------------------------------------------------------------------------------------


def _spell_word(pieces: Pieces, i: int | None, last: str) -> tuple[str, str]:
    """A word, with a space before it unless a space, or nothing, was last."""
    if i is None:
        return "", last
    word = "\n" if i == END else pieces[i]
    gap = "" if word == "\n" or not last or last.isspace() else " "
    return gap + word, word[-1:]


def _spell_character(pieces: Pieces, i: int | None, _: str) -> tuple[str, str]:
    return "" if i is None else "\ufffd" if i == UNKNOWN else pieces[i], ""


# All of them ---------------------------------------------------------------------------------------------------------

LEVELS = {
    "word": Level(_learn_words, _word_codec, str, _spell_word, lambda pieces, merges: not merges),
    "char": Level(
        _learn_characters,
        _Characters,
        str,
        _spell_character,
        lambda pieces, merges: not merges and all(len(piece) == 1 for piece in pieces[len(SPECIAL) :]),
    ),
    "bpe": Level(learn_byte_pairs, byte_codec, readable, spell_bytes, are_byte_pairs, most=8_192, fixed=256),
    "given": Level(_learn_given, _Given, str, _spell_word, lambda pieces, merges: not merges, given=True),
}
