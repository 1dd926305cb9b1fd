"""`recuerdo problem`: which cells solve a problem whose answer is known, and in how long."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from recuerdo.tasks import ProblemRuns


def problem(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="adding, copying, delayed-recall, temporal-order, mnist-rows or mnist-pixels.",
            show_default=False,
        ),
    ],
    length: Annotated[
        int | None,
        typer.Option(
            metavar="STEPS", help="Of a sequence, or for copying and delayed-recall the lag; its own by default."
        ),
    ] = None,
    cell: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="frnn, indrnn, lstm or gru; all by default. Repeat for several."),
    ] = None,
    hidden_size: Annotated[int, typer.Option(metavar="UNITS", help="Of a layer.")] = 64,
    layers: Annotated[int, typer.Option(metavar="COUNT", help="On top of each other.")] = 2,
    batch_size: Annotated[int, typer.Option(metavar="COUNT", help="Sequences in a training step.")] = 50,
    learning_rate: Annotated[
        float | None, typer.Option(metavar="RATE", help="Highest; the cell's own by default.")
    ] = None,
    max_steps: Annotated[
        int | None, typer.Option(metavar="INT", help="Optimiser steps for each cell; the problem's own by default.")
    ] = None,
    max_seconds: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="For each cell; no limit by default.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="INT", help="Of data and weights.")] = 0,
    data: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Where MNIST's four .gz files are.")] = None,
    permutation_seed: Annotated[
        int | None, typer.Option(metavar="INT", help="Of an order of mnist-pixels; row after row by default.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw how each cell learns: png, svg or pdf.")
    ] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all numbers, the curves among them.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
) -> None:
    """Say which cells solve a problem whose answer is known."""
    from json import dumps

    from recuerdo.cli import results
    from recuerdo.errors import OutputError

    for option, path in (("--picture", picture), ("--json", json)):
        if path is not None:
            results.prepare_file(path, option, overwrite=overwrite)
    if picture is not None:
        from recuerdo.show.files import checked_picture

        checked_picture(picture)

    from recuerdo.tasks import run_problem
    from recuerdo.tasks.problem_runs import CELLS

    runs = run_problem(
        name,
        tuple(CELLS) if cell is None else [each.lower() for each in cell],
        length=length,
        hidden_size=hidden_size,
        num_layers=layers,
        batch_size=batch_size,
        learning_rate=learning_rate,
        max_steps=max_steps,
        max_seconds=max_seconds,
        random_state=seed,
        data=data,
        permutation_seed=permutation_seed,
        verbose="brief",
    )
    print("\n".join(_lines(runs)))
    written = []
    if picture is not None:
        from recuerdo.show import plot_problem, save_picture

        written.append(save_picture(plot_problem(runs), picture))
    if json is not None:
        try:
            json.write_text(f"{dumps(runs.to_dict(), indent=1)}\n", encoding="utf-8")
        except OSError as error:
            raise OutputError(f"{json} cannot be written ({error.strerror}): choose another --json.") from error
        written.append(json)
    if written:
        print("\nWritten:")
        for path in written:
            print(f"  {path}")


def _lines(runs: ProblemRuns) -> list[str]:
    """The table, with a line for what can be had without memory, and the verdict."""
    rows = [("cell", "parameters", "steps", "seconds", "loss", "right")]
    rows.append(("(no memory)", "", "", "", _loss(runs.chance), _share(runs.chance_accuracy)))
    for trial in runs.trials:
        numbers = (f"{trial.parameters:,}", f"{trial.steps:,}", f"{trial.seconds:.1f}")
        rows.append((trial.cell, *numbers, _loss(trial.loss), _share(trial.accuracy)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    shown = [k for k in range(len(widths)) if k < 5 or runs.chance_accuracy is not None]
    layers = f"{runs.num_layers} layer{'s' * (runs.num_layers > 1)} of {runs.hidden_size} units"
    lines = [f"{runs.title}: {layers}, seed {runs.random_state}."]
    lines += ["  ".join((row[0].ljust(widths[0]), *(row[k].rjust(widths[k]) for k in shown[1:]))) for row in rows]
    lines.append(runs.verdict)
    lines += [
        f"{trial.cell} diverged after {trial.steps} steps; its best weights are judged. Try a lower --learning-rate."
        for trial in runs.trials
        if trial.stopped == "diverged"
    ]
    if any(trial.stopped == "interrupted" for trial in runs.trials):
        lines.append("Stopped by Ctrl-C" + (f" before {', '.join(runs.left)}." if runs.left else "."))
    return lines


def _loss(loss: float) -> str:
    return f"{loss:.3g}"


def _share(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f} %"
