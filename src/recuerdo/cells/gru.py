"""The gated recurrent unit, in the two forms that are in use: where the reset gate acts differs."""

from __future__ import annotations

from torch import Tensor

from recuerdo.cells.spec import CellSpec, Recurrent, State


def gru_step(wx: Tensor, state: State, recurrent: Recurrent) -> tuple[State, tuple[Tensor, ...]]:
    """One step; the reset gate acts after the recurrent product: r reset gate, z update gate, n candidate.

    r, z = sigmoid(W x_t + U h_{t-1} + b)
    n = tanh(W_n x_t + b_in + r * (U_n h_{t-1} + b_hn))
    h_t = (1 - z) * n + z * h_{t-1}
    """
    (h,) = state
    xr, xz, xn = wx.unbind(-2)
    hr, hz, hn = recurrent(h).unbind(-2)
    r, z = (xr + hr).sigmoid(), (xz + hz).sigmoid()
    n = (xn + r * hn).tanh()
    h = (1 - z) * n + z * h
    return (h,), (r, z, n)


def gru_reset_before_step(wx: Tensor, state: State, recurrent: Recurrent) -> tuple[State, tuple[Tensor, ...]]:
    """One step; the reset gate acts on h before the recurrent product: n = tanh(W_n x_t + U_n (r * h_{t-1}) + b)."""
    (h,) = state
    xr, xz, xn = wx.unbind(-2)
    hr, hz = recurrent(h, slice(0, 2)).unbind(-2)
    r, z = (xr + hr).sigmoid(), (xz + hz).sigmoid()
    n = (xn + recurrent(r * h, slice(2, 3)).squeeze(-2)).tanh()
    h = (1 - z) * n + z * h
    return (h,), (r, z, n)


GRU = CellSpec(
    name="gru",
    step=gru_step,
    gates=("r", "z", "n"),
    states=("h",),
    source="Cho et al. 2014, eq. 5-8, with the reset after the product as in cuDNN and torch.nn.GRU",
    forgets="z",
    candidates=("n",),
)

GRU_RESET_BEFORE = CellSpec(
    name="gru_reset_before",
    step=gru_reset_before_step,
    gates=("r", "z", "n"),
    states=("h",),
    source="Cho et al. 2014, eq. 5-8 (with z and 1 - z as in torch.nn.GRU); as Keras with reset_after=False",
    forgets="z",
    candidates=("n",),
)
