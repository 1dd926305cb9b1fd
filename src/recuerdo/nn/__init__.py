"""The recurrent layers as torch modules: parameters as in torch.nn, one kernel call per layer and direction."""

from collections.abc import Callable

from recuerdo.nn import convert
from recuerdo.nn.layers import FRNN, GRU, LSTM, IndRNN
from recuerdo.nn.readout import READOUTS, Readout
from recuerdo.nn.recurrent import RecurrentLayer, Trace
from recuerdo.nn.stack import Stack
from recuerdo.nn.stepper import Stepper

LAYERS: dict[str, Callable[..., RecurrentLayer]] = {"frnn": FRNN, "indrnn": IndRNN, "lstm": LSTM, "gru": GRU}
"""name -> layer, as estimators take it in cell="gru"."""

__all__ = [
    "FRNN",
    "GRU",
    "LAYERS",
    "LSTM",
    "READOUTS",
    "IndRNN",
    "Readout",
    "RecurrentLayer",
    "Stack",
    "Stepper",
    "Trace",
    "convert",
]
