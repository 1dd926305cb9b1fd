"""What turns one text into ids and back: the special ids, and the way through `tokenizers` that levels share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["END", "PADDING", "SPECIAL", "UNKNOWN", "Codec", "Cut", "Merges", "Pieces", "parts"]

PADDING, UNKNOWN, END = 0, 1, 2
SPECIAL = ("<pad>", "<unk>", "<eos>")

Pieces = tuple[str, ...]
Merges = tuple[tuple[int, int], ...]


class Codec(Protocol):
    """What turns one text, in the form in which its level takes texts, into ids and back."""

    def ids(self, text: Any) -> NDArray[np.int32]:
        """The ids of a text (T,)."""
        ...

    def spans(self, text: Any) -> list[tuple[int, int, int]]:
        """The ids of a text, each with the place text[start:end] that it stands for."""
        ...

    def text(self, ids: Sequence[int], /) -> str:
        """The text of some ids, among them no padding and no end."""
        ...


_LONG = 100_000  # characters; a token is half a kilobyte inside `tokenizers`, so longer texts pass in parts
_GAP = re.compile(r"(?<=\S)[ \n\t]")


def parts(text: str) -> Iterator[str]:
    """Cut a text before gaps between words once it is long; no token reaches over a gap, so the ids are the same.

    Args:
        text: the text.

    Yields:
        Its parts, which together are the text; one for a text that is not long.

    Example:
        >>> [len(part) for part in parts("word " * 30_000)]
        [100004, 49996]
    """
    begin = 0
    while len(text) - begin > _LONG and (gap := _GAP.search(text, begin + _LONG)):
        yield text[begin : gap.start()]
        begin = gap.start()
    yield text[begin:] if begin else text


class Cut:
    """A tokenizer of `tokenizers`, one text at a time: this way it starts no threads, which a later fork would meet."""

    def __init__(self, tokenizer: Any, text: Callable[[Sequence[int]], str]) -> None:
        self._tokenizer, self.text = tokenizer, text

    def ids(self, text: str) -> NDArray[np.int32]:
        """The ids of a text (T,)."""
        found = [np.array(self._tokenizer.encode(part).ids, np.int32) for part in parts(text)]
        return found[0] if len(found) == 1 else np.concatenate(found)

    def spans(self, text: str) -> list[tuple[int, int, int]]:
        """The ids of a text, each with the place text[start:end] that it stands for."""
        cut = self._tokenizer.encode(text)
        spans = [(i, start, end) for i, (start, end) in zip(cut.ids, cut.offsets, strict=True)]
        # Where Unicode composed a letter and its accents, `tokenizers` counts the first of them only.
        for k, (i, start, end) in enumerate(spans):
            limit = spans[k + 1][1] if k + 1 < len(spans) else len(text)
            while end < limit and not text[end].isspace():
                end += 1
            spans[k] = i, start, end
        return spans
