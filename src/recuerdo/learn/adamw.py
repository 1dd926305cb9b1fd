"""AdamW by torch's own function for it, without torch.optim.Optimizer: making one of those loads torch's compiler."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor
from torch.optim.adamw import adamw

BETAS = 0.9, 0.999
"""Decay of the means of gradients and of their squares."""

EPSILON = 1e-8
"""Added to the root of the mean square."""

LARGE = 300_000
"""Numbers in a tensor from which it is moved by torch's fused kernel, in one pass over memory.

On one thread and in float32, a step of 1e4 numbers takes 0.03 ms fused and 0.06 ms otherwise, 3e5 0.24 and 0.62 ms, 1e6
0.74 and 2.1 ms, 1e7 12 and 52 ms. Below, little time is won, and small models keep the bits that they have always had.
"""


class AdamW:
    """Adam with decoupled weight decay: the same steps as torch.optim.AdamW, bit for bit.

    A tensor of many numbers on the CPU, such as an embedding, takes the steps of torch.optim.AdamW(fused=True), which
    round otherwise and are two to four times as fast.

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
    def step(self, share: Tensor | None = None) -> None:
        """Update each parameter that has a gradient, after all gradients are scaled to a share; None for the whole."""
        moving = [(number, each, each.grad) for number, each in enumerate(self.parameters) if each.grad is not None]
        if share is not None:
            for _, _, gradient in moving:
                gradient.mul_(share)
        for number, parameter, _ in moving:
            if number not in self.state:
                zeros = {name: torch.zeros_like(parameter) for name in ("exp_avg", "exp_avg_sq")}
                self.state[number] = {"step": torch.tensor(0.0), **zeros}
        large = [each for each in moving if _goes_fused(each[1], each[2], self.state[each[0]])]
        fused = {number for number, _, _ in large}
        self._move([each for each in moving if each[0] not in fused], fused=False)
        self._move(large, fused=True)

    def _move(self, moving: Sequence[tuple[int, Tensor, Tensor]], *, fused: bool) -> None:
        states = [self.state[number] for number, _, _ in moving]
        adamw(
            [parameter for _, parameter, _ in moving],
            [gradient for _, _, gradient in moving],
            [each["exp_avg"] for each in states],
            [each["exp_avg_sq"] for each in states],
            [],
            [each["step"] for each in states],
            foreach=not fused,
            fused=fused,
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


def _goes_fused(parameter: Tensor, gradient: Tensor, state: Mapping[str, Tensor]) -> bool:
    if parameter.numel() < LARGE or parameter.device.type != "cpu" or not parameter.is_floating_point():
        return False
    # torch 2.13: the fused kernel reads all four in the order in which they lie, and is silently wrong if it differs.
    return all(each.is_contiguous() for each in (parameter, gradient, state["exp_avg"], state["exp_avg_sq"]))
