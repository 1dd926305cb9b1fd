"""How a tensor reaches the C++ core: as the address of its first number, laid out as csrc/task.h says."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

import torch
from torch import Tensor
from torch.autograd import forward_ad

try:
    native: ModuleType | None = import_module("recuerdo.kernels._native")
    missing = ""
except ImportError as error:
    native, missing = None, str(error)

CELLS = ("frnn", "indrnn", "lstm", "gru", "gru_reset_before")
ACTIVATIONS = ("tanh", "relu", "linear", "sigmoid")
"""In the order of the enumerations in csrc/task.h and csrc/cells.h."""

BLOCKS = (1, 1, 4, 3, 3)
"""G of each of the cells."""

LSTM, GRU, GRU_RESET_BEFORE = (CELLS.index(name) for name in ("lstm", "gru", "gru_reset_before"))
FRNN, INDRNN = CELLS.index("frnn"), CELLS.index("indrnn")


def dense(tensor: Tensor | None) -> Tensor | None:
    """Return the tensor with its numbers one after the other."""
    return None if tensor is None else tensor.contiguous()


LARGE = 128 * 1024
"""Bytes from which memory comes from the core, which keeps it for the next call: the system hands out new pages slowly."""


def fresh(like: Tensor, *shape: int) -> Tensor:
    """Return a tensor of the given shape that nothing was written to, of the type of another."""
    count = like.element_size()
    for each in shape:
        count *= each
    if count < LARGE or native is None:
        return like.new_empty(shape)
    return native.empty(like.dtype == torch.float64, shape)


def row_by_row(x: Tensor) -> Tensor:
    """Return x, (T, N, D), with the features of a sample one after the other: either axis may come first."""
    return x if x.stride(-1) == 1 or x.shape[-1] == 1 else x.contiguous()


def carry_tangents(*tensors: Tensor | None) -> bool:
    """Say whether a tangent of forward mode comes with one of the tensors."""
    if forward_ad._current_level < 0:  # no block of forward mode is open: spare each call the question
        return False
    return any(each is not None and forward_ad.unpack_dual(each).tangent is not None for each in tensors)


def sizes(
    x: Tensor, W: Tensor | None, h0: Tensor, zone_share: float, cell: int, activation: int, reverse: bool
) -> dict[str, int | float | bool]:
    """The numbers of a task."""
    by_t, by_n = x.stride()[:2]
    return {
        "T": x.shape[0],
        "N": h0.shape[0],
        "D": 0 if W is None else x.shape[-1],
        "H": h0.shape[1],
        "x_by_t": by_t,
        "x_by_n": by_n,
        "zone_share": zone_share,
        "cell": cell,
        "activation": activation,
        "reverse": reverse,
    }


def run(like: Tensor, backward: bool, fields: dict[str, int | float | bool], **tensors: Tensor | None) -> None:
    """Run a task of the given fields on dense tensors, as many threads as torch uses.

    Args:
        like: a tensor of the type in which to compute.
        backward: walk back.
        fields: the numbers of the task.
        tensors: its tensors by the names of the fields; the caller keeps them alive.
    """
    assert native is not None
    for name, tensor in tensors.items():
        if tensor is not None:
            fields[name] = tensor.data_ptr()
    native.run(like.dtype == torch.float64, backward, torch.get_num_threads(), fields)


def native_path() -> str:
    """Say which instruction set the core uses, or why there is no core."""
    if native is None:
        return f"not built ({missing}): install a C++ compiler, then recuerdo again"
    return f"{native.path()} (of {', '.join(native.paths())})"
