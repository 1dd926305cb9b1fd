"""What is timed: cells, shapes, and the matrix products that none of them can do without."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import nn

import recuerdo as rc
from recuerdo.cells import CellSpec
from recuerdo.nn.recurrent import RecurrentLayer


class Shape(NamedTuple):
    """T time steps, N samples, D features, H hidden units."""

    T: int
    N: int
    D: int
    H: int

    def __str__(self) -> str:
        return ",".join(map(str, self))


GRID = (
    Shape(24, 256, 1, 32),
    Shape(100, 32, 16, 64),
    Shape(168, 64, 8, 64),
    Shape(100, 32, 64, 128),
    Shape(50, 64, 128, 256),
    Shape(35, 20, 200, 200),
    Shape(50, 64, 512, 512),
    Shape(784, 100, 1, 128),
    Shape(1000, 50, 2, 128),
)

SEED = 0
"""Of weights, inputs and masks, before every measurement."""

TRAINING, FORWARD = "training", "forward"
MODES = (TRAINING, FORWARD)
"""A training step is forward and backward, with gradients by every weight and by x, as in the middle of a stack."""


@dataclass(frozen=True)
class Cell:
    """A layer of rc.nn under some options, and the layer of torch.nn that computes the same, where there is one."""

    name: str
    layer: Callable[..., RecurrentLayer]
    peer: Callable[..., nn.RNNBase] | None = None
    options: dict[str, Any] = field(default_factory=dict)
    eval_peer: Callable[..., nn.RNNBase] | None = None  # where the option acts in training alone
    narrowest: int = 0  # the least H that it is timed at

    @property
    def bf16(self) -> bool:
        """Whether the products are in bfloat16."""
        return self.options.get("precision") == "bf16"

    @property
    def spec(self) -> CellSpec:
        """The equations."""
        return self.layer(1, 2).cell

    def peer_in(self, mode: str) -> Callable[..., nn.RNNBase] | None:
        """The layer of torch.nn that computes the same in this mode."""
        return self.peer or (self.eval_peer if mode == FORWARD else None)

    def ours(self, shape: Shape, mode: str = TRAINING) -> RecurrentLayer:
        """Build the layer for a mode, time first as torch.nn is by default."""
        torch.manual_seed(SEED)
        return self.layer(shape.D, shape.H, batch_first=False, **self.options).train(mode == TRAINING)


CELLS = {
    cell.name: cell
    for cell in (
        Cell("lstm", rc.nn.LSTM, nn.LSTM),
        Cell("gru", rc.nn.GRU, nn.GRU),
        Cell("frnn", rc.nn.FRNN, nn.RNN),
        Cell("indrnn", rc.nn.IndRNN),
        Cell("lstm+recurrent_dropout", rc.nn.LSTM, options={"recurrent_dropout": 0.25}, eval_peer=nn.LSTM),
        Cell("lstm+zoneout", rc.nn.LSTM, options={"zoneout": 0.1}),
        Cell("lstm+layer_norm", rc.nn.LSTM, options={"layer_norm": True}),
        Cell("lstm+bf16", rc.nn.LSTM, nn.LSTM, {"precision": "bf16"}, narrowest=256),
        Cell("gru+bf16", rc.nn.GRU, nn.GRU, {"precision": "bf16"}, narrowest=256),
    )
}


class Product(NamedTuple):
    """So many products of (rows, inner) by (inner, columns); `turned` is the factor that is stored transposed."""

    times: int
    rows: int
    inner: int
    columns: int
    turned: str = ""

    @property
    def flops(self) -> int:
        """Multiplications and additions."""
        return 2 * self.times * self.rows * self.inner * self.columns


def products(cell: Cell, shape: Shape, mode: str) -> list[Product]:
    """The products that no implementation can leave out: those over all steps at once, and those step by step."""
    T, N, D, H = shape
    spec = cell.spec
    full, rows = spec.recurrent == "full", spec.blocks * H
    found = [Product(1, T * N, D, rows, "right")]  # x W
    if full:
        found.append(Product(T, N, H, rows, "right"))  # h U
    if mode == TRAINING:
        found += [Product(1, T * N, rows, D), Product(1, rows, T * N, D, "left")]  # by x, by W
        if full:
            found += [Product(T, N, rows, H), Product(1, rows, T * N, H, "left")]  # by h, by U
    return found


def flops(cell: Cell, shape: Shape, mode: str) -> int:
    """Multiplications and additions in those products, and in u * h where the recurrence is a diagonal."""
    T, N, _, H = shape
    diagonal = cell.spec.recurrent == "diagonal"
    elementwise = 2 * T * N * H * (3 if mode == TRAINING else 1) if diagonal else 0
    return elementwise + sum(each.flops for each in products(cell, shape, mode))


class Floor:
    """Nothing but those products, by torch.mm into memory that is already there."""

    def __init__(self, cell: Cell, shape: Shape, mode: str) -> None:
        dtype = torch.bfloat16 if cell.bf16 else torch.float32
        self.work = []
        for times, rows, inner, columns, turned in products(cell, shape, mode):
            left, right = torch.randn(rows, inner, dtype=dtype), torch.randn(inner, columns, dtype=dtype)
            left = left.t().contiguous().t() if turned == "left" else left
            right = right.t().contiguous().t() if turned == "right" else right
            self.work.append((times, left, right, torch.empty(rows, columns, dtype=dtype)))

    def __call__(self) -> None:
        """Compute them all."""
        for times, left, right, out in self.work:
            for _ in range(times):
                torch.mm(left, right, out=out)
