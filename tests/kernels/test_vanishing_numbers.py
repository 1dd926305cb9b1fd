"""Numbers below the smallest normal one: the native core takes them for 0, which is a hundred times as fast."""

from __future__ import annotations

import torch
from tests.native_core import needs_native

import recuerdo as rc
from recuerdo.kernels import only

SMALLEST = torch.finfo(torch.float32).smallest_normal


def vanishing(backend: str) -> torch.Tensor:
    """The gradient of the last state by x, (T, 1), through a unit that keeps a tenth of its state at each step."""
    layer = rc.nn.FRNN(1, 1, nonlinearity="relu", bias=False)
    with torch.no_grad():
        layer.weight_ih_l0.fill_(1.0)
        layer.weight_hh_l0.fill_(0.1)
    x = torch.ones(1, 60, 1, requires_grad=True)
    with only(backend):
        _, state = layer(x)
        state.sum().backward()
    assert x.grad is not None
    return x.grad[0]


@needs_native
def test_a_gradient_vanishes_to_nothing_and_is_exact_until_then() -> None:
    exact = 0.1 ** torch.arange(59, -1, -1, dtype=torch.float64)[:, None]
    native = vanishing("native").double()
    normal = exact >= 2 * SMALLEST
    torch.testing.assert_close(native[normal], exact[normal], rtol=1e-5, atol=0)
    assert (native[exact < SMALLEST / 2] == 0).all()
    assert 0 < (exact < SMALLEST / 2).sum() < 60


@needs_native
def test_the_caller_goes_on_with_its_own_small_numbers() -> None:
    small = torch.full((1,), 1e-40)
    vanishing("native")
    assert (small * 1.0).item() > 0
