"""The fully recurrent network: every unit sees every unit."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import Tensor

from recuerdo.cells.activations import activation
from recuerdo.cells.spec import CellSpec, Recurrent, State


def elman_step(
    wx: Tensor, state: State, recurrent: Recurrent, act: Callable[[Tensor], Tensor]
) -> tuple[State, tuple[Tensor, ...]]:
    """h_t = act(W x_t + b_ih + U h_{t-1} + b_hh)."""
    (h,) = state
    h = act((wx + recurrent(h)).squeeze(-2))
    return (h,), ()


def frnn(nonlinearity: str = "tanh") -> CellSpec:
    """Return the Elman cell with a named activation (see :data:`recuerdo.cells.ACTIVATIONS`)."""
    return CellSpec(
        name="frnn",
        step=partial(elman_step, act=activation(nonlinearity)),
        gates=(),
        states=("h",),
        source="Elman 1990, Finding structure in time; as torch.nn.RNN",
        nonlinearity=nonlinearity,
    )
