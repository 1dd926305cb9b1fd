"""Does training hold more of a text of a gigabyte than of one of a tenth of it?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

import recuerdo as rc

from ..kernel.machine import ROOT
from .figures import Effort, Figure
from .scale_child import peak
from .side_by_side import alone

TEXTS = ROOT / "build" / "results" / "streamed"

SMALL, LARGE = 100, 1_000
"""Megabytes."""

GROWTH = 64.0
"""Megabytes by which the larger text's training may exceed the other: what the allocator does with buffers."""


def flat(effort: Effort) -> Iterator[Figure]:
    """Train for as many steps on both, each in a process of its own, and compare what they held at most."""
    sizes = (1, 4) if effort.quick else (SMALL, LARGE)
    peaks = {}
    for size in sizes:
        found = alone("streamed", "held", (str(made(size)), effort.steps(100)))
        peaks[size] = found["megabytes"]
        yield Figure(f"{size:,} MB of text, training's peak, MB", peaks[size], seconds=found["seconds"])
    yield Figure("peak of the larger one less the other, MB", peaks[sizes[1]] - peaks[sizes[0]], at_most=GROWTH)


def made(size: int) -> Path:
    """Return a file of so many megabytes of made-up words, which is written if it is not there."""
    path = TEXTS / f"{size}.txt"
    if path.exists() and path.stat().st_size == size * 10**6:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    letters = np.frombuffer(b"etaoinshrdlucmfwyp", np.uint8)
    words = np.array([letters[random.integers(0, len(letters), n)].tobytes() for n in random.integers(2, 9, 5_000)])
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        left = size * 10**6
        while left:
            lines = (b" ".join(random.choice(words, 12)) for _ in range(5_000))
            block = (b"\n".join(lines) + b"\n")[:left]
            left -= file.write(block)
    return part.rename(path)


def held(path: str, max_steps: int) -> dict[str, float]:
    """Train on a file; return the peak of this process in megabytes, and the seconds."""
    model = rc.LanguageModel(
        "word",
        max_vocabulary=5_000,
        embedding_size=32,
        max_steps=max_steps,
        random_state=0,
        baselines=None,
        verbose=False,
    )
    model.fit(Path(path), cache=TEXTS)
    return {"megabytes": peak() / 1e6, "seconds": model.report_.seconds}
