"""How long does the same forecast take in recuerdo, neuralforecast and darts, and in how much memory?

    python benchmarks/forecasting.py [--parts fit backtest start] [--works air gru lstm] [--repeats 3] [--json FILE]

The peers get environments of their own, which are made the first time. Everybody trains the same cell, of the same
width, on windows of the same length, in batches of the same size, for the same number of optimiser steps, in float32
on two threads, each run in a process of its own and in turns. Nobody validates, stops early, logs or draws; the further
settings of each stand in benchmarks/forecast/by_*.py. Steps are counted and timed where they end, by torch's own hook
on optimisers, and for recuerdo's own optimiser by one like it. recuerdo fits with trial=False: one network, as the
others train one.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # modules have the same names here as in the tests
from benchmarks.forecast import judging, report, rows
from benchmarks.forecast.judging import OURS, PEERS, SEGMENTS, Row
from benchmarks.forecast.measuring import BACKTEST, FIT, START
from benchmarks.forecast.work import AIR, HOURLY, HOURLY_LSTM, THREADS, Work
from benchmarks.kernel import gate
from benchmarks.kernel.child import NoAnswerError, answered
from benchmarks.kernel.judging import as_json
from benchmarks.kernel.machine import ROOT, Others, described
from benchmarks.kernel.notes import BUSY
from benchmarks.kernel.progress import Progress
from benchmarks.kernel.report import tally

from benchmarks import environments

TESTS = tuple(
    str(path.relative_to(ROOT))
    for kind in ("forecast", "backtest", "conformal", "scaling", "baselines")
    for path in sorted((ROOT / "tests" / "tasks").glob(f"test_{kind}*.py"))
)
WORKS = {"air": AIR, "gru": HOURLY, "lstm": HOURLY_LSTM}
PARTS: dict[str, dict[str, float]] = {  # part -> work -> seconds that a run is thought to take
    START: {"air": 8.0},  # first: what it reads from the disk for the first time does not slow the others
    FIT: {"air": 12.0, "gru": 30.0, "lstm": 30.0},
    BACKTEST: {"air": 12.0, "gru": 25.0},
}
LIMIT = 1200.0  # seconds of a run
BUILD = ROOT / "build"
M4 = ROOT.parent / "shared" / "data" / "forecasting" / "m4"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    add("--works", nargs="+", choices=WORKS, default=list(WORKS), help="air: AirPassengers; gru, lstm: M4 Hourly")
    add("--who", nargs="+", choices=[OURS, SEGMENTS, *PEERS], default=[OURS, SEGMENTS, *PEERS], metavar="WHO")
    add("--repeats", type=int, default=3, help="runs of each, in turns")
    add("--m4", type=Path, default=M4, help="the folder of M4 Hourly's two files")
    add("--json", type=Path, help="write every number to this file")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    console = Console(width=max(120, Console().width))
    tested = gate.tested(console, TESTS) if set(options.who) - set(PEERS) else None
    asked = {name: str(value) if isinstance(value, Path) else value for name, value in vars(options).items()}
    found: dict[str, Any] = {**described(), "threads": THREADS, "options": asked, "tests": tested, "rows": []}
    for name in ("machine", "instructions", "native_instructions", "threads", "torch", "commit"):
        console.print(f"{name.replace('_', ' ')}: {found[name]}", highlight=False, markup=False)
    left_out: list[str] = []
    pythons = installed(options.who, left_out)
    data = written(options, left_out)
    try:
        measure(options, pythons, data, found["rows"])
    except KeyboardInterrupt:
        left_out.append("Interrupted: the tables hold what was measured so far.")
    finally:  # an hour's numbers outlive a fault in its last minute
        found["left_out"] = [*left_out, *report.missing(found["rows"])]
        hand_over(found, options, console)


def installed(asked: list[str], left_out: list[str]) -> dict[str, Path]:
    """The Python of each contestant that can run here."""
    pythons = {who: Path(sys.executable) for who in asked if who not in PEERS}
    for peer in [who for who in asked if who in PEERS]:
        try:
            pythons[peer] = environments.python(peer, BUILD / "peers")
        except environments.NotInstalledError as reason:
            left_out.append(str(reason))
    return pythons


def written(options: argparse.Namespace, left_out: list[str]) -> dict[str, Path]:
    """The file of each data set that is there."""
    files: dict[str, Path] = {}
    for name in dict.fromkeys(WORKS[each].data for each in options.works):
        path = BUILD / "benchmarks" / "forecasting" / f"{name}.npz"
        try:
            (rows.air_passengers() if name == AIR.data else rows.m4_hourly(options.m4)).save(path)
            files[name] = path
        except rows.MissingDataError as reason:
            left_out.append(str(reason))
    return files


def measure(options: argparse.Namespace, pythons: dict[str, Path], data: dict[str, Path], found: list[Row]) -> None:
    """Take every measurement that is asked for, the contestants in turns; rows come into `found` as they are begun."""
    runs: list[tuple[float, Row, Work]] = []
    for part in [part for part in PARTS if part in options.parts]:
        for name in [name for name in PARTS[part] if name in options.works and WORKS[name].data in data]:
            work = WORKS[name]
            # The segment encoder is another model: it is shown once, beside the step-wise one.
            those = [who for who in pythons if who != SEGMENTS or (part, name) == (FIT, "gru")]
            turn = [{"part": part, "work": work.name, "who": who, "runs": [], "reason": None} for who in those]
            found += turn
            runs += [(PARTS[part][name], row, work) for _ in range(options.repeats) for row in turn]
    progress = Progress([expected for expected, *_ in runs])
    warm: set[str] = set()
    try:
        for _, row, work in runs:
            progress.begin(f"{row['who']}, {row['work']}, {row['part']}")
            if row["reason"]:
                continue
            try:
                if row["part"] == START and row["who"] not in warm:  # the disk is read once, uncounted
                    run(row, work, pythons, data)
                    warm.add(row["who"])
                row["runs"].append(run(row, work, pythons, data))
            except NoAnswerError as reason:
                row["reason"] = str(reason)
    finally:
        progress.end()


def run(row: Row, work: Work, pythons: dict[str, Path], data: dict[str, Path]) -> dict[str, Any]:
    """One measurement, with the share of the processors that others used meanwhile."""
    # A peer must not see our packages, so the path is that of the modules alone.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": str(THREADS), "POLARS_MAX_THREADS": str(THREADS)}
    others = Others()
    question = [row["who"], row["part"], asdict(work), str(data[work.data]), time.monotonic()]
    command = [str(pythons[row["who"]]), "-m", "benchmarks.forecast.measuring", json.dumps(question)]
    return {**answered(command, environment, LIMIT), "others_busy": others.share()}


def hand_over(found: dict[str, Any], options: argparse.Namespace, console: Console) -> None:
    """Print the tables and write the file."""
    verdicts = judging.judged(found["rows"])
    found["verdicts"] = as_json(verdicts)
    for key in dict.fromkeys(map(judging.key, found["rows"])):
        console.print(report.table([row for row in found["rows"] if judging.key(row) == key], options.who))
    for line in found["left_out"]:
        console.print(f"- {line}", highlight=False, markup=False)
    if busy := report.busy(found["rows"], BUSY):
        console.print(f"- {busy}", style="bold red", highlight=False, markup=False)
    console.print(f"In all {tally(each for _, each in verdicts)}.", style="bold", highlight=False)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
