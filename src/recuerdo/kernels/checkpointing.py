"""A long recurrence in little memory: the states between pieces are kept, and each piece runs again on the way back."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from recuerdo.cells import Scanned, State, Weights
from recuerdo.errors import OptionError
from recuerdo.kernels.job import Job

Run = Callable[[Job], Scanned]


def checkpointed(job: Job, every: int | Literal["auto"], run: Run) -> Scanned:
    """Run a job piece by piece, so that its gradient needs memory for one piece and for the states between pieces.

    The result is the same; a training step takes one forward pass more.

    Args:
        job: what to compute, without a trace.
        every: steps of a piece; "auto" takes the root of T, where a piece and the states between grow alike.
        run: runs a job.

    Raises:
        OptionError: the job asks for a trace, which holds all that this is there not to keep.

    Source:
        Chen et al. 2016, Training deep nets with sublinear memory cost, section 4.
    """
    if job.trace:
        raise OptionError(
            "A trace holds every gate of every step, which checkpoint_every= is there not to keep: drop one of the two."
        )
    T = job.x.shape[0]
    length = max(1, math.isqrt(T)) if every == "auto" else every
    if length >= T or not torch.is_grad_enabled():
        return run(job)
    tensors = (job.x, *job.state, *(job.restart or ()), *(each for each in job.weights if each is not None))
    output, *state = _Checkpointed.apply(job, length, run, *tensors)
    return Scanned(output, tuple(state))


class _Checkpointed(torch.autograd.Function):
    """The tensors that gradients go to stand in a row: x, the states, the restarts, the weights."""

    @staticmethod
    def forward(ctx: Any, job: Job, length: int, run: Run, *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.set_materialize_grads(False)
        ctx.job, ctx.length, ctx.run = job, length, run
        state, between = job.state, []
        output = job.x.new_empty(*job.x.shape[:2], state[0].shape[-1])
        for a, b in _spans(job, length):
            between.append(state)
            result = run(_piece(job, job.x[a:b], a, b, state))
            output[a:b], state = result.output, result.state
        ctx.save_for_backward(*tensors, *(each for states in between for each in states))
        return output, *(each.clone() for each in state)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Any, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        d_output, *d_state = gradients
        job, needs = ctx.job, ctx.needs_input_grad[3:]
        S = len(job.state)
        tensors, between = ctx.saved_tensors[: len(needs)], ctx.saved_tensors[len(needs) :]
        found: list[Tensor | None] = [None] * len(needs)
        if needs[0]:
            found[0] = torch.zeros_like(tensors[0])
        back: list[Tensor] = [_or_zeros(d, s) for d, s in zip(d_state, job.state, strict=True)]
        spans = list(_spans(job, ctx.length))
        for k in range(len(spans) - 1, -1, -1):
            a, b = spans[k]
            leaves = [each.detach() for each in (tensors[0][a:b], *between[S * k : S * (k + 1)], *tensors[1 + S :])]
            wanted = [needs[0], *[True] * S, *needs[1 + S :]]
            for leaf, want in zip(leaves, wanted, strict=True):
                leaf.requires_grad_(want)
            with torch.enable_grad():
                result = ctx.run(_piece(_with(job, leaves, S), leaves[0], a, b, tuple(leaves[1 : 1 + S])))
            ends, starts = list(result.state), back
            if d_output is not None:
                ends, starts = [result.output, *ends], [d_output[a:b], *starts]
            asked = [leaf for leaf in leaves if leaf.requires_grad]
            each_by = iter(torch.autograd.grad(ends, asked, starts, allow_unused=True))
            by = [next(each_by) if leaf.requires_grad else None for leaf in leaves]
            if found[0] is not None and by[0] is not None:
                found[0][a:b] = by[0]
            back = [_or_zeros(d, s) for d, s in zip(by[1 : 1 + S], job.state, strict=True)]
            for j in range(1 + S, len(needs)):
                part, sofar = by[j], found[j]
                if part is not None:
                    found[j] = part if sofar is None else sofar.add_(part)
        found[1 : 1 + S] = back
        return None, None, None, *(each if need else None for each, need in zip(found, needs, strict=True))


def _spans(job: Job, length: int) -> Sequence[tuple[int, int]]:
    """Where the pieces begin and end, in the order in which they run."""
    T = job.x.shape[0]
    spans = [(a, min(a + length, T)) for a in range(0, T, length)]
    return spans[::-1] if job.reverse else spans


def _with(job: Job, leaves: Sequence[Tensor], S: int) -> Job:
    """The job with leaves in the places of its own restarts and weights."""
    rest = iter(leaves[1 + S :])
    restart = None if job.restart is None else tuple(next(rest) for _ in job.restart)
    weights = Weights(*(None if each is None else next(rest) for each in job.weights))  # pyright: ignore[reportArgumentType]
    return replace(job, restart=restart, weights=weights)


def _piece(job: Job, x: Tensor, a: int, b: int, state: State) -> Job:
    """Steps a to b of a job as a job of its own, with their part of x, from a state."""
    lengths, reset, zoneout = job.lengths, job.reset, job.zoneout
    if (
        job.reverse and reset is not None and b < len(reset)
    ):  # a boundary between two pieces is met on the way to the second
        meets = reset[b] if lengths is None else reset[b] & (lengths > b)
        restart = job.restart or tuple(torch.zeros_like(each) for each in state)
        state = tuple(torch.where(meets.unsqueeze(-1), r, s) for r, s in zip(restart, state, strict=True))
    return replace(
        job,
        x=x,
        state=state,
        lengths=None if lengths is None else (lengths - a).clamp(0, b - a),
        reset=None if reset is None else reset[a:b],
        zoneout=zoneout[:, a:b] if isinstance(zoneout, Tensor) else zoneout,
    )


def _or_zeros(gradient: Tensor | None, like: Tensor) -> Tensor:
    return torch.zeros_like(like) if gradient is None else gradient
