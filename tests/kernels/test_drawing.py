"""Masks that are drawn: their share, their independence, and that a seed gives them again."""

from __future__ import annotations

import pytest
import torch

from recuerdo.kernels.drawing import bernoulli, dropout

N = 400_000


@pytest.mark.parametrize("share", [0.0, 1e-3, 0.1, 0.5, 0.95])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_share_of_ones_is_that_asked_for(share: float, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    mask = bernoulli(torch.zeros(1, dtype=dtype), (N,), share)
    assert mask.dtype == dtype
    assert set(mask.unique().tolist()) <= {0.0, 1.0}
    assert abs(mask.double().mean().item() - share) <= 4 * (share * (1 - share) / N) ** 0.5


def test_neighbours_are_independent() -> None:
    torch.manual_seed(1)
    mask = bernoulli(torch.zeros(1), (N,), 0.3)
    for lag in (1, 2, 3, 64):  # two neighbours are the halves of one random number
        both = (mask[lag:] * mask[:-lag]).mean().item()
        assert abs(both - 0.09) <= 4 * (0.09 * 0.91 / N) ** 0.5


def test_a_seed_gives_the_same_mask_again_and_another_call_another_one() -> None:
    found = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        found += [bernoulli(torch.zeros(1), (5, 7, 3), 0.5), bernoulli(torch.zeros(1), (5, 7, 3), 0.5)]
    first, second, again, second_again, other, _ = found
    assert first.shape == (5, 7, 3)
    assert torch.equal(first, again)
    assert torch.equal(second, second_again)
    assert not torch.equal(first, second)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("shape", [(0,), (3, 0), (1,), (2, 3)])
def test_any_shape(shape: tuple[int, ...]) -> None:
    assert bernoulli(torch.zeros(1), shape, 0.5).shape == shape


def test_a_compiled_draw_has_the_same_share() -> None:
    torch.manual_seed(0)
    draw = torch.compile(bernoulli, backend="aot_eager", fullgraph=True)
    assert abs(draw(torch.zeros(1), (N,), 0.2).mean().item() - 0.2) < 0.005


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dropout_drops_its_share_and_scales_the_rest(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    x = torch.linspace(1, 2, N, dtype=dtype).requires_grad_()
    y = dropout(x, 0.3)
    kept = y != 0
    assert y.dtype == dtype
    assert abs((~kept).double().mean().item() - 0.3) <= 4 * (0.3 * 0.7 / N) ** 0.5
    torch.testing.assert_close(y[kept], x[kept] / 0.7)
    y.sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad, kept / torch.tensor(0.7, dtype=dtype))


def test_dropout_of_nothing_changes_nothing() -> None:
    x = torch.randn(7, 3)
    assert torch.equal(dropout(x, 0.0), x)
