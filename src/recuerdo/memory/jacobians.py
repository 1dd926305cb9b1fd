"""Products of Jacobians: how a change of the state grows or dies on its way through time, without forming a matrix.

P(t, k) = ds_{t+k}/ds_t = J_{t+k} ... J_{t+1}, with s the whole state (an LSTM's h and c together). Products with
vectors, P v and P^T w, run through derivatives of the reference scan.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import jvp

from recuerdo.cells import State, Walk
from recuerdo.errors import OptionError
from recuerdo.memory.recording import Recorded
from recuerdo.memory.steps import arguments_of, constant

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TOLERANCE = 1e-5
"""Relative change of a norm from one power iteration to the next at which it is taken as found. With two singular
values nearly alike, where the iteration is slowest, it is then low by about sqrt(TOLERANCE) / 2, 0.2 %."""


def span(recorded: Recorded, start: int, stop: int) -> Callable[[State], State]:
    """Return the function from the state after step `start` to the state after step `stop`, in the order of running.

    Args:
        recorded: a recurrence over samples of one length; it runs forwards or in reverse.
        start, stop: steps counted in the order in which they run, 0 <= start < stop < T.

    Raises:
        OptionError: start and stop are not in this order within the sequence, or samples have lengths of their own.
    """
    T = recorded.job.x.shape[0]
    if not 0 <= start < stop < T:
        raise OptionError(f"A span needs 0 <= start < stop < {T} time steps, got start={start} and stop={stop}.")
    walk = _walk(recorded)

    def run(state: State) -> State:
        for t in walk.order[start + 1 : stop + 1]:
            state, _ = walk.step(t, state)
        return state

    return run


def _walk(recorded: Recorded) -> Walk:
    if not recorded.inside.all():
        raise OptionError("Jacobian products need samples of one length: give each length in a batch of its own.")
    return Walk(**arguments_of(recorded.job))


def state_after(recorded: Recorded, step: int) -> State:
    """Return the recorded state after a step counted in the order of running, (N, H) each."""
    row = recorded.job.x.shape[0] - 1 - step if recorded.job.reverse else step
    return tuple(constant(each[row]) for each in recorded.result.states)


class Product:
    """P = ds_stop/ds_start of every sample, to be multiplied with as many vectors as one likes.

    Both graphs are built once: that of the walk, whose derivative by the first state is w -> P^T w, and that of this
    derivative, which is linear in w, so that its own derivative by w is v -> P v.

    Args:
        recorded, start, stop: as in :func:`span`.

    Attributes:
        shape: (N, S), samples and numbers of the whole state: the shape of v and w.
        device: where they live.
    """

    def __init__(self, recorded: Recorded, start: int, stop: int) -> None:
        walk = span(recorded, start, stop)
        with torch.enable_grad():
            self._at = tuple(each.requires_grad_() for each in state_after(recorded, start))
            self._after = torch.cat(walk(self._at), dim=-1)
            self._w = torch.zeros_like(self._after, requires_grad=True)
            pulled = torch.autograd.grad(self._after, self._at, self._w, create_graph=True)
            self._pulled = torch.cat(pulled, dim=-1)
        self.shape, self.device = self._after.shape, self._after.device

    def push(self, v: Tensor) -> Tensor:
        """Return P v, (N, S): how a change of the first state changes the last."""
        return torch.autograd.grad(self._pulled, self._w, v, retain_graph=True)[0]

    def pull(self, w: Tensor) -> Tensor:
        """Return P^T w, (N, S): a gradient by the last state as one by the first."""
        return torch.cat(torch.autograd.grad(self._after, self._at, w, retain_graph=True), dim=-1)


@torch.no_grad()
def spectral_norm(recorded: Recorded, start: int, stop: int, *, iterations: int = 100, seed: int = 0) -> Tensor:
    """Return the largest growth of any change of the state from one step to a later one: ||ds_stop/ds_start||, (N,).

    Power iteration on P^T P: v <- P^T P v / |P^T P v|, and |P v| rises to the largest singular value.

    Args:
        recorded: one layer in one direction.
        start, stop: steps counted in the order of running.
        iterations: products at most; fewer where the norm has settled.
        seed: of the first direction.

    Raises:
        OptionError: as in :func:`span`, or iterations below 1.

    Source:
        Golub and Van Loan, Matrix computations, section 8.2; the norm: Pascanu et al. 2013, section 2.1.
    """
    if iterations < 1:
        raise OptionError(f"iterations={iterations}: a norm takes 1 product or more.")
    return largest_growth(Product(recorded, start, stop), iterations, seed)


def largest_growth(product: Product, iterations: int, seed: int) -> Tensor:
    """Return ||P|| of every sample, (N,): see :func:`spectral_norm`."""
    vector = directions(product, 1, seed)[0]
    norm = vector.new_zeros(vector.shape[0])
    for _ in range(iterations):
        pushed = product.push(vector)
        before, norm = norm, _length(pushed).squeeze(-1)
        if torch.all((norm - before).abs() <= TOLERANCE * norm):
            break
        pulled = product.pull(_unit(pushed))
        vector = torch.where(_length(pulled) > 0, _unit(pulled), vector)
    return norm


def directions(product: Product, count: int, seed: int) -> Tensor:
    """Return random unit vectors for every sample, (count, N, S)."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(count, *product.shape, generator=generator, dtype=torch.float64)
    return _unit(drawn.to(product.device))


def _length(vectors: Tensor) -> Tensor:
    """Return the norm of each of the (..., N, S) vectors, (..., N, 1), also where its square is no number any more."""
    largest = vectors.abs().amax(dim=-1, keepdim=True).clamp(min=torch.finfo(vectors.dtype).tiny)
    return largest * (vectors / largest).norm(dim=-1, keepdim=True)


def _unit(vectors: Tensor) -> Tensor:
    """Scale each of the (N, S) vectors to length 1; zeros stay zeros."""
    return vectors / _length(vectors).clamp(min=torch.finfo(vectors.dtype).tiny)


@dataclass(frozen=True)
class Lyapunov:
    """How fast neighbouring states part or meet, per step, along the leading directions.

    Attributes:
        name: the layer and direction.
        exponents: (N, k), natural logarithm per step, the largest first. Below 0 changes die, above 0 they grow; minus
            infinity where nothing of a direction is left within the sequence, as behind units of ReLU that are off.
        memory: (N,), tau = -1 / lambda_1 in steps, the time in which a change falls to 1/e; infinite where none dies,
            0 where every change is gone within the sequence.

    Source:
        Benettin et al. 1980 (QR method); for recurrent networks Engelken et al. 2023, Lyapunov spectra of chaotic
        recurrent neural networks.
    """

    name: str
    exponents: NDArray[np.float64]
    memory: NDArray[np.float64]

    @property
    def lasting(self) -> NDArray[np.bool_]:
        """(N,), True for the samples in which some change of the state is still felt at the end of the sequence."""
        return np.isfinite(self.exponents[:, 0])

    @property
    def mean(self) -> NDArray[np.float64]:
        """(k,), the mean of each exponent over the samples in which it is finite; minus infinity where it is never."""
        finite = np.isfinite(self.exponents)
        total = np.where(finite, self.exponents, 0).sum(axis=0)
        return np.where(finite.any(axis=0), total / np.maximum(finite.sum(axis=0), 1), -np.inf)

    @property
    def fate(self) -> str:
        """What becomes of a change of the state, in words, by the mean of the largest exponent."""
        gone, largest = int((~self.lasting).sum()), float(self.mean[0])
        if gone == len(self.lasting):
            return "dies entirely within the sequence"
        words = f"dies within {-1 / largest:.3g} steps" if largest < 0 else "does not die"
        return f"{words}; entirely in {gone} of {len(self.lasting)} samples" if gone else words

    def to_frame(self) -> pl.DataFrame:
        """Return a row for each sample and exponent: layer, sample, order (1 for the largest), exponent, memory.

        memory is the sample's tau in steps, by its largest exponent.
        """
        N, k = self.exponents.shape
        return pl.DataFrame(
            {
                "layer": [self.name] * (N * k),
                "sample": np.repeat(np.arange(N), k),
                "order": np.tile(np.arange(1, k + 1), N),
                "exponent": self.exponents.ravel(),
                "memory": np.repeat(self.memory, k),
            }
        )

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw it: see :func:`recuerdo.show.plot_lyapunov`."""
        from recuerdo import show

        return show.plot_lyapunov(self, ax=ax)


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
        raise OptionError(
            f"warm_up={warm_up}: {T} time steps have {max(0, T - 1)} changes of the state, of which 1 or more "
            f"must be left to count."
        )
    walk = _walk(recorded)
    generator = torch.Generator().manual_seed(seed)
    start = torch.randn(N, sum(sizes), k, generator=generator, dtype=torch.float64).to(at[0])
    Q = torch.linalg.qr(start)[0]
    total = Q.new_zeros(N, k)
    for step, t in enumerate(walk.order[1:]):

        def push(columns: Tensor, t: int = t, at: State = at) -> Tensor:
            return torch.cat(jvp(lambda *s: walk.step(t, s)[0], at, columns.split(sizes, dim=-1))[1], dim=-1)

        Q, R = torch.linalg.qr(torch.func.vmap(push, in_dims=-1, out_dims=-1)(Q))
        if step >= warm_up:
            total += _stretches(R).log()
        at = state_after(recorded, step + 1)
    gone = torch.isinf(total).cummax(dim=-1).values  # a volume that is flat in some direction is nothing with more too
    exponents = total.masked_fill(gone, -math.inf).double().cpu().numpy() / (T - 1 - warm_up)
    with np.errstate(divide="ignore"):
        memory = np.where(exponents[:, 0] < 0, -1 / exponents[:, 0], np.inf)
    return Lyapunov(recorded.name, exponents, memory)


def _stretches(R: Tensor) -> Tensor:
    """How far each direction was stretched, (N, k); 0 where that is the rounding of the largest."""
    stretched = R.diagonal(dim1=-2, dim2=-1).abs()
    rounding = R.shape[-1] * torch.finfo(R.dtype).eps * stretched.amax(dim=-1, keepdim=True)
    return torch.where(stretched > rounding, stretched, 0)
