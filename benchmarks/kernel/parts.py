"""The parts of a run, as a list of measurements: what each is about, how long it may take, and what to call."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from . import growth, judging, long, memory, streaming
from .cases import Cell
from .compiling import Compiler
from .measuring import measure


@dataclass(frozen=True)
class Piece:
    """One measurement.

    Args:
        table: where its rows go.
        words: what it is about.
        seconds: how long it is thought to take.
        run: takes it and returns its rows.
    """

    table: str
    words: str
    seconds: float
    run: Callable[[], list[dict[str, Any]]]


def grid(cells: list[Cell], options: Namespace, compiler: Compiler) -> list[Piece]:
    """Time every cell in every mode on every shape."""

    def row(cell: Cell, shape: Any, mode: str) -> list[dict[str, Any]]:
        if cell.peer is not None:
            return [measure(cell, shape, mode, options.budget)]
        found = compiler.measure(cell.name, shape, mode, options.budget)
        if isinstance(found, str):
            found, reason = measure(cell, shape, mode, options.budget), found
            found["notes"].append(reason)
        return [found]

    def seconds(cell: Cell, shape: Any, mode: str) -> float:
        expected = compiler.expected(cell.name, shape, mode) or 0.5 * compiler.limit
        compiles = cell.peer is None and compiler.limit > 0 and expected <= compiler.limit and shape.T <= 100
        return options.budget + 1.5 + (expected + 5 if compiles else 0)

    # The shortest first, so that the compiler's time on them says whether the longer ones are worth a try.
    shapes = sorted(options.shapes, key=lambda each: each.T)
    return [
        Piece("grid", f"{c.name} {s} {m}", seconds(c, s, m), partial(row, c, s, m))
        for c in cells
        for m in options.modes
        for s in shapes
        if c.narrowest <= s.H
    ]


def of_memory(cells: list[Cell], options: Namespace, _: Compiler) -> list[Piece]:
    """Measure the memory of the plain cells on every shape, of every cell over T, 2T and 4T, and of a million steps."""
    here, threads = [cell for cell in cells if not cell.bf16], torch.get_num_threads()
    work = [(cell, shape) for cell in here if cell.name in judging.PLAIN for shape in options.shapes]
    work += [(cell, shape) for cell in here for shape in memory.LENGTHENED if (cell, shape) not in work]
    found = [
        Piece("memory", f"memory of {c.name} {s}", 6, lambda c=c, s=s: [memory.measure(c.name, s, threads)])
        for c, s in work
    ]
    if "lstm" in (cell.name for cell in cells):
        words = f"memory of lstm {long.LONG} with checkpoint_every"
        found.append(Piece("long", words, 40, lambda: [long.measure(long.LONG, threads)]))
    return found


def of_growth(cells: list[Cell], options: Namespace, _: Compiler) -> list[Piece]:
    """Double T, N and H of the plain cells."""
    found = []
    for cell in [each for each in cells if each.name in judging.PLAIN]:
        for letter in growth.RANGES:
            along = growth.shapes(letter)
            budget = options.budget * len(along) / 2
            run = partial(growth.measure, cell, letter, along, budget)
            found.append(Piece("growth", f"growth of {cell.name} with {letter}", budget + 2, run))
    return found


def of_streaming(_: list[Cell], options: Namespace, __: Compiler) -> list[Piece]:
    """Time steps of an LSTM, whatever the cells."""
    budget = options.budget
    return [
        Piece("streaming", f"streaming, {n} at once", budget + 1, lambda n=n: [streaming.measure(n, budget)])
        for n in streaming.STREAMS
    ]


PARTS = {"grid": grid, "streaming": of_streaming, "memory": of_memory, "growth": of_growth}
