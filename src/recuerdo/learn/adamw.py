"""AdamW by torch's own function for it, without torch.optim.Optimizer: making one of those loads torch's compiler."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor
from torch.optim.adamw import adamw

BETAS = 0.9, 0.999
"""Decay of the means of gradients and of their squares."""

EPSILON = 1e-8
"""Added to the root of the mean square."""


class AdamW:
    """Adam with decoupled weight decay: the same steps as torch.optim.AdamW, bit for bit.

    The compiler that torch's class loads takes seconds of a process's first training, and 70 MiB. Hooks that are
    registered with torch.optim do not hear of these steps; a :class:`~recuerdo.learn.Callback` does.

    Args:
        parameters: what is trained; those that have no gradient at a step are left as they are.
        learning_rate: of the next step; may be set anew before each.
        weight_decay: share of a parameter, times the learning rate, that each step takes off it.

    Attributes:
        state: number of a parameter -> "step", "exp_avg" and "exp_avg_sq", as in the "state" of torch's state_dict().

    Source:
        Loshchilov and Hutter 2019, Decoupled weight decay regularization, algorithm 2.

    >>> weight = torch.nn.Parameter(torch.ones(3))
    >>> optimizer = AdamW([weight], learning_rate=0.1)
    >>> (weight**2).sum().backward()
    >>> optimizer.step()
    >>> weight.tolist()
    [0.9..., 0.9..., 0.9...]
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
    def step(self) -> None:
        """Update each parameter that has a gradient."""
        moving = [(number, each, each.grad) for number, each in enumerate(self.parameters) if each.grad is not None]
        for number, parameter, _ in moving:
            if number not in self.state:
                zeros = {name: torch.zeros_like(parameter) for name in ("exp_avg", "exp_avg_sq")}
                self.state[number] = {"step": torch.tensor(0.0), **zeros}
        states = [self.state[number] for number, _, _ in moving]
        adamw(
            [parameter for _, parameter, _ in moving],
            [gradient for _, _, gradient in moving],
            [each["exp_avg"] for each in states],
            [each["exp_avg_sq"] for each in states],
            [],
            [each["step"] for each in states],
            foreach=True,
            amsgrad=False,
            beta1=BETAS[0],
            beta2=BETAS[1],
            lr=self.learning_rate,
            weight_decay=self.weight_decay,
            eps=EPSILON,
            maximize=False,
        )

    def load_state(self, state: Mapping[int, Mapping[str, Tensor]]) -> None:
        """Go on from a copy of another optimiser's `state`, on the devices of the parameters here."""
        self.state = {
            number: {
                name: value.clone() if name == "step" else value.to(self.parameters[number], copy=True)
                for name, value in each.items()
            }
            for number, each in state.items()
        }
