"""The door to every recurrence: each backend is asked in turn, and the first that takes the job runs it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Protocol

import torch

from recuerdo.cells import Scanned, scan
from recuerdo.errors import BackendError
from recuerdo.kernels.job import Job
from recuerdo.kernels.watching import watcher


class Backend(Protocol):
    """A way to run a recurrence. It computes what the reference scan computes, to rounding."""

    def refuses(self, job: Job) -> str | None:
        """Return None if the backend takes the job, else the reason in words."""
        ...

    def run(self, job: Job) -> Scanned:
        """Run the job; only called where `refuses` returned None."""
        ...


class Reference:
    """The reference scan: takes every job, differentiates to any order and in forward mode, on any device."""

    def refuses(self, job: Job) -> str | None:
        """Refuse nothing."""
        return None

    def run(self, job: Job) -> Scanned:
        """Run the scan."""
        return scan(**{field.name: getattr(job, field.name) for field in fields(job)})


BACKENDS: dict[str, Backend] = {"reference": Reference()}
"""name -> backend, in the order in which they are asked: the fastest first, the reference last."""


def recurrence(job: Job, backend: str | None = None) -> Scanned:
    """Run one layer in one direction by the fastest backend that takes the job.

    Args:
        job: what to compute.
        backend: the name of the one backend to use; None for the first that takes the job.

    Returns:
        Outputs, final state and, if the job asks for it, the trace: see :class:`recuerdo.cells.Scanned`.

    Raises:
        BackendError: the named backend does not exist or refuses the job, or none takes it; with each reason in words.
    """
    # A graph that is being captured runs later, when nobody watches.
    watched = None if torch.compiler.is_compiling() else watcher()
    return _run(job, backend) if watched is None else watched(job, lambda job: _run(job, backend))


def _run(job: Job, backend: str | None) -> Scanned:
    if backend is not None and backend not in BACKENDS:
        raise BackendError(f"There is no backend {backend!r}; there are: {', '.join(BACKENDS)}.")
    reasons: list[str] = []
    for name, candidate in _asked(backend):
        reason = candidate.refuses(job)
        if reason is None:
            return candidate.run(job)
        reasons.append(f"{name}: {reason}")
    raise BackendError(f"No backend takes this {job.cell.name} recurrence. " + "; ".join(reasons))


def _asked(backend: str | None) -> Iterator[tuple[str, Backend]]:
    yield from BACKENDS.items() if backend is None else [(backend, BACKENDS[backend])]
