"""torch.compile of a whole loop, where it is done within a limit.

The compiler runs in a process of its own first, which leaves its work in torch's cache on the disk. Where it was too
slow, the same loop over more steps is not tried: the compiler unrolls it, so that its time grows with T at least.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import torch

from .cases import CELLS, FORWARD, MODES, TRAINING, Shape
from .child import NoAnswerError, answer, ask
from .machine import processor
from .peers import Contestant, inputs, loop


class Compiler:
    """Compiles loops, and remembers from run to run what each cell and mode took.

    Args:
        limit: seconds that a loop may take; 0 to try none.
        threads: how many threads torch may use.
        notes: the file in which it remembers.
    """

    def __init__(self, limit: float, threads: int, notes: Path) -> None:
        self.limit, self.threads, self.notes = limit, threads, notes
        # "torch, processor, cell, mode" -> steps and seconds of the slowest
        self.took: dict[str, tuple[int, float]] = json.loads(notes.read_text()) if notes.exists() else {}

    def compiled(self, cell: str, shape: Shape, mode: str, contestant: Contestant) -> str | None:
        """Run the contestant, which is about to be compiled, once; return None, or in words why it was not."""
        if self.limit <= 0:
            return "torch.compile was not tried (--compile-limit 0)"
        key = f"torch {torch.__version__}, {processor()}, {cell}, {mode}"
        steps, seconds = self.took.get(key, (1, 0.0))
        if steps <= shape.T and seconds * shape.T / steps > self.limit:
            took = f"took over {self.limit:.0f} s" if seconds > self.limit else f"took {seconds:.0f} s"
            return f"torch.compile was not tried: it {took} for {steps} steps, and these are {shape.T}"
        try:
            # Some seconds more than the limit, for the start of Python itself.
            took = float(ask("compiling", cell, shape, mode, limit=self.limit + 15, threads=self.threads))
            failed = None if took <= self.limit else f"took {took:.0f} s, over the limit of {self.limit:.0f} s"
        except NoAnswerError as reason:
            took, failed = self.limit + 1, str(reason)
        if took > seconds:  # a second time is shorter, because torch has kept the first one's work
            self.took[key] = shape.T, took
            self.notes.parent.mkdir(parents=True, exist_ok=True)
            self.notes.write_text(json.dumps(self.took, indent=1) + "\n")
        if failed is not None:
            return f"torch.compile {failed}"
        once(contestant, shape, mode)
        return None


def once(contestant: Contestant, shape: Shape, mode: str) -> None:
    """Run the contestant once in this mode."""
    x, by_output = inputs(shape, mode)
    if mode == TRAINING:
        contestant.training(x, by_output)
    else:
        contestant.forward(x)


def seconds_to_compile(cell: str, shape: list[int], mode: str) -> float:
    """Compile the loop of a cell and return how long the first call took."""
    assert mode in MODES
    sizes = Shape(*shape)
    layer = CELLS[cell].ours(sizes).train(mode != FORWARD)
    contestant = loop(layer, compiled=True)
    assert contestant is not None
    torch.manual_seed(0)
    began = time.perf_counter()
    once(contestant, sizes, mode)
    return time.perf_counter() - began


if __name__ == "__main__":
    answer(seconds_to_compile)
