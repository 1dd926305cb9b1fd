"""The long short-term memory: a cell state c that gates write to, keep, and read."""

from __future__ import annotations

from torch import Tensor

from recuerdo.cells.spec import CellSpec, Recurrent, State


def lstm_step(wx: Tensor, state: State, recurrent: Recurrent) -> tuple[State, tuple[Tensor, ...]]:
    """One step: i input gate, f forget gate, g candidate, o output gate.

    i, f, o = sigmoid(W x_t + U h_{t-1} + b), g = tanh(W x_t + U h_{t-1} + b)
    c_t = f * c_{t-1} + i * g
    h_t = o * tanh(c_t)
    """
    h, c = state
    i, f, g, o = (wx + recurrent(h)).unbind(-2)
    i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
    c = f * c + i * g
    h = o * recurrent.normed(c).tanh()
    return (h, c), (i, f, g, o)


LSTM = CellSpec(
    name="lstm",
    step=lstm_step,
    gates=("i", "f", "g", "o"),
    states=("h", "c"),
    source="Hochreiter and Schmidhuber 1997 with the forget gate of Gers et al. 2000; as torch.nn.LSTM",
    forgets="f",
    writes="i",
    candidates=("g",),
)
