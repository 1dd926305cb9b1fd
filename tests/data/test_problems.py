"""The adding problem is what the papers say, and its baseline error is 1/6."""

from __future__ import annotations

import numpy as np
import pytest

from recuerdo.data.problems import adding
from recuerdo.errors import OptionError


def test_the_answer_is_the_sum_of_the_two_marked_numbers():
    x, y = adding(500, 21, seed=3)
    assert x.shape == (500, 21, 2)
    assert y.shape == (500,)
    assert x.dtype == y.dtype == np.float32
    for numbers_and_marks, total in zip(x, y, strict=True):
        numbers, marks = numbers_and_marks.T
        assert numbers[marks == 1].sum() == pytest.approx(total)


@pytest.mark.parametrize("T", [2, 3, 20, 21])
def test_one_mark_lies_in_each_half_and_every_place_is_used(T):
    marks = adding(2000, T)[0][..., 1]
    assert set(np.unique(marks)) <= {0.0, 1.0}
    assert (marks[:, : T // 2].sum(axis=1) == 1).all()
    assert (marks[:, T // 2 :].sum(axis=1) == 1).all()
    assert (marks.sum(axis=0) > 0).all()


def test_the_numbers_are_uniform():
    numbers = adding(1000, 100)[0][..., 0]
    assert numbers.min() >= 0
    assert numbers.max() < 1
    np.testing.assert_allclose(np.quantile(numbers, [0.1, 0.5, 0.9]), [0.1, 0.5, 0.9], atol=0.01)


def test_always_saying_one_errs_by_a_sixth():
    y = adding(200_000, 2)[1]
    assert np.mean((y - 1) ** 2) == pytest.approx(1 / 6, rel=0.01)


def test_a_seed_is_a_set_of_sequences():
    (x, y), (again, y_again), (other, _) = adding(5, 10, seed=1), adding(5, 10, seed=1), adding(5, 10, seed=2)
    np.testing.assert_array_equal(x, again)
    np.testing.assert_array_equal(y, y_again)
    assert not np.array_equal(x, other)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"n": 0, "T": 5}, r"adding\(n=0\): it has to be 1 or more"),
        ({"n": 5, "T": 1}, r"adding\(T=1\): it has to be 2 or more"),
        ({"n": 5, "T": 5, "seed": -1}, r"adding\(seed=-1\): it has to be 0 or more"),
    ],
)
def test_what_cannot_be_drawn_is_named(arguments, said):
    with pytest.raises(OptionError, match=said):
        adding(**arguments)
