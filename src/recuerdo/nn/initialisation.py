"""Initialisers: what a recurrent layer's parameters are before the first step of training."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch.nn import init

from recuerdo.errors import OptionError

if TYPE_CHECKING:
    from recuerdo.nn.recurrent import RecurrentLayer


def uniform(layer: RecurrentLayer) -> None:
    """Draw every weight and bias from U(-1/sqrt(H), 1/sqrt(H)), as torch.nn does."""
    bound = 1 / math.sqrt(layer.hidden_size)
    for weights in layer.weights():
        for parameter in (weights.weight_ih, weights.weight_hh, weights.bias_ih, weights.bias_hh):
            if parameter is not None:
                init.uniform_(parameter, -bound, bound)


def orthogonal(layer: RecurrentLayer) -> None:
    """Make recurrent matrices orthogonal gate by gate (Saxe et al. 2014), input ones Glorot-uniform, biases zero."""
    if layer.cell.recurrent == "diagonal":
        raise OptionError(
            f"init='orthogonal' needs a full recurrent matrix, and {type(layer).__name__}'s is diagonal: use "
            f"init='uniform', which draws its recurrent weights as its paper does."
        )
    for weights in layer.weights():
        for gate in weights.weight_ih.unflatten(0, (layer.cell.blocks, -1)):
            init.xavier_uniform_(gate)
        for gate in weights.weight_hh.unflatten(0, (layer.cell.blocks, -1)):
            init.orthogonal_(gate)
        for bias in (weights.bias_ih, weights.bias_hh):
            if bias is not None:
                init.zeros_(bias)


def chrono(layer: RecurrentLayer) -> None:
    """Set the gates' biases so that memories last between 1 and max_lag steps (Tallec and Ollivier 2018, eq. 16 and
    section 2).

    LSTM: b_f ~ log(U(1, max_lag - 1)), b_i = -b_f. GRU, whose z is the gate that keeps: b_z ~ log(U(1, max_lag - 1)).
        Two bias
    vectors add up in each gate, so the value goes into bias_ih and bias_hh is zero there. All else is as in `uniform`.
    """
    cell, H = layer.cell, layer.hidden_size
    if cell.forgets is None:
        raise OptionError(
            f"init='chrono' sets the bias of a gate that keeps the state, and {type(layer).__name__} has none: use "
            f"cell LSTM or GRU, or for IndRNN give max_lag alone, which bounds its recurrent weights."
        )
    if not layer.bias:
        raise OptionError(
            "init='chrono' works through the gates' biases, and bias=False leaves none: drop one of the two."
        )
    if layer.max_lag is None or layer.max_lag < 3:
        raise OptionError(
            f"init='chrono' needs max_lag, the longest memory in steps, 3 or more; got max_lag={layer.max_lag!r}: "
            f"try the lag that your data has, for instance the season or the sequence length."
        )
    uniform(layer)
    for weights in layer.weights():
        assert weights.bias_ih is not None
        assert weights.bias_hh is not None
        forget = torch.empty_like(weights.bias_ih[:H]).uniform_(1, layer.max_lag - 1).log()
        for gate, value in ((cell.forgets, forget), (cell.writes, -forget)):
            if gate is not None:
                rows = slice(cell.gates.index(gate) * H, (cell.gates.index(gate) + 1) * H)
                weights.bias_ih[rows] = value
                weights.bias_hh[rows] = 0


INITIALISERS: dict[str, Callable[[RecurrentLayer], None]] = {
    "uniform": uniform,
    "orthogonal": orthogonal,
    "chrono": chrono,
}
"""name -> function that fills a layer's parameters in place."""
