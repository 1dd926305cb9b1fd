"""Texts of any size, piece by piece: from memory, from files and folders, checked as they pass."""

from __future__ import annotations

import codecs
import gzip
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from recuerdo.data.text_checks import checked_texts
from recuerdo.errors import DataError, OptionError

__all__ = ["TextSource", "text_source"]

PIECE = 1 << 20
"""Bytes of a file that are read at a time."""

_TEXTS = (".txt", ".text", ".md", ".tokens", ".csv", ".tsv", ".jsonl", ".log", "")

Errors = Literal["strict", "replace"]


@dataclass(frozen=True)
class TextSource:
    """A text that can be read again and again, piece by piece.

    Attributes:
        texts: the text where it is held in memory: one or several, which follow one another as lines do; None for
            files.
        files: the files, in the order in which they are read.
        errors: "strict", or "replace" for bytes that are no UTF-8.
    """

    texts: tuple[str, ...] | None
    files: tuple[Path, ...] = ()
    errors: Errors = "strict"

    @property
    def name(self) -> str:
        """What messages call it."""
        if self.texts is not None:
            return "the text"
        return str(self.files[0]) if len(self.files) == 1 else f"{len(self.files)} files"

    @property
    def size(self) -> int:
        """Bytes of the files as they lie there, or characters of the texts: a measure for progress."""
        return sum(map(len, self.texts)) if self.texts is not None else sum(path.stat().st_size for path in self.files)

    def lines(self) -> Iterator[str]:
        """Yield the lines, each with the line feed at its end if it has one.

        Raises:
            DataError: a file cannot be read, is no text, or is not in UTF-8; the message says where.
        """
        rest = ""
        for piece in self.pieces():
            *whole, rest = _at_feeds(rest + piece)
            yield from whole
        if rest:
            yield rest

    def pieces(self) -> Iterator[str]:
        """Yield the text in pieces of about a megabyte, cut anywhere.

        Raises:
            DataError: a file cannot be read, is no text, or is not in UTF-8; the message says where.
        """
        if self.texts is not None:
            yield from _joined(self.texts)
            return
        for number, path in enumerate(self.files):
            last = ""
            for piece in _read(path, self.errors):
                yield piece
                last = piece[-1:] or last
            if number + 1 < len(self.files) and last not in ("", "\n"):
                yield "\n"


def text_source(given: Any, *, errors: Errors = "strict") -> TextSource:
    """Find the text in what a person gives.

    Args:
        given: a text; a Path of a file, or of a folder, whose files of text are read in the order of their names;
            several texts, each of which begins on a line of its own; or several Paths. Files end in .txt, .text, .md,
            .tokens, .csv, .tsv, .jsonl, .log or nothing, and may be packed by gzip; one that is named by itself may end
            in anything.
        errors: "replace" puts U+FFFD for bytes that are no UTF-8, in place of an error.

    Raises:
        DataError: there is no text, or no such file.
        OptionError: another value of errors.

    Example:
        >>> list(text_source(["one line", "another"]).lines())
        ['one line\\n', 'another']
    """
    if errors not in ("strict", "replace"):
        raise OptionError(f"errors={errors!r} is not offered: 'strict' or 'replace'.")
    if isinstance(given, Path):
        return TextSource(None, tuple(_files(given)), errors)
    if isinstance(given, str):
        if not given:
            raise DataError("The text is empty: give one with words in it.")
        if "\n" not in given and os.path.exists(given):
            raise DataError(f"{given!r} is the name of a file, and was given as a text: did you mean Path({given!r})?")
        return TextSource(tuple(checked_texts([given])), (), errors)
    items: list[Any] = list(given) if isinstance(given, Iterable) and not isinstance(given, bytes) else [given]
    if items and all(isinstance(item, Path) for item in items):
        return TextSource(None, tuple(path for item in items for path in _files(item)), errors)
    texts = tuple(checked_texts(items))
    if not any(texts):
        raise DataError("There is no text: give one with words in it.")
    return TextSource(texts, (), errors)


def _joined(texts: tuple[str, ...]) -> Iterator[str]:
    for number, text in enumerate(texts):
        for begin in range(0, len(text), PIECE):
            yield text[begin : begin + PIECE]
        if number + 1 < len(texts) and not text.endswith("\n"):
            yield "\n"


def _at_feeds(text: str) -> list[str]:
    """Cut behind line feeds; what follows the last one is the last item, empty or not."""
    parts = text.split("\n")
    return [*(f"{part}\n" for part in parts[:-1]), parts[-1]]


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise DataError(f"There is no file {path}. Look at the spelling and the folder.")
    found = sorted(
        each
        for each in path.rglob("*")
        if each.is_file()
        and not any(part.startswith(".") for part in each.relative_to(path).parts)
        and Path(each.name.removesuffix(".gz")).suffix.lower() in _TEXTS
    )
    if not found:
        raise DataError(f"{path} holds no file of text ({', '.join(_TEXTS[:-1])}). Name another folder, or the files.")
    return found


def _read(path: Path, errors: Errors) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")(errors)
    read = feeds = 0
    try:
        with gzip.open(path, "rb") if path.name.endswith(".gz") else path.open("rb") as file:
            while piece := file.read(PIECE):
                if b"\0" in piece:
                    raise DataError(
                        f"{path} is no text: byte {read + piece.index(0):,} is zero, as in a program or a picture. "
                        f"Name a file of text in UTF-8."
                    )
                kept = decoder.getstate()[0]
                try:
                    text = decoder.decode(piece)
                except UnicodeDecodeError as error:
                    place = read - len(kept) + error.start
                    line = feeds + (kept + piece)[: error.start].count(b"\n") + 1
                    raise DataError(
                        f"{path}, line {line}: byte {place:,} ({error.object[error.start]:#04x}) is no UTF-8. Save it "
                        f"in UTF-8, or read it with errors='replace' (--errors replace)."
                    ) from None
                if read == 0:
                    text = text.removeprefix("\ufeff")
                read, feeds = read + len(piece), feeds + piece.count(b"\n")
                yield text
            try:
                yield decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                raise DataError(
                    f"{path} ends within a character. Save it in UTF-8 again, or read it with errors='replace' "
                    f"(--errors replace)."
                ) from None
    except (OSError, EOFError) as error:
        raise DataError(f"{path} cannot be read: {error}.") from error
