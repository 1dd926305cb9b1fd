"""How long does an optimiser step of the same classifier take in recuerdo, plain torch and skorch, on ragged input?

    python benchmarks/classifying.py [--works text series long] [--cells gru lstm ...] [--repeats 5] [--json FILE]

One layer of 64 units in both directions, read out by last, mean and maximum; dropout 0.3, AdamW, gradients clipped to
1, float32, two threads. Lengths are skewed: as of SST-2's texts, of JapaneseVowels' series, or from 20 to 400. torch
and skorch pack padded sequences; skorch gets an environment of its own with the same torch. First it is seen that
recuerdo's network and torch's answer alike and have the same gradients, and that everybody's losses are the same; if
not, nothing is timed. Then each trains in a process of its own, in turns. recuerdo trains as SequenceClassifier does,
which puts sequences of like length into a batch; two more lines have the same batches on both sides.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # modules have the same names here as in the tests
from benchmarks.classify import checking, judging
from benchmarks.classify.by_recuerdo import network
from benchmarks.classify.by_torch import LAYERS
from benchmarks.classify.judging import ALIKE, DRAWN, OURS, SKORCH, TORCH, WHO, Row
from benchmarks.classify.work import CELLS, SEED, THREADS, WORKS, Data, Work, sequences
from benchmarks.kernel.child import NoAnswerError, answered
from benchmarks.kernel.judging import Verdict, as_json
from benchmarks.kernel.machine import ROOT, Others, described
from benchmarks.kernel.notes import BUSY
from benchmarks.kernel.progress import Progress
from benchmarks.kernel.report import beside, made, tally

from benchmarks import environments
from recuerdo.learn import Batch, GatherBatches

BUILD = ROOT / "build"
WIDTH = 150
"""Columns of the table, wide enough that no figure is cut."""
LIMIT = 600.0
"""Seconds of a run."""
EXPECTED = {"text": 6.0, "series": 5.0, "long": 12.0}
"""Seconds that a run is thought to take."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--works", nargs="+", choices=WORKS, default=list(WORKS))
    add("--cells", nargs="+", choices=CELLS, default=list(CELLS), help="torch has no IndRNN: ours stands alone")
    add("--who", nargs="+", choices=WHO, default=list(WHO), metavar="WHO", help=", ".join(WHO))
    add("--repeats", type=int, default=5, help="runs of each, in turns")
    add("--threads", type=int, default=THREADS, help="of everybody; recuerdo takes one for small work")
    add("--json", type=Path, help="write every number to this file")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    console = Console(width=max(WIDTH, Console().width))
    asked = {name: str(value) if isinstance(value, Path) else value for name, value in vars(options).items()}
    found: dict[str, Any] = {**described(), "threads": options.threads, "options": asked, "rows": [], "left_out": []}
    for name in ("machine", "instructions", "native_instructions", "threads", "torch", "commit"):
        console.print(f"{name.replace('_', ' ')}: {found[name]}", highlight=False, markup=False)
    pythons = installed(options.who, found["left_out"])
    cases = [(work, cell) for work in options.works for cell in options.cells]
    data = {case: written(*case) for case in cases}
    try:
        found["apart"] = checked(cases, data, pythons, options.threads)
    except checking.UnlikeError as reason:
        sys.exit(str(reason))
    console.print(f"Answers, gradients and losses agree within {max([0.0, *found['apart'].values()]):.0e}.\n")
    others, began = Others(), time.monotonic()
    try:
        measure(cases, data, pythons, options, found["rows"])
    except KeyboardInterrupt:
        found["left_out"].append("Interrupted: the tables hold what was measured so far.")
    found |= {"others_busy": others.share(), "seconds": time.monotonic() - began}
    hand_over(found, options, console)


def installed(asked: list[str], left_out: list[str]) -> dict[str, Path]:
    """The Python of each contestant that can run here."""
    pythons = {who: Path(sys.executable) for who in asked if who != SKORCH}
    if SKORCH in asked:
        try:
            pythons[SKORCH] = environments.python("skorch", BUILD / "peers")
        except environments.NotInstalledError as reason:
            left_out.append(str(reason))
    return pythons


def written(name: str, cell: str) -> Path:
    """Write the data of a work, with the numbers that a cell's networks begin with."""
    work = WORKS[name]
    values, lengths, labels = sequences(work)

    def order(**more: Any) -> np.ndarray:
        batches = GatherBatches(
            len(labels), lambda i: Batch({}, torch.from_numpy(i)), batch_size=work.batch_size, seed=SEED, **more
        )
        return np.stack([each.target.numpy() for each in batches])

    weights = {key: value.numpy() for key, value in network(cell, work).state_dict().items()}
    path = BUILD / "benchmarks" / "classifying" / f"{name}-{cell}.npz"
    Data(values, lengths, labels, order(), order(lengths=lengths), weights).save(path)
    return path


def contestants(cell: str, pythons: dict[str, Path]) -> list[str]:
    """Who has the cell."""
    return [who for who in pythons if cell in LAYERS or who in (OURS, DRAWN)]


def checked(
    cases: list[tuple[str, str]], data: dict[Any, Path], pythons: dict[str, Path], threads: int
) -> dict[str, float]:
    """Compare answers, gradients and losses; return the largest difference of each case that has a peer."""
    apart = {}
    for name, cell in cases:
        if cell not in LAYERS:
            continue
        work = WORKS[name]
        print(f"Comparing {work.name}, {cell}", file=sys.stderr)
        apart[f"{name}, {cell}"] = checking.alike(cell, work, Data.load(data[name, cell]))
        for batches in ((DRAWN, TORCH, SKORCH), (OURS, ALIKE)):
            those = [who for who in batches if who in pythons]
            done = {who: run(who, cell, work, data[name, cell], pythons, threads, compared=True) for who in those}
            if len(done) > 1:
                losses = {who: each["losses"] for who, each in done.items()}
                checking.same_losses(losses, f"{work.name}, {cell}")
    return apart


def measure(
    cases: list[tuple[str, str]],
    data: dict[Any, Path],
    pythons: dict[str, Path],
    options: argparse.Namespace,
    found: list[Row],
) -> None:
    """Time everybody in turns; rows come into `found` as they are begun."""
    runs: list[tuple[float, Row, str]] = []
    for name, cell in cases:
        turn = [
            {"work": name, "cell": cell, "who": who, "runs": [], "reason": None} for who in contestants(cell, pythons)
        ]
        found += turn
        runs += [(EXPECTED[name], row, name) for _ in range(options.repeats) for row in turn]
    progress = Progress([expected for expected, *_ in runs])
    try:
        for _, row, name in runs:
            progress.begin(f"{WHO[row['who']]}, {name}, {row['cell']}")
            if row["reason"]:
                continue
            try:
                done = run(row["who"], row["cell"], WORKS[name], data[name, row["cell"]], pythons, options.threads)
            except NoAnswerError as reason:
                row["reason"] = str(reason)
                continue
            row["runs"].append(done["seconds"])
            row["versions"] = done["versions"]
    finally:
        progress.end()


def run(
    who: str, cell: str, work: Work, path: Path, pythons: dict[str, Path], threads: int, *, compared: bool = False
) -> dict[str, Any]:
    """One training in a process of its own."""
    # A peer must not see our packages, so its path is that of the modules alone; ours is what is on the path here.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    own = [] if who == SKORCH else [os.path.abspath(each) for each in sys.path if each]
    environment |= {"PYTHONPATH": os.pathsep.join([str(ROOT), *own]), "OMP_NUM_THREADS": str(threads)}
    question = [who, cell, asdict(work), str(path), compared]
    command = [str(pythons[who]), "-m", "benchmarks.classify.measuring", json.dumps(question)]
    return answered(command, environment, LIMIT)


def hand_over(found: dict[str, Any], options: argparse.Namespace, console: Console) -> None:
    """Print the tables and write the file."""
    verdicts: list[tuple[str, Verdict]] = []
    for name in options.works:
        table, those = tabled(name, [row for row in found["rows"] if row["work"] == name])
        console.print(table)
        verdicts += those
    for row in found["rows"]:
        if row["reason"]:
            found["left_out"].append(f"{WHO[row['who']]}, {row['work']}, {row['cell']}: {row['reason']}")
    for line in dict.fromkeys(found["left_out"]):
        console.print(f"- {line}", highlight=False, markup=False)
    if (share := found["others_busy"]) is not None and share > BUSY:
        console.print(f"- Others used {share:.0%} of the processors: the times say little.", style="bold red")
    console.print(f"In all {tally(each for _, each in verdicts)}.", style="bold", highlight=False)
    found["verdicts"] = as_json(verdicts)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(found, indent=1) + "\n")


def tabled(name: str, rows: list[Row]) -> tuple[Table, list[tuple[str, Verdict]]]:
    """Milliseconds of a step by contestant and cell, and below how many times as fast ours is."""
    cells = list(dict.fromkeys(row["cell"] for row in rows))
    table = made(f"{WORKS[name].name}: a step, ms (median of runs, least–most)", "", *cells)
    by_place = {(row["who"], row["cell"]): row["runs"] for row in rows}
    for who in dict.fromkeys(row["who"] for row in rows):
        table.add_row(WHO[who], *[spread(by_place.get((who, cell), [])) for cell in cells])
    found = {cell: dict(judging.verdicts([row for row in rows if row["cell"] == cell])) for cell in cells}
    for words in dict.fromkeys(words for each in found.values() for words in each):
        table.add_row(words, *[beside(found[cell][words]) if words in found[cell] else "–" for cell in cells])
    named = [(f"{name}, {cell}, {words}", each) for cell in cells for words, each in found[cell].items()]
    return table, named


def spread(seconds: list[float]) -> str:
    """Milliseconds, the median and where the runs lie."""
    if not seconds:
        return "–"
    return f"{1e3 * median(seconds):.2f} ({1e3 * min(seconds):.2f}–{1e3 * max(seconds):.2f})"


if __name__ == "__main__":
    main()
