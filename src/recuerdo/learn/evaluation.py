"""The mean loss of a module over batches that it does not learn from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from recuerdo.learn.guard import require_one_number
from recuerdo.learn.modes import in_evaluation
from recuerdo.learn.problem import Batch, Batches


def mean_loss(
    module: nn.Module,
    batches: Batches,
    loss: Callable[[Any, Batch], Tensor],
    device: torch.device | str = "cpu",
    check: Callable[[float, Batch], None] = lambda loss, batch: None,
) -> float:
    """The loss over one epoch of `batches`, each batch weighing as much as it has samples, without dropout.

    Args:
        module: it and its parts are left in the mode (training or evaluation) in which they came.
        batches: one epoch of it is read.
        loss: `loss(output, batch)`, the mean over the batch.
        device: where the module is.
        check: called with each batch's loss and the batch; what it raises ends the evaluation.

    Returns:
        The mean over all samples.

    >>> from recuerdo.learn import ArrayBatches
    >>> batches = ArrayBatches({"input": torch.ones(3, 1)}, torch.tensor([1.0, 2.0, 6.0]), batch_size=2)
    >>> mean_loss(nn.Identity(), batches, lambda y, batch: batch.target.mean())
    3.0
    """
    total, samples = 0.0, 0
    with in_evaluation(module), torch.no_grad():
        for batch in batches:
            here = batch.to(device)
            value = loss(module(**here.inputs), here)
            require_one_number(value)
            number = value.item()
            check(number, batch)
            total, samples = total + number * batch.size, samples + batch.size
    return total / samples
