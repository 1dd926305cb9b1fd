"""Heads begin at the anchor, never cross, and are the distributions of scipy; their losses are those of the papers."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import mean_pinball_loss
from tests.tolerances import assert_values

from recuerdo.tasks.forecast_heads import (
    HEADS,
    LEAST_SPREAD,
    Gaussian,
    Point,
    Quantiles,
    StudentT,
    make_head,
)

LEVELS = (0.05, 0.3, 0.5, 0.8, 0.95)
N, K = 6, 3
RNG = np.random.default_rng(0)
ANCHOR, TARGET = (torch.from_numpy(RNG.normal(size=(N, K))) for _ in range(2))
SCALE = torch.from_numpy(RNG.uniform(0.2, 3, size=(N, 1)))


def raw(head, spread=1.0):
    return spread * torch.from_numpy(np.random.default_rng(1).normal(size=(N, K, head.width)))


def every():
    return [make_head(name, (0.1, 0.8)) for name in HEADS]


def test_each_name_has_its_head():
    assert [type(head) for head in every()] == [Point, Quantiles, Gaussian, StudentT]
    assert Quantiles.of((0.8, 0.1)).levels == (0.1, 0.5, 0.8)
    assert Quantiles.of((0.5,)).levels == (0.5,)
    assert [head.width for head in every()] == [1, 3, 2, 3]


@pytest.mark.parametrize("head", every(), ids=HEADS)
def test_zeros_give_the_anchor(head):
    answer = head.answer(torch.zeros(N, K, head.width, dtype=torch.float64), ANCHOR, SCALE)
    assert_values(head.point(answer), ANCHOR)
    assert_values(head.quantile(answer, 0.5), ANCHOR)


@pytest.mark.parametrize("head", every(), ids=HEADS)
def test_an_answer_follows_shift_and_scale(head):
    answer, moved = head.answer(raw(head), ANCHOR, SCALE), head.answer(raw(head), 3 * ANCHOR + 40, 3 * SCALE)
    assert_values(head.point(moved), 3 * head.point(answer) + 40)
    for level in (0.1, 0.8):
        assert_values(head.quantile(moved, level), 3 * head.quantile(answer, level) + 40)


@pytest.mark.parametrize("head", every(), ids=HEADS)
def test_a_loss_does_not_depend_on_the_unit(head):
    answer, moved = head.answer(raw(head), ANCHOR, SCALE), head.answer(raw(head), 3 * ANCHOR + 4, 3 * SCALE)
    assert_values(head.loss(moved, 3 * TARGET + 4, 3 * SCALE), head.loss(answer, TARGET, SCALE), tolerance=1e-10)


@given(st.lists(st.floats(-80, 80), min_size=len(LEVELS), max_size=len(LEVELS)))
def test_quantiles_never_cross(numbers):
    head = Quantiles.of(LEVELS)
    answer = head.answer(torch.tensor([[numbers]], dtype=torch.float64), torch.zeros(1, 1), torch.ones(1, 1))
    assert (answer.diff(dim=-1) >= 0).all()
    assert answer.isfinite().all()


def test_quantiles_begin_as_those_of_a_normal_distribution_of_one_scale():
    head = Quantiles.of(LEVELS)
    answer = head.answer(torch.zeros(N, K, head.width, dtype=torch.float64), ANCHOR, SCALE).numpy()
    expected = scipy.stats.norm.ppf(LEVELS, ANCHOR.numpy()[..., None], SCALE.numpy()[..., None])
    np.testing.assert_allclose(answer, expected, rtol=1e-12, atol=1e-12)


def test_each_level_is_the_column_of_its_own():
    head = Quantiles.of(LEVELS)
    answer = head.answer(raw(head), ANCHOR, SCALE)
    for place, level in enumerate(LEVELS):
        assert_values(head.quantile(answer, level), answer[..., place])
    assert_values(head.point(answer), answer[..., 2])


def test_the_loss_of_quantiles_is_twice_the_mean_pinball_loss_of_scikit_learn():
    head = Quantiles.of(LEVELS)
    answer = head.answer(raw(head), ANCHOR, SCALE)
    loss = head.loss(answer, TARGET, SCALE).numpy()
    for n in range(N):
        for k in range(K):
            each = [mean_pinball_loss([TARGET[n, k]], [answer[n, k, i]], alpha=p) for i, p in enumerate(LEVELS)]
            assert loss[n, k] == pytest.approx(2 * np.mean(each) / SCALE[n, 0].item(), rel=1e-12)


def test_the_loss_of_a_number_is_the_absolute_error_on_the_windows_scale():
    answer = Point().answer(raw(Point()), ANCHOR, SCALE)
    expected = np.abs(answer.numpy() - TARGET.numpy()) / SCALE.numpy()
    np.testing.assert_allclose(Point().loss(answer, TARGET, SCALE).numpy(), expected, rtol=1e-12)


def softplus(x):
    return np.log1p(np.exp(x))


def of_scipy(head, numbers):
    """The distribution that raw numbers stand for, by the formulas alone."""
    numbers, anchor, scale = numbers.numpy(), ANCHOR.numpy(), SCALE.numpy()
    one = np.log(np.e - 1)
    center, spread = anchor + scale * numbers[..., 0], scale * (softplus(numbers[..., 1] + one) + LEAST_SPREAD)
    if isinstance(head, Gaussian):
        return scipy.stats.norm(center, spread)
    return scipy.stats.t(2 + 4 * softplus(numbers[..., 2] + one), center, spread)


@pytest.mark.parametrize("head", [Gaussian(), StudentT()], ids=["gaussian", "student_t"])
def test_distributions_are_those_of_scipy(head):
    numbers = raw(head, 2.0)
    answer, expected = head.answer(numbers, ANCHOR, SCALE), of_scipy(head, numbers)
    np.testing.assert_allclose(head.point(answer).numpy(), expected.median(), rtol=1e-12, atol=1e-12)
    for level in (0.01, 0.1, 0.5, 0.975):
        made = head.quantile(answer, level).numpy()
        np.testing.assert_allclose(made, expected.ppf(level), rtol=1e-9, atol=1e-9)
    loss = -(expected.logpdf(TARGET.numpy()) + np.log(SCALE.numpy()))  # the density of the error over the scale
    np.testing.assert_allclose(head.loss(answer, TARGET, SCALE).numpy(), loss, rtol=1e-9)


@pytest.mark.parametrize("head", [Gaussian(), StudentT()], ids=["gaussian", "student_t"])
def test_a_spread_never_falls_to_nothing(head):
    numbers = torch.full((N, K, head.width), -1e4, dtype=torch.float64)
    answer = head.answer(numbers, ANCHOR, SCALE)
    assert_values(answer[..., 1], (LEAST_SPREAD * SCALE).expand(N, K))
    assert head.loss(answer, answer[..., 0], SCALE).isfinite().all()


@pytest.mark.parametrize("head", every(), ids=HEADS)
def test_a_loss_teaches_each_of_the_numbers(head):
    numbers = raw(head).requires_grad_()
    head.loss(head.answer(numbers, ANCHOR, SCALE), TARGET, SCALE).sum().backward()
    assert numbers.grad is not None
    assert (numbers.grad.abs().sum(dim=(0, 1)) > 0).all()
    assert numbers.grad.isfinite().all()
