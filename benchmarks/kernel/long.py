"""A training step over a million steps with checkpoint_every="auto", in a process of its own."""

from __future__ import annotations

import time
from typing import Any

import torch

import recuerdo as rc

from .cases import SEED, Shape
from .child import NoAnswerError, answer, ask
from .memory import REFERENCES, UNKNOWN, mark, resident
from .peers import ours

LONG = Shape(1_000_000, 1, 1, 128)


def measure(shape: Shape, threads: int) -> dict[str, Any]:
    """Return shape, seconds, and peak: the bytes by which the memory rose, or in words why there are none."""
    if not REFERENCES.exists():
        return {"shape": list(shape), "seconds": None, "peak": UNKNOWN}
    try:
        return ask("long", shape, limit=300, threads=threads)
    except NoAnswerError as reason:
        return {"shape": list(shape), "seconds": None, "peak": str(reason)}


def step(sizes: list[int]) -> dict[str, Any]:
    """Train an LSTM for one step, with a gradient by every output, which counts as well as the output itself."""
    shape = Shape(*sizes)
    torch.manual_seed(SEED)
    contestant = ours(rc.nn.LSTM(shape.D, shape.H, batch_first=False, checkpoint_every="auto"))

    def train(T: int) -> None:
        x = torch.randn(T, shape.N, shape.D).requires_grad_()
        contestant.training(x, torch.ones(T, shape.N, shape.H))

    train(2)  # starts threads and loads libraries, which is not the step's memory
    before, began = mark(), time.perf_counter()
    train(shape.T)
    return {"shape": sizes, "seconds": time.perf_counter() - began, "peak": resident("VmHWM") - before}


if __name__ == "__main__":
    answer(step)
