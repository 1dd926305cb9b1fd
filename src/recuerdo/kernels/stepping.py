"""One step at a time: a snapshot of a stack's weights, its states, and no call into torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from recuerdo.cells import CellSpec, Walk, Weights, indrnn
from recuerdo.kernels import calling
from recuerdo.kernels.native import kernel_of

Array = NDArray[np.floating]


class Affine(NamedTuple):
    """What is read out of the top layer: y = W h + b, with W of (V, H) and b of (V,)."""

    weight: Tensor
    bias: Tensor | None


class Engine(Protocol):
    """What takes the steps: arrays in, arrays out, all of one type."""

    def step(self, x: Array, y: Array) -> None:
        """Take a step from x, (streams, D), and write the answer to y: (streams, H), or (streams, V) of a readout."""
        ...

    def exchange(self, layer: int, which: int, array: Array, put: bool) -> None:
        """Copy a layer's state, (streams, H), from an array (put) or to it; which counts the cell's states."""
        ...


def engine(
    cell: CellSpec,
    weights: Sequence[Weights],
    streams: int,
    *,
    zoneout: float,
    residual: bool,
    readout: Affine | None = None,
) -> tuple[Engine, str]:
    """Return what steps a stack of layers, and why it is not the native core, in words; empty if it is.

    The native core takes as many threads as torch has now, if a step is worth it.

    Args:
        cell: the equations of every layer.
        weights: the parameters of each layer, from the lowest.
        streams: N, sequences that go side by side.
        zoneout: share of the old state that stays.
        residual: add a layer's input to its output from the second layer on.
        readout: what the answer is of the top layer's output; None for the output itself.
    """
    weights = [_constants(one) for one in weights]
    readout = None if readout is None else _constants(readout)
    reason = _refuses(cell, weights)
    if reason:
        made = ReferenceEngine(cell, weights, streams, zoneout=zoneout, residual=residual, readout=readout)
        return made, reason
    return _native(cell, weights, streams, zoneout, residual, readout), ""


def _refuses(cell: CellSpec, weights: Sequence[Weights]) -> str:
    if calling.native is None:
        return f"the C++ core is not built ({calling.missing})"
    if kernel_of(cell) is None:
        return f"the C++ core has no {cell.name} with this step or activation"
    if weights[0].weight_ih.dtype not in (torch.float32, torch.float64):
        return f"the C++ core computes in float32 and float64, not in {weights[0].weight_ih.dtype}"
    return ""


def _native(
    cell: CellSpec, weights: Sequence[Weights], streams: int, zoneout: float, residual: bool, readout: Affine | None
) -> Engine:
    assert calling.native is not None
    double = weights[0].weight_ih.dtype == torch.float64
    kind = calling.native.DoubleStepper if double else calling.native.SingleStepper
    made = kind(streams, torch.get_num_threads())
    for k, one in enumerate(weights):
        tensors = {"W": one.weight_ih, "U": one.weight_hh, **{name: getattr(one, name) for name in Weights._fields[2:]}}
        made.add({**_fields(cell, tensors), "zone_share": zoneout}, residual and k > 0)
    if readout is not None:  # without U a unit has no memory
        made.add(_fields(indrnn("linear"), {"W": readout.weight, "bias_ih": readout.bias}), False)
    return made


def _fields(cell: CellSpec, tensors: Mapping[str, Tensor | None]) -> dict[str, int]:
    """A layer as csrc/task.h has it; the addresses are good as long as the tensors are held."""
    kernel = kernel_of(cell)
    assert kernel is not None
    assert tensors["W"] is not None
    GH, D = tensors["W"].shape
    addresses = {name: each.data_ptr() for name, each in tensors.items() if each is not None}
    return {"D": D, "H": GH // cell.blocks, "cell": kernel[0], "activation": kernel[1], **addresses}


Tensors = TypeVar("Tensors", Weights, Affine)


def _constants(weights: Tensors) -> Tensors:
    """Copies without a history, on the CPU."""
    given = {name: each for name, each in weights._asdict().items() if each is not None}
    return weights._replace(**{name: each.detach().cpu().contiguous().clone() for name, each in given.items()})


class ReferenceEngine:
    """Steps by the equations themselves: for what the core does not take."""

    def __init__(
        self,
        cell: CellSpec,
        weights: Sequence[Weights],
        streams: int,
        *,
        zoneout: float,
        residual: bool,
        readout: Affine | None,
    ) -> None:
        self.cell, self.zoneout, self.residual, self.readout = cell, zoneout, residual, readout
        self.weights = weights
        H = weights[0].weight_hh.shape[0] // cell.blocks
        zeros = weights[0].weight_hh.new_zeros(streams, H)
        self.states: list[list[Tensor]] = [[zeros.clone() for _ in cell.states] for _ in weights]

    @torch.no_grad()
    def step(self, x: Array, y: Array) -> None:
        """Take a step: see :class:`Engine`."""
        if x.dtype != y.dtype:
            raise ValueError("another type")
        below = torch.tensor(x).reshape(self.states[0][0].shape[0], -1)
        for k, (weights, state) in enumerate(zip(self.weights, self.states, strict=True)):
            walk = Walk(self.cell, below.unsqueeze(0), weights, zoneout=self.zoneout or None)
            state[:] = walk.step(0, tuple(state))[0]
            below = state[0] + below if self.residual and k > 0 else state[0]
        answer = below if self.readout is None else functional.linear(below, *self.readout)
        torch.from_numpy(y).reshape(answer.shape).copy_(answer)

    def exchange(self, layer: int, which: int, array: Array, put: bool) -> None:
        """Copy a state: see :class:`Engine`."""
        state = self.states[layer][which]
        if put:
            self.states[layer][which] = torch.tensor(array).reshape(state.shape)
        else:
            torch.from_numpy(array).reshape(state.shape).copy_(state)
