"""How fast are the layers of rc.nn, beside torch.nn or the loop that one writes where torch.nn has no such layer?

    python benchmarks/layers.py [--quick] [--cells lstm gru] [--shapes 100,32,16,64 50,64,128,256] [--json FILE]

It runs the tests of the kernels first, and times nothing if they fail. Then everything is timed in turns with its peers
and with the matrix products alone (the floor), in one process. A training step is forward and backward with gradients
by all weights and by x, as for a layer within a stack; forward keeps no graph and is in evaluation mode. All layers are
time first, and have one layer in one direction. FLOPs are those of the unavoidable products.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch
from kernel import growth, judging, measuring, memory, picture, report, streaming
from kernel.cases import CELLS, GRID, MODES, Cell, Shape
from kernel.compiling import Compiler
from kernel.machine import ROOT, busy, described, no_bf16
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

TESTS = ("tests/kernels", "tests/cells")
QUICK = GRID[:2]
BUSY = 0.1  # the share of the processors that others may use before one is warned
PARTS = ("grid", "memory", "growth", "streaming")


def shape(words: str) -> Shape:
    """Read "T,N,D,H"."""
    sizes = [int(word) for word in words.split(",")]
    if len(sizes) != 4 or min(sizes) < 1:
        raise argparse.ArgumentTypeError(f"{words!r} is not T,N,D,H: four numbers of 1 or more, as 100,32,16,64")
    return Shape(*sizes)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--cells", nargs="+", choices=CELLS, default=list(CELLS), metavar="CELL", help=f"of {', '.join(CELLS)}")
    add("--shapes", nargs="+", type=shape, metavar="T,N,D,H", help="instead of the grid")
    add("--modes", nargs="+", choices=MODES, default=list(MODES))
    add("--parts", nargs="+", choices=PARTS, help="what to measure; all by default, grid and streaming with --quick")
    add("--quick", action="store_true", help="two small shapes, a short time each, nothing compiled")
    add("--budget", type=float, help="seconds for each measurement: 3 by default, 0.4 with --quick")
    add("--compile-limit", type=float, help="seconds for torch.compile of one loop: 120 by default, 0 for never")
    add("--threads", type=int, help="threads of torch")
    add("--json", type=Path, help="write every number to this file, as benchmarks/results/NAME.json")
    add("--picture", type=Path, help="draw the ratios to this file")
    options = parser.parse_args()
    quick = options.quick
    options.shapes = options.shapes or list(QUICK if quick else GRID)
    options.parts = options.parts or list(("grid", "streaming") if quick else PARTS)
    options.budget = options.budget or (0.4 if quick else 3.0)
    options.compile_limit = (0.0 if quick else 120.0) if options.compile_limit is None else options.compile_limit
    return options


def main() -> None:
    options = arguments()
    console = Console(width=None if sys.stdout.isatty() else 120)  # a file or a pipe has no width of its own
    with console.status(f"Running {' and '.join(TESTS)}: nothing is timed if they fail"):
        tests = subprocess.run([sys.executable, "-m", "pytest", "-q", *TESTS], cwd=ROOT, capture_output=True, text=True)
    if tests.returncode:
        console.print(tests.stdout[-4000:], tests.stderr[-2000:], markup=False, highlight=False)
        sys.exit("Nothing was timed: the tests of the kernels fail.")
    tested = tests.stdout.strip().splitlines()[-1]
    console.print(f"Tests of the kernels: {tested}", highlight=False)

    if options.threads:
        torch.set_num_threads(options.threads)
    cells, skipped = chosen(options.cells)
    found: dict[str, Any] = {**described(), "tests": tested, "skipped": skipped}
    found["others_busy"] = [busy()]
    for name in ("machine", "instructions", "native_instructions", "threads", "torch", "backends", "commit"):
        console.print(f"{name.replace('_', ' ')}: {found[name]}", highlight=False)
    warn(found["others_busy"], console)
    # It is drawn between measurements alone: a thread that draws would be timed as well.
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        auto_refresh=False,
    )
    runs = {"grid": run_grid, "memory": run_memory, "growth": run_growth, "streaming": run_streaming}
    try:
        with progress:
            for part in options.parts:
                found[part] = runs[part](cells, options, progress)
    except measuring.DisagreementError as apart:
        sys.exit(f"Nothing more is timed: {apart}")
    found["others_busy"].append(busy())
    found["verdicts"] = judging.as_json(judging.verdicts(found.get("grid", [])))
    show(found, console)
    warn(found["others_busy"], console)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    if options.picture and found.get("grid"):
        options.picture.parent.mkdir(parents=True, exist_ok=True)
        picture.draw(found["grid"], found, options.picture)


def warn(others: list[float | None], console: Console) -> None:
    """Say so if the processors were not ours alone when somebody looked."""
    most = max((each for each in others if each is not None), default=0.0)
    if most > BUSY:
        words = f"Other processes use {most:.0%} of the processors: threads wait for one another, times say little."
        console.print(words, style="bold red", highlight=False)


def chosen(names: list[str]) -> tuple[list[Cell], list[str]]:
    """The cells that can run here, and why others cannot."""
    reason = no_bf16()
    skipped = [] if reason is None else [f"{name}: {reason}" for name in names if CELLS[name].bf16]
    return [CELLS[name] for name in names if reason is None or not CELLS[name].bf16], skipped


def run_grid(cells: list[Cell], options: argparse.Namespace, progress: Progress) -> list[measuring.Row]:
    compiler = Compiler(options.compile_limit, torch.get_num_threads(), ROOT / "build" / "benchmarks" / "compile.json")
    # The shortest first, so that the compiler's time on them says whether the longer ones are worth a try.
    shapes = sorted(options.shapes, key=lambda each: each.T)
    work = [(c, s, m) for c in cells for m in options.modes for s in shapes if c.narrowest <= s.H]
    task, rows = progress.add_task("", total=len(work)), []
    for cell, sizes, mode in work:
        progress.update(task, refresh=True, description=f"{cell.name} {sizes} {mode}")
        rows.append(measuring.measure(cell, sizes, mode, options.budget, compiler))
        progress.advance(task)
    return sorted(rows, key=lambda row: options.shapes.index(Shape(*row["shape"])))


def run_memory(cells: list[Cell], options: argparse.Namespace, progress: Progress) -> list[dict[str, Any]]:
    threads = torch.get_num_threads()
    # Each shape once, and the first one with twice the steps: the memory grows linearly in T.
    shapes = [options.shapes[0]._replace(T=2 * options.shapes[0].T), *options.shapes]
    work = [(cell, sizes) for cell in cells if not cell.bf16 and cell.peer for sizes in shapes]
    work += [(cell, options.shapes[0]) for cell in cells if cell.peer is None]
    task, rows = progress.add_task("", total=len(work)), []
    for cell, sizes in work:
        progress.update(task, refresh=True, description=f"{cell.name} {sizes} memory")
        peaks = {who: memory.measure(cell.name, sizes, who, threads) for who in (memory.OURS, memory.PEER)}
        rows.append({"cell": cell.name, "shape": list(sizes), **peaks})
        progress.advance(task)
    return rows


def run_growth(cells: list[Cell], options: argparse.Namespace, progress: Progress) -> list[dict[str, Any]]:
    work = [(cell, *each) for cell in cells if cell.name in judging.PLAIN for each in growth.steps()]
    task, rows = progress.add_task("", total=len(work)), []
    for cell, letter, shapes in work:
        progress.update(task, refresh=True, description=f"{cell.name} growth with {letter}")
        rows += growth.measure(cell, letter, shapes, options.budget / 3)
        progress.advance(task)
    return rows


def run_streaming(cells: list[Cell], options: argparse.Namespace, progress: Progress) -> list[dict[str, Any]]:
    task, rows = progress.add_task("streaming", total=len(streaming.STREAMS)), []
    for streams in streaming.STREAMS:  # of an LSTM, whatever the cells
        rows.append(streaming.measure(streams, options.budget))
        progress.advance(task)
    return rows


def show(found: dict[str, Any], console: Console) -> None:
    """Print every table of what was measured, and under it whatever was left out, with the reason."""
    rows = found.get("grid", [])
    for cell in CELLS:
        for mode in MODES:
            mine = [row for row in rows if (row["cell"], row["mode"]) == (cell, mode)]
            if mine:
                console.print(report.measured(cell, mode, mine))
    if rows:
        found_out = judging.verdicts(rows)
        console.print(report.summary(found_out), report.targets(found_out))
    for part in ("memory", "growth", "streaming"):
        if found.get(part):
            console.print(getattr(report, part)(found[part]))
    said = [*found["skipped"], *report.notes(rows)]
    said += dict.fromkeys(note for row in found.get("streaming", []) for note in row["notes"])
    for line in said:
        console.print(f"- {line}", highlight=False, markup=False)


if __name__ == "__main__":
    main()
