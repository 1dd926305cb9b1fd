"""A small training with everything that a resumed one must carry: dropout, batch statistics, validation, patience.

As a program it trains several times, one after the other, each time in a process of its own that sends itself a signal
at a given step: python gru_training.py CHECKPOINT RESULT STEP SIGNAL [CHECKPOINT RESULT STEP SIGNAL ...]
It prints how each process ended. The processes are forks of one that has done the imports, which take most of the time.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from recuerdo.learn import ArrayBatches, Batch, Callback, History, Problem, Run, Settings, fit

SETTINGS = Settings(
    max_steps=60, learning_rate=0.02, warmup_steps=4, weight_decay=0.01, evaluate_every=3, patience=2, clip=0.1
)


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(2, 4, num_layers=2, batch_first=True, dropout=0.3)
        self.norm = nn.BatchNorm1d(4)
        self.head = nn.Linear(4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.norm(self.gru(x)[0][:, -1]))


def squared_error(output: Tensor, batch: Batch) -> Tensor:
    return ((output - batch.target) ** 2).mean()


def make() -> tuple[Problem, ArrayBatches]:
    numbers = torch.Generator().manual_seed(3)
    torch.manual_seed(1)
    x = torch.randn(22, 5, 2, generator=numbers)
    y = torch.randn(22, 1, generator=numbers)
    train = ArrayBatches({"x": x[:14]}, y[:14], batch_size=4, seed=5)
    valid = ArrayBatches({"x": x[14:]}, y[14:], batch_size=3, seed=6)
    return Problem(Network(), train, squared_error), valid


def train(
    checkpoint: Path | None = None, callbacks: tuple[Callback, ...] = (), settings: Settings = SETTINGS
) -> tuple[History, dict[str, Tensor]]:
    problem, valid = make()
    history = fit(problem, valid=valid, settings=settings, callbacks=callbacks, checkpoint=checkpoint, random_state=11)
    return history, problem.module.state_dict()


class SendSignal(Callback):
    def __init__(self, step: int, number: int) -> None:
        self.step, self.number = step, number

    def on_step(self, run: Run) -> None:
        if run.step == self.step:
            os.kill(os.getpid(), self.number)


def train_and_signal(checkpoint: str, result: str, step: str, name: str) -> None:
    history, weights = train(Path(checkpoint), (SendSignal(int(step), signal.Signals[name]),))
    save_file(weights, result, {"stopped": str(history.stopped), "steps": str(history.steps)})


if __name__ == "__main__":
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a program in the background starts without it
    rest = sys.argv[1:]
    while rest:
        job, rest = rest[:4], rest[4:]
        child = os.fork()
        if child == 0:
            train_and_signal(*job)
            break
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
