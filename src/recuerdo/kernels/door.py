"""The door to every recurrence: each backend is asked in turn, and the first that takes the job runs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, fields
from typing import Literal, Protocol, overload

import torch

from recuerdo.cells import Scanned, scan
from recuerdo.errors import BackendError
from recuerdo.kernels.checkpointing import checkpointed
from recuerdo.kernels.job import Job
from recuerdo.kernels.native import Native
from recuerdo.kernels.torch_rnn import Torch
from recuerdo.kernels.watching import watcher


class Backend(Protocol):
    """A way to run a recurrence. It computes what the reference scan computes, to rounding of the job's precision.

    Attributes:
        deterministic: whether, bit by bit, no result of a sample depends on its batch, and none at all on the number of
            threads.
    """

    deterministic: bool

    def refuses(self, job: Job) -> str | None:
        """Return None if the backend takes the job, else the reason in words."""
        ...

    def run(self, job: Job) -> Scanned:
        """Run the job; only called where `refuses` returned None."""
        ...


class Reference:
    """The reference scan: takes every job, differentiates to any order and in forward mode, on any device.

    It multiplies in the type of the tensors: precision="bf16" allows less, and is not needed.
    """

    deterministic = False

    def refuses(self, job: Job) -> str | None:
        """Refuse nothing."""
        return None

    def run(self, job: Job) -> Scanned:
        """Run the scan."""
        return scan(**{field.name: getattr(job, field.name) for field in fields(job) if field.name != "precision"})


BACKENDS: dict[str, Backend] = {"native": Native(), "torch": Torch(), "reference": Reference()}
"""name -> backend, in the order in which they are asked: the fastest first, the reference last."""

UNSTEADY = "its sums depend on the batch or on the number of threads, and deterministic=True asks for the same bits"

_ONLY: ContextVar[str | None] = ContextVar("recuerdo_only", default=None)
_CAPTURED: list[str] = []
"""What the blocks of `only` that are open, in any thread, ask for: all that a capture by torch.compile can see."""


@dataclass(frozen=True)
class Explained:
    """Who takes a job.

    Attributes:
        backend: the name of the backend that takes it; None if none does.
        refused: name -> reason in words, of those that were asked before.
    """

    backend: str | None
    refused: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        words = [f"{name} refuses: {reason}" for name, reason in self.refused.items()]
        return "; ".join([*words, "no backend takes it" if self.backend is None else f"{self.backend} takes it"])


@contextmanager
def only(backend: str) -> Iterator[None]:
    """Ask one backend alone inside the block, in this thread.

    Args:
        backend: its name; "reference" differentiates to any order and in forward mode.

    Raises:
        BackendError: there is no backend of that name.

    Example:
        >>> import torch
        >>> from recuerdo.nn import GRU
        >>> x = torch.zeros(1, 4, 3, requires_grad=True)
        >>> with only("reference"):
        ...     output, _ = GRU(3, 5)(x)
        >>> (slope,) = torch.autograd.grad(output.sum(), x, create_graph=True)
        >>> slope.requires_grad
        True
    """
    _known(backend)
    token = _ONLY.set(backend)
    _CAPTURED.append(backend)
    try:
        yield
    finally:
        _CAPTURED.remove(backend)
        _ONLY.reset(token)


@overload
def recurrence(
    job: Job,
    backend: str | None = None,
    *,
    checkpoint_every: int | Literal["auto"] | None = None,
    deterministic: bool = False,
    explain: Literal[False] = False,
) -> Scanned: ...
@overload
def recurrence(
    job: Job, backend: str | None = None, *, deterministic: bool = False, explain: Literal[True]
) -> Explained: ...
def recurrence(
    job: Job,
    backend: str | None = None,
    *,
    checkpoint_every: int | Literal["auto"] | None = None,
    deterministic: bool = False,
    explain: bool = False,
) -> Scanned | Explained:
    """Run one layer in one direction by the fastest backend that takes the job.

    Args:
        job: what to compute.
        backend: the name of the one backend to use; None for the first that takes the job.
        checkpoint_every: steps between two states that are kept for the gradient, or "auto"; None keeps all that the
            gradient needs. It saves memory and changes no result; where somebody watches, all is kept.
        deterministic: ask only backends whose results are, bit by bit, the same in every batch and with any number of
            threads.
        explain: do not run it, and say who would take it and why the others refuse.

    Returns:
        Outputs, final state and, if the job asks for it, the trace: see :class:`recuerdo.cells.Scanned`. With
        explain=True an :class:`Explained`.

    Raises:
        BackendError: the named backend does not exist or refuses the job, or none takes it; with each reason in words.
    """
    if explain:
        return _explained(job, backend, deterministic)
    # A graph that is being captured runs later, when nobody watches.
    watched = None if torch.compiler.is_compiling() else watcher()
    if watched is not None:
        return watched(job, lambda job: _run(job, backend, deterministic))
    if checkpoint_every is not None:
        return checkpointed(job, checkpoint_every, lambda job: _run(job, backend, deterministic))
    return _run(job, backend, deterministic)


def _run(job: Job, backend: str | None, deterministic: bool) -> Scanned:
    found = _explained(job, backend, deterministic)
    if found.backend is not None:
        return BACKENDS[found.backend].run(job)
    reasons = "; ".join(f"{name}: {reason}" for name, reason in found.refused.items())
    raise BackendError(f"No backend takes this {job.cell.name} recurrence. {reasons}")


def _explained(job: Job, backend: str | None, deterministic: bool) -> Explained:
    backend = _asked() if backend is None else backend
    if backend is not None:
        _known(backend)
    refused: dict[str, str] = {}
    for name in BACKENDS if backend is None else (backend,):
        reason = UNSTEADY if deterministic and not BACKENDS[name].deterministic else BACKENDS[name].refuses(job)
        if reason is None:
            return Explained(name, refused)
        refused[name] = reason
    return Explained(None, refused)


def _asked() -> str | None:
    if torch.compiler.is_compiling():
        return _CAPTURED[-1] if _CAPTURED else None
    return _ONLY.get()


def _known(backend: str) -> None:
    if backend not in BACKENDS:
        raise BackendError(f"There is no backend {backend!r}; there are: {', '.join(BACKENDS)}.")
