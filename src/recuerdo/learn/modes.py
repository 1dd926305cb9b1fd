"""A module's mode: training or evaluation, each of its parts for itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def in_evaluation(module: nn.Module) -> Iterator[None]:
    """Put a module into evaluation mode inside the block, and each of its parts back into its own mode after it.

    Args:
        module: the module.

    >>> net = nn.Sequential(nn.Dropout(), nn.Dropout().eval())
    >>> with in_evaluation(net):
    ...     print([part.training for part in net])
    [False, False]
    >>> [part.training for part in net]
    [True, False]
    """
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode
