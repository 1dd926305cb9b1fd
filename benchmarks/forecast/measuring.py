"""One measurement, in a process of one contestant's Python: this file runs as a module there, and prints JSON."""

from __future__ import annotations

import time
from dataclasses import replace
from importlib import import_module, metadata
from typing import Any

from ..kernel.child import answer, resident
from .stepping import watched
from .work import Rows, Work, mase, scored_rows

FIT, BACKTEST, START = "fit", "backtest", "start"
SHORT = 20
"""Steps of the network that a backtest uses: its fit is not what is timed."""


def measure(who: str, part: str, settings: dict[str, Any], path: str, began: float) -> dict[str, Any]:
    """Do the work, and say how long each piece of it took.

    Args:
        who: the contestant's module, without "by_".
        part: "fit" trains and forecasts the rows that are held out at the end; "backtest" forecasts from many origins
            with a network that has barely trained; "start" trains for one step and forecasts.
        settings: a Work, as JSON.
        path: its rows.
        began: time.monotonic() when this process was started.

    Returns:
        seconds by piece; optimiser steps and seconds by network; bytes of the whole process before the first piece and
        at its peak; MASE; versions. Of "start", the seconds from the start of the process to the forecast.
    """
    work = Work(**settings)
    module = import_module(f"{__package__}.by_{who}")
    rows = Rows.load(path)
    if part != FIT:
        work = replace(work, steps=1 if part == START else SHORT)
    known = rows.without_last(scored_rows(work) if part == BACKTEST else work.horizon)
    contestant = module.Contestant(work)
    clock = Clock()
    before = resident("VmHWM")
    with watched(*getattr(module, "OPTIMISERS", ())) as steps:
        table = clock("prepare", contestant.prepared, known)
        clock("fit", contestant.fit, table, known)
        if part == BACKTEST:
            everything = contestant.prepared(rows)
            said, ends = clock("backtest", contestant.backtest, everything), rows.origins(work)
        else:
            said, ends = clock("predict", contestant.predict), [[len(each)] for each in known.values]
    if part == START:
        clock.seconds["start"] = time.monotonic() - began
    networks = steps.networks()
    if not networks or networks[-1]["steps"] != work.steps:
        raise RuntimeError(f"{who} was asked for {work.steps} optimiser steps, and took {networks}")
    numbers = contestant.numbers(said)
    return {
        "seconds": clock.seconds,
        "networks": networks,
        "before": before,
        "peak": resident("VmHWM"),
        "mase": mase(numbers, rows, ends, work.season),
        "versions": {name: metadata.version(name) for name in module.PACKAGES},
    }


class Clock:
    """The seconds of each piece."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def __call__(self, name: str, function: Any, *arguments: Any) -> Any:
        """Call the function and note how long it took."""
        began = time.perf_counter()
        found = function(*arguments)
        self.seconds[name] = time.perf_counter() - began
        return found


if __name__ == "__main__":
    answer(measure)
