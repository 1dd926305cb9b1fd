"""The C++ core as a backend: which jobs it takes, and how a job becomes one call of its operator."""

from __future__ import annotations

import warnings
from functools import partial

from torch import Tensor

from recuerdo.cells import ACTIVATIONS, GRU, GRU_RESET_BEFORE, LSTM, CellSpec, Scanned
from recuerdo.cells.frnn import elman_step
from recuerdo.cells.walk import input_half, settled
from recuerdo.kernels import calling, ops, refusing
from recuerdo.kernels.job import Job

GATED = {LSTM.step: "lstm", GRU.step: "gru", GRU_RESET_BEFORE.step: "gru_reset_before"}
"""The steps that the core has in C++ -> what it calls them. A step is known by the function, not by the cell's name."""


class Native:
    """Runs a recurrence in the C++ core: float32 and float64 on the CPU, forwards and once backwards."""

    warned = False

    def refuses(self, job: Job) -> str | None:
        """Return None if the core takes the job, else the reason in words."""
        if calling.native is None:
            return self._absent()
        if kernel_of(job.cell) is None:
            return f"it has no {job.cell.name} with this step or activation"
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
    W, bias_ih = weights.weight_ih, weights.bias_ih
    if weights.norm_ih is not None:
        x, W, bias_ih = input_half(cell, x, weights), None, None
    keep = job.trace or refusing.differentiated(job)
    states = len(cell.states)
    restart = job.restart or (None,) * states
    full = cell.recurrent == "full"
    out, h_last, c_last, gates, c, *_ = ops.recurrence(
        x,
        W,
        weights.weight_hh,
        bias_ih,
        weights.bias_hh,
        weights.norm_hh if full else None,
        weights.norm_c if states > 1 else None,
        weights.norm_c_bias if states > 1 and weights.norm_c is not None else None,
        job.state[0],
        job.state[1] if states > 1 else None,
        restart[0] if reset is not None else None,
        restart[1] if reset is not None and states > 1 else None,
        None if job.recurrent_mask is None else job.recurrent_mask.expand(N, H),
        job.zoneout.expand(states, T, N, H) if isinstance(job.zoneout, Tensor) else None,
        None if job.lengths is None else job.lengths.long(),
        reset,
        0.0 if job.zoneout is None or isinstance(job.zoneout, Tensor) else float(job.zoneout),
        *kernel,
        job.reverse,
        keep,
    )
    final = (h_last, c_last)[:states]
    if not job.trace:
        return Scanned(out, final)
    return Scanned(out, final, gates=gates.unbind(2) if cell.gates else (), states=(out, c)[:states])
