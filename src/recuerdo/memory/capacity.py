"""How many independent inputs a state holds: memory capacity, which no state of H numbers can have more of than H."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recuerdo.errors import OptionError
from recuerdo.learn import in_evaluation
from recuerdo.memory.recording import record
from recuerdo.nn import RecurrentLayer

STREAMS = 8
"""Sequences side by side, which together have the steps that were asked for."""


@dataclass(frozen=True)
class Capacity:
    """Memory capacity: how many past inputs a state holds, if all of them are drawn independently.

    Each r_k^2 is adjusted for the number of units (Ezekiel 1930), so that what is not held counts for 0 in the mean,
    and the inputs are made orthogonal on the steps at hand, so that the sum stays within the bound.

    Attributes:
        lags: (n,), 0 to n - 1; lag 0 is the present input, which Jaeger leaves out of the sum.
        explained: (n,), r_k^2 of the best linear readout of the input k steps back, summed over its features.
        bound: the number of units of the state, which the sum over all lags cannot exceed.

    Source:
        Jaeger 2001, Short term memory in echo state networks, propositions 1 and 2.
    """

    lags: NDArray[np.int64]
    explained: NDArray[np.float64]
    bound: int

    @property
    def total(self) -> float:
        """The sum over all lags."""
        return float(self.explained.sum())


@torch.no_grad()
def memory_capacity(
    layer: RecurrentLayer, lags: int | None = None, *, scale: float = 0.5, steps: int | None = None, seed: int = 0
) -> Capacity:
    """Drive a layer with independent numbers, and measure how many of the past ones its state holds.

    Args:
        layer: one layer in one direction.
        lags: how many, from 0; None takes twice as many as the state has units.
        scale: the numbers are even between -scale and scale. A small one keeps tanh straight, where more is held.
        steps: that are looked at, behind those at which not all of the past is there; None takes a hundred for each
            unit and lag, up to 40,000.
        seed: of the numbers.

    Raises:
        OptionError: the layer has several layers or directions, or there are fewer steps than units and lags.

    Example:
        >>> import recuerdo as rc
        >>> layer = rc.nn.FRNN(1, 3, nonlinearity="linear", bias=False)
        >>> _ = layer.weight_hh_l0.data.copy_(torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]))  # a chain of delays
        >>> _ = layer.weight_ih_l0.data.copy_(torch.tensor([[1.0], [0], [0]]))
        >>> found = memory_capacity(layer)  # the present input, and the two before it
        >>> found.explained[:3].round(3).tolist(), round(found.total, 1), found.bound
        ([1.0, 1.0, 1.0], 3.0, 3)
    """
    if len(layer.suffixes) > 1:
        raise OptionError(f"A capacity is that of one layer in one direction, and here are {len(layer.suffixes)}.")
    P, D = layer.hidden_size * len(layer.cell.states), layer.input_size
    lags = 2 * P if lags is None else lags
    steps = min(100 * (P + lags * D), 40_000) if steps is None else steps
    if lags < 1 or steps <= P + lags * D:
        raise OptionError(
            f"memory_capacity(lags={lags}, steps={steps}): {P} units and {lags * D} inputs are told apart on more than "
            f"{P + lags * D} steps."
        )
    T = lags - 1 - (-steps // STREAMS)
    drawn = torch.rand(STREAMS, T, D, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    x = ((2 * drawn - 1) * scale).to(next(layer.parameters()))
    with in_evaluation(layer):
        _, (recorded,) = record(layer, {"x": x if layer.batch_first else x.transpose(0, 1)}, differentiable=False)
    flip = (0,) if recorded.job.reverse else ()
    state, x = (torch.cat(tuple(recorded.states.values()), dim=-1).flip(flip), recorded.job.x.flip(flip))
    past = torch.stack([x[lags - 1 - k : T - k] for k in range(lags)], dim=2).double()  # (steps, streams, lags, D)
    held = _orthonormal(state[lags - 1 :].double().flatten(0, 1), torch.finfo(state.dtype).eps)
    asked = _orthonormal(past.flatten(0, 1).flatten(1), 0.0, symmetric=True)
    n, units = held.shape
    explained = (held.T @ asked).square().sum(dim=0)
    adjusted = 1 - (1 - explained) * (n - 1) / (n - 1 - units)
    return Capacity(np.arange(lags), adjusted.view(lags, D).sum(dim=1).cpu().numpy(), P)


def _orthonormal(columns: Tensor, resolution: float, *, symmetric: bool = False) -> Tensor:
    """An orthonormal basis of what columns (n, P) span about their mean; symmetric: each close to its own column."""
    centred = columns - columns.mean(dim=0)
    centred = centred / centred.norm(dim=0).clamp_min(torch.finfo(centred.dtype).tiny)
    U, S, Vh = torch.linalg.svd(centred, full_matrices=False)
    kept = resolution * len(columns) ** 0.5 * S[0] < S
    return U @ Vh if symmetric else U[:, kept]
