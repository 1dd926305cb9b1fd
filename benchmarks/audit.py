"""What does a look inside cost? An audit of 200 steps x 64 units with its page, its memory as T grows, a training that
is watched.

    python benchmarks/audit.py [--runs 3]

Times are medians; what a watched training spends on watching is timed inside it. Memory is the peak of a process of its
own, and what matters is by how much it grows as T doubles.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import torch
from torch import nn

import recuerdo as rc
from recuerdo.learn import ArrayBatches, Problem, Run, Settings, fit
from recuerdo.memory import FlowHistory, WeightMovement, audit

CELLS = {"FRNN": rc.nn.FRNN, "IndRNN": rc.nn.IndRNN, "LSTM": rc.nn.LSTM, "GRU": rc.nn.GRU}
LENGTHS = (200, 400, 800)


def seconds(cell: str, T: int, H: int, runs: int) -> tuple[float, float, float]:
    """Seconds of an audit and of its page, the medians after a first run, and the page's megabytes."""
    layer, x = CELLS[cell](8, H), torch.randn(64, T, 8)
    audits, pages, size = [], [], 0
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(runs + 1):
            began = time.perf_counter()
            found = audit(layer, x)
            audits.append(time.perf_counter() - began)
            began = time.perf_counter()
            size = found.to_html(Path(folder, "page.html")).stat().st_size
            pages.append(time.perf_counter() - began)
    return median(audits[1:]), median(pages[1:]), size / 1e6


def peak(T: int) -> float:
    """MiB at the highest of a process that audits an LSTM over T steps."""
    done = subprocess.run([sys.executable, __file__, "--one", str(T)], check=True, capture_output=True, text=True)
    return float(done.stdout)


class Timed(WeightMovement):
    """The same, with the time that it takes."""

    taken = 0.0

    def on_start(self, run: Run) -> None:
        began = time.perf_counter()
        super().on_start(run)
        self.taken += time.perf_counter() - began

    def on_step(self, run: Run) -> None:
        began = time.perf_counter()
        super().on_step(run)
        self.taken += time.perf_counter() - began


class TimedFlows(FlowHistory):
    """The same of flows."""

    taken = 0.0

    def _look(self, run: Run) -> None:
        began = time.perf_counter()
        super()._look(run)
        self.taken += time.perf_counter() - began


def watched(kind: str, steps: int = 1000) -> tuple[float, float]:
    """Seconds of a training step, and the share of it that watching adds."""
    torch.manual_seed(0)
    x = torch.randn(2048, 50, 4)
    net = rc.nn.Stack(rc.nn.LSTM(4, 64), nn.Linear(64, 1))
    batches = ArrayBatches({"x": x}, x[:, :, 0].sum(dim=1, keepdim=True), batch_size=32)
    problem = Problem(net, batches, lambda y, batch: (y - batch.target).square().mean())
    callback = Timed(probe={"x": x[:8]}) if kind == "movement" else TimedFlows(problem)
    began = time.perf_counter()
    fit(problem, settings=Settings(max_steps=steps), callbacks=[callback], random_state=0, verbose=False)
    training = time.perf_counter() - began - callback.taken
    return training / steps, callback.taken / training


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is not None:
        audit(rc.nn.LSTM(8, 64), torch.randn(64, options.one, 8))
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    for cell in CELLS:
        taken, page, size = seconds(cell, 200, 64, options.runs)
        print(
            f"audit of {cell:6} 200 steps x 64 units: {taken:5.2f} s, its page {page:4.2f} s (target 15 in all), "
            f"{size:.2f} MB (target 3)",
            flush=True,
        )
    peaks = [peak(T) for T in LENGTHS]
    print(
        "memory: " + ", ".join(f"T = {T}: {each:.0f} MiB" for T, each in zip(LENGTHS, peaks, strict=True)), flush=True
    )
    for kind, words in (("movement", "WeightMovement() with a probe"), ("flows", "FlowHistory(problem)")):
        steps, shares = zip(*(watched(kind) for _ in range(options.runs)), strict=True)
        print(f"training step {1000 * median(steps):.2f} ms; {words} adds {100 * median(shares):.1f} % (target 5)")


if __name__ == "__main__":
    main()
