"""Every cell with random weights, and the scan as a function of tensors alone."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from recuerdo.cells import ACTIVATIONS, CELLS, CellSpec, Scanned, State, Weights, frnn, scan
from recuerdo.cells.frnn import elman_step

SPECS: dict[str, CellSpec] = {**CELLS, "frnn_relu": frnn("relu"), "frnn_linear": frnn("linear")}


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def weights(cell: CellSpec, D: int, H: int, *, layer_norm: bool = False, seed: int = 1) -> Weights:
    """Random parameters with biases, and with every norm that the cell has if asked for."""
    rows, full = cell.blocks * H, cell.recurrent == "full"
    norm_c = layer_norm and "c" in cell.states
    shapes: dict[str, tuple[int, ...]] = {
        "weight_ih": (rows, D),
        "weight_hh": (rows, H) if full else (rows,),
        "bias_ih": (rows,),
        **({"bias_hh": (rows,)} if full else {}),
        **({"norm_ih": (rows,)} if layer_norm else {}),
        **({"norm_hh": (rows,)} if layer_norm and full else {}),
        **({"norm_c": (H,), "norm_c_bias": (H,)} if norm_c else {}),
    }
    return Weights(**{name: 0.7 * randn(*shape, seed=seed + k) for k, (name, shape) in enumerate(shapes.items())})


def state(cell: CellSpec, N: int, H: int, seed: int = 20) -> State:
    return tuple(randn(N, H, seed=seed + k) for k in range(len(cell.states)))


def flat(scanned: Scanned) -> tuple[Tensor, ...]:
    """Everything that a scan gives back, as one tuple."""
    return scanned.output, *scanned.state, *scanned.gates, *scanned.states


class Scan:
    """scan as a function of its tensors: x, the state, the given weights and, if asked for, the state of a reset."""

    def __init__(self, cell: CellSpec, given: Weights, *, restart: bool = False, **fixed: Any) -> None:
        self.cell, self.restart, self.fixed = cell, restart, fixed
        self.given = {name: weight for name, weight in given._asdict().items() if weight is not None}

    def leaves(self, x: Tensor, start: State) -> tuple[Tensor, ...]:
        again = tuple(0.5 * part for part in start) if self.restart else ()
        tensors = (x, *start, *self.given.values(), *again)
        return tuple(tensor.detach().clone().requires_grad_() for tensor in tensors)

    def __call__(self, x: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        S, W = len(self.cell.states), len(self.given)
        own = Weights(**dict(zip(self.given, rest[S : S + W], strict=True)))
        again = rest[S + W :] if self.restart else None
        return flat(scan(self.cell, x, own, rest[:S], restart=again, **self.fixed))


def watched(cell: CellSpec, distances: list[float]) -> CellSpec:
    """The same cell, which notes how near each relu comes to its kink; other activations are left alone."""
    if cell.nonlinearity != "relu":
        return cell

    def noting(x: Tensor) -> Tensor:
        distances.append(x.detach().abs().min().item())
        return ACTIVATIONS["relu"](x)

    return replace(cell, step=partial(elman_step, act=noting))
