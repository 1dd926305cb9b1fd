"""The curve of a training that goes on, in a file and a picture that are written anew at each of its points."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

from torch import nn

from recuerdo.learn import Callback, History, Run
from recuerdo.show import plot_problem, save_picture
from recuerdo.tasks import ProblemRuns
from recuerdo.tasks.problem_runs import CELLS, ProblemTrial


class Curve(Callback):
    """Writes the curve of a training, beside those that were before it, and says how far it is.

    Args:
        cell: that is trained.
        path: of the files, without an ending.
        together: the problem with the trainings before.
    """

    run: Run

    def __init__(self, cell: str, path: Path, together: ProblemRuns) -> None:
        self.cell, self.path, self.together = cell, path, together

    def on_start(self, run: Run) -> None:
        self.run = run

    def on_evaluation(self, run: Run) -> None:
        step, loss = run.history.evaluations[-1]
        trial = told(self.cell, run.module, run.history, "still training", loss)
        written(replace(self.together, trials=(*self.together.trials, trial)), self.path)
        print(f"  {trial.cell}, step {step:,}: loss {loss:.4g} on other sequences, {trial.seconds:,.0f} s", flush=True)


def told(cell: str, net: nn.Module, history: History, stopped: str, loss: float) -> ProblemTrial:
    """Return what is known of a training, unsolved and without accuracy until it is judged."""
    return ProblemTrial(
        cell=CELLS[cell].__name__,
        parameters=sum(each.numel() for each in net.parameters()),
        steps=history.steps,
        seconds=history.seconds,
        stopped=stopped,
        loss=loss,
        accuracy=None,
        solved=False,
        curve=tuple(history.evaluations),
    )


def written(runs: ProblemRuns, path: Path) -> None:
    """Write the curves as numbers and as a picture, in place of those that were there.

    Args:
        runs: one training or more.
        path: of both files, without an ending.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_text(json.dumps(runs.to_dict(), indent=1) + "\n")
    os.replace(part, path.with_name(f"{path.name}.json"))  # a run that is cut here leaves the old file
    save_picture(plot_problem(runs), path.with_name(f"{path.name}.png"))
