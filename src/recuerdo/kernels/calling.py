"""How a tensor reaches the C++ core: as the address of its first number, laid out as csrc/task.h says."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from importlib import import_module
from math import prod
from types import ModuleType
from typing import NamedTuple

import torch
from torch import Tensor
from torch._C._functorch import is_legacy_batchedtensor
from torch.autograd import forward_ad
from torch.nn import Parameter

from recuerdo.errors import BackendError

try:
    native: ModuleType | None = import_module("recuerdo.kernels._native")
    missing = ""
except ImportError as error:
    native, missing = None, str(error)


def _after_fork() -> None:
    """Go on with one thread, as a DataLoader's workers do: GCC's OpenMP does not let a forked process have more."""
    if native is not None and native.openmp_was_used():
        torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

CELLS = ("frnn", "indrnn", "lstm", "gru", "gru_reset_before")
ACTIVATIONS = ("tanh", "relu", "linear", "sigmoid")
"""In the order of the enumerations in csrc/task.h and csrc/cells.h."""

BLOCKS = (1, 1, 4, 3, 3)
"""G of each of the cells."""

LSTM, GRU, GRU_RESET_BEFORE = (CELLS.index(name) for name in ("lstm", "gru", "gru_reset_before"))
FRNN, INDRNN = CELLS.index("frnn"), CELLS.index("indrnn")


LARGE = 128 * 1024
"""Bytes from which memory comes from the core, which keeps it for the next call: the system is slow with new pages."""


def fresh(like: Tensor, *shape: int) -> Tensor:
    """Return a tensor of the given shape that nothing was written to, of the type of another.

    A large one lies in memory of the core, so that it cannot be resized in place.
    """
    if like.element_size() * prod(shape) < LARGE or native is None:
        return like.new_empty(shape)
    return native.empty(like.dtype == torch.float64, shape)


def release_memory() -> None:
    """Give the memory that the native core keeps for its next call, 1 GiB at most, back to the system."""
    if native is not None:
        native.release_idle()


def row_by_row(x: Tensor) -> Tensor:
    """Return x, (T, N, D), with the features of a sample one after the other: either axis may come first."""
    return x if x.stride(-1) == 1 or x.shape[-1] == 1 else x.contiguous()


def carry_tangents(*tensors: Tensor | None) -> bool:
    """Say whether a tangent of forward mode comes with one of the tensors."""
    if forward_ad._current_level < 0:  # no block of forward mode is open: spare each call the question
        return False
    return any(each is not None and forward_ad.unpack_dual(each).tangent is not None for each in tensors)


def captured(*tensors: Tensor | None) -> bool:
    """Say whether torch records the program, or a tensor stands for others, so that only operators will do."""
    if (
        torch.compiler.is_compiling()
        or torch._C._len_torch_dispatch_stack() > 0
        or torch._C._get_tracing_state() is not None
    ):
        return True
    return any(
        type(each) not in (Tensor, Parameter) or each.is_neg() or is_legacy_batchedtensor(each)
        for each in tensors
        if each is not None
    )


class Given(NamedTuple):
    """The tensors of a call, as csrc/task.h has them."""

    x: Tensor
    W: Tensor
    U: Tensor
    bias_ih: Tensor | None
    bias_hh: Tensor | None
    norm_ih: Tensor | None
    norm_hh: Tensor | None
    norm_c: Tensor | None
    norm_c_bias: Tensor | None
    h0: Tensor
    c0: Tensor | None
    restart_h: Tensor | None
    restart_c: Tensor | None
    mask: Tensor | None
    zoneout: Tensor | None
    lengths: Tensor | None
    reset: Tensor | None


TRAINED = 13
"""Of those tensors the first so many may have a gradient."""

GIVEN = len(Given._fields)

KEPT = ("out", "h_last", "c_last", "gates", "c", "hidden", "normed_x", "norm_x_scale", "normed", "norm_scale")
"""What comes of a walk, or is kept for the walk back, as csrc/task.h has it."""


class Numbers(NamedTuple):
    """What a call is told besides its tensors: see csrc/task.h."""

    zone_share: float
    cell: int
    activation: int
    reverse: bool
    bf16: bool


told = False
"""Whether it was said that nothing here multiplies in bfloat16."""


def run(
    given: Given,
    numbers: Numbers,
    backward: bool,
    read: Mapping[str, Tensor | None],
    written: Mapping[str, Tensor | None],
) -> None:
    """Run a task, as many threads as torch uses.

    Args:
        given: its tensors; h0 is of the type in which to compute.
        numbers: what it is told besides.
        backward: walk back.
        read: more tensors that it reads, by the names of the fields.
        written: tensors that it writes to, by the names of the fields: fresh ones.

    Raises:
        BackendError: a given tensor is not of the shape or the type that the others ask for.
    """
    assert native is not None
    if numbers.bf16 and native.bf16_path() is None:
        tell()
        numbers = numbers._replace(bf16=False)
    if not backward:  # what comes back was checked on the way
        _check(given, numbers)
    x, (N, H) = row_by_row(given.x), given.h0.shape
    by_t, by_n, _ = x.stride()
    fields = {"T": x.shape[0], "N": N, "D": x.shape[2], "H": H, "x_by_t": by_t, "x_by_n": by_n, **numbers._asdict()}
    held = [x]  # alive until the core is done
    for name, tensor in (*zip(Given._fields, (x, *given[1:]), strict=True), *read.items()):
        if tensor is not None:
            held.append(tensor.contiguous() if name != "x" else x)
            fields[name] = held[-1].data_ptr()
    for name, tensor in written.items():
        if tensor is not None:
            assert tensor.is_contiguous(), name  # a copy would be written to, and lost
            fields[name] = tensor.data_ptr()
    native.run(given.h0.dtype == torch.float64, backward, torch.get_num_threads(), fields)


def _check(given: Given, numbers: Numbers) -> None:
    """Raise BackendError for a tensor that the core would read beyond its end, or as another type."""
    dtype, (T, N, D), H = given.h0.dtype, given.x.shape, given.h0.shape[-1]
    GH, S = BLOCKS[numbers.cell] * H, 2 if numbers.cell == LSTM else 1
    row, state = (GH,), (N, H)
    shapes = (
        (T, N, D), (GH, D), row if numbers.cell == INDRNN else (GH, H), row, row, row, row, (H,), (H,),
        state, state, state, state, state, (S, T, N, H), (N,), (T, N),
    )  # fmt: skip
    types = (dtype,) * 15 + (torch.int64, torch.bool)
    for name, tensor, shape, kind in zip(Given._fields, given, shapes, types, strict=True):
        if tensor is not None and (tensor.shape != shape or tensor.dtype != kind):
            raise BackendError(
                f"Beside h0 of shape {tuple(given.h0.shape)} the native core reads {name} as {kind} of shape {shape}; "
                f"got {tensor.dtype} of shape {tuple(tensor.shape)}."
            )
    if dtype not in (torch.float32, torch.float64):
        raise BackendError(f"The native core computes in float32 and float64, and h0 is {dtype}.")


def tell() -> None:
    """Warn, once, that a product in bfloat16 was asked for and float32 is used."""
    global told
    if told:
        return
    told = True
    assert native is not None
    warnings.warn(
        f'precision="bf16" computes in float32 here, more exactly and more slowly: {native.no_bf16()}.',
        RuntimeWarning,
        stacklevel=2,
    )


def native_path() -> str:
    """Say which instruction set the core uses, or why there is no core."""
    if native is None:
        return f"not built ({missing}): install a C++ compiler, then recuerdo again"
    return f"{native.path()} (of {', '.join(native.paths())})"


def bf16_path() -> str:
    """Say which instruction set the core uses for products in bfloat16, or why there is none."""
    if native is None:
        return "none: the native core is not built"
    path, here = native.bf16_path(), native.bf16_paths()
    if path is None:
        return f"none: {native.no_bf16()}"
    return f"{path} (of {', '.join(here)})" if path in here else f"{path} (for tests)"
