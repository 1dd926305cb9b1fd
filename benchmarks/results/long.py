"""Long trainings on problems whose answer is known, with their curves, and each going on where it was left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from recuerdo.errors import DivergedError
from recuerdo.learn import Batch, Batches, Problem, Settings, fit, mean_loss, seeded
from recuerdo.nn import LAYERS, Stack
from recuerdo.tasks import ProblemRuns
from recuerdo.tasks.known_problems import KnownProblem, Wish, known_problem
from recuerdo.tasks.problem_runs import RATES, ProblemTrial

from ..kernel.machine import ROOT
from .command import Part
from .curves import Curve, told, written
from .figures import Effort, Figure
from .sequences import DIGITS

HOME = ROOT / "build" / "results" / "long"


@dataclass(frozen=True)
class Long:
    """A problem, the networks that are trained on it, and what is asked of the first.

    Attributes:
        name: of the part.
        problem: as `recuerdo problem` knows it.
        max_steps: optimiser steps of each training.
        cells: those that are trained; something is asked of the first alone.
        length: T or lag; None where the data decide.
        batch_size, hidden_size, num_layers: of each.
        normed: whether the layers are normalised, added to what they were given, and normalised before the head, as
            deep stacks of IndRNNs want it.
        dropout: between the layers.
        learning_rate: the highest; None for the cell's own.
        permutation_seed: of the order of the pixels.
        points: evaluations of a training: points of its curve.
        at_most: of the loss.
        at_least: of the accuracy, in percent.
        published: what others got, in the unit of the figure.
    """

    name: str
    problem: str
    max_steps: int
    cells: tuple[str, ...] = ("indrnn", "frnn", "lstm", "gru")
    length: int | None = None
    batch_size: int = 50
    hidden_size: int = 64
    num_layers: int = 2
    normed: bool = False
    dropout: float = 0.0
    learning_rate: float | None = None
    permutation_seed: int | None = None
    points: int = 100
    at_most: float | None = None
    at_least: float | None = None
    published: tuple[tuple[str, float], ...] = ()


PIXELS = Long(
    "pixels",
    "mnist-pixels",
    max_steps=70_000,
    cells=("indrnn",),
    batch_size=16,  # in equal time, a lower loss than of 64, 32 or 8
    hidden_size=128,
    num_layers=4,
    normed=True,
    learning_rate=5e-4,
    points=25,  # each takes as long as 500 steps
    at_least=98.0,  # Issue 6, "Must show", 3
    published=(("IndRNN, 6 layers", 99.0), ("IRNN", 97.0)),  # Li et al. 2018; Le et al. 2015
)
LONG = (
    PIXELS,
    replace(
        PIXELS,
        name="permuted",
        permutation_seed=0,
        at_least=None,
        published=(("IndRNN, 6 layers", 96.0), ("IRNN", 82.0)),
    ),
    Long("adding-1000", "adding", 8_000, length=1_000, at_most=0.01),  # Issue 6, "Must show", 4
    Long("adding-5000", "adding", 8_000, cells=("indrnn",), length=5_000),
    Long("copying-200", "copying", 8_000, length=200),
)


def figures(case: Long, effort: Effort) -> Iterator[Figure]:
    """Train every cell once, and judge it on sequences that it was neither trained nor chosen on."""
    problem = known_problem(case.problem)
    cells = effort.cells or case.cells
    path = HOME / f"{case.name}{'-quick' if effort.quick else ''}"
    together = started(case, problem)
    for cell in cells:
        trial = trained(case, problem, cell, effort, path, together)
        together = replace(together, trials=(*together.trials, trial))
        written(together, path)
        asked = cell == case.cells[0]
        yield figure(f"{together.title}, {trial.cell}", case, together, asked=asked, options=kept(case, cell))
        if trial.stopped == "interrupted":
            raise KeyboardInterrupt


def figure(name: str, case: Long, together: ProblemRuns, *, asked: bool, options: dict[str, Any]) -> Figure:
    """Return the figure of the last training: an error, or a share of right answers in percent."""
    trial = together.trials[-1]
    options = {**options, "steps": trial.steps, "stopped": trial.stopped, "parameters": trial.parameters}
    options["curve"] = [list(point) for point in trial.curve]
    published = dict(case.published)
    if trial.accuracy is None or together.chance_accuracy is None:
        return Figure(
            f"{name}, MSE",
            trial.loss,
            seconds=trial.seconds,
            at_most=case.at_most if asked else None,
            anchors={**published, "without memory": together.chance},
            options=options,
        )
    return Figure(
        f"{name}, right %",
        100 * trial.accuracy,
        seconds=trial.seconds,
        at_least=case.at_least if asked else None,
        anchors={**published, "without memory": 100 * together.chance_accuracy, "cross-entropy": trial.loss},
        options=options,
    )


def started(case: Long, problem: KnownProblem) -> ProblemRuns:
    """Return what is known of a part before anything is trained."""
    size = problem.size(Wish(case.length))
    return ProblemRuns(
        problem=case.problem,
        counted=problem.counted,
        length=size,
        steps=problem.steps(size),
        chance=problem.chance(size),
        chance_accuracy=problem.chance_accuracy,
        goal=problem.goal,
        solved_below=problem.solved_below,
        hidden_size=case.hidden_size,
        num_layers=case.num_layers,
        random_state=0,
        trials=(),
        permutation_seed=case.permutation_seed,
    )


def network(case: Long, problem: KnownProblem, cell: str, steps: int) -> Stack:
    """Return a fresh network, born with a memory as long as a sequence where the cell can be."""
    lasting = {"max_lag": max(steps, 3)} if cell != "frnn" else {}
    start = {"init": "chrono"} if cell in ("lstm", "gru") else {}
    norms = {"layer_norm": True, "residual": True} if case.normed else {}
    encoder = LAYERS[cell](
        problem.features, case.hidden_size, case.num_layers, dropout=case.dropout, **lasting, **start, **norms
    )
    head: nn.Module = nn.Linear(encoder.output_size, problem.outputs)
    # A unit that adds up 784 pixels holds hundreds, in whose units the first steps would be taken.
    head = nn.Sequential(nn.LayerNorm(encoder.output_size), head) if case.normed else head
    return Stack(encoder, head, read=problem.read)


def trained(
    case: Long, problem: KnownProblem, cell: str, effort: Effort, path: Path, together: ProblemRuns
) -> ProblemTrial:
    """Train a cell, or go on with it, and judge it."""
    data = DIGITS if case.problem.startswith("mnist") else None
    supply = problem.supply(Wish(case.length, case.batch_size, 0, data, case.permutation_seed))
    with seeded(0):
        net = network(case, problem, cell, together.steps)
    steps = effort.steps(case.max_steps)
    assert steps is not None
    settings = Settings(
        max_steps=steps,
        max_seconds=effort.max_seconds,
        learning_rate=RATES[cell] if case.learning_rate is None else case.learning_rate,
        warmup_steps=50,
        evaluate_every=max(steps // case.points, 1),
    )
    curve = Curve(cell, path, together)
    path.parent.mkdir(parents=True, exist_ok=True)
    # A training of another length is another one, with a place of its own.
    limit = "" if effort.max_seconds is None else f"-{effort.max_seconds:g}s"
    checkpoint = None if effort.quick else path.with_name(f"{path.name}-{cell}-{steps}{limit}.checkpoint")
    try:
        history = fit(
            Problem(net, supply.train, problem.loss),
            valid=supply.valid,
            settings=settings,
            callbacks=(curve,),
            checkpoint=checkpoint,
            random_state=0,
            verbose=False,
            label=cell,
        )
        stopped = str(history.stopped)
    except DivergedError:
        history, stopped = curve.run.history, "diverged"
    loss, accuracy = judged(net, problem, supply.test)
    trial = told(cell, net, history, stopped, loss)
    return replace(trial, accuracy=accuracy, solved=problem.is_solved(loss, accuracy))


def judged(net: Stack, problem: KnownProblem, test: Batches) -> tuple[float, float | None]:
    """Return the mean loss over some sequences, and the share of right answers where they are classes."""
    if problem.chance_accuracy is None:
        return mean_loss(net, test, problem.loss), None
    counts: list[tuple[int, int]] = []

    def loss(output: Tensor, batch: Batch) -> Tensor:
        counts.append(problem.right(output, batch))
        return problem.loss(output, batch)

    found = mean_loss(net, test, loss)
    right, asked = map(sum, zip(*counts, strict=True))
    return found, right / asked


def kept(case: Long, cell: str) -> dict[str, Any]:
    """Return what was trained."""
    names = ("hidden_size", "num_layers", "normed", "dropout", "batch_size", "learning_rate")
    return {"cell": cell, **{name: getattr(case, name) for name in names}}


PARTS: dict[str, Part] = {each.name: partial(figures, each) for each in LONG}
