"""Look over the shoulder of every recurrence that runs in a block of code, whoever's module it is in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from recuerdo.cells import Scanned
from recuerdo.kernels.job import Job

Watcher = Callable[[Job, Callable[[Job], Scanned]], Scanned]
"""``watcher(job, run) -> result``: it may change the job, runs it, and sees what comes out."""

_WATCHER: ContextVar[Watcher | None] = ContextVar("recuerdo_watcher", default=None)


def watcher() -> Watcher | None:
    """Return who watches in this thread, or None."""
    return _WATCHER.get()


@contextmanager
def watching(by: Watcher) -> Iterator[None]:
    """Hand every recurrence inside the block, in this thread, to a watcher.

    Args:
        by: ``by(job, run) -> result``; it may change the job before it calls `run`, and sees what comes out.

    Example:
        >>> import torch
        >>> from recuerdo.nn import GRU
        >>> seen = []
        >>> def note(job, run):
        ...     seen.append(job.cell.name)
        ...     return run(job)
        >>> with watching(note):
        ...     _ = GRU(3, 5, num_layers=2)(torch.zeros(1, 4, 3))
        >>> seen
        ['gru', 'gru']
    """
    token = _WATCHER.set(by)
    try:
        yield
    finally:
        _WATCHER.reset(token)
