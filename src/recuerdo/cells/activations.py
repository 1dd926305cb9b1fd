"""The activations that a cell without gates can be given by name."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches

import torch
import torch.nn.functional as F
from torch import Tensor

from recuerdo.errors import OptionError


def identity(x: Tensor) -> Tensor:
    """Return x: a linear network, whose memory can be read from its eigenvalues."""
    return x


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "linear": identity,
    "elu": F.elu,
    "gelu": F.gelu,
    "hardsigmoid": F.hardsigmoid,
    "hardtanh": F.hardtanh,
    "leaky_relu": F.leaky_relu,
    "mish": F.mish,
    "relu6": F.relu6,
    "selu": F.selu,
    "silu": F.silu,
    "softplus": F.softplus,
    "softsign": F.softsign,
}
"""name -> function of one tensor, element by element."""


def activation(name: str) -> Callable[[Tensor], Tensor]:
    """Return the activation of that name; raise OptionError with the nearest name if there is none."""
    try:
        return ACTIVATIONS[name]
    except (KeyError, TypeError):
        near = get_close_matches(str(name), ACTIVATIONS, n=1)
        mend = f"did you mean {near[0]!r}?" if near else f"offered are {', '.join(ACTIVATIONS)}."
        raise OptionError(f"nonlinearity={name!r} is not an activation that is offered: {mend}") from None
