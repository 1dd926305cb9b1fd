"""The norm of a step's gradients, and by how much they are scaled down where it is too large."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn.utils import get_total_norm


@torch.no_grad()
def gradient_norm(parameters: Iterable[Tensor]) -> Tensor:
    """Return the norm of all gradients as one vector; 0 where there is none.

    >>> weight = torch.nn.Parameter(torch.zeros(2))
    >>> weight.grad = torch.tensor([3.0, 4.0])
    >>> gradient_norm([weight]).item()
    5.0
    """
    found = [each.grad for each in parameters if each.grad is not None]
    # The rows of a sparse gradient may come several times until they are summed up.
    return get_total_norm([each.coalesce().values() if each.is_sparse else each for each in found])


def clipping(norm: Tensor, limit: float | None) -> Tensor | None:
    """Return the share of itself to which a gradient of this norm is scaled; None where it stays as it is.

    The share is that of torch.nn.utils.clip_grad_norm_, bit for bit.

    >>> clipping(torch.tensor(4.0), 1.0), clipping(torch.tensor(0.5), 1.0)
    (tensor(0.2500), None)
    """
    if limit is None or norm + 1e-6 <= limit:
        return None
    return limit / (norm + 1e-6)
