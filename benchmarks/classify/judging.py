"""What is asked of the figures: how many times as fast as each peer."""

from __future__ import annotations

from statistics import median
from typing import Any

from ..kernel.judging import Verdict

OURS, DRAWN, TORCH, ALIKE, SKORCH = "recuerdo", "recuerdo_drawn", "torch", "torch_alike", "skorch"
WHO = {
    OURS: "recuerdo",
    DRAWN: "recuerdo, batches as drawn",
    TORCH: "torch, packed",
    ALIKE: "torch, packed, like lengths",
    SKORCH: "skorch, packed",
}
"""Module -> words. recuerdo puts like lengths together, the peers' batches are as drawn unless it says otherwise."""

PAIRS = ((OURS, TORCH), (OURS, SKORCH), (DRAWN, TORCH), (OURS, ALIKE))
"""What is divided: the last two pairs have the same batches, so that the recurrence alone tells them apart."""

TARGET = 3.0
"""Issue 6, "Must show", 6: their seconds by ours, of the GRU, at least."""

Row = dict[str, Any]
"""work, cell, who; runs: seconds of a step; reason: why there are none, else None."""


def verdicts(rows: list[Row]) -> list[tuple[str, Verdict]]:
    """Return every ratio of one work and cell that can be had, with what is asked of it."""
    by_name = {row["who"]: row["runs"] for row in rows if row["runs"]}
    found = []
    for mine, other in PAIRS:
        if mine in by_name and other in by_name:
            asked = TARGET if mine == OURS and other in (TORCH, SKORCH) and rows[0]["cell"] == "gru" else None
            ratio = median(by_name[other]) / median(by_name[mine])
            found.append((f"{WHO[mine]} beside {WHO[other]}", Verdict(ratio, asked)))
    return found
