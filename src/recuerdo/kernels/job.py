"""What a backend is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from recuerdo.cells import CellSpec, State, Weights

Precision = Literal["float32", "bf16"]


@dataclass(frozen=True)
class Job:
    """One layer in one direction over one batch: the arguments of :func:`recuerdo.cells.scan`, by the same names.

    Attributes:
        precision: "float32" multiplies in the type of the tensors; "bf16" allows a backend to round what it multiplies
            to bfloat16, while states, gates and sums stay in float32.
    """

    cell: CellSpec
    x: Tensor
    weights: Weights
    state: State
    lengths: Tensor | None = None
    reset: Tensor | None = None
    restart: State | None = None
    recurrent_mask: Tensor | None = None
    zoneout: float | Tensor | None = None
    nudge: State | None = None
    reverse: bool = False
    trace: bool = False
    precision: Precision = "float32"
