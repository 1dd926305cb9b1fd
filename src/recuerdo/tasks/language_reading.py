"""A text as token ids: in memory where it is small, in a mapped file where it is not; and progress on long work."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress as Bar

from recuerdo.data.text_streams import TextSource
from recuerdo.data.texts import Tokens
from recuerdo.data.token_ids import Progress, fit_stream_tokens, ids_of, mapped_ids
from recuerdo.tasks.language_nets import LanguageNet
from recuerdo.tasks.language_scores import token_losses

MAPPED = 64 << 20
"""Bytes of files from which ids are written to a file and mapped, in place of being held."""

SHOWN = 16 << 20
"""Bytes of a text from which it takes seconds to read, so that one is told."""

JUDGED = 200_000
"""Tokens of a text from which it takes seconds to judge it."""

Verbose = bool | str | None


def learn_tokens(source: TextSource, verbose: Verbose, **options: Any) -> Tokens:
    """Learn a vocabulary; options are those of :func:`recuerdo.data.token_ids.fit_stream_tokens`."""
    with told(f"vocabulary of {source.name}: {source.size / 1e6:,.0f} MB", source.size, verbose, SHOWN) as progress:
        return fit_stream_tokens(source, progress=progress, **options)


def read_ids(
    source: TextSource, tokens: Tokens, cache: str | Path | None, verbose: Verbose = False
) -> NDArray[np.integer]:
    """Return the ids of a text, (n,).

    Args:
        source: the text.
        tokens: what it is cut into.
        cache: the folder for ids of files; None holds those of small ones, and keeps those of large ones in the user's
            own folder.
        verbose: as of :func:`recuerdo.learn.fit`.
    """
    with told(f"tokens of {source.name}: {source.size / 1e6:,.0f} MB", source.size, verbose, SHOWN) as progress:
        if source.texts is not None or (cache is None and source.size < MAPPED):
            return ids_of(source, tokens, progress)
        folder = Path(cache) if cache is not None else Path.home() / ".cache" / "recuerdo" / "tokens"
        return mapped_ids(source, tokens, folder, progress)


def judged(net: LanguageNet, ids: NDArray[np.integer], verbose: Verbose) -> NDArray[np.float64]:
    """Return the losses of a text, as :func:`token_losses` does, with progress where it is long."""
    with told(f"losses of {len(ids):,} tokens", len(ids), verbose, JUDGED) as progress:
        return token_losses(net, ids, progress)


@contextmanager
def told(label: str, size: int, verbose: Verbose, least: int) -> Iterator[Progress | None]:
    """Show how far long work is: a bar on a terminal, a line elsewhere where any are wanted.

    Args:
        label: what is done.
        size: how much it is.
        verbose: as of :func:`recuerdo.learn.fit`.
        least: how much is worth a word.

    Yields:
        What is called with how much is done and the size; None where nothing is shown on the way.
    """
    terminal = sys.stderr.isatty()
    if size < least or verbose is False or (verbose is None and not terminal):
        yield None
    elif terminal:
        with Bar(console=Console(stderr=True)) as bar:
            task = bar.add_task(label, total=size)
            yield lambda done, whole: bar.update(task, completed=done, total=whole)
            bar.update(task, completed=size)
    else:
        began = time.monotonic()
        print(f"{label} ...", end="", file=sys.stderr, flush=True)
        try:
            yield None
        finally:
            print(f" {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
