"""Jobs with every option for the twins, and one run of a job with its gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
import torch
from tests.cells.cases import flat, randn, state, weights
from tests.tolerances import assert_gradients, assert_values
from torch import Tensor

from recuerdo.cells import CELLS, CellSpec, Weights, frnn, indrnn
from recuerdo.kernels import Job, calling, recurrence

SPECS: dict[str, CellSpec] = {
    **CELLS,
    "frnn_relu": frnn("relu"),
    "frnn_linear": frnn("linear"),
    "indrnn_sigmoid": indrnn("sigmoid"),
}

PATHS = ("avx512", "avx2", "portable")

BF16_PATHS = ("amx", "avx512bf16", "emulated")


def lengths(cell: CellSpec, T: int, N: int, H: int) -> Tensor:
    return (randn(N, seed=60).abs() * T).long().clamp(max=T)


def reset(cell: CellSpec, T: int, N: int, H: int) -> dict[str, Any]:
    return {"reset": randn(T, N, seed=61) > 0.3, "restart": state(cell, N, H, seed=62)}


def mask(cell: CellSpec, T: int, N: int, H: int) -> Tensor:
    return (randn(N, H, seed=64) > -0.5).double() / 0.7


def kept(cell: CellSpec, T: int, N: int, H: int) -> Tensor:
    return (randn(len(cell.states), T, N, H, seed=65) > 0.5).double()


def columns_first(tensor: Tensor) -> Tensor:
    """The same numbers, dense, with the last two axes laid out in the other order."""
    return tensor.mT.contiguous().mT if tensor.dim() > 1 else tensor


OPTIONS: dict[str, Callable[[CellSpec, int, int, int], dict[str, Any]]] = {
    "plain": lambda *sizes: {},
    "reverse": lambda *sizes: {"reverse": True},
    "lengths": lambda *sizes: {"lengths": lengths(*sizes)},
    "lengths_reverse": lambda *sizes: {"lengths": lengths(*sizes), "reverse": True},
    "reset": lambda *sizes: reset(*sizes),
    "reset_to_zero": lambda *sizes: {"reset": reset(*sizes)["reset"], "reverse": True},
    "mask": lambda *sizes: {"recurrent_mask": mask(*sizes)},
    "zoneout_mask": lambda *sizes: {"zoneout": kept(*sizes)},
    "zoneout_expected": lambda *sizes: {"zoneout": 0.3},
    "trace": lambda *sizes: {"trace": True, "lengths": lengths(*sizes)},
    "all": lambda *sizes: {
        "lengths": lengths(*sizes),
        **reset(*sizes),
        "recurrent_mask": mask(*sizes),
        "zoneout": kept(*sizes),
        "reverse": True,
        "trace": True,
    },
    "columns_first": lambda *sizes: {**reset(*sizes), "recurrent_mask": mask(*sizes), "zoneout": kept(*sizes)},
}
"""option -> its arguments, for a cell and the sizes T, N, H. In "columns_first" every tensor is laid out so."""


def job(
    name: str, option: str, sizes: tuple[int, int, int, int], dtype: torch.dtype, *, layer_norm: bool, bias: bool = True
) -> Job:
    """A job of sizes T, N, D, H whose every tensor of numbers is a leaf that a gradient can be taken by."""
    cell, (T, N, D, H) = SPECS[name], sizes
    own = weights(cell, D, H, layer_norm=layer_norm)._asdict()
    for field in () if bias else ("bias_ih", "bias_hh", "norm_c_bias"):
        own[field] = None
    options = OPTIONS[option](cell, T, N, H)

    def cast(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(leaf(each) for each in value)
        return laid_out(value) if isinstance(value, Tensor) and value.is_floating_point() else value

    def laid_out(tensor: Tensor) -> Tensor:
        return columns_first(tensor.to(dtype)) if option == "columns_first" else tensor.to(dtype)

    def leaf(tensor: Tensor) -> Tensor:
        return laid_out(tensor).requires_grad_()

    scale = 1 / max(H, 4) ** 0.5  # so that no state grows with the number of units
    own = {field: None if each is None else leaf(each * scale if field == "weight_hh" else each)
           for field, each in own.items()}  # fmt: skip
    return Job(
        cell,
        leaf(randn(T, N, D)),
        Weights(**own),
        tuple(leaf(each) for each in state(cell, N, H)),
        **{field: cast(value) for field, value in options.items()},
    )


def leaves(job: Job) -> dict[str, Tensor]:
    named = {"x": job.x, **{f: w for f, w in job.weights._asdict().items() if w is not None}}
    named |= {f"state {k}": each for k, each in enumerate(job.state)}
    return named | {f"restart {k}": each for k, each in enumerate(job.restart or ())}


def as_function(asked: Job, backend: str) -> tuple[Callable[..., tuple[Tensor, ...]], tuple[Tensor, ...]]:
    """A job as a function of its leaves, and the leaves."""
    named = leaves(asked)

    def run(*tensors: Tensor) -> tuple[Tensor, ...]:
        given = dict(zip(named, tensors, strict=True))
        own = asked.weights._replace(**{f: given[f] for f in asked.weights._fields if f in given})
        state = tuple(given[f"state {k}"] for k in range(len(asked.state)))
        restart = None if asked.restart is None else tuple(given[f"restart {k}"] for k in range(len(asked.state)))
        return flat(recurrence(replace(asked, x=given["x"], weights=own, state=state, restart=restart), backend))

    return run, tuple(named.values())


def outcome(job: Job, backend: str) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Everything that a backend gives back for a job, and its gradients when one enters each of the results."""
    results = {f"result {k}": each for k, each in enumerate(flat(recurrence(job, backend)))}
    loss = torch.stack([(each * randn(*each.shape, seed=70 + k).to(each)).sum()
                        for k, each in enumerate(results.values())]).sum()  # fmt: skip
    named = leaves(job)
    found = torch.autograd.grad(loss, list(named.values()), allow_unused=True, materialize_grads=True)
    return {name: each.detach() for name, each in results.items()}, dict(zip(named, found, strict=True))


def assert_twins(asked: Job, backend: str) -> None:
    """Assert that a backend computes what the reference does: results, every gradient, and results at inference.

    The reference computes in float64, so that no rounding but the backend's own is in the difference.
    """
    values, gradients = outcome(asked, backend)
    wanted, wanted_gradients = (
        {name: each.to(asked.x.dtype) for name, each in found.items()} for found in outcome(exact(asked), "reference")
    )
    assert values.keys() == wanted.keys()
    for name, value in wanted.items():
        assert_values(values[name], value, name)
    assert_gradients(gradients, wanted_gradients)
    for name, value in zip(wanted, flat(recurrence(without_gradients(asked), backend)), strict=True):
        assert_values(value, wanted[name], f"{name} at inference")


def exact(job: Job) -> Job:
    """The same job in float64."""
    return changed(job, lambda each: each.detach().double().requires_grad_(each.requires_grad))


def without_gradients(job: Job) -> Job:
    """The same job as inference sees it."""
    return changed(job, Tensor.detach)


def changed(job: Job, by: Callable[[Tensor], Tensor]) -> Job:
    """The same job with each of its tensors of numbers changed."""
    return replace(
        job,
        x=by(job.x),
        weights=Weights(*(None if each is None else by(each) for each in job.weights)),
        state=tuple(by(each) for each in job.state),
        restart=None if job.restart is None else tuple(by(each) for each in job.restart),
        recurrent_mask=None if job.recurrent_mask is None else by(job.recurrent_mask),
        zoneout=by(job.zoneout) if isinstance(job.zoneout, Tensor) else job.zoneout,
    )


def on_path(path: str) -> AbstractContextManager[None]:
    """Run the core with one instruction set inside the block; skip the test where this processor lacks it."""
    native = core()
    return _using(path, native.paths(), native.path(), native.use_path)


def on_bf16_path(path: str | None) -> AbstractContextManager[None]:
    """Multiply with one instruction set for bfloat16 inside the block; skip the test where this processor lacks it."""
    native = core()
    return _using(path, [*native.bf16_paths(), "emulated", None], native.bf16_path(), native.use_bf16_path)


def core() -> ModuleType:
    assert calling.native is not None
    return calling.native


@contextmanager
def _using(path: str | None, here: list[str | None], before: str | None, use: Callable[..., None]) -> Iterator[None]:
    if path not in here:
        pytest.skip(f"this processor has no {path}")
    use(path)
    try:
        yield
    finally:
        use(before)


UNLIKE: dict[str, tuple[Callable[[], Job], str]] = {
    "dtype": (
        lambda: replace(_gru(), x=torch.zeros(3, 2, 2).bfloat16()),
        "it computes in float32 and float64, and x is torch.bfloat16",
    ),
    "mixed": (
        lambda: replace(_gru(), x=torch.zeros(3, 2, 2)),
        "x is torch.float32 and another tensor torch.float64",
    ),
}
"""Jobs whose numbers no fused kernel takes, and what each of them says."""


def _gru() -> Job:
    return job("gru", "plain", (3, 2, 2, 5), torch.float64, layer_norm=False)
