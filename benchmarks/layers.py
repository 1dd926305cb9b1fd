"""How fast are the layers of rc.nn, beside torch.nn or the loop that one writes where torch.nn has no such layer?

    python benchmarks/layers.py [--quick] [--cells lstm gru] [--shapes 100,32,16,64 50,64,128,256] [--json FILE]

It runs the tests of the kernels first, and times nothing if they fail. Then everything is timed in turns with its peers
and with the matrix products alone (the floor), each row in one process. A training step is forward and backward with
gradients by all weights and by x, as for a layer within a stack; forward keeps no graph and is in evaluation mode. All
layers are time first, and have one layer in one direction. FLOPs are those of the unavoidable products. Where torch.nn
has no such layer, the peer is the faster of a loop and torch.compile of it, where that compiles in time.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import torch
from kernel import gate, judging, measuring, notes, picture, report
from kernel.cases import CELLS, GRID, MODES, Cell, Shape
from kernel.compiling import Compiler
from kernel.machine import ROOT, Others, described, no_bf16
from kernel.parts import PARTS
from kernel.progress import Progress
from rich.console import Console

TESTS = ("tests/kernels", "tests/cells")
QUICK = GRID[:2]
WIDTH = 120  # of the widest table: a narrower terminal breaks its lines, which loses nothing


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
    add(
        "--parts",
        nargs="+",
        choices=PARTS,
        metavar="PART",
        help=f"of {', '.join(PARTS)}: all by default, the first two with --quick",
    )
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
    console = Console(width=max(WIDTH, Console().width))
    tested = gate.tested(console, TESTS)
    if options.threads:
        torch.set_num_threads(options.threads)
    cells, skipped = chosen(options.cells)
    asked = {name: str(value) if isinstance(value, Path) else value for name, value in vars(options).items()}
    found: dict[str, Any] = {**described(), "options": asked, "tests": tested, "skipped": skipped}
    for name in ("machine", "instructions", "native_instructions", "threads", "torch", "backends", "commit", "seed"):
        said = ", ".join(found[name]) if isinstance(found[name], list) else found[name]
        console.print(f"{name.replace('_', ' ')}: {said}", highlight=False, markup=False)
    stopped = None
    try:
        measure(cells, options, found)
    except measuring.DisagreementError as apart:
        stopped = f"Nothing more was timed: {apart}"
    except KeyboardInterrupt:
        stopped = "Interrupted: the tables hold what was measured so far."
    finally:  # an hour's numbers outlive a fault in its last minute
        hand_over(found, options, console)
    if stopped:
        sys.exit(stopped)


def hand_over(found: dict[str, Any], options: argparse.Namespace, console: Console) -> None:
    """Print the tables, write the file and draw the picture."""
    found["verdicts"] = judging.as_json(judging.judged(found))
    show(found, console)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    if options.picture and found.get("grid"):
        options.picture.parent.mkdir(parents=True, exist_ok=True)
        picture.draw(found["grid"], found, options.picture)


def measure(cells: list[Cell], options: argparse.Namespace, found: dict[str, Any]) -> None:
    """Take every measurement that is asked for.

    Args:
        cells: what to measure.
        options: of the command line.
        found: gets the rows, table by table, each with the share of the processors that others used meanwhile.
    """
    compiler = Compiler(options.compile_limit, torch.get_num_threads(), ROOT / "build" / "benchmarks" / "compile.json")
    pieces = [piece for part in options.parts for piece in PARTS[part](cells, options, compiler)]
    progress = Progress([piece.seconds for piece in pieces])
    try:
        for piece in pieces:
            progress.begin(piece.words)
            others = Others()
            rows, share = piece.run(), others.share()
            found.setdefault(piece.table, []).extend({**row, "others_busy": share} for row in rows)
    finally:
        progress.end()
        found.get("grid", []).sort(key=lambda row: options.shapes.index(Shape(*row["shape"])))


def chosen(names: list[str]) -> tuple[list[Cell], list[str]]:
    """The cells that can run here, and why others cannot."""
    reason = no_bf16()
    left_out = [name for name in names if reason and CELLS[name].bf16]
    skipped = [f"{reason} – not measured: {', '.join(left_out)}"] if left_out else []
    return [CELLS[name] for name in names if name not in left_out], skipped


def show(found: dict[str, Any], console: Console) -> None:
    """Print every table of what was measured, and under it whatever was left out, with the reason."""
    rows = found.get("grid", [])
    summed = judging.summed(rows)
    for (cell, mode), verdicts in summed.items():
        mine = [row for row in rows if (row["cell"], row["mode"]) == (cell, mode)]
        console.print(report.measured(cell, mode, mine, verdicts))
    if rows:
        console.print(report.summary(summed))
    for part in ("streaming", "memory", "long", "growth"):
        if found.get(part):
            console.print(getattr(report, part)(found[part]))
        if part == "memory" and (peaks := judging.lengthened(found.get(part, []))):
            console.print(report.lengthened(peaks))
    for line in [*found["skipped"], *notes.compressed(rows), *notes.elsewhere(found)]:
        console.print(f"- {line}", highlight=False, markup=False)
    if busy := notes.disturbed(found):
        console.print(f"- {busy}", style="bold red", highlight=False, markup=False)
    console.print(f"In all {report.tally(each for _, each in judging.judged(found))}.", style="bold", highlight=False)


if __name__ == "__main__":
    main()
