"""Products of Jacobians: how a change of the state grows or dies on its way through time, without forming a matrix.

P(t, k) = ds_{t+k}/ds_t = J_{t+k} ... J_{t+1}, with s the whole state (an LSTM's h and c together). Products with
vectors run through forward mode (JVP) and reverse mode (VJP) of the reference scan.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import jvp, vjp

from recuerdo.cells import State, scan
from recuerdo.errors import OptionError
from recuerdo.memory.recording import Recorded
from recuerdo.memory.steps import arguments_of, constant

TOLERANCE = 1e-4
"""Relative change of a norm from one power iteration to the next at which it is taken as found."""


def span(recorded: Recorded, start: int, stop: int) -> Callable[[State], State]:
    """Return the function from the state after step `start` to the state after step `stop`, in the order of running.

    Args:
        recorded: a recurrence without lengths that differ; it runs forwards or in reverse.
        start, stop: steps counted in the order in which they run, 0 <= start < stop < T.

    Raises:
        OptionError: start and stop are not in this order within the sequence, or samples have lengths of their own.
    """
    T = recorded.job.x.shape[0]
    if not 0 <= start < stop < T:
        raise OptionError(f"A span needs 0 <= start < stop < {T} time steps, got start={start} and stop={stop}.")
    if recorded.job.lengths is not None:
        raise OptionError("Jacobian products need samples of one length: give each length in a batch of its own.")
    taken = arguments_of(recorded.job)
    rows = slice(start + 1, stop + 1)
    if recorded.job.reverse:
        rows = slice(T - 1 - stop, T - 1 - start)
    for name in ("x", "reset"):
        if taken[name] is not None:
            taken[name] = taken[name][rows]
    if isinstance(taken["zoneout"], Tensor):
        taken["zoneout"] = taken["zoneout"][:, rows]
    return lambda state: scan(state=state, **taken).state


def state_after(recorded: Recorded, step: int) -> State:
    """Return the recorded state after a step counted in the order of running, (N, H) each."""
    row = recorded.job.x.shape[0] - 1 - step if recorded.job.reverse else step
    return tuple(constant(each[row]) for each in recorded.result.states)


@torch.no_grad()
def spectral_norm(recorded: Recorded, start: int, stop: int, *, iterations: int = 50, seed: int = 0) -> Tensor:
    """Return the largest growth of any change of the state from one step to a later one: ||ds_stop/ds_start||, (N,).

    Power iteration on P^T P: v <- P^T P v / |P^T P v|, and |P v| rises to the largest singular value.

    Args:
        recorded: one layer in one direction.
        start, stop: steps counted in the order of running.
        iterations: products at most; fewer where the norm has settled.
        seed: of the first direction.

    Source:
        Golub and Van Loan, Matrix computations, section 8.2; the norm: Pascanu et al. 2013, section 2.1.
    """
    walk, at = span(recorded, start, stop), state_after(recorded, start)
    sizes = [each.shape[-1] for each in at]
    generator = torch.Generator().manual_seed(seed)
    vector = torch.randn(at[0].shape[0], sum(sizes), generator=generator, dtype=torch.float64).to(at[0])
    vector = vector / vector.norm(dim=-1, keepdim=True)
    norm = vector.new_zeros(vector.shape[0])
    for _ in range(iterations):
        pushed = torch.cat(jvp(lambda *s: walk(s), at, vector.split(sizes, dim=-1))[1], dim=-1)
        before, norm = norm, pushed.norm(dim=-1)
        if torch.all((norm - before).abs() <= TOLERANCE * norm):
            break
        pulled = torch.cat(vjp(lambda *s: walk(s), *at)[1](pushed.split(sizes, dim=-1)), dim=-1)
        length = pulled.norm(dim=-1, keepdim=True)
        vector = torch.where(length > 0, pulled / length.clamp(min=torch.finfo(pulled.dtype).tiny), vector)
    return norm


@dataclass(frozen=True)
class Lyapunov:
    """How fast neighbouring states part or meet, per step, along the leading directions.

    Attributes:
        exponents: (N, k), natural logarithm per step, the largest first. Below 0 changes die, above 0 they grow.
        memory: (N,), tau = -1 / lambda_1 in steps, the time in which a change falls to 1/e; infinite where none dies.

    Source:
        Benettin et al. 1980 (QR method); for recurrent networks Engelken et al. 2023, Lyapunov spectra of chaotic
        recurrent neural networks.
    """

    exponents: NDArray[np.float64]
    memory: NDArray[np.float64]


@torch.no_grad()
def lyapunov(recorded: Recorded, k: int = 1, *, warm_up: int = 0, seed: int = 0) -> Lyapunov:
    """Return the first k Lyapunov exponents along the recorded states.

    k directions are carried along by the Jacobian of each step and made orthonormal again by QR; the logarithms of
    R's diagonal add up. Steps of the warm-up turn the directions but do not count.

    Args:
        recorded: one layer in one direction, of one length.
        k: how many, at most the size of the whole state.
        warm_up: steps before counting begins, fewer than T - 1.
        seed: of the first directions.

    Raises:
        OptionError: k or warm_up is out of range, or samples have lengths of their own.
    """
    T, N = recorded.job.x.shape[:2]
    at = state_after(recorded, 0)
    sizes = [each.shape[-1] for each in at]
    if not 1 <= k <= sum(sizes):
        raise OptionError(f"k={k}: the whole state has {sum(sizes)} numbers, so there are 1 to {sum(sizes)} exponents.")
    if not 0 <= warm_up < T - 1:
        raise OptionError(f"warm_up={warm_up}: of {T} time steps, from 0 to {T - 2} can be left out.")
    generator = torch.Generator().manual_seed(seed)
    start = torch.randn(N, sum(sizes), k, generator=generator, dtype=torch.float64).to(at[0])
    Q = torch.linalg.qr(start)[0]
    total = Q.new_zeros(N, k)
    for step in range(T - 1):
        walk = span(recorded, step, step + 1)

        def push(columns: Tensor, walk: Callable[[State], State] = walk, at: State = at) -> Tensor:
            return torch.cat(jvp(lambda *s: walk(s), at, columns.split(sizes, dim=-1))[1], dim=-1)

        Q, R = torch.linalg.qr(torch.func.vmap(push, in_dims=-1, out_dims=-1)(Q))
        if step >= warm_up:
            total += R.diagonal(dim1=-2, dim2=-1).abs().log()
        at = state_after(recorded, step + 1)
    exponents = total.double().cpu().numpy() / (T - 1 - warm_up)
    with np.errstate(divide="ignore"):
        memory = np.where(exponents[:, 0] < 0, -1 / exponents[:, 0], np.inf)
    return Lyapunov(exponents, memory)
