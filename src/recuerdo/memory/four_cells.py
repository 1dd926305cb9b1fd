"""FRNN, IndRNN, LSTM and GRU side by side on a problem that needs memory: was the LSTM made against this in vain?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl
import torch
from torch import Tensor, nn

from recuerdo.data.problems import adding
from recuerdo.errors import OptionError
from recuerdo.learn import ArrayBatches, Batch, Problem, Settings, fit, seeded
from recuerdo.memory.flow import GradientFlow, gradient_flow
from recuerdo.memory.recording import record
from recuerdo.nn import FRNN, GRU, LSTM, IndRNN, Stack
from recuerdo.nn.recurrent import RecurrentLayer

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BASELINE = 1 / 6
"""Mean squared error of an answer without memory to the adding problem."""

JUDGED = 500
"""Sequences that a trained cell is judged on."""

FARTHER = 10
"""How many times as much of its gradient as FRNN's an LSTM has to carry, to have been made for something."""


@dataclass(frozen=True)
class CellTrial:
    """One cell before and after training, on sequences that it was not trained on.

    Attributes:
        cell: its name.
        parameters: how many numbers it learns, with its head.
        flow_untrained, flow_trained: the gradient of the mean squared error by the top layer's state, back in time.
        loss_untrained, loss_trained: the mean squared error.
    """

    cell: str
    parameters: int
    flow_untrained: GradientFlow
    flow_trained: GradientFlow
    loss_untrained: float
    loss_trained: float

    def carried(self, lag: int, *, trained: bool) -> float:
        """Return |dL/ds_{T-lag}| / |dL/ds_T|: the part of the last state's gradient that is left `lag` steps before."""
        total = (self.flow_trained if trained else self.flow_untrained).total
        return float(total[-1 - lag] / total[-1])


@dataclass(frozen=True)
class FourCells:
    """Four cells of one size on the same sequences of the adding problem.

    Attributes:
        trials: cell name -> its trial, for FRNN, IndRNN, LSTM and GRU.
        T: time steps of a sequence.
        lag: steps over which the gradient is compared.
        steps: optimiser steps of each training.
    """

    trials: dict[str, CellTrial]
    T: int
    lag: int
    steps: int

    @property
    def arrives(self) -> bool:
        """True if the trained LSTM carries at least ten times as much of its gradient over the lag as the FRNN."""
        carried = {name: trial.carried(self.lag, trained=True) for name, trial in self.trials.items()}
        return carried["LSTM"] >= FARTHER * carried["FRNN"]

    @property
    def learns(self) -> bool:
        """True if the LSTM's error is below half of that without memory, and below the FRNN's."""
        lstm, frnn = (self.trials[name].loss_trained for name in ("LSTM", "FRNN"))
        return lstm < BASELINE / 2 and lstm < frnn

    @property
    def holds(self) -> bool:
        """True if the LSTM does what it was made for: its gradient arrives, and it learns what the FRNN does not."""
        return self.arrives and self.learns

    @property
    def sentence(self) -> str:
        """What was found, with its numbers."""
        lstm, frnn = self.trials["LSTM"], self.trials["FRNN"]
        carried = [f"{trial.carried(self.lag, trained=True):.2g}" for trial in (lstm, frnn)]
        found = (
            f"After {self.steps} steps of training on sequences of {self.T}, the LSTM carries {carried[0]} of its "
            f"gradient back over {self.lag} steps (FRNN {carried[1]}), and its error is {lstm.loss_trained:.2g} "
            f"(FRNN {frnn.loss_trained:.2g}, without memory {BASELINE:.2g})"
        )
        return f"{found}: {self._verdict()}."

    def to_frame(self) -> pl.DataFrame:
        """Return a row for each cell: its parameters, its losses, and the part of the gradient carried over the lag."""
        return pl.DataFrame(
            [
                {
                    "cell": name,
                    "parameters": trial.parameters,
                    "loss_untrained": trial.loss_untrained,
                    "loss_trained": trial.loss_trained,
                    "carried_untrained": trial.carried(self.lag, trained=False),
                    "carried_trained": trial.carried(self.lag, trained=True),
                }
                for name, trial in self.trials.items()
            ]
        )

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw it: see :func:`recuerdo.show.plot_four_cells`."""
        from recuerdo import show

        return show.plot_four_cells(self, ax=ax)

    def _verdict(self) -> str:
        if self.holds:
            return "what it was made for holds here"
        if self.learns:
            return f"it has learned the problem, with a gradient less than {FARTHER} times the FRNN's"
        if not self.arrives:
            return "what it was made for does not hold here"
        if self.trials["LSTM"].loss_trained < BASELINE / 2:
            return "its gradient arrives, but the FRNN has learned it better"
        return "its gradient arrives, but it has not learned the problem yet"


def four_cells(
    T: int = 50,
    *,
    hidden_size: int = 16,
    num_layers: int = 1,
    max_steps: int = 400,
    lag: int | None = None,
    lasting: bool = True,
    samples: int = 2000,
    batch_size: int = 50,
    learning_rate: float = 0.02,
    random_state: int = 0,
) -> FourCells:
    """Train FRNN, IndRNN, LSTM and GRU alike on the adding problem, and compare where their gradients go.

    Args:
        T: time steps of a sequence, 2 or more.
        hidden_size: H, units of each cell.
        num_layers: L, layers of each. An IndRNN needs two: the problem asks for the product of two inputs, and the
            units of its first layer do not see each other.
        max_steps: optimiser steps of each training.
        lag: steps over which to compare the gradient, 1 to T - 1; None for T - 1, from the last step to the first.
        lasting: True lets each cell begin with a memory as long as T, where it can: the gates' biases of LSTM and GRU
            by init="chrono", IndRNN's weights by max_lag. False leaves all as in torch.nn, where an LSTM forgets about
            half at each step.
        samples: sequences to train on; 500 others are judged.
        batch_size: sequences in a step.
        learning_rate: the highest of the training.
        random_state: seed of the sequences, of the weights and of the order.

    Raises:
        OptionError: T or lag is out of range.

    Source:
        Hochreiter and Schmidhuber 1997; starts: Tallec and Ollivier 2018, and Li et al. 2018 for IndRNN.

    Example:
        >>> found = four_cells(12, hidden_size=4, max_steps=3)
        >>> list(found.trials), found.lag
        (['FRNN', 'IndRNN', 'LSTM', 'GRU'], 11)
    """
    train = adding(samples, T, 2 * random_state)
    x, y = (torch.from_numpy(each) for each in adding(JUDGED, T, 2 * random_state + 1))
    lag = T - 1 if lag is None else lag
    if not 1 <= lag < T:
        raise OptionError(f"four_cells(lag={lag}): with {T} time steps, a gradient can go back from 1 to {T - 1}.")
    long: dict[str, Any] = {"max_lag": max(T, 3)} if lasting else {}
    gates = {"init": "chrono", **long} if lasting else {}
    trials = {}
    for name, make, options in (
        ("FRNN", FRNN, {}),
        ("IndRNN", IndRNN, long),
        ("LSTM", LSTM, gates),
        ("GRU", GRU, gates),
    ):
        with seeded(random_state):
            net = _with_head(make(2, hidden_size, num_layers, **options))
        flow_untrained, loss_untrained = _judge(net, x, y)
        batches = ArrayBatches({"x": train[0]}, train[1], batch_size=batch_size, seed=random_state)
        settings = Settings(max_steps=max_steps, learning_rate=learning_rate)
        fit(Problem(net, batches, _error), settings=settings, random_state=random_state, verbose=False)
        flow_trained, loss_trained = _judge(net, x, y)
        parameters = sum(weight.numel() for weight in net.parameters())
        trials[name] = CellTrial(name, parameters, flow_untrained, flow_trained, loss_untrained, loss_trained)
    return FourCells(trials, T, lag, max_steps)


def _with_head(encoder: RecurrentLayer) -> Stack:
    return Stack(encoder, nn.Linear(encoder.output_size, 1))


def _error(output: Tensor, batch: Batch) -> Tensor:
    return (output[:, 0] - batch.target).square().mean()


def _judge(net: Stack, x: Tensor, y: Tensor) -> tuple[GradientFlow, float]:
    net.eval()
    output, recorded = record(net, {"x": x})
    loss = _error(output, Batch({"x": x}, y))
    return gradient_flow(recorded, loss)[-1], loss.item()
