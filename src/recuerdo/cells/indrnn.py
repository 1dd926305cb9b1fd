"""The independently recurrent network: every unit sees only itself, so that its memory is one number."""

from __future__ import annotations

from functools import partial

from recuerdo.cells.activations import activation
from recuerdo.cells.frnn import elman_step
from recuerdo.cells.spec import CellSpec


def indrnn(nonlinearity: str = "relu") -> CellSpec:
    """Return the cell h_t = act(W x_t + u * h_{t-1} + b): the Elman step whose recurrent matrix is the diagonal u."""
    return CellSpec(
        name="indrnn",
        step=partial(elman_step, act=activation(nonlinearity)),
        gates=(),
        states=("h",),
        source="Li et al. 2018, Independently recurrent neural network, eq. 2",
        recurrent="diagonal",
        nonlinearity=nonlinearity,
    )
