"""A text of any size as one row of token ids, in memory or in a file that is mapped into it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recuerdo.data.text_streams import TextSource
from recuerdo.data.texts import END, Tokens, fit_tokens
from recuerdo.data.token_codecs import parts
from recuerdo.errors import DataError, OutputError

__all__ = ["fit_stream_tokens", "ids_of", "mapped_ids"]

LINES = 2_000
"""Lines that are encoded at a time."""

WORD = 1 << 20
"""Characters after which progress is told."""

Progress = Callable[[int, int], None]
"""Called with the characters that are done and the size of the source."""


def fit_stream_tokens(
    source: TextSource,
    *,
    level: str,
    lowercase: bool = False,
    max_vocabulary: int | None = None,
    min_count: int = 1,
    progress: Progress | None = None,
) -> Tokens:
    """Learn a vocabulary from a text, piece by piece.

    Args:
        source: the training text.
        level: "word", "char", "bpe", or "given" for words as they stand between spaces.
        lowercase, max_vocabulary, min_count: as of :func:`recuerdo.data.fit_tokens`.
        progress: told how far it is.

    Raises:
        DataError: there is no token in it.
    """
    read = _told(source.lines() if level == "given" else _documents(source, level), source.size, progress)
    texts = map(str.split, read) if level == "given" else read
    return fit_tokens(texts, level=level, lowercase=lowercase, max_vocabulary=max_vocabulary, min_count=min_count)


def ids_of(source: TextSource, tokens: Tokens, progress: Progress | None = None) -> NDArray[np.int32]:
    """Return the ids of a text, (n,), in memory.

    At level "word" and "given" each line ends in the id END, which stands for its line feed; at "char" and "bpe" a line
    feed is a character like any other.

    Raises:
        DataError: it holds no token.
    """
    found = list(_encoded(source, tokens, progress))
    ids = np.concatenate(found) if found else np.empty(0, np.int32)
    if not len(ids):
        raise DataError(f"There is no token in {source.name}: give a text with words in it.")
    return ids


def mapped_ids(
    source: TextSource, tokens: Tokens, folder: Path, progress: Progress | None = None
) -> NDArray[np.integer]:
    """Return the ids of a text, (n,), as a read-only map of a file, which is made where it is not there yet.

    The file's name is a hash of the text and of the tokens, so that it is used again for the same alone. It is written
    beside its place and moved there when it is whole: what was cut off is never read.

    Args:
        source: the text.
        tokens: what it is cut into.
        folder: where the file is kept; made if it is not there.
        progress: told how far it is.

    Raises:
        DataError: it holds no token.
        OutputError: the folder cannot be written to, or the disk is full; nothing half-written stays.
    """
    kind = np.dtype(np.uint16 if tokens.size <= 1 << 16 else np.int32).newbyteorder("<")
    path = folder / f"{_digest(source, tokens)}.{kind.name}"
    if not path.is_file():
        _write(source, tokens, path, kind, progress)
    if not path.stat().st_size:
        raise DataError(f"There is no token in {source.name}: give a text with words in it.")
    return np.memmap(path, dtype=kind, mode="r")


def _write(source: TextSource, tokens: Tokens, path: Path, kind: np.dtype, progress: Progress | None) -> None:
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            for ids in _encoded(source, tokens, progress):
                file.write(ids.astype(kind).tobytes())
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        raise OutputError(
            f"The token ids cannot be written to {path.parent}: {error.strerror or error}. Make room there, or name "
            f"another folder."
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def _digest(source: TextSource, tokens: Tokens) -> str:
    made = hashlib.blake2b(json.dumps([tokens.to_json(), source.errors]).encode(), digest_size=16)
    if source.texts is not None:
        for text in source.texts:
            made.update(hashlib.blake2b(text.encode()).digest())
    for path in source.files:
        with path.open("rb") as file:
            made.update(hashlib.file_digest(file, "blake2b").digest())
    return made.hexdigest()


def _encoded(source: TextSource, tokens: Tokens, progress: Progress | None) -> Iterator[NDArray[np.int32]]:
    """The ids of a text, some thousand tokens at a time."""
    by_line = tokens.level in ("word", "given")
    stream = _told(source.lines() if by_line else _documents(source, tokens.level), source.size, progress)
    while chunk := list(islice(stream, LINES if by_line else 1)):
        yield _by_line(chunk, tokens) if by_line else tokens.encode(chunk).values


def _by_line(lines: list[str], tokens: Tokens) -> NDArray[np.int32]:
    """The ids of some lines, END at the end of each that has a line feed."""
    found = tokens.encode([line.split() for line in lines] if tokens.given else lines)
    ended = np.array([line.endswith("\n") for line in lines])
    ends = found.starts[1:][ended]
    return np.insert(found.values, ends, END).astype(np.int32)


def _told(stream: Iterator[str], size: int, progress: Progress | None) -> Iterator[str]:
    """The same pieces, and word of them now and then."""
    done = said = 0
    for piece in stream:
        yield piece
        done += len(piece)
        if progress is not None and done - said >= WORD:
            progress(min(done, size), size)
            said = done
    if progress is not None:
        progress(min(done, size), size)


def _documents(source: TextSource, level: str) -> Iterator[str]:
    """The text in pieces between which no token reaches: by line, anywhere for characters, at gaps for byte pairs."""
    if level == "word":
        yield from source.lines()
        return
    if level == "char":
        yield from source.pieces()
        return
    rest = ""
    for piece in source.pieces():
        *whole, rest = parts(rest + piece)
        yield from whole
    if rest:
        yield rest
