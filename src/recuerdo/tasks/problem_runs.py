"""The four cells on a problem whose answer is known: who solves it, and in how long?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from torch import Tensor, nn

from recuerdo.errors import DivergedError, OptionError
from recuerdo.learn import Batch, Batches, Callback, History, Problem, Run, Settings, fit, mean_loss, seeded
from recuerdo.nn import FRNN, GRU, LSTM, IndRNN, Stack
from recuerdo.tasks.known_problems import KnownProblem, Supply, Wish, known_problem

CELLS: dict[str, Callable[..., Any]] = {"frnn": FRNN, "indrnn": IndRNN, "lstm": LSTM, "gru": GRU}
"""Name in an option -> layer."""

RATES = {"frnn": 1e-3, "indrnn": 1e-3, "lstm": 2e-3, "gru": 2e-3}
"""The highest learning rate of each."""

POINTS = 40
"""Evaluations of a training: points of its curve."""


@dataclass(frozen=True)
class ProblemTrial:
    """One cell on one problem.

    Attributes:
        cell: its name, as of its layer.
        parameters: how many numbers it learns, with its head.
        steps: optimiser steps taken.
        seconds: that the training took, its evaluations included.
        stopped: what ended it: max_steps, max_seconds, interrupted or diverged.
        loss: on sequences that it was neither trained nor chosen on.
        accuracy: share of right answers on them; None where the answer is a number.
        solved: whether that counts as solved.
        curve: (steps, loss on sequences that it is chosen on), as the training went on.
    """

    cell: str
    parameters: int
    steps: int
    seconds: float
    stopped: str
    loss: float
    accuracy: float | None
    solved: bool
    curve: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class ProblemRuns:
    """Some cells on one problem.

    Attributes:
        problem: its name.
        counted: what `length` counts: T or lag.
        length: how many of these.
        steps: T, time steps of a sequence.
        chance: the loss without memory.
        chance_accuracy: the share of right answers without memory; None where the answer is a number.
        goal: what counts as solved, in words.
        solved_below: the loss below which it does; None where accuracy decides.
        hidden_size, num_layers: of each network.
        random_state: seed of data and weights.
        trials: one for each cell that was trained.
        left: cells that Ctrl-C kept from being trained.
        permutation_seed: of the order of the pixels; None where they are as they were.
    """

    problem: str
    counted: str
    length: int
    steps: int
    chance: float
    chance_accuracy: float | None
    goal: str
    solved_below: float | None
    hidden_size: int
    num_layers: int
    random_state: int
    trials: tuple[ProblemTrial, ...]
    left: tuple[str, ...] = ()
    permutation_seed: int | None = None

    @property
    def title(self) -> str:
        """The problem and its length, and whether its pixels are shuffled."""
        name = self.problem.replace("-", " ").replace("mnist", "MNIST")
        shuffled = "" if self.permutation_seed is None else ", shuffled"
        return f"{name[0].upper()}{name[1:]}, {self.counted} = {self.length}{shuffled}"

    @property
    def verdict(self) -> str:
        """Who has solved it, in a sentence."""
        solved = [trial.cell for trial in self.trials if trial.solved]
        others = [trial.cell for trial in self.trials if not trial.solved]
        if not solved:
            return f"Not solved ({self.goal}) by {_listed(others)}."
        return f"Solved ({self.goal}) by {_listed(solved)}{f'; not by {_listed(others)}' if others else ''}."

    def to_frame(self) -> pl.DataFrame:
        """Return a row for each cell, with all but its curve."""
        return pl.DataFrame(
            [{name: value for name, value in vars(trial).items() if name != "curve"} for trial in self.trials],
            schema_overrides={"accuracy": pl.Float64},
        )

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as numbers, lists and text, ready for JSON."""
        trials = [{**vars(trial), "curve": [list(point) for point in trial.curve]} for trial in self.trials]
        return {**vars(self), "trials": trials, "left": list(self.left)}


def run_problem(
    name: str,
    cells: Sequence[str] = tuple(CELLS),
    *,
    length: int | None = None,
    hidden_size: int = 64,
    num_layers: int = 2,
    batch_size: int = 50,
    learning_rate: float | None = None,
    max_steps: int | None = None,
    max_seconds: float | None = None,
    random_state: int = 0,
    data: str | Path | None = None,
    permutation_seed: int | None = None,
    verbose: bool | str | None = None,
) -> ProblemRuns:
    """Train networks of some cells alike on a problem with a known answer, and judge each on other sequences.

    A cell begins with a memory as long as a sequence, where it can: the gates' biases of LSTM and GRU by init="chrono",
    IndRNN's weights by max_lag. Each step draws sequences of its own; only MNIST's pictures come round.

    Args:
        name: adding, copying, delayed-recall, temporal-order, mnist-rows or mnist-pixels.
        cells: of frnn, indrnn, lstm and gru.
        length: time steps T, or for copying and delayed-recall the lag; None for the problem's own.
        hidden_size: H, units of a layer.
        num_layers: L. An IndRNN needs two: the units of its first layer do not see each other.
        batch_size: sequences in a step.
        learning_rate: the highest of the training; None for the cell's own.
        max_steps: of each training; None for the problem's own.
        max_seconds: of each training; None for no limit.
        random_state: seed of data and weights, 0 or more.
        data: the folder of MNIST's files, for the two problems made of them.
        permutation_seed: of an order of the pixels, for mnist-pixels; None leaves them as they are.
        verbose: as of :func:`recuerdo.learn.fit`.

    Returns:
        What came of it. After Ctrl-C, of the cells so far.

    Raises:
        OptionError: an option that is not offered, or does not go with the problem.
        DataError: MNIST's files are not there, or not MNIST's.

    Source:
        The starts: Tallec and Ollivier 2018, Can recurrent neural networks warp time?; Li et al. 2018 for IndRNN.

    Example:
        >>> found = run_problem("delayed-recall", ["gru"], length=5, hidden_size=8, num_layers=1, max_steps=300)
        >>> found.trials[0].solved, found.verdict
        (True, 'Solved (99 % right) by GRU.')
    """
    problem = known_problem(name)
    unknown = [cell for cell in cells if cell not in CELLS]
    if unknown or not cells or len(set(cells)) < len(cells):
        raise OptionError(f"cells={list(cells)}: choose some of {', '.join(CELLS)}, each once.")
    if random_state < 0:
        raise OptionError(f"random_state={random_state}: it has to be 0 or more.")
    wish = Wish(length, batch_size, random_state, data, permutation_seed)
    size, steps = problem.size(wish), problem.max_steps if max_steps is None else max_steps
    supply = problem.supply(wish)
    trials: list[ProblemTrial] = []
    for cell in cells:
        with seeded(random_state):
            net = _network(cell, problem, hidden_size, num_layers, problem.steps(size))
        settings = Settings(
            max_steps=steps,
            max_seconds=max_seconds,
            learning_rate=RATES[cell] if learning_rate is None else learning_rate,
            evaluate_every=max(steps // POINTS, 1),
        )
        history, stopped = train_watched(net, problem, supply, settings, random_state, verbose)
        loss, accuracy = judge(net, problem, supply.test)
        trials.append(
            ProblemTrial(
                cell=CELLS[cell].__name__,
                parameters=sum(weight.numel() for weight in net.parameters()),
                steps=history.steps,
                seconds=history.seconds,
                stopped=stopped,
                loss=loss,
                accuracy=accuracy,
                solved=problem.is_solved(loss, accuracy),
                curve=tuple(history.evaluations),
            )
        )
        if stopped == "interrupted":
            break
        supply = problem.supply(wish)  # the same sequences, from the first, for each cell
    return ProblemRuns(
        problem=name,
        counted=problem.counted,
        length=size,
        steps=problem.steps(size),
        chance=problem.chance(size),
        chance_accuracy=problem.chance_accuracy,
        goal=problem.goal,
        solved_below=problem.solved_below,
        hidden_size=hidden_size,
        num_layers=num_layers,
        random_state=random_state,
        permutation_seed=permutation_seed,
        trials=tuple(trials),
        left=tuple(cells[len(trials) :]),
    )


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


class _Watch(Callback):
    """Keeps hold of a training, whose history a divergence would otherwise take along."""

    run: Run

    def on_start(self, run: Run) -> None:
        self.run = run


def train_watched(
    net: Stack, problem: KnownProblem, supply: Supply, settings: Settings, random_state: int, verbose: bool | str | None
) -> tuple[History, str]:
    """Train, and return the history and what ended it; the best weights are in the network, whatever that was."""
    watch = _Watch()
    try:
        history = fit(
            Problem(net, supply.train, problem.loss),
            valid=supply.valid,
            settings=settings,
            callbacks=(watch,),
            random_state=random_state,
            verbose=verbose,
            label=type(net.encoder).__name__,
        )
    except DivergedError:
        return watch.run.history, "diverged"
    return history, str(history.stopped)


def _network(cell: str, problem: KnownProblem, hidden_size: int, num_layers: int, steps: int) -> Stack:
    lasting = {"max_lag": max(steps, 3)} if cell != "frnn" else {}
    start = {"init": "chrono"} if cell in ("lstm", "gru") else {}
    encoder = CELLS[cell](problem.features, hidden_size, num_layers, **lasting, **start)
    return Stack(encoder, nn.Linear(encoder.output_size, problem.outputs), read=problem.read)


def judge(net: Stack, problem: KnownProblem, test: Batches) -> tuple[float, float | None]:
    """The mean loss over the sequences of `test`, and the share of right answers where they are classes."""
    if problem.chance_accuracy is None:
        return mean_loss(net, test, problem.loss), None
    right = asked = 0

    def loss(output: Tensor, batch: Batch) -> Tensor:
        nonlocal right, asked
        found, of = problem.right(output, batch)
        right, asked = right + found, asked + of
        return problem.loss(output, batch)

    mean = mean_loss(net, test, loss)
    return mean, right / asked
