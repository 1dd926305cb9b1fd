"""Synthetic problems whose right answer is known: they tell what a network can remember, and nothing else."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recuerdo.errors import OptionError


def adding(n: int, T: int, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Draw sequences of numbers of which two are marked; the answer is the sum of the two.

    The numbers are uniform in (0, 1), one mark lies in the first half of the steps and one in the second. Without
    memory the best answer is always 1, and its mean squared error is 1/6, the variance of the sum of two such numbers.

    Args:
        n: N, how many sequences.
        T: their time steps, 2 or more.
        seed: of the numbers and of the places of the marks; the same seed gives the same sequences.

    Returns:
        x, (N, T, 2): the numbers and the marks (1 where marked, else 0); y, (N,): the sums.

    Raises:
        OptionError: fewer than one sequence or than two steps, or a negative seed.

    Source:
        Hochreiter and Schmidhuber 1997, experiment 4, in the form of Le et al. 2015, section 4.1.

    Example:
        >>> x, y = adding(3, 50)
        >>> x.shape, x[..., 1].sum(axis=1).tolist()
        ((3, 50, 2), [2.0, 2.0, 2.0])
        >>> np.allclose((x[..., 0] * x[..., 1]).sum(axis=1), y)
        True
    """
    for name, value, least in (("n", n, 1), ("T", T, 2), ("seed", seed, 0)):
        if value < least:
            raise OptionError(f"adding({name}={value}): it has to be {least} or more.")
    random = np.random.default_rng(seed)
    numbers = random.random((n, T), dtype=np.float32)
    first, second = random.integers(0, T // 2, n), random.integers(T // 2, T, n)
    marks = np.zeros((n, T), np.float32)
    rows = np.arange(n)
    marks[rows, first] = marks[rows, second] = 1
    return np.stack([numbers, marks], axis=-1), numbers[rows, first] + numbers[rows, second]
