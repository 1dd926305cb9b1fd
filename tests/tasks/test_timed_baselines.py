"""Every baseline judges what the model judges, or a sentence says why it does not."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from recuerdo.data.ragged import Ragged
from recuerdo.tasks import timed_baselines
from recuerdo.tasks.sequence_baselines import flat_mlp, most_frequent
from recuerdo.tasks.text_baselines import tfidf
from recuerdo.tasks.timed_baselines import Asked, compare
from recuerdo.tasks.warping_baseline import dtw
from recuerdo.tasks.word_baselines import of_each_word

LATE = "was left out: it would have taken more than the "


def waves(n, seed, lengths=(12, 20)):
    """Rising and falling ramps of several lengths, in noise."""
    draw = np.random.default_rng(seed)
    y = np.arange(n) % 2
    parts = [
        (np.linspace(-1, 1, draw.integers(*lengths))[:, None] * (2 * kind - 1) + 0.2 * draw.normal(size=1))
        for kind in y
    ]
    return Ragged.of([part.astype(np.float32) for part in parts]), y


X, Y = waves(20, 0)
TEST, TRUTH = waves(9, 1)
SERIES = Asked(X, Y, TEST, classes=2, parameters=300, steps=100)
TEXTS = Asked(["good film", "bad film", "so good", "so bad"], np.array([1, 0, 1, 0]), ["good"], 2, 300, 100)


@pytest.fixture
def clock(monkeypatch):
    """A clock that a baseline moves by as many seconds as are set for it."""
    clock = SimpleNamespace(now=0.0, seconds={}, asked=[], cost=1.0)

    def judge(name):
        def answer(train, y, test, *, max_seconds, **_):
            clock.asked.append((name, max_seconds))
            clock.now += min(clock.seconds[name], max_seconds)
            return np.zeros((len(test), 2)) if clock.seconds[name] <= max_seconds else None

        return answer

    for name in ("dtw", "flat_mlp", "tfidf"):
        clock.seconds[name] = 1.0
        monkeypatch.setattr(timed_baselines, name, judge(name))
    monkeypatch.setattr(timed_baselines, "dtw_cost", lambda *_: clock.cost)
    return clock


def test_each_baseline_of_series_answers_as_it_does_by_itself():
    made, said = compare(SERIES, seconds=60)
    assert (list(made), said) == (["majority class", "1-NN DTW", "MLP (same size)"], ())
    np.testing.assert_array_equal(made["majority class"], most_frequent(Y, 9, classes=2))
    np.testing.assert_array_equal(made["1-NN DTW"], dtw(X, Y, TEST, classes=2))
    np.testing.assert_array_equal(made["MLP (same size)"], flat_mlp(X, Y, TEST, classes=2, parameters=300, steps=100))
    assert (made["1-NN DTW"].argmax(axis=1) == TRUTH).all()


def test_each_baseline_of_numbers_answers_in_their_shape():
    made, said = compare(replace(SERIES, y=Y * 4.0, classes=None), seconds=60)
    assert (list(made), said) == (["mean", "1-NN DTW", "MLP (same size)"], ())
    assert made["mean"].tolist() == [2.0] * 9
    assert all(each.shape == (9,) for each in made.values())
    made, _ = compare(replace(SERIES, y=np.stack([Y, 1 - Y], axis=1), classes=None), seconds=60)
    assert all(each.shape == (9, 2) for each in made.values())


def test_texts_are_judged_by_their_words():
    made, said = compare(TEXTS, seconds=60)
    assert (list(made), said) == (["majority class", "TF-IDF"], ())
    np.testing.assert_array_equal(made["TF-IDF"], tfidf(TEXTS.train, TEXTS.y, TEXTS.test, classes=2))


def test_words_are_judged_by_what_each_was():
    asked = replace(TEXTS, train=["a", "a", "b", "b"], y=np.array([0, 0, 1, 0]), test=["a", "b", "c"], unit="word")
    made, said = compare(asked, seconds=60)
    assert (list(made), said) == (["majority class", "majority class of each word"], ())
    expected = of_each_word(asked.train, asked.y, asked.test, classes=2)
    np.testing.assert_array_equal(made["majority class of each word"], expected)
    numbers = replace(asked, y=np.array([1.0, 2.0, 3.0, 4.0]), classes=None)
    assert list(compare(numbers, seconds=60)[0]) == ["mean", "mean of each word"]


def test_steps_are_judged_each_alone():
    steps = Ragged(X.values, np.arange(len(X.values) + 1))
    asked = replace(SERIES, train=steps, test=steps, y=np.repeat(Y, X.lengths), unit="step")
    made, said = compare(asked, seconds=60)
    assert (list(made), said) == (["majority class", "MLP (each step alone)"], ())
    assert made["MLP (each step alone)"].shape == (len(X.values), 2)


def test_weights_and_seed_reach_those_who_use_them():
    weights = np.where(Y == 1, 3.0, 1.0)
    made, _ = compare(replace(SERIES, weights=weights, seed=4), seconds=60)
    assert made["majority class"][0].tolist() == [0.25, 0.75]
    mlp = flat_mlp(X, Y, TEST, classes=2, parameters=300, steps=100, weights=weights, seed=4)
    np.testing.assert_array_equal(made["MLP (same size)"], mlp)


def test_who_minimises_a_loss_counts_classes_as_the_network_does_and_the_majority_does_not():
    in_loss = np.where(Y == 1, 3.0, 1.0)
    made, _ = compare(replace(SERIES, in_loss=in_loss), seconds=60)
    assert made["majority class"][0].tolist() == [0.5, 0.5]
    mlp = flat_mlp(X, Y, TEST, classes=2, parameters=300, steps=100, weights=in_loss)
    np.testing.assert_array_equal(made["MLP (same size)"], mlp)
    said = compare(replace(TEXTS, in_loss=np.array([2.0, 1.0, 1.0, 1.0])), seconds=60)[0]["TF-IDF"]
    np.testing.assert_array_equal(said, tfidf(TEXTS.train, TEXTS.y, TEXTS.test, classes=2, weights=[2, 1, 1, 1]))


def test_a_step_of_the_mlp_is_over_as_many_sequences_as_one_of_the_network():
    made, _ = compare(replace(SERIES, batch_size=5), seconds=60)
    mlp = flat_mlp(X, Y, TEST, classes=2, parameters=300, steps=100, batch_size=5)
    np.testing.assert_array_equal(made["MLP (same size)"], mlp)
    assert not np.array_equal(mlp, flat_mlp(X, Y, TEST, classes=2, parameters=300, steps=100))


def test_neighbours_are_near_by_all_features_whatever_their_units():
    draw = np.random.default_rng(3)
    both = [Ragged(np.column_stack([one.values, 1e4 * draw.normal(size=len(one.values))]), one.starts)
            for one in (X, TEST)]  # fmt: skip
    asked = replace(SERIES, train=both[0], test=both[1])
    scaled = [Ragged((one.values - both[0].values.mean(axis=0)) / both[0].values.std(axis=0), one.starts)
              for one in both]  # fmt: skip
    found = compare(asked, seconds=60)[0]["1-NN DTW"]
    np.testing.assert_array_equal(found, dtw(scaled[0], Y, scaled[1], classes=2))
    smaller = [Ragged(one.values * [1.0, 1e-6] + [7.0, 3.0], one.starts) for one in both]
    again = compare(replace(asked, train=smaller[0], test=smaller[1]), seconds=60)[0]["1-NN DTW"]
    np.testing.assert_array_equal(again, found)


@pytest.mark.parametrize(
    ("seconds", "cost", "asked"),
    [
        (10.0, 1.0, [("dtw", 10.0), ("flat_mlp", 9.0)]),
        (10.0, 6.0, [("flat_mlp", 10.0), ("dtw", 9.0)]),  # what may take most of the time comes last
    ],
)
def test_the_cheap_ones_come_first_and_have_what_is_left(clock, seconds, cost, asked):
    clock.cost = cost
    made, said = compare(SERIES, seconds=seconds, clock=lambda: clock.now)
    assert (clock.asked, len(made), said) == (asked, 3, ())


def test_what_would_take_too_long_is_not_begun(clock):
    clock.cost = 33.3
    made, said = compare(SERIES, seconds=3, clock=lambda: clock.now)
    assert list(made) == ["majority class", "MLP (same size)"]
    assert said == ("1-NN DTW was left out: it would have taken about 33.3 s, more than the 2.0 s that were left",)
    assert [name for name, _ in clock.asked] == ["flat_mlp"]


def test_what_took_too_long_is_said_and_leaves_nothing_for_the_next(clock):
    clock.seconds["dtw"] = 10.0
    made, said = compare(SERIES, seconds=3, clock=lambda: clock.now)
    assert list(made) == ["majority class"]
    assert said == (f"1-NN DTW {LATE}3.0 s that were left", f"MLP (same size) {LATE}0.0 s that were left")
    clock.seconds["tfidf"] = 10.0
    assert compare(TEXTS, seconds=2, clock=lambda: 0.0)[1] == (f"TF-IDF {LATE}2.0 s that were left",)


def test_missing_values_leave_warping_out(clock):
    holed = Ragged(np.where(np.arange(len(X.values))[:, None] == 3, np.nan, X.values), X.starts)
    _, said = compare(replace(SERIES, train=holed), seconds=9, clock=lambda: clock.now)
    assert said == ("1-NN DTW was left out: it takes no missing values",)


def test_without_its_package_warping_is_left_out(clock, monkeypatch):
    monkeypatch.setattr("recuerdo.tasks.warping_baseline.find_spec", lambda name: None)
    made, said = compare(SERIES, seconds=9, clock=lambda: clock.now)
    assert list(made) == ["majority class", "MLP (same size)"]
    assert said == (
        "1-NN DTW was left out: it needs the package dtaidistance: pip install 'recuerdo[baselines]'",
    )  # fmt: skip


def test_sequences_too_long_for_an_mlp_of_that_size_leave_it_out(clock):
    asked = replace(SERIES, parameters=10)
    longest = int(X.lengths.max())
    _, (said,) = compare(asked, seconds=9, clock=lambda: clock.now)
    assert said == (
        f"MLP (same size) was left out: flattened, a sequence is {longest} numbers, for which one hidden unit alone "
        f"has {longest + 5} parameters, and the model has 10"
    )


def test_texts_without_words_leave_tf_idf_out():
    assert compare(replace(TEXTS, train=["", "…", "", ""]), seconds=9)[1] == (
        "TF-IDF was left out: no training text has a word",
    )


def test_one_row_and_a_class_that_training_lacks_are_judged():
    for asked in (replace(SERIES, test=TEST.take(np.array([0])), classes=3), replace(TEXTS, classes=3)):
        made, said = compare(asked, seconds=60)
        assert said == ()
        assert all(each.shape == (1, 3) for each in made.values())
