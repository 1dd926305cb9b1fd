"""One measurement, in a process of one contestant's Python: this file runs as a module there, and prints JSON."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module, metadata
from typing import Any

from ..forecast.stepping import watched
from ..kernel.child import answer
from .work import DROPOUT, Data, Work

COMPARED = 8
"""Steps whose losses are compared."""


def measure(who: str, cell: str, settings: dict[str, Any], path: str, compared: bool) -> dict[str, Any]:
    """Train a network.

    Args:
        who: the contestant's module, without "by_".
        cell: of the network.
        settings: a Work, as JSON.
        path: its data.
        compared: take few steps without dropout, so that the losses are those of everybody; else all steps with it.

    Returns:
        seconds of a step, from the pace between the first one's end and the last one's; the losses; versions.
    """
    work, data = Work(**settings), Data.load(path)
    if compared:
        work = replace(work, steps=COMPARED)
        data = replace(data, drawn=data.drawn[:COMPARED], alike=data.alike[:COMPARED])
    module = import_module(f"{__package__}.by_{who}")
    contestant = module.Contestant(cell, work, data, 0.0 if compared else DROPOUT)
    with watched(*getattr(module, "OPTIMISERS", ())) as steps:
        losses = contestant.train()
    (network,) = steps.networks()
    if network["steps"] != work.steps or len(losses) != work.steps:
        raise RuntimeError(f"{who} was asked for {work.steps} optimiser steps, and took {network['steps']}")
    return {
        "seconds": network["seconds"] / network["steps"],
        "losses": [float(each) for each in losses],
        "versions": {name: metadata.version(name) for name in module.PACKAGES},
    }


if __name__ == "__main__":
    answer(measure)
