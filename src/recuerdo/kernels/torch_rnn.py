"""torch's own kernels as a backend: cuDNN on a CUDA device, on the CPU oneDNN for the LSTM in float32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from recuerdo.cells import GRU, LSTM, Scanned, State, Weights, frnn
from recuerdo.cells.walk import settled
from recuerdo.kernels import refusing
from recuerdo.kernels.job import Job
from recuerdo.kernels.native import kernel_of

KERNELS: dict[Any, Callable[..., tuple[Tensor, ...]]] = {
    kernel_of(LSTM): torch.lstm,
    kernel_of(GRU): torch.gru,
    kernel_of(frnn("tanh")): torch.rnn_tanh,
    kernel_of(frnn("relu")): torch.rnn_relu,
}

LACKING = {
    "reset": "resets",
    "recurrent_mask": "recurrent dropout",
    "zoneout": "zoneout",
    "nudge": "nudge to the states",
    "trace": "trace of gates and states",
}
"""Field of a job -> what torch's kernels have not."""


class Torch:
    """Runs a plain recurrence in the kernels that torch.nn uses: float32 and float64, on the CPU and on CUDA devices.

    On the CPU they differentiate to any order. cuDNN does so once, and raises at a second derivative; in float32 it
    multiplies in TF32 where torch.backends.cudnn.allow_tf32 is set, as it does for torch.nn.
    """

    deterministic = False

    def refuses(self, job: Job) -> str | None:
        """Return None if one of the kernels takes the job, else the reason in words."""
        if kernel_of(job.cell) not in KERNELS:
            return f"it has no {job.cell.name} with this step or activation"
        for field, words in LACKING.items():
            given = getattr(job, field)
            if given is not None and given is not False:
                return f"it has no {words}"
        if job.precision == "bf16":
            return "it has no products in bfloat16 with states in float32"
        if any(each is not None for each in job.weights[4:]):
            return "it has no layer norm"
        if 0 in job.x.shape[:2]:
            return "it takes one sample and one step or more"
        device = job.x.device
        if device.type not in ("cpu", "cuda"):
            return f"it runs on the CPU and on CUDA devices, and x is on {device}"
        for each in refusing.tensors(job):
            if each.device != device:
                return f"x is on {device} and another tensor on {each.device}"
        if job.lengths is not None and torch.compiler.is_compiling():
            return "torch.compile does not capture how it packs by lengths"
        return refusing.mixed(job) or refusing.transformed(job)

    def run(self, job: Job) -> Scanned:
        """Run the job in one call of a kernel."""
        return _whole(job) if job.lengths is None else _packed(job, job.lengths)


def _whole(job: Job) -> Scanned:
    output, *final = _call(job, job.state, job.x.flip(0) if job.reverse else job.x)
    return Scanned(output.flip(0) if job.reverse else output, tuple(final))


def _packed(job: Job, lengths: Tensor) -> Scanned:
    """Run samples of unlike lengths, each from its first step or, in reverse, from its last."""
    x, inside, _ = settled(job.x, lengths, None, job.reverse)
    assert inside is not None
    # A packed sequence has one step or more: a sample of length 0 takes one, and what comes of it is not used.
    packed = pack_padded_sequence(
        _turned(x, lengths) if job.reverse else x, lengths.long().clamp(min=1).cpu(), enforce_sorted=False
    )
    there, back = packed.sorted_indices, packed.unsorted_indices
    assert there is not None
    assert back is not None
    start = tuple(each.index_select(0, there) for each in job.state)
    data, *final = _call(job, start, packed.data, packed.batch_sizes)
    output, _ = pad_packed_sequence(packed._replace(data=data), total_length=len(x))
    return Scanned(
        torch.where(inside.unsqueeze(-1), _turned(output, lengths) if job.reverse else output, 0),
        tuple(
            torch.where(inside[0].unsqueeze(-1), after.index_select(0, back), before)
            for after, before in zip(final, job.state, strict=True)
        ),
    )


def _turned(tensor: Tensor, lengths: Tensor) -> Tensor:
    """Return (T, N, ·) with the steps of each sample, up to its length, the other way round."""
    t = torch.arange(len(tensor), device=tensor.device).unsqueeze(-1)
    return tensor.take_along_dim(((lengths - 1 - t) % len(tensor)).unsqueeze(-1), dim=0)


def _call(job: Job, state: State, *steps: Tensor) -> list[Tensor]:
    """Run a kernel on x, or on packed steps and how many samples take each; return the output and (N, H) states."""
    hx = [each.unsqueeze(0).contiguous() for each in state]
    options = (True, 1, 0.0, refusing.differentiated(job), False)  # biases, layers, dropout, train, bidirectional
    if len(steps) == 1:
        options += (False,)  # batch_first
    found = KERNELS[kernel_of(job.cell)](*steps, hx if len(hx) > 1 else hx[0], _parameters(job.weights), *options)
    output, *final = found
    return [output, *(each.squeeze(0) for each in final)]


def _parameters(weights: Weights) -> list[Tensor]:
    """W, U and both biases, as the kernels want them."""
    W, U = weights.weight_ih, weights.weight_hh
    found = [W, U, *(W.new_zeros(len(W)) if each is None else each for each in (weights.bias_ih, weights.bias_hh))]
    return found if W.device.type == "cpu" else _in_one_buffer(found)


def _in_one_buffer(tensors: list[Tensor]) -> list[Tensor]:
    """Return copies that lie one after the other, as cuDNN reads them: it warns where it has to make them itself."""
    parts = torch.cat([each.flatten() for each in tensors]).split([each.numel() for each in tensors])
    return [part.view_as(each) for part, each in zip(parts, tensors, strict=True)]
