"""The reasons for which more than one backend refuses a job."""

from __future__ import annotations

import torch
from torch import Tensor

from recuerdo.kernels import calling
from recuerdo.kernels.job import Job


def tensors(job: Job) -> list[Tensor]:
    """Every tensor of numbers in a job."""
    zoneout = job.zoneout if isinstance(job.zoneout, Tensor) else None
    given = (job.x, *job.weights, *job.state, *(job.restart or ()), job.recurrent_mask, zoneout)
    return [each for each in given if each is not None]


def differentiated(job: Job) -> bool:
    """Say whether a gradient may be asked of what comes out."""
    # What TorchScript records runs with gradients and without, whatever it was recorded with.
    asked = torch.is_grad_enabled() or torch._C._get_tracing_state() is not None
    return asked and any(each.requires_grad for each in tensors(job))


def mixed(job: Job) -> str | None:
    """Say so where the numbers are not all of one type that is computed in, or autocast asks for another."""
    x = job.x
    if x.dtype not in (torch.float32, torch.float64):
        return f"it computes in float32 and float64, and x is {x.dtype}"
    for each in tensors(job):
        if each.dtype != x.dtype:
            return f"x is {x.dtype} and another tensor {each.dtype}"
    if torch.is_autocast_enabled(x.device.type):
        return "autocast asks for another precision"
    return None


def transformed(job: Job) -> str | None:
    """Say so where a derivative is taken in a way that a fused kernel does not know, and would lose in silence."""
    if torch._C._are_functorch_transforms_active():
        return "torch.func transforms it (vmap, jvp, grad)"
    if not torch.compiler.is_compiling() and calling.carry_tangents(*tensors(job)):
        return "forward mode carries a tangent through it"
    return None
