"""Stochastic gradient descent, as language models of the 2010s are trained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor


class SGD:
    """Each step takes the learning rate times the gradient off each parameter; the same steps as torch.optim.SGD.

    Args:
        parameters: what is trained; those that have no gradient at a step are left as they are, and so are rows that a
            sparse gradient does not hold.
        learning_rate: of the next step; may be set anew before each.
        weight_decay: share of a parameter that is added to its gradient.

    Attributes:
        state: empty, as it keeps nothing between steps.

    >>> weight = torch.nn.Parameter(torch.ones(2))
    >>> optimizer = SGD([weight], learning_rate=0.25)
    >>> (weight**2).sum().backward()
    >>> optimizer.step()
    >>> weight.tolist()
    [0.5, 0.5]
    """

    def __init__(self, parameters: Iterable[Tensor], learning_rate: float, *, weight_decay: float = 0.0) -> None:
        self.parameters = tuple(parameters)
        self.learning_rate, self.weight_decay = learning_rate, weight_decay
        self.state: dict[int, dict[str, Tensor]] = {}

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self, share: Tensor | None = None) -> None:
        """Update each parameter that has a gradient, by a share of it; None for the whole."""
        rate = self.learning_rate if share is None else self.learning_rate * share.item()
        for parameter in self.parameters:
            if parameter.grad is None:
                continue
            if self.weight_decay:
                parameter.mul_(1 - self.learning_rate * self.weight_decay)
            parameter.add_(parameter.grad, alpha=-rate)

    def load_state(self, state: Mapping[int, Mapping[str, Tensor]]) -> None:
        """Go on from another one's state, which is empty."""
        self.state = {}
