"""The peak memory of a training step above what the process held before it, in a process of its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from . import child
from .cases import CELLS, TRAINING, Shape
from .child import NoAnswerError, answer, ask
from .peers import Contestant, inputs, loop, ours, torch_nn

OURS, PEER = "ours", "peer"
LENGTHENED = tuple(Shape(T, 32, 64, 128) for T in (200, 400, 800))
"""What is measured over T, 2T and 4T steps: large enough that what the allocator keeps does not count."""
REFERENCES = Path("/proc/self/clear_refs")
UNKNOWN = "the peak of a process can be reset on Linux alone"


def measure(cell: str, shape: Shape, threads: int) -> dict[str, Any]:
    """Return cell, shape, and of ours and of the peer the bytes, or in words why there are none."""

    def asked(who: str) -> int | str:
        if not REFERENCES.exists():
            return UNKNOWN
        try:
            return ask("memory", cell, shape, who, limit=120, threads=threads)
        except NoAnswerError as reason:
            return str(reason)

    with ThreadPoolExecutor() as pool:  # side by side: nothing is timed here
        peaks = list(pool.map(asked, (OURS, PEER)))
    return {"cell": cell, "shape": list(shape), OURS: peaks[0], PEER: peaks[1]}


def peak(cell: str, sizes: list[int], who: str) -> int:
    """Take a training step and return by how many bytes the resident memory rose at its peak."""
    shape = Shape(*sizes)
    contestant = chosen(cell, shape, who)
    few = shape._replace(T=2)
    contestant.training(*inputs(few, TRAINING))  # starts threads and loads libraries, which is not the step's memory
    x, by_output = inputs(shape, TRAINING)
    before = mark()
    contestant.training(x, by_output)
    return resident("VmHWM") - before


def chosen(cell: str, shape: Shape, who: str) -> Contestant:
    """Ours, or torch.nn's, or the loop where torch.nn has no such layer."""
    layer = CELLS[cell].ours(shape)
    found = ours(layer) if who == OURS else torch_nn(CELLS[cell], shape, TRAINING, layer) or loop(layer)
    assert found is not None
    return found


def mark() -> int:
    """Let the peak of this process begin anew, and return what it holds now, in bytes."""
    REFERENCES.write_text("5")  # proc(5): VmHWM begins anew at VmRSS
    return resident("VmRSS")


def resident(name: str) -> int:
    """A line of the process's status, in bytes, of a system that has peaks to reset."""
    held = child.resident(name)
    assert held is not None
    return held


if __name__ == "__main__":
    answer(peak)
