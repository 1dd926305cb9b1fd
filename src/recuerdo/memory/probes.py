"""Linear readouts that are judged on rows which they were not fitted on."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from recuerdo.errors import DataError

PENALTIES = tuple(10.0**k for k in range(-6, 5))
"""Ridge penalties that are tried, for inputs of variance 1. The least is that of noise of a thousandth of the inputs:
what lies deeper in the state, no layer behind it could read either."""

CONSTANT = 1e-9
"""Spread, by the largest of all inputs, below which an input is taken for constant."""

LEAST = 5
"""Samples, or else steps, that are needed to divide."""


@dataclass(frozen=True)
class Parts:
    """Rows to fit on, to choose the penalty by, and to judge on, (n,) numbers each."""

    fit: Tensor
    choose: Tensor
    judge: Tensor


def parts_of(samples: Tensor, steps: Tensor) -> Parts:
    """Divide rows into three fifths, one and one: by samples where there are enough of them, else by time.

    Args:
        samples, steps: (n,) of which sample, and of which of its steps, each row is.

    Raises:
        DataError: there are neither samples nor steps enough.

    Example:
        >>> parts_of(torch.zeros(10), torch.arange(10)).judge.tolist()
        [8, 9]
    """
    by = samples if len(samples.unique()) >= LEAST else steps
    values = by.unique()
    if len(values) < LEAST:
        raise DataError(
            f"A probe is fitted on some samples and judged on others: it needs {LEAST} of them, or as many steps, and "
            f"there are {len(samples.unique())} samples with {len(steps.unique())} steps to judge."
        )
    first, second = (values[int(share * len(values))] for share in (0.6, 0.8))
    return Parts(*(each.nonzero().flatten() for each in (by < first, (by >= first) & (by < second), by >= second)))


def readout(inputs: Tensor, targets: Tensor, parts: Parts) -> Tensor:
    """Fit a ridge regression, choose a penalty for each target, and return what it says of the rows to judge.

    Args:
        inputs: (n, P) float64.
        targets: (n, Q) float64.
        parts: which rows serve for what.

    Returns:
        (rows to judge, Q).

    Source:
        Hoerl and Kennard 1970, Ridge regression: biased estimation for nonorthogonal problems.

    Example:
        >>> x = torch.arange(10, dtype=torch.float64)
        >>> readout(x[:, None], 2 * x[:, None] + 1, parts_of(torch.zeros(10), x)).flatten().round().tolist()
        [17.0, 19.0]
    """
    centre, level = inputs[parts.fit].mean(dim=0), targets[parts.fit].mean(dim=0)
    spread = inputs[parts.fit].std(dim=0, correction=0)
    x = (inputs - centre) / spread.clamp_min(max(CONSTANT * float(spread.max()), torch.finfo(spread.dtype).tiny))
    squares, axes = torch.linalg.eigh(x[parts.fit].T @ x[parts.fit])
    turned = axes.T @ (x[parts.fit].T @ (targets[parts.fit] - level))
    asked = x[parts.choose] @ axes, targets[parts.choose] - level
    best = torch.zeros_like(turned)
    lowest = asked[1].square().sum(dim=0)  # of the mean alone
    for penalty in PENALTIES:
        weight = turned / (squares + penalty * len(parts.fit)).unsqueeze(1)
        error = (asked[0] @ weight - asked[1]).square().sum(dim=0)
        best = torch.where(error < lowest, weight, best)
        lowest = torch.minimum(error, lowest)
    return x[parts.judge] @ axes @ best + level
