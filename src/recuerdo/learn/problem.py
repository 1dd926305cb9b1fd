"""What a training needs: a module, its batches and a loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from recuerdo.learn.history import History


@dataclass(frozen=True, eq=False)
class Batch:
    """Some samples: what the module is called with, and what it should have said.

    Args:
        inputs: the module's arguments by name, each (N, ...), with N samples on the first axis.
        target: what the loss compares the output with, (N, ...).
        aside: what else the loss needs, by name, each (N, ...); the module does not see it.

    >>> batch = Batch({"input": torch.zeros(8, 5, 3)}, torch.zeros(8, 1))
    >>> batch.size
    8
    """

    inputs: Mapping[str, Tensor]
    target: Tensor
    aside: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """The number of samples N."""
        return self.target.shape[0]

    def to(self, device: torch.device | str) -> Batch:
        """The same batch on `device`."""
        inputs, aside = ({name: value.to(device) for name, value in part.items()} for part in (self.inputs, self.aside))
        return Batch(inputs, self.target.to(device), aside)


class Batches(Protocol):
    """An endless supply of batches, epoch by epoch, that can be put back to any place in it.

    `iter(batches)` begins the next epoch, or, after `load_state_dict`, goes on in the middle of one. The state
    says which batch comes next; it is taken between two batches, and loading it makes exactly that batch the
    next one. `len(batches)` is the number of batches in an epoch.
    """

    def __iter__(self) -> Iterator[Batch]: ...

    def __len__(self) -> int: ...

    def state_dict(self) -> dict[str, int]:
        """The place that has been reached, as plain integers."""
        ...

    def load_state_dict(self, state: Mapping[str, int], /) -> None:
        """Goes to a place that `state_dict` gave; a state of other data raises `ModelFileError`."""
        ...


@dataclass(frozen=True, eq=False)
class Problem:
    """A module with the batches and the loss that it learns from: all that a training, or a look inside, needs.

    Args:
        module: called as `module(**batch.inputs)`.
        batches: the training batches.
        loss: `loss(output, batch)`, one number (a scalar tensor): the mean over the batch's samples.
        labels: names for the entries of an input or of the target, such as {"input": ("temperature", "load")}.
        gaps: whether NaN in inputs and target stands for a value that is missing, which module and loss know to take;
            otherwise NaN is a fault of the data.
        history: of the training that the module comes from, where there was one.
        needed: how many steps back the task is known to need, such as a season.

    >>> from recuerdo.learn import ArrayBatches
    >>> batches = ArrayBatches({"input": torch.randn(20, 3)}, torch.randn(20, 1))
    >>> problem = Problem(nn.Linear(3, 1), batches, lambda y, batch: ((y - batch.target) ** 2).mean())
    >>> len(problem.batches)
    1
    """

    module: nn.Module
    batches: Batches
    loss: Callable[[Any, Batch], Tensor]
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    gaps: bool = False
    history: History | None = None
    needed: int | None = None
