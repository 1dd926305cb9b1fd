"""The problems are what the papers say, and their chance levels are what their docstrings say."""

from __future__ import annotations

import math

import numpy as np
import pytest

from recuerdo.data.problems import adding, copying, delayed_recall, tagging, temporal_order
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


@pytest.mark.parametrize("problem", [adding, copying, delayed_recall, temporal_order, tagging])
def test_a_seed_is_a_set_of_sequences(problem):
    (x, y), (again, y_again), (other, _) = (problem(5, 10, seed=seed) for seed in (1, 1, 2))
    for one, same in ((x, again), (y, y_again)):
        assert [each.tolist() for each in one] == [each.tolist() for each in same]
    assert [each.tolist() for each in x] != [each.tolist() for each in other]


def written(x, letters) -> str:
    """What a sequence shows, as a word: each step is one letter, and a blank where nothing is shown."""
    assert set(np.unique(x)) <= {0.0, 1.0}
    assert (x.sum(axis=1) <= 1).all()
    return "".join(letters[step.argmax()] if step.any() else " " for step in x)


@pytest.mark.parametrize(("lag", "symbols", "memory"), [(1, 2, 1), (5, 3, 4), (50, 8, 10)])
def test_what_was_shown_first_is_to_be_given_back_at_the_end(lag, symbols, memory):
    x, y = copying(40, lag, seed=3, symbols=symbols, memory=memory)
    assert x.shape == (40, lag + 2 * memory, symbols + 2)
    assert (x.dtype, y.dtype) == (np.float32, np.int64)
    letters = "01234567"[:symbols] + "_!"
    for sequence, answer in zip(x, y, strict=True):
        word = written(sequence, letters)
        first = word[:memory]
        assert word == first + "_" * (lag - 1) + "!" + "_" * memory
        assert "".join(letters[k] for k in answer) == "_" * (lag + memory) + first
    assert set(np.unique(y)) == set(range(symbols + 1))


def test_without_memory_copying_costs_what_its_formula_says():
    lag, symbols, memory = 30, 8, 10
    y = copying(2000, lag, symbols=symbols, memory=memory)[1]
    chances = np.zeros((lag + 2 * memory, symbols + 1))
    chances[: lag + memory, symbols] = 1
    chances[lag + memory :, :symbols] = 1 / symbols
    cost = -np.log(chances[np.arange(lag + 2 * memory), y]).mean()
    assert cost == pytest.approx(memory * math.log(symbols) / (lag + 2 * memory))
    guess = np.where(np.arange(lag + 2 * memory) < lag + memory, symbols, 0)
    right = (lag + memory + memory / symbols) / (lag + 2 * memory)
    assert (y == guess).mean() == pytest.approx(right, abs=0.003)


@pytest.mark.parametrize(("lag", "symbols", "distractors"), [(1, 2, 1), (2, 4, 4), (30, 3, 5)])
def test_the_symbol_of_the_first_step_is_asked_for_at_the_last(lag, symbols, distractors):
    x, y = delayed_recall(200, lag, seed=2, symbols=symbols, distractors=distractors)
    assert x.shape == (200, lag + 1, symbols + distractors + 1)
    assert (x.dtype, y.dtype, y.shape) == (np.float32, np.int64, (200,))
    others = "vwxyz"[:distractors]
    for sequence, answer in zip(x, y, strict=True):
        word = written(sequence, "ABCD"[:symbols] + others + "?")
        assert word[0] == "ABCD"[answer]
        assert set(word[1:-1]) <= set(others)
        assert word[-1] == "?"
    np.testing.assert_allclose(np.bincount(delayed_recall(20_000, 1)[1]) / 20_000, 0.25, atol=0.02)


ORDERS = {"XX": 0, "XY": 1, "YX": 2, "YY": 3}


@pytest.mark.parametrize("T", [10, 11, 37, 100])
def test_the_answer_is_the_order_of_the_two_marks(T):
    x, y = temporal_order(400, T, seed=5)
    assert x.shape == (400, T, 8)
    assert (x.dtype, y.dtype, y.shape) == (np.float32, np.int64, (400,))
    for sequence, answer in zip(x, y, strict=True):
        word = written(sequence, "abcdXY()")
        assert word[0] + word[-1] == "()"
        first, second = (place for place, sign in enumerate(word) if sign in "XY")
        assert set(word[1:-1]) <= set("abcdXY")
        assert ORDERS[word[first] + word[second]] == answer
        assert T // 10 <= first <= T // 5
        assert T // 2 <= second <= 6 * T // 10


def test_the_four_orders_are_equally_likely():
    y = temporal_order(20_000, 10)[1]
    np.testing.assert_allclose(np.bincount(y) / len(y), 0.25, atol=0.02)


def test_the_tag_of_a_step_is_the_symbol_that_was_shown_last():
    x, y = tagging(300, 40, seed=4, shortest=3, symbols=4, rate=0.2)
    lengths = [len(each) for each in x]
    assert (min(lengths), max(lengths)) == (3, 40)
    for sequence, tags in zip(x, y, strict=True):
        assert (sequence.dtype, tags.dtype, tags.shape) == (np.float32, np.int64, (len(sequence),))
        word = written(sequence, "0123")
        for step, tag in enumerate(tags):
            assert word[: step + 1].strip()[-1] == str(tag)
    shown = np.concatenate([sequence[1:].any(axis=1) for sequence in x])
    assert shown.mean() == pytest.approx(0.2, abs=0.02)
    np.testing.assert_allclose(np.bincount(np.concatenate(y)) / sum(lengths), 0.25, atol=0.03)


def test_a_tag_at_a_blank_is_a_guess_without_memory():
    x, y = tagging(2000, 50, symbols=3)
    blank = ~np.concatenate(x).any(axis=1)
    tags = np.concatenate(y)[blank]
    np.testing.assert_allclose(np.bincount(tags) / len(tags), 1 / 3, atol=0.02)


@pytest.mark.parametrize(
    ("problem", "arguments", "said"),
    [
        (adding, {"n": 0, "T": 5}, r"adding\(n=0\): it has to be 1 or more"),
        (adding, {"n": 5, "T": 1}, r"adding\(T=1\): it has to be 2 or more"),
        (adding, {"n": 5, "T": 5, "seed": -1}, r"adding\(seed=-1\): it has to be 0 or more"),
        (copying, {"n": 5, "lag": 0}, r"copying\(lag=0\): it has to be 1 or more"),
        (copying, {"n": 5, "lag": 1, "symbols": 1}, r"copying\(symbols=1\): it has to be 2 or more"),
        (copying, {"n": 5, "lag": 1, "memory": 0}, r"copying\(memory=0\): it has to be 1 or more"),
        (delayed_recall, {"n": 5, "lag": 0}, r"delayed_recall\(lag=0\): it has to be 1 or more"),
        (delayed_recall, {"n": 5, "lag": 3, "distractors": 0}, r"delayed_recall\(distractors=0\): it has to be 1 or"),
        (temporal_order, {"n": 5, "T": 9}, r"temporal_order\(T=9\): it has to be 10 or more"),
        (tagging, {"n": 5, "T": 0}, r"tagging\(T=0\): it has to be 1 or more"),
        (tagging, {"n": 5, "T": 4, "shortest": 5}, r"tagging\(shortest=5, T=4\): the shortest has to be T=4 or less"),
        (tagging, {"n": 5, "T": 4, "rate": 0}, r"tagging\(rate=0\): it has to be above 0 and at most 1"),
        (tagging, {"n": 5, "T": 4, "rate": 1.5}, r"tagging\(rate=1\.5\): it has to be above 0 and at most 1"),
    ],
)
def test_what_cannot_be_drawn_is_named(problem, arguments, said):
    with pytest.raises(OptionError, match=said):
        problem(**arguments)
