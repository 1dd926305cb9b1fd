"""The equations of the recurrent networks, one pure step each, and the one loop that runs them over time.

A fifth cell is one new file with a step and a :class:`CellSpec`, and one line in :data:`CELLS`.
"""

from recuerdo.cells.activations import ACTIVATIONS
from recuerdo.cells.frnn import frnn
from recuerdo.cells.gru import GRU, GRU_RESET_BEFORE
from recuerdo.cells.indrnn import indrnn
from recuerdo.cells.lstm import LSTM
from recuerdo.cells.scan import Scanned, scan
from recuerdo.cells.spec import CellSpec, State, Weights
from recuerdo.cells.walk import Walk

CELLS: dict[str, CellSpec] = {spec.name: spec for spec in (frnn("tanh"), indrnn("relu"), LSTM, GRU, GRU_RESET_BEFORE)}
"""name -> cell. FRNN and IndRNN stand here with their default activation; `frnn` and `indrnn` make the others."""

__all__ = [
    "ACTIVATIONS",
    "CELLS",
    "GRU",
    "GRU_RESET_BEFORE",
    "LSTM",
    "CellSpec",
    "Scanned",
    "State",
    "Walk",
    "Weights",
    "frnn",
    "indrnn",
    "scan",
]
