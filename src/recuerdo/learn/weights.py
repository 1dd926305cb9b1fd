"""All the numbers that make up a module: read, copied, put back."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn


def weights(module: nn.Module) -> dict[str, Tensor]:
    """A copy of every parameter and buffer by name; one that several layers share appears once.

    >>> sorted(weights(nn.Linear(2, 1)))
    ['bias', 'weight']
    """
    return {name: value.detach().clone() for name, value in _named(module).items()}


def set_weights(module: nn.Module, values: Mapping[str, Tensor]) -> None:
    """Puts what `weights` gave back into the module, in place."""
    with torch.no_grad():
        for name, value in _named(module).items():
            value.copy_(values[name])


def _named(module: nn.Module) -> dict[str, Tensor]:
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}
