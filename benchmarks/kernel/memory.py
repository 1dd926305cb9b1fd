"""The peak memory of a training step above what the process held before it, in a process of its own."""

from __future__ import annotations

import re
from pathlib import Path

import torch

from .cases import CELLS, TRAINING, Shape
from .child import NoAnswerError, answer, ask
from .peers import Contestant, inputs, loop, ours, torch_nn

OURS, PEER = "ours", "peer"
STATUS, REFERENCES = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def measure(cell: str, shape: Shape, who: str, threads: int) -> int | str:
    """Return the bytes, or in words why there are none."""
    if not REFERENCES.exists():
        return "the peak of a process can be reset on Linux alone"
    try:
        return ask("memory", cell, shape, who, limit=120, threads=threads)
    except NoAnswerError as reason:
        return str(reason)


def peak(cell: str, shape: list[int], who: str) -> int:
    """Take a training step and return by how many bytes the resident memory rose at its peak."""
    sizes = Shape(*shape)
    torch.manual_seed(0)
    contestant = chosen(cell, sizes, who)
    few = sizes._replace(T=2)
    contestant.training(*inputs(few, TRAINING))  # starts threads and loads libraries, which is not the step's memory
    x, by_output = inputs(sizes, TRAINING)
    REFERENCES.write_text("5")  # proc(5): VmHWM begins anew at VmRSS
    before = resident("VmRSS")
    contestant.training(x, by_output)
    return resident("VmHWM") - before


def chosen(cell: str, shape: Shape, who: str) -> Contestant:
    """Ours, or torch.nn's, or the loop where torch.nn has no such layer."""
    layer = CELLS[cell].ours(shape)
    found = ours(layer) if who == OURS else torch_nn(CELLS[cell], shape, TRAINING, layer) or loop(layer)
    assert found is not None
    return found


def resident(name: str) -> int:
    """A line of the process's status, in bytes."""
    line = re.search(rf"^{name}:\s*(\d+) kB", STATUS.read_text(), re.MULTILINE)
    assert line is not None
    return 1024 * int(line[1])


if __name__ == "__main__":
    answer(peak)
