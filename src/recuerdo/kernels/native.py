"""The C++ core as a backend: which jobs it takes, and how a job becomes one call of its operator."""

from __future__ import annotations

import warnings
from functools import partial

import torch
from torch import Tensor

from recuerdo.cells import ACTIVATIONS, GRU, GRU_RESET_BEFORE, LSTM, CellSpec, Scanned
from recuerdo.cells.frnn import elman_step
from recuerdo.cells.walk import settled
from recuerdo.kernels import calling, ops, refusing
from recuerdo.kernels.calling import Numbers
from recuerdo.kernels.job import Job

GATED = {LSTM.step: "lstm", GRU.step: "gru", GRU_RESET_BEFORE.step: "gru_reset_before"}
"""The steps that the core has in C++ -> what it calls them. A step is known by the function, not by the cell's name."""


class Native:
    """Runs a recurrence in the C++ core: float32 and float64 on the CPU, forwards and once backwards.

    A job of precision "bf16" is in float32. Where the processor has no instructions for it, the core multiplies in
    float32 as well, and says so once.
    """

    deterministic = True
    warned = False

    def refuses(self, job: Job) -> str | None:
        """Return None if the core takes the job, else the reason in words."""
        if calling.native is None:
            return self._absent()
        if kernel_of(job.cell) is None:
            return f"it has no {job.cell.name} with this step or activation"
        if job.precision == "bf16" and job.x.dtype != torch.float32:
            return f"it rounds float32 to bfloat16, and x is {job.x.dtype}"
        if job.nudge is not None:
            return "it adds no nudge to the states"
        for each in refusing.tensors(job):
            if each.device.type != "cpu":
                return f"it runs on the CPU, and a tensor is on {each.device}"
        for name in ("recurrent_mask", "zoneout"):
            given = getattr(job, name)
            if isinstance(given, Tensor) and given.requires_grad:
                return f"it gives no gradient by {name}"
        return refusing.mixed(job) or refusing.transformed(job)

    def run(self, job: Job) -> Scanned:
        """Run the job in one call of the operator."""
        return _run(job)

    def _absent(self) -> str:
        if not Native.warned:
            Native.warned = True
            warnings.warn(
                "recuerdo runs without its native core, and slower: install a C++ compiler (Debian: g++), then install "
                f"recuerdo again. ({calling.missing})",
                RuntimeWarning,
                stacklevel=2,
            )
        return f"the C++ core is not built ({calling.missing})"


def kernel_of(cell: CellSpec) -> tuple[int, int] | None:
    """Return the core's numbers for a cell and its activation, None if it has none."""
    step = cell.step
    if step in GATED:
        return calling.CELLS.index(GATED[step]), 0
    if not isinstance(step, partial) or step.func is not elman_step or step.args:
        return None
    for k, name in enumerate(calling.ACTIVATIONS):
        if step.keywords == {"act": ACTIVATIONS[name]}:
            return calling.CELLS.index("frnn" if cell.recurrent == "full" else "indrnn"), k
    return None


def _run(job: Job) -> Scanned:
    cell, x, weights = job.cell, job.x, job.weights
    kernel = kernel_of(cell)
    assert kernel is not None
    T, N, H = x.shape[0], *job.state[0].shape
    x, _, reset = settled(x, job.lengths, job.reset, job.reverse)
    states = len(cell.states)
    restart = (job.restart or ()) if reset is not None else ()
    zoneout = job.zoneout
    given = ops.Given(
        x=x,
        W=weights.weight_ih,
        U=weights.weight_hh,
        bias_ih=weights.bias_ih,
        bias_hh=weights.bias_hh,
        norm_ih=weights.norm_ih,
        norm_hh=weights.norm_hh if cell.recurrent == "full" else None,
        norm_c=weights.norm_c if states > 1 else None,
        norm_c_bias=weights.norm_c_bias if states > 1 and weights.norm_c is not None else None,
        h0=job.state[0],
        c0=job.state[1] if states > 1 else None,
        restart_h=restart[0] if restart else None,
        restart_c=restart[1] if restart and states > 1 else None,
        mask=None if job.recurrent_mask is None else job.recurrent_mask.expand(N, H),
        zoneout=zoneout.expand(states, T, N, H) if isinstance(zoneout, Tensor) else None,
        lengths=None if job.lengths is None else job.lengths.long(),
        reset=reset,
    )
    share = 0.0 if zoneout is None or isinstance(zoneout, Tensor) else float(zoneout)
    keep = job.trace or refusing.differentiated(job)
    out, h_last, c_last, gates, c, *_ = ops.run(
        given, Numbers(share, *kernel, job.reverse, job.precision == "bf16"), keep
    )
    assert out is not None
    final = tuple(each for each in (h_last, c_last)[:states] if each is not None)
    if not job.trace:
        return Scanned(out, final)
    traced = gates.unbind(2) if cell.gates and gates is not None else ()
    return Scanned(out, final, gates=traced, states=(out,) if states == 1 or c is None else (out, c))
