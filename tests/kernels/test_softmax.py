"""The cross-entropy of a wide linear layer is torch's, and so are its gradients, on every instruction path."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy, linear

from recuerdo.errors import ShapeError
from recuerdo.kernels import calling, softmax
from recuerdo.kernels.softmax import linear_cross_entropy

SHAPES = [(1, 1, 1), (7, 5, 3), (129, 33, 65), (300, 20, 1000), (40, 16, 4100)]


def problem(M, K, V, dtype=torch.float64, seed=0):
    random = torch.Generator().manual_seed(seed)
    x, weight, bias = (torch.randn(*shape, generator=random, dtype=torch.float64) for shape in ((M, K), (V, K), (V,)))
    target = torch.randint(V, (M,), generator=random)
    return *(each.to(dtype).requires_grad_() for each in (x, weight, bias)), target


def gradients(loss, *tensors):
    return torch.autograd.grad(loss, tensors)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("dtype", "near"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
@pytest.mark.parametrize("biased", [True, False])
def test_loss_and_gradients_are_those_of_torch(shape, dtype, near, biased):
    x, weight, bias, target = problem(*shape, dtype=dtype)
    held = [x, weight, bias] if biased else [x, weight]
    loss, losses = linear_cross_entropy(x, weight, bias if biased else None, target)
    exact = [each.detach().double().requires_grad_() for each in held]
    expected = cross_entropy(linear(*exact), target, reduction="none")
    torch.testing.assert_close(losses.double(), expected.detach(), rtol=near, atol=near)
    torch.testing.assert_close(loss.double(), expected.mean(), rtol=near, atol=near)
    for found, wanted in zip(gradients(loss, *held), gradients(expected.mean(), *exact), strict=True):
        largest = wanted.abs().max()
        assert (found.double() - wanted).abs().max() <= near * largest + 1e-300


def test_rows_without_a_target_count_for_nothing():
    x, weight, bias, target = problem(50, 4, 9)
    target[::3] = -1
    loss, losses = linear_cross_entropy(x, weight, bias, target)
    known = target >= 0
    alone, others = linear_cross_entropy(x[known], weight, bias, target[known])
    torch.testing.assert_close(loss, alone)
    assert (losses[~known] == 0).all()
    torch.testing.assert_close(losses[known], others)
    by_x, by_weight, _ = gradients(loss, x, weight, bias)
    assert (by_x[~known] == 0).all()
    torch.testing.assert_close(by_weight, gradients(alone, weight)[0])
    nothing, _ = linear_cross_entropy(x, weight, bias, torch.full((50,), -1))
    assert nothing.item() == 0
    assert all((each == 0).all() for each in gradients(nothing, x, weight, bias))


def test_shares_weigh_the_rows_and_what_comes_from_above_scales_the_gradients():
    x, weight, bias, target = problem(30, 4, 7)
    share = torch.rand(30, dtype=torch.float64)
    loss, _ = linear_cross_entropy(x, weight, bias, target, share)
    expected = (cross_entropy(linear(x, weight, bias), target, reduction="none") * share).sum()
    torch.testing.assert_close(loss, expected)
    for found, wanted in zip(gradients(3 * loss, x, weight), gradients(3 * expected, x, weight), strict=True):
        torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("path", ["native", "without"])
def test_no_loss_depends_on_its_neighbours_nor_on_the_pieces(path, monkeypatch):
    if path == "without":
        monkeypatch.setattr(calling, "native", None)
    x, weight, bias, target = problem(300, 8, 2000)
    _, whole = linear_cross_entropy(x, weight, bias, target)
    _, alone = linear_cross_entropy(x[17:18], weight, bias, target[17:18])
    torch.testing.assert_close(alone, whole[17:18], rtol=1e-13, atol=1e-13)
    monkeypatch.setattr(softmax, "LEAST_ROWS", 7)
    monkeypatch.setattr(softmax, "LOGITS", 1)
    _, pieces = linear_cross_entropy(x, weight, bias, target)
    torch.testing.assert_close(pieces, whole, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(
    ("M", "V", "rows"),
    [
        (400, 10_003, 400),
        (820, 10_003, 410),
        (0, 5, 0),
        (7, 5, 7),
        (130, 10**6, 130),
        (1_000, 10**6, 125),
        (10**6, 10, 4099),
    ],
)
def test_pieces_are_even_so_that_no_few_rows_are_left_over(M, V, rows):
    assert softmax._rows_at_a_time(M, V) == rows


def test_extreme_logits_stay_finite_and_nan_is_not_hidden():
    weight = torch.tensor([[1.0], [-1.0]], requires_grad=True)
    x = torch.tensor([[1e4], [-1e4], [0.0]])
    loss, losses = linear_cross_entropy(x, weight, None, torch.tensor([0, 0, 1]))
    assert losses.tolist() == pytest.approx([0.0, 2e4, 0.6931472])
    assert torch.isfinite(gradients(loss, weight)[0]).all()
    _, losses = linear_cross_entropy(torch.tensor([[float("nan")], [0.0]]), weight, None, torch.tensor([0, 0]))
    assert losses.isnan().tolist() == [True, False]


@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("shape", [(7, 5, 3), (150, 40, 70), (300, 33, 129)])
def test_products_in_bfloat16_are_good_to_their_bits(shape, biased):
    native = calling.native
    if native is None:
        pytest.skip("the native core is not built")
    before = native.bf16_path()
    x, weight, bias, target = problem(*shape, dtype=torch.float32)
    held = [x, weight, bias] if biased else [x, weight]
    native.use_bf16_path("emulated")
    try:
        loss, losses = linear_cross_entropy(x, weight, bias if biased else None, target, precision="bf16")
        found = gradients(loss, *held)
    finally:
        native.use_bf16_path(before)
    rounded = [x.bfloat16().double(), weight.bfloat16().double(), *([bias.double()] if biased else [])]
    torch.testing.assert_close(
        losses.double(), cross_entropy(linear(*rounded), target, reduction="none"), rtol=1e-4, atol=1e-4
    )
    exact = [each.detach().double().requires_grad_() for each in held]
    wanted = gradients(cross_entropy(linear(*exact), target), *exact)
    for one, other in zip(found, wanted, strict=True):
        assert (one.double() - other).norm() < 0.02 * other.norm()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"x": torch.zeros(3, 5)}, "of the same features; got"),
        ({"bias": torch.zeros(2)}, "bias is one number for each of 4 classes"),
        ({"target": torch.zeros(2, dtype=torch.int64)}, "target is one number for each of 3 rows"),
        ({"target": torch.zeros(3)}, "target is int64"),
        ({"target": torch.tensor([0, 4, 1])}, "target holds 4, and there are 4 classes, from 0"),
        ({"share": torch.zeros(5)}, "share is one number for each of 3 rows"),
    ],
)
def test_what_does_not_fit_is_said(change, said):
    given = {
        "x": torch.zeros(3, 2), "weight": torch.zeros(4, 2), "bias": None, "target": torch.tensor([0, 1, 2]),
        "share": None,
    }  # fmt: skip
    with pytest.raises(ShapeError, match=said):
        linear_cross_entropy(**given | change)
