"""Texts, or texts as their words, are handed on as long as they are such; else a sentence says which one is not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from recuerdo.errors import DataError

__all__ = ["checked_texts", "checked_words", "quoted"]


def checked_texts(texts: Iterable[str]) -> Iterator[str]:
    """Hand on texts one by one, as long as they are texts.

    Args:
        texts: texts, in a list or from an iterator.

    Yields:
        The same texts.

    Raises:
        DataError: it is one text instead of several, or nothing that can be gone through; or something among them is
            not a text (its place counts from 0), or holds half a character.

    Example:
        >>> list(checked_texts(["a text", ""]))
        ['a text', '']
    """
    if isinstance(texts, str | bytes):
        raise DataError(f"Texts come as a list of str, got one {type(texts).__name__}. Did you mean [text]?")
    if not isinstance(texts, Iterable):
        raise DataError(f"Texts come as a list of str, got {type(texts).__name__}.")
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            if isinstance(text, list | tuple):
                hint = "Give every text as one str, or every text as the list of its words"
            else:
                hint = (
                    "Decode bytes first, for example by .decode('utf-8')" if isinstance(text, bytes) else "Leave it out"
                )
                hint += ", or write '' for a text without words"
            raise DataError(f"Text {place} is no str but {_said(text)}. {hint}.")
        _require_characters(text, f"Text {place}")
        yield text


def checked_words(texts: Iterable[Iterable[str]]) -> Iterator[list[str]]:
    """Hand on texts that come as their words one by one, as long as they do.

    Args:
        texts: for each text its words: a list, a tuple, an array or a column of str.

    Yields:
        The words of each as a list.

    Raises:
        DataError: it is one text instead of several, or nothing that can be gone through; or a text among them does
            not come as its words, or something among these is not a str, or holds half a character.

    Example:
        >>> list(checked_words([["The", "cat"], ("Go",), []]))
        [['The', 'cat'], ['Go'], []]
    """
    if isinstance(texts, str | bytes) or not isinstance(texts, Iterable):
        raise DataError(f"Texts as their words come as a list of lists of str, got {_said(texts)}.")
    for place, text in enumerate(texts):
        words = _listed(text)
        if not isinstance(words, list | tuple):
            what = f"one str, {quoted(text)}" if isinstance(text, str) else _said(text)
            raise DataError(
                f"Text {place} is {what}, where a list of its words belongs, as in ['The', 'cat']: cut it into words, "
                f"or leave it out."
            )
        for k, word in enumerate(words):
            if not isinstance(word, str):
                raise DataError(f"Text {place}, word {k} is no str but {_said(word)}: write it as text.")
            _require_characters(word, f"Text {place}, word {k}")
        yield list(words)


def _listed(words: Any) -> Any:
    """Return an array or a column as a list."""
    for name in ("tolist", "to_list", "to_pylist"):
        if hasattr(words, name):
            return getattr(words, name)()
    return words


def _require_characters(text: str, name: str) -> None:
    """Raise DataError where a text holds half a character, which no file can."""
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"{name} holds half a character (a lone surrogate) at {error.start}. Read it again in its own encoding, or "
            "with errors='replace'."
        ) from error


def _said(what: Any) -> str:
    return f"{type(what).__name__} ({what})" if isinstance(what, int | float) else type(what).__name__


def quoted(text: str | bytes) -> str:
    """Return a text as a message shows it, its beginning where it is long."""
    return repr(text) if len(text) <= 40 else f"{text[:40]!r}..."
