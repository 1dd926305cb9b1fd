"""torch.compile of a whole loop, where it is done within a limit.

A row with a compiled loop is compiled and timed in a process of its own, which ends itself when the compiler is too
slow. Then the same loop over more steps is not tried: the compiler unrolls it, so that its time grows with T at least.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import torch

from .cases import CELLS, TRAINING, Shape
from .child import NoAnswerError, TooSlowError, answer, ask, within
from .machine import processor
from .measuring import Row, measure
from .peers import Contestant, inputs, loop

ROW_LIMIT = 300
"""Seconds for everything in that process that is not the compiler."""


class Compiler:
    """Measures rows with a compiled loop, and remembers from run to run what the compiler took.

    Args:
        limit: seconds that a loop may take; 0 to try none.
        threads: how many threads torch may use.
        notes: the file in which it remembers.
    """

    def __init__(self, limit: float, threads: int, notes: Path) -> None:
        self.limit, self.threads, self.notes = limit, threads, notes
        # "torch, processor, cell, mode" -> steps and seconds of the slowest
        self.took: dict[str, tuple[int, float]] = json.loads(notes.read_text()) if notes.exists() else {}

    def expected(self, cell: str, shape: Shape, mode: str) -> float:
        """The seconds that the compiler will take, by what it took for fewer steps."""
        steps, seconds = self.took.get(self._key(cell, mode), (1, 0.0))
        return seconds * shape.T / steps if steps <= shape.T else 0.0

    def measure(self, cell: str, shape: Shape, mode: str, budget: float) -> Row | str:
        """Return the row, or in words why there is none with a compiled loop."""
        if self.limit <= 0:
            return "torch.compile was not tried (--compile-limit 0)"
        if self.expected(cell, shape, mode) > self.limit:
            return f"torch.compile was not tried: it would take over {self.limit:g} s, as fewer steps say"
        try:
            row = ask(
                *("compiling", cell, shape, mode, budget, self.limit),
                limit=self.limit + ROW_LIMIT,
                threads=self.threads,
            )
        except TooSlowError:
            self._remember(cell, shape, mode, self.limit + 1)
            return f"torch.compile took over {self.limit:g} s"
        except NoAnswerError as reason:
            return f"torch.compile {reason}"
        self._remember(cell, shape, mode, row["compile_seconds"])
        return row

    def _key(self, cell: str, mode: str) -> str:
        return f"torch {torch.__version__}, {processor()}, {cell}, {mode}"

    def _remember(self, cell: str, shape: Shape, mode: str, took: float) -> None:
        key = self._key(cell, mode)
        if took > self.took.get(key, (1, 0.0))[1]:  # a second time is shorter: torch keeps the first one's work
            self.took[key] = shape.T, took
            self.notes.parent.mkdir(parents=True, exist_ok=True)
            self.notes.write_text(json.dumps(self.took, indent=1) + "\n")


def once(contestant: Contestant, shape: Shape, mode: str) -> None:
    """Run the contestant once in this mode."""
    x, by_output = inputs(shape, mode)
    if mode == TRAINING:
        contestant.training(x, by_output)
    else:
        contestant.forward(x)


def measured(cell: str, sizes: list[int], mode: str, budget: float, limit: float) -> Row:
    """Compile the loop of a cell within a limit, and return the row with it and what the compiler took."""
    shape = Shape(*sizes)
    layer = CELLS[cell].ours(shape, mode)
    contestant = loop(layer, compiled=True)
    assert contestant is not None
    began = time.perf_counter()
    with within(limit):
        once(contestant, shape, mode)
    took = time.perf_counter() - began
    return measure(CELLS[cell], shape, mode, budget, layer, contestant) | {"compile_seconds": took}


if __name__ == "__main__":
    answer(measured)
