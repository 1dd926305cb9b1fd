"""How many optimiser steps each network of a fit took, and how long: by torch's own hook, at the end of each step."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Steps:
    """The steps of each optimiser, in the order in which they were first seen."""

    def __init__(self) -> None:
        self._ends: dict[int, list[float]] = {}
        self._kept: list[object] = []  # so that no two optimisers have one id

    def seen(self, optimizer: object, *_: object) -> None:
        """Note the end of a step."""
        if id(optimizer) not in self._ends:
            self._kept.append(optimizer)
        self._ends.setdefault(id(optimizer), []).append(time.perf_counter())

    def networks(self) -> list[dict[str, Any]]:
        """Steps, and seconds of all of them from the pace between the first one's end and the last one's, by network.

        The first step pays for memory and threads, and what precedes it is no step; None where there was only one.
        """
        found = []
        for ends in self._ends.values():
            count = len(ends)
            seconds = (ends[-1] - ends[0]) * count / (count - 1) if count > 1 else None
            found.append({"steps": count, "seconds": seconds})
        return found


@contextmanager
def watched(*others: type[Any]) -> Iterator[Steps]:
    """Count the steps of every torch optimiser inside the block.

    Args:
        others: classes of optimisers that torch's hook does not hear; the end of their `step` is noted likewise.
    """
    from torch.optim.optimizer import register_optimizer_step_post_hook

    steps = Steps()
    handle = register_optimizer_step_post_hook(steps.seen)
    own = {each: each.step for each in others}
    for each, step in own.items():
        each.step = _noted(step, steps)
    try:
        yield steps
    finally:
        handle.remove()
        for each, step in own.items():
            each.step = step


def _noted(step: Callable[..., None], steps: Steps) -> Callable[..., None]:
    def noted(optimizer: Any, *given: Any) -> None:
        step(optimizer, *given)
        steps.seen(optimizer)

    return noted
