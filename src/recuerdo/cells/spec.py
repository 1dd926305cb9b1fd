"""What a cell is: data, a name, and one pure step.

Letters: N samples, T time steps, D features, H hidden units, G blocks of a cell (its gates, in the order in which
their rows are stacked in the weights).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from torch import Tensor

State = tuple[Tensor, ...]
"""One (N, H) tensor for each name in :attr:`CellSpec.states`; the first is the hidden state h, which is the output."""

ALL = slice(None)


class Recurrent(Protocol):
    """The recurrent half of a pre-activation, as a step sees it."""

    def __call__(self, h: Tensor, blocks: slice = ALL) -> Tensor:
        """Return U h + b for the named blocks, (N, G, H), from h of shape (N, H)."""
        ...

    def normed(self, c: Tensor) -> Tensor:
        """Return the cell state (N, H) as the output sees it: layer-normalised if the layer asks for it."""
        ...


Step = Callable[[Tensor, State, Recurrent], tuple[State, tuple[Tensor, ...]]]
"""``step(wx, state, recurrent) -> (state, gates)``: wx is W x + b of one time step, (N, G, H)."""


class Weights(NamedTuple):
    """The parameters of one layer in one direction, laid out and named as in torch.nn.

    Attributes:
        weight_ih: W, (G*H, D).
        weight_hh: U, (G*H, H); for a cell whose units see only themselves (IndRNN) the diagonal alone, (G*H,).
        bias_ih, bias_hh: (G*H,), or None.
        norm_ih, norm_hh: gains of the layer norm on W x and on U h, (G*H,), or None. A diagonal cell has no norm_hh.
        norm_c, norm_c_bias: gain and shift of the layer norm on the LSTM's cell state, (H,), or None.
    """

    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor | None = None
    bias_hh: Tensor | None = None
    norm_ih: Tensor | None = None
    norm_hh: Tensor | None = None
    norm_c: Tensor | None = None
    norm_c_bias: Tensor | None = None


@dataclass(frozen=True)
class CellSpec:
    """A recurrent cell: its step and the words that go with it.

    Attributes:
        name: the cell's name.
        step: the equations, pure: see :data:`Step`.
        gates: the names of the stacked blocks, in the order of the weights' rows; empty for a cell without gates,
            whose one block is the hidden state's own pre-activation.
        states: the names of the states; the first is the hidden state h.
        source: paper and equation numbers.
        recurrent: "full" if every unit sees every unit through U, "diagonal" if it sees only itself.
        forgets: the gate that, when open, keeps the old state (LSTM: f, GRU: z), else None.
        writes: the gate that lets new values in where that is a gate of its own (LSTM: i), else None.
        candidates: those of the gates that hold proposed values in (-1, 1) rather than shares in (0, 1).
        nonlinearity: the name of the activation where the cell leaves it open (FRNN, IndRNN), else None.
    """

    name: str
    step: Step
    gates: tuple[str, ...]
    states: tuple[str, ...]
    source: str
    recurrent: Literal["full", "diagonal"] = "full"
    forgets: str | None = None
    writes: str | None = None
    candidates: tuple[str, ...] = ()
    nonlinearity: str | None = None

    @property
    def blocks(self) -> int:
        """G: how many blocks of H rows the weights stack."""
        return max(1, len(self.gates))
