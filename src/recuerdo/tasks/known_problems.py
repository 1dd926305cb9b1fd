"""The problems with known answers, ready to train on: data, loss, what chance gives, and what counts as solved."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from recuerdo.data.mnist import mnist_pixels, mnist_rows
from recuerdo.data.problems import adding, copying, delayed_recall, temporal_order
from recuerdo.errors import OptionError
from recuerdo.learn import ArrayBatches, Batch, Batches, GatherBatches

FRESH = 2**20
"""Sequences of an epoch that are drawn as they are asked for: more than most trainings see."""

STREAMS = 2 * FRESH
"""From the seeds of one random state to those of the next, so that no two of all their sequences are the same draw."""

WATCHED, JUDGED = 500, 2000
"""Sequences on which the best weights are chosen, and on which they are judged."""

HELD_OUT = 1000
"""Training pictures of MNIST on which the best weights are chosen, at most a tenth of all."""


@dataclass(frozen=True)
class Wish:
    """What a run asks of a problem.

    Args:
        length: T or the lag, as the problem counts; None for its own.
        batch_size: sequences in a training step.
        random_state: of the data, 0 or more.
        data: the folder of MNIST's files, where the problem is made of them.
        permutation_seed: of an order of MNIST's pixels; None leaves them as they are.
    """

    length: int | None = None
    batch_size: int = 50
    random_state: int = 0
    data: str | Path | None = None
    permutation_seed: int | None = None


@dataclass(frozen=True, eq=False)
class Supply:
    """The sequences of a run: no two of the three share one.

    Args:
        train: what is learned from.
        valid: what the best weights are chosen on.
        test: what they are judged on.
    """

    train: Batches
    valid: Batches
    test: Batches


@dataclass(frozen=True)
class KnownProblem:
    """One problem.

    Args:
        name: as the command knows it.
        supply: gives its data for a wish.
        features: D.
        outputs: numbers that a network has to give: 1 for a number, C for classes.
        read: whether it gives them after the last step or at each.
        length: T or lag unless another is wished; None where the data decide.
        counted: what `length` is called.
        steps: T of a sequence, by length.
        chance: the loss without memory, by length.
        chance_accuracy: the share of right answers without memory; None where the answer is a number.
        max_steps: of a training, unless others are wished.
        solved_below: the loss below which it counts as solved; None where accuracy decides.
        solved_from: the accuracy from which it does; None where the loss decides.
        blank: a class that is no answer and does not count in the accuracy.
    """

    name: str
    supply: Callable[[Wish], Supply]
    features: int
    outputs: int
    read: Literal["last", "each"]
    length: int | None
    counted: str
    steps: Callable[[int], int]
    chance: Callable[[int], float]
    chance_accuracy: float | None
    max_steps: int
    solved_below: float | None = None
    solved_from: float | None = None
    blank: int = -1

    def size(self, wish: Wish) -> int:
        """Return T or the lag, as wished or by itself.

        Raises:
            OptionError: one is wished, and the data decide it.
        """
        if self.length is None:
            if wish.length is not None:
                raise OptionError(f"length={wish.length}: the pictures decide the length of {self.name}. Leave it out.")
            return self.steps(0)
        return self.length if wish.length is None else wish.length

    def loss(self, output: Tensor, batch: Batch) -> Tensor:
        """Return the mean squared error of numbers, or the mean cross-entropy of classes over all steps."""
        if self.chance_accuracy is None:
            return (output[..., 0] - batch.target).square().mean()
        return F.cross_entropy(output.flatten(0, -2), batch.target.flatten())

    def right(self, output: Tensor, batch: Batch) -> tuple[int, int]:
        """Return how many answers are right, and how many were asked for."""
        asked = batch.target != self.blank
        return int((output.argmax(-1) == batch.target)[asked].sum()), int(asked.sum())

    def is_solved(self, loss: float, accuracy: float | None) -> bool:
        """Whether that is good enough."""
        if self.solved_below is not None:
            return loss < self.solved_below
        return accuracy is not None and self.solved_from is not None and accuracy >= self.solved_from

    @property
    def goal(self) -> str:
        """What counts as solved, in words."""
        if self.solved_below is not None:
            return f"a loss below {self.solved_below:g}"
        return f"{100 * (self.solved_from or 0):.3g} % right"


def _drawn(draw: Callable[[int, int, int], tuple[np.ndarray, np.ndarray]], length: int) -> Callable[[Wish], Supply]:
    """A supply whose training sequences are all new."""

    def supply(wish: Wish) -> Supply:
        _refuse_pictures(wish)
        size = length if wish.length is None else wish.length
        first = wish.random_state * STREAMS

        def batch(n: int, seed: int) -> Batch:
            x, y = draw(n, size, seed)
            return Batch({"x": torch.from_numpy(x)}, torch.from_numpy(y))

        def gather(numbers: np.ndarray) -> Batch:  # an epoch is never shuffled, so the first number tells the batch
            return batch(len(numbers), first + 2 + int(numbers[0]))

        train = GatherBatches(FRESH, gather, wish.batch_size, shuffle=False)
        valid, test = batch(WATCHED, first), batch(JUDGED, first + 1)
        return Supply(train, *(ArrayBatches(each.inputs, each.target, 250, shuffle=False) for each in (valid, test)))

    return supply


def _refuse_pictures(wish: Wish) -> None:
    for name, value in (("data", wish.data), ("permutation_seed", wish.permutation_seed)):
        if value is not None:
            raise OptionError(f"{name}={value!r}: this problem is drawn, and made of no files. Leave {name} out.")


def _mnist(name: str) -> Callable[[Wish], Supply]:
    def supply(wish: Wish) -> Supply:
        if wish.data is None:
            raise OptionError(f"{name} is made of MNIST's pictures: name the folder that holds its four .gz files.")
        if name == "mnist-rows":
            if wish.permutation_seed is not None:
                raise OptionError("permutation_seed is an order of pixels, and mnist-rows has rows: take mnist-pixels.")
            (x, y), test = (mnist_rows(wish.data, part) for part in ("train", "test"))
        else:
            (x, y), test = (mnist_pixels(wish.data, part, wish.permutation_seed) for part in ("train", "test"))
        held = max(min(HELD_OUT, len(y) // 10), 1)
        train = ArrayBatches({"x": x[:-held]}, y[:-held], wish.batch_size, seed=wish.random_state)
        valid = ArrayBatches({"x": x[-held:]}, y[-held:], 250, shuffle=False)
        return Supply(train, valid, ArrayBatches({"x": test[0]}, test[1], 250, shuffle=False))

    return supply


def _copying_chance(lag: int) -> float:
    return 10 * math.log(8) / (lag + 20)


def _digits(name: str, features: int, steps: int, solved_from: float) -> KnownProblem:
    return KnownProblem(
        name, _mnist(name), features, 10, "last", None, "T", lambda _: steps, lambda _: math.log(10), 0.1, 6000,
        solved_from=solved_from,
    )  # fmt: skip


PROBLEMS: Mapping[str, KnownProblem] = {
    each.name: each
    for each in (
        KnownProblem(
            "adding", _drawn(adding, 200), 2, 1, "last", 200, "T", lambda T: T, lambda _: 1 / 6, None, 3000,
            solved_below=0.01,
        ),
        KnownProblem(
            "copying", _drawn(copying, 50), 10, 9, "each", 50, "lag", lambda lag: lag + 20, _copying_chance, 1 / 8,
            4000, solved_from=0.99, blank=8,
        ),
        KnownProblem(
            "delayed-recall", _drawn(delayed_recall, 100), 9, 4, "last", 100, "lag", lambda lag: lag + 1,
            lambda _: math.log(4), 1 / 4, 2000, solved_from=0.99,
        ),
        KnownProblem(
            "temporal-order", _drawn(temporal_order, 100), 8, 4, "last", 100, "T", lambda T: T, lambda _: math.log(4),
            1 / 4, 3000, solved_from=0.99,
        ),
        _digits("mnist-rows", 28, 28, 0.988),
        _digits("mnist-pixels", 1, 784, 0.98),
    )
}  # fmt: skip
"""Name -> problem. Sources: see the functions of recuerdo.data that draw them."""


def known_problem(name: str) -> KnownProblem:
    """Return a problem by its name.

    Raises:
        OptionError: there is none of this name.

    Example:
        >>> known_problem("adding").goal
        'a loss below 0.01'
    """
    if name not in PROBLEMS:
        raise OptionError(f"There is no problem {name!r}: choose one of {', '.join(PROBLEMS)}.")
    return PROBLEMS[name]
