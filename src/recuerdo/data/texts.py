"""Texts become token ids: words, characters or byte pairs, learned from the training texts alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from recuerdo.data.ragged import Ragged
from recuerdo.data.token_codecs import END, PADDING, SPECIAL, UNKNOWN, Codec
from recuerdo.data.token_levels import LEVELS
from recuerdo.errors import DataError, ModelFileError, OptionError

__all__ = ["END", "PADDING", "UNKNOWN", "TextToken", "Tokens", "fit_tokens"]

_AT_ONCE = 1_000  # texts whose ids stand in lists of Python before they become an array


class TextToken(NamedTuple):
    """One token of a text: as the network knows it, and the characters text[start:end] that it stands for."""

    string: str
    start: int
    end: int


@dataclass(frozen=True)
class Tokens:
    """What turns texts into token ids and back; made by `fit_tokens`.

    Id 0 is padding and never comes out of a text, 1 is a word or character that training has not seen, 2 marks the end
    of a text for models that need one; no text can spell these three.

    Args:
        level: "word", "char" or "bpe", or "given" for texts that come as their words; these are lists of str wherever
            a text is asked for, and their text is the words with a space between them.
        lowercase: whether letters are made small first.
        pieces: the V tokens by id as the level keeps them; bytes of "bpe" are written as in GPT-2.
        merges: for "bpe" the pairs of ids that are joined, first come first.
    """

    level: str
    lowercase: bool
    pieces: tuple[str, ...]
    merges: tuple[tuple[int, int], ...] = ()

    @property
    def size(self) -> int:
        """V, how many ids there are, the three special ones among them."""
        return len(self.pieces)

    @cached_property
    def vocabulary(self) -> tuple[str, ...]:
        r"""The V tokens by id, to be read; bytes of "bpe" that are no whole character are written like \xf0."""
        return tuple(LEVELS[self.level].shown(piece) for piece in self.pieces)

    @property
    def given(self) -> bool:
        """Whether a text comes as the list of its words."""
        return LEVELS[self.level].given

    def encode(self, texts: Iterable[str] | Iterable[Sequence[str]]) -> Ragged:
        """Turn texts into token ids; nothing is ever cut off.

        Args:
            texts: N texts, in a list or from an iterator, which is read once and never held as a whole. A text without
                a token, such as "" or [], is a sequence of length 0.

        Returns:
            Their ids, int32 values of shape (sum of T_i,).

        Raises:
            DataError: something among them is not a text; the message names its place.

        Example:
            >>> tokens = fit_tokens(["the good, the bad"])
            >>> tokens.encode(["the good and the bad", ""]).values.tolist()
            [3, 6, 1, 3, 5]
        """
        parts, lengths = [np.empty(0, np.int32)], []
        stream = LEVELS[self.level].checked(texts)
        while chunk := [self._codec.ids(text) for text in islice(stream, _AT_ONCE)]:
            parts.append(np.concatenate(chunk, dtype=np.int32))
            lengths.extend(map(len, chunk))
        starts = np.zeros(len(lengths) + 1, np.int64)
        np.cumsum(lengths, out=starts[1:])
        return Ragged(np.concatenate(parts), starts)

    def decode(self, ids: Iterable[int] | NDArray[np.integer]) -> str:
        """Turn the ids of one text into the text.

        Args:
            ids: (T,) token ids.

        Returns:
            The text. For "bpe" it is the encoded one exactly, for "char" too as far as training has seen its characters
            (others are U+FFFD); for both in small letters after lowercase=True. For "word" and "given" it is the words
            in the composed form (NFC), between them one space whatever stood there; unseen words are <unk>. Padding and
            the end of a text leave nothing.

        Raises:
            DataError: an id is not from 0 to V - 1.

        Example:
            >>> tokens = fit_tokens(["¡Qué  mañana!"], level="char")
            >>> tokens.decode(tokens.encode(["¡Qué  mañana!"]).values)
            '¡Qué  mañana!'
        """
        ids = np.asarray(ids if isinstance(ids, np.ndarray) else list(ids))
        if ids.ndim != 1 or (ids.size and ids.dtype.kind not in "iu"):
            raise DataError(f"decode takes whole numbers (T,), the ids of one text, got {ids.dtype} {ids.shape}.")
        if ids.size and not 0 <= ids.min() <= ids.max() < self.size:
            raise DataError(f"Token ids are from 0 to {self.size - 1}, got {ids.min()} to {ids.max()}.")
        return self._codec.text([i for i in ids.tolist() if i not in (PADDING, END)])

    def spell(self, token: int | None, kept: str = "") -> tuple[str, str]:
        """Return what one more id of a text that goes on adds to it.

        Args:
            token: the id; None ends the text and gives what is left.
            kept: what the id before left; for the first one "", or of words the last character of what stands before.

        Returns:
            The characters that are sure by now: of "word" and "given" a word, with a space before it where one belongs,
            and a line feed for the end of a line; of "bpe" nothing for a byte within a character. And what it leaves.

        Example:
            >>> tokens = fit_tokens(["the good, the bad"])
            >>> tokens.spell(6, "e"), tokens.spell(2, "d"), tokens.spell(3, "\\n")
            ((' good', 'd'), ('\\n', '\\n'), ('the', 'e'))
        """
        return LEVELS[self.level].spell(self.pieces, token, kept)

    def tokens(self, text: str | Sequence[str]) -> list[TextToken]:
        """Say where the tokens of one text lie in it, for example to colour its words.

        Args:
            text: one text.

        Returns:
            A (string, start, end) for each id that `encode` gives: the string of `vocabulary`, and the characters
            text[start:end] that it stands for. Several bytes of one character have the same place.

        Raises:
            DataError: it is not a text.

        Example:
            >>> fit_tokens(["don't stop"]).tokens("Don't stop!")
            [TextToken(string='<unk>', start=0, end=5), TextToken(string='stop', start=6, end=10),
             TextToken(string='<unk>', start=10, end=11)]
        """
        (text,) = LEVELS[self.level].checked([text])
        return [TextToken(self.vocabulary[i], start, end) for i, start, end in self._codec.spans(text)]

    def to_json(self) -> str:
        """Everything that `from_json` needs, as JSON."""
        kept: dict[str, Any] = {"level": self.level, "lowercase": self.lowercase, "pieces": self.pieces[len(SPECIAL) :]}
        if self.merges:
            kept["merges"] = self.merges
        return json.dumps(kept, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, written: str) -> Self:
        """Read what `to_json` wrote.

        Args:
            written: the JSON.

        Returns:
            Tokens that give the same ids.

        Raises:
            ModelFileError: it is not what `to_json` writes.

        Example:
            >>> tokens = fit_tokens(["one text"])
            >>> Tokens.from_json(tokens.to_json()) == tokens
            True
        """
        try:
            kept = json.loads(written)
            level, lowercase, pieces = kept["level"], kept["lowercase"], (*SPECIAL, *kept["pieces"])
            merges = tuple((int(left), int(right)) for left, right in kept.get("merges", ()))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelFileError(f"{_BROKEN} no JSON with level, lowercase and pieces. {_AGAIN}") from error
        if level not in LEVELS or not isinstance(lowercase, bool):
            raise ModelFileError(f"{_BROKEN} of level {level!r} with lowercase={lowercase!r}. {_AGAIN}")
        if not all(isinstance(piece, str) for piece in pieces) or len(set(pieces)) < len(pieces):
            raise ModelFileError(f"{_BROKEN} a list in which a token is no text or stands twice. {_AGAIN}")
        if not LEVELS[level].holds(pieces, merges):
            raise ModelFileError(f"{_BROKEN} a list that cannot belong to level {level!r}. {_AGAIN}")
        return cls(level, lowercase, pieces, merges)

    @cached_property
    def _codec(self) -> Codec:
        return LEVELS[self.level].codec(self.pieces, self.merges, self.lowercase)

    def __getstate__(self) -> dict[str, Any]:
        made = ("_codec", "vocabulary")  # from the rest, at first use
        return {name: value for name, value in self.__dict__.items() if name not in made}


_BROKEN = "The vocabulary of a saved model is"
_AGAIN = "Save the model again, or load another one."


def fit_tokens(
    texts: Iterable[str] | Iterable[Sequence[str]],
    *,
    level: str = "word",
    lowercase: bool = False,
    max_vocabulary: int | None = None,
    min_count: int = 1,
) -> Tokens:
    """Learn a vocabulary from training texts.

    Words are runs of letters, accents, digits and underscores of any script, with apostrophes inside (don't, l'été), or
    numbers such as 1,000.5; every other character, such as punctuation or an emoji, is a token of its own, and so are
    Chinese characters and hiragana. Scripts that write words without gaps otherwise, such as Thai, are better read as
    "char" or "bpe". Words are compared in the composed form of Unicode (NFC), so that é is é however it was typed;
    "char" and "bpe" leave the text as it is. Byte pairs begin with the 256 bytes, so there no text is unknown. Where
    the words of each text are given, each is one token whatever stands in it; they are compared in the composed form
    too, and one that is spelled like a special id is unknown.

    Args:
        texts: the training texts, in a list or from an iterator; for level "given" the words of each, a list of str.
        level: "word", "char" (code points of Unicode), "bpe" (byte pairs, joined within words) or "given".
        lowercase: make letters small first, one by one; accents stay.
        max_vocabulary: V at most, with the 3 special ids: the most frequent tokens are kept. None keeps all, and for
            "bpe" means 8,192.
        min_count: how often a word or a character, or a pair of "bpe" that is to be joined, has to occur.

    Returns:
        The tokens. Their ids fall with how often they occur (for "bpe" in the order of joining), ties by code point,
        so that the same texts in any order give the same ids.

    Raises:
        DataError: there is no text, something among them is not a text, or no token is left.
        OptionError: an option that is not offered.

    Source:
        Byte pairs: Sennrich, Haddow and Birch 2016, over bytes as in Radford et al. 2019; trained by `tokenizers`.

    Example:
        >>> tokens = fit_tokens(["The good, the bad"], lowercase=True)
        >>> tokens.vocabulary
        ('<pad>', '<unk>', '<eos>', 'the', ',', 'bad', 'good')
        >>> tokens = fit_tokens([["The", "well-known", "cat"]], level="given")
        >>> tokens.encode([["The", "cat"], ["Well", "known"]]).values.tolist()
        [3, 4, 1, 1]
    """
    if level not in LEVELS:
        raise OptionError(f"level={level!r} is not offered. Choose one of {', '.join(map(repr, LEVELS))}.")
    least = len(SPECIAL) + LEVELS[level].fixed
    if max_vocabulary is None:
        max_vocabulary = LEVELS[level].most
    elif max_vocabulary <= least:
        raise OptionError(
            f"max_vocabulary={max_vocabulary} is too few for level {level!r}: {least} ids are taken in any case, so it "
            f"has to be {least + 1} or more."
        )
    if min_count < 1:
        raise OptionError(f"min_count={min_count}: it counts occurrences and has to be 1 or more.")
    counted = _Counted(LEVELS[level].checked(texts))
    pieces, merges = LEVELS[level].learn(counted, lowercase, max_vocabulary, min_count)
    if not counted.count:
        raise DataError("There is no text to learn tokens from. Give one training text or more.")
    if len(pieces) == len(SPECIAL):
        what = "token" if min_count == 1 else f"token that occurs {min_count} times"
        raise DataError(
            f"There is no {what} in the {counted.count} texts, so the vocabulary is empty. Give texts with words"
            f"{', or lower min_count' if min_count > 1 else ''}."
        )
    return Tokens(level, lowercase, pieces, merges)


class _Counted:
    """Texts that are counted as they pass."""

    def __init__(self, texts: Iterable[Any]) -> None:
        self._texts, self.count = texts, 0

    def __iter__(self) -> Iterator[Any]:
        for text in self._texts:
            self.count += 1
            yield text
