"""How many threads a training is worth: work that is too small to share is slower when it is shared."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

WORTH_SHARING = 2_000_000
"""Multiply-adds in a step's largest product from which a second thread pays; below, threads mostly wait."""


@contextmanager
def threads_for(products: int) -> Iterator[None]:
    """Stay on one thread inside the block if the work is small, and go back to torch's own number after it.

    Args:
        products: multiply-adds of the largest product that each step computes.

    Example:
        >>> before = torch.get_num_threads()
        >>> with threads_for(10_000):
        ...     torch.get_num_threads()
        1
        >>> torch.get_num_threads() == before
        True
    """
    before = torch.get_num_threads()
    if products < WORTH_SHARING:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
