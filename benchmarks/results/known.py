"""Problems whose answer is known, by all four cells: adding over 200 steps, copying over a lag of 50."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any

from recuerdo.show import plot_problem, save_picture
from recuerdo.tasks import ProblemRuns, run_problem
from recuerdo.tasks.problem_runs import CELLS, ProblemTrial

from ..kernel.machine import ROOT
from . import side_by_side
from .figures import Effort, Figure

SEEDS = 5
MSE, SLOWEST = 0.01, 300.0
"""Issue 6, "Must show", 4: of the IndRNN on the adding problem."""

FIRST = "indrnn"
"""The cell of which something is asked."""

PICTURES = ROOT / "build" / "results"


def adding(effort: Effort) -> Iterator[Figure]:
    """Add two numbers among 200, by every cell and seed."""
    found: dict[str, list[ProblemRuns]] = {}
    for cell, runs in trained("adding", 200, effort):
        found[cell], trials = runs, [each.trials[0] for each in runs]
        yield Figure.over_seeds(
            f"adding, T = 200, {CELLS[cell].__name__}, MSE",
            [each.loss for each in trials],
            seconds=mean(each.seconds for each in trials),
            at_most=MSE if cell == FIRST else None,
            anchors={"without memory": runs[0].chance, "seeds that solve it": solved(trials)},
            options=kept(runs),
        )
        if cell == FIRST:
            slowest = max(each.seconds for each in trials)
            yield Figure("adding, T = 200, IndRNN, slowest fit, seconds", slowest, at_most=SLOWEST)
    drawn(found, PICTURES / picture("adding-200", effort))


def copying(effort: Effort) -> Iterator[Figure]:
    """Say ten symbols again after 50 blanks, by every cell and seed."""
    found: dict[str, list[ProblemRuns]] = {}
    for cell, runs in trained("copying", 50, effort):
        found[cell], trials = runs, [each.trials[0] for each in runs]
        yield Figure.over_seeds(
            f"copying, lag 50, {CELLS[cell].__name__}, symbols right %",
            [100 * (each.accuracy or 0.0) for each in trials],
            seconds=mean(each.seconds for each in trials),
            anchors={
                "without memory": 100 * (runs[0].chance_accuracy or 0.0),
                "cross-entropy": mean(each.loss for each in trials),
                "seeds that solve it": solved(trials),
            },
            options=kept(runs),
        )
    drawn(found, PICTURES / picture("copying-50", effort))


def trained(problem: str, length: int, effort: Effort) -> Iterator[tuple[str, list[ProblemRuns]]]:
    """Train every cell by every seed, two at a time; yield each cell with a run for each seed."""
    cells = [FIRST, *(cell for cell in CELLS if cell != FIRST)]
    seeds = effort.seeds(SEEDS)
    jobs = [("known", "one", (problem, length, cell, seed, effort.steps(None))) for cell in cells for seed in seeds]
    done = side_by_side.run(jobs)
    for cell in cells:
        yield cell, [restored(next(done)) for _ in seeds]


def one(problem: str, length: int, cell: str, seed: int, max_steps: int | None) -> dict[str, Any]:
    """Train one cell by one seed, as :func:`recuerdo.tasks.run_problem` does by itself."""
    runs = run_problem(problem, [cell], length=length, random_state=seed, max_steps=max_steps, verbose=False)
    return runs.to_dict()


def restored(plain: Mapping[str, Any]) -> ProblemRuns:
    """Return the runs that became a dict."""
    trials = [
        ProblemTrial(**{**each, "curve": tuple((int(step), float(loss)) for step, loss in each["curve"])})
        for each in plain["trials"]
    ]
    return ProblemRuns(**{**plain, "trials": tuple(trials), "left": tuple(plain["left"])})


def solved(trials: Sequence[ProblemTrial]) -> float:
    """Return how many of some trials solve their problem."""
    return float(sum(each.solved for each in trials))


def kept(runs: Sequence[ProblemRuns]) -> dict[str, Any]:
    """Return what else belongs to a cell's figure: size, length of the training, and its curves."""
    first = runs[0]
    return {
        "hidden_size": first.hidden_size,
        "num_layers": first.num_layers,
        "parameters": first.trials[0].parameters,
        "steps": [each.trials[0].steps for each in runs],
        "curves": [[list(point) for point in each.trials[0].curve] for each in runs],
    }


def drawn(found: Mapping[str, Sequence[ProblemRuns]], path: Path) -> None:
    """Draw the first seed of every cell in one picture."""
    first = [runs[0] for runs in found.values()]
    path.parent.mkdir(parents=True, exist_ok=True)
    together = replace(first[0], trials=tuple(each.trials[0] for each in first))
    save_picture(plot_problem(together), path)


def picture(name: str, effort: Effort) -> str:
    """Return the name of a picture's file; that of a quick run takes no other's place."""
    return f"{name}-quick.png" if effort.quick else f"{name}.png"
