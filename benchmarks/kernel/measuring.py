"""One measurement: rc.nn, its peers and the floor, in turns, on one cell, shape and mode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from recuerdo.cells import Scanned
from recuerdo.kernels import Explained, Job, recurrence, watching
from recuerdo.nn.recurrent import RecurrentLayer

from . import peers
from .cases import TRAINING, Cell, Floor, Shape, flops
from .timing import Timing, interleave

OURS, FLOOR, TORCH, LOOP, COMPILED = "ours", "floor", "torch.nn", "loop", "compiled loop"
TOLERANCE = 1e-3  # float32, by norm; the tests that run first are the strict ones
COMPARED = 20
"""The first steps, over which peers are compared: with layer norm an untrained LSTM is chaotic, so that over hundreds
of steps the rounding of either grows to percents (float64 agrees to 3e-12)."""
TOLERANCE_BF16 = 1e-1

Row = dict[str, Any]


class DisagreementError(Exception):
    """A peer computes something else, so that its time says nothing."""


def served(contestant: peers.Contestant, shape: Shape, mode: str) -> tuple[str, list[str]]:
    """Return the backend behind the door that takes the job, and why those before it refuse."""
    found: list[Explained] = []

    def note(job: Job, run: Callable[[Job], Scanned]) -> Scanned:
        found.append(recurrence(job, explain=True))
        return run(job)

    x, by_output = peers.inputs(shape, mode)
    with watching(note):
        _ = contestant.training(x, by_output) if mode == TRAINING else contestant.forward(x)
    first = found[0]
    assert first.backend is not None
    return first.backend, [f"{name} refuses: {reason}" for name, reason in first.refused.items()]


def measure(
    cell: Cell,
    shape: Shape,
    mode: str,
    budget: float,
    layer: RecurrentLayer | None = None,
    compiled: peers.Contestant | None = None,
) -> Row:
    """Time one cell on one shape in one mode.

    Args:
        cell: which.
        shape: T, N, D, H.
        mode: training or forward.
        budget: seconds to spend.
        layer: the layer, if there is one already.
        compiled: its loop, compiled; None to leave that peer out.

    Returns:
        The row of the JSON: see :func:`row`.

    Raises:
        DisagreementError: a peer's output or gradients are not ours.
    """
    layer = layer or cell.ours(shape, mode)
    ours = peers.ours(layer)
    others = {TORCH: peers.torch_nn(cell, shape, mode, layer), COMPILED: compiled}
    if cell.peer is None:
        others[LOOP] = peers.loop(layer)
    contestants = {name: each for name, each in others.items() if each is not None}
    for name, each in contestants.items():
        apart = peers.difference(ours, each, shape, mode, COMPARED)
        if not apart < (TOLERANCE_BF16 if cell.bf16 else TOLERANCE):
            raise DisagreementError(f"{cell.name} {shape} {mode}: {name} is {apart:.1e} away from rc.nn.")

    backend, refused = served(ours, shape, mode)
    x, by_output = peers.inputs(shape, mode)
    calls: dict[str, Callable[[], object]] = {
        name: (lambda each=each: each.training(x, by_output))
        if mode == TRAINING
        else (lambda each=each: each.forward(x))
        for name, each in {OURS: ours, **contestants}.items()
    }
    found = interleave({**calls, FLOOR: Floor(cell, shape, mode)}, budget)
    return row(cell, shape, mode, found) | {"backend": backend, "notes": refused}


def row(cell: Cell, shape: Shape, mode: str, found: dict[str, Timing]) -> Row:
    """Put the timings of one measurement beside each other.

    Returns:
        cell, shape, mode, flops; seconds: who -> median, q1, q3, samples, calls; peer: the fastest of them; ratio: its
        median by ours; gflops: ours; of_floor: the floor's median by ours.
    """
    mine, peer = found[OURS].median, min(set(found) - {OURS, FLOOR}, key=lambda name: found[name].median)
    work = flops(cell, shape, mode)
    return {
        "cell": cell.name,
        "shape": list(shape),
        "mode": mode,
        "flops": work,
        "seconds": {name: asdict(each) for name, each in found.items()},
        "peer": peer,
        "ratio": found[peer].median / mine,
        "gflops": work / mine / 1e9,
        "of_floor": found[FLOOR].median / mine,
    }
