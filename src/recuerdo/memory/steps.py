"""The single steps of a recorded recurrence, all at once: how each state depends on the one before it."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import torch
from torch import Tensor
from torch.func import vjp

from recuerdo.cells import State, Walk, Weights
from recuerdo.kernels import Job
from recuerdo.memory.recording import Recorded


class Steps:
    """For every step t at once: s_t as a function of the state before it, and its Jacobian J_t = ds_t/ds_before.

    The state is all of it together: for an LSTM (h, c), because a Jacobian of h alone misses the path through c that
    the forget gate keeps open. No matrix is formed. All of it is in float64, where products of many small numbers last.

    Args:
        recorded: a recurrence; its weights, inputs and states are taken as they were, as constants.

    Attributes:
        before: the state before each step, (T, N, H) each.
    """

    def __init__(self, recorded: Recorded) -> None:
        job = recorded.job
        self._walk = Walk(**arguments_of(job))
        self.reverse = job.reverse
        self._inside = recorded.inside.unsqueeze(-1)
        self.before = tuple(
            _before(constant(after), constant(start), self._inside, job.reverse)
            for after, start in zip(recorded.result.states, job.state, strict=True)
        )

    def after(self, before: State) -> State:
        """Return the state after each step, (T, N, H) each, from the one before it."""
        return self._walk.step(slice(None), before)[0]

    def pull(self, cotangent: State) -> State:
        """Return J_t^T w_t for every t: a gradient w_t by the state after step t as one by the state before it."""
        return vjp(lambda *before: self.after(before), *self.before)[1](cotangent)

    def earlier(self, by_before: State) -> State:
        """Turn what belongs to the state before each step into what belongs to the state after the one before.

        What belongs to the start falls away: a sample that runs in reverse starts beyond its length, where no step is.
        """
        return tuple(torch.where(self._inside, _shifted(each, self.reverse), 0) for each in by_before)


def arguments_of(job: Job) -> dict[str, Any]:
    """What `Walk` takes of a job, as constants in float64: without the state and what is no part of it."""
    leave = {"nudge", "trace", "state", "precision"}
    return {field.name: constant(getattr(job, field.name)) for field in fields(job) if field.name not in leave}


def _before(after: Tensor, start: Tensor, inside: Tensor, reverse: bool) -> Tensor:
    """The state before each step: the one after the step that came before, or the start."""
    if not reverse:
        return torch.cat([start.unsqueeze(0), after[:-1]])
    following = torch.where(inside[1:], after[1:], start)  # beyond a sample's length the scan has not begun
    return torch.cat([following, start.unsqueeze(0)])


def _shifted(each: Tensor, reverse: bool) -> Tensor:
    none = torch.zeros_like(each[:1])
    return torch.cat([none, each[:-1]]) if reverse else torch.cat([each[1:], none])


def constant(value: Any) -> Any:
    """The same value in float64 and without its history, through the tuples that states and weights are."""
    if isinstance(value, Weights):
        return Weights(*(constant(each) for each in value))
    if isinstance(value, tuple):
        return tuple(constant(each) for each in value)
    if isinstance(value, Tensor):
        return value.detach().double() if value.is_floating_point() else value.detach()
    return value
