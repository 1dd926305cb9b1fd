"""deterministic=True: the same bits in any batch and with any number of threads, or an error in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from tests.native_core import needs_native
from torch import Tensor

import recuerdo as rc
from recuerdo.errors import BackendError
from recuerdo.kernels import only

LAYERS = {
    "frnn": rc.nn.FRNN,
    "indrnn": rc.nn.IndRNN,
    "lstm": rc.nn.LSTM,
    "gru": rc.nn.GRU,
    "gru_reset_before": lambda *sizes, **options: rc.nn.GRU(*sizes, reset_after=False, **options),
}
T, N, H = 9, 21, 37


@contextmanager
def threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def run(layer: torch.nn.Module, x: Tensor) -> list[Tensor]:
    """Outputs, final states, and gradients by x: what belongs to a sample."""
    x = x.clone().requires_grad_()
    output, state = layer(x)
    states = [state] if isinstance(state, Tensor) else list(state)
    (by_x,) = torch.autograd.grad(output.square().sum() + sum(each.sum() for each in states), x)
    return [output.detach(), by_x, *(each.detach().transpose(0, 1) for each in states)]


@needs_native
@pytest.mark.parametrize("layer_norm", [False, True], ids=["plain", "layer_norm"])
@pytest.mark.parametrize("D", [3, 40])  # few features, and many: their products are taken in different ways
@pytest.mark.parametrize("cell", LAYERS)
def test_a_sample_has_the_same_bits_in_every_batch_and_on_any_number_of_threads(
    cell: str, D: int, layer_norm: bool
) -> None:
    torch.manual_seed(0)
    layer = LAYERS[cell](D, H, 2, bidirectional=True, layer_norm=layer_norm, deterministic=True)
    x = torch.randn(N, T, D)
    whole = run(layer, x)
    for count in (1, 2, 3):
        with threads(count):
            assert all(torch.equal(a, b) for a, b in zip(run(layer, x), whole, strict=True))
            for rows in (slice(0, 1), slice(4, 6), slice(5, 18)):
                for part, all_of_it in zip(run(layer, x[rows]), whole, strict=True):
                    assert torch.equal(part, all_of_it[rows])


@pytest.mark.parametrize("backend", ["reference", "torch"])
def test_a_backend_that_does_not_promise_it_refuses(backend: str) -> None:
    layer = rc.nn.LSTM(2, 3, deterministic=True)
    with only(backend), pytest.raises(BackendError, match=r"deterministic=True asks for the same bits"):
        layer(torch.zeros(1, 2, 2))


def test_the_layer_says_that_it_is() -> None:
    assert "deterministic=True" in repr(rc.nn.GRU(2, 3, deterministic=True))
    assert "deterministic" not in repr(rc.nn.GRU(2, 3))
