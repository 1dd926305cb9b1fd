"""Which steps moved a verdict: the running verdict against what the model says of each beginning."""

from __future__ import annotations

import numpy as np
import pytest

from recuerdo import SequenceClassifier, SequenceRegressor
from recuerdo.tasks import Explanation, explanations

SMALL = {"hidden_size": 4, "embedding_size": 4, "max_steps": 30, "random_state": 0, "verbose": False, "baselines": None}
X = np.random.default_rng(0).standard_normal((20, 9, 2)).cumsum(axis=1)
Y = np.where(X[:, -1, 0] > 0, "up", "down")
TEXTS = ["A good film!", "a bad film, really"] * 10


@pytest.mark.parametrize("options", [{}, {"fold": 4}, {"bidirectional": False}, {"n_seeds": 2}])
def test_the_running_verdict_is_that_of_each_beginning(options):
    model = SequenceClassifier(**SMALL, **options).fit(X, Y)
    told = model.explain(X[3])
    assert told.places.tolist() == list(range(1, 10))
    beginnings = model.predict_proba([X[3, :t] for t in told.places])
    np.testing.assert_allclose(told.running, beginnings, rtol=1e-12)
    np.testing.assert_allclose(told.running[-1], model.predict_proba(X[3:4])[0], rtol=1e-12)
    assert told.answer == model.predict(X[3:4])[0]
    assert told.before.sum() == pytest.approx(1)
    np.testing.assert_allclose(told.before[told.verdict] + told.moved.cumsum(), told.running[:, told.verdict])
    np.testing.assert_allclose(told.values, X[3], rtol=1e-6)


@pytest.mark.parametrize("level", ["word", "char", "bpe"])
@pytest.mark.parametrize("bag", [True, False])
def test_of_a_text_each_token_has_its_characters(level, bag):
    model = SequenceClassifier(level=level, bag=bag, **SMALL).fit(TEXTS, np.tile([1, 0], 10))
    text = "A good, bad film"
    told = model.explain(text)
    ends = [token.end for token in told.tokens]
    np.testing.assert_allclose(told.running, model.predict_proba([text[:end] for end in ends]), rtol=1e-9)
    np.testing.assert_allclose(told.running[-1], model.predict_proba([text])[0], rtol=1e-9)
    frame = told.to_frame()
    assert frame.columns == ["step", "token", "moved", "0", "1"]
    if level == "word":
        assert frame["token"].to_list() == ["A", "good", ",", "bad", "film"]


def test_of_numbers_it_says_how_far_each_step_moved_them():
    model = SequenceRegressor(**SMALL).fit(X, X[:, -1, 0])
    told = model.explain(X[0])
    assert told.classes is None
    assert told.answer == pytest.approx(model.predict(X[:1])[0], rel=1e-9)
    assert told.to_frame().columns == ["step", "moved", "number"]
    np.testing.assert_allclose(told.before[0] + told.moved.sum(), told.answer)


def test_at_every_step_the_running_verdict_is_the_last_steps_of_each_beginning():
    model = SequenceClassifier(output="each", **SMALL).fit(X, (X[..., 0] > 0).astype(int))
    told = model.explain(X[2])
    expected = [model.predict_proba([X[2, :t]])[0][-1] for t in told.places]
    np.testing.assert_allclose(told.running, expected, rtol=1e-12)


def test_in_a_long_sequence_the_places_are_spread_and_end_at_its_end(monkeypatch):
    monkeypatch.setattr(explanations, "MOST_PLACES", 4)
    model = SequenceClassifier(**SMALL).fit(X, Y)
    told = model.explain(X[3])
    assert told.places.tolist() == [1, 3, 6, 9]
    np.testing.assert_allclose(told.running, model.predict_proba([X[3, :t] for t in told.places]), rtol=1e-12)


def test_classes_called_like_columns_of_the_table_replace_none():
    told = SequenceClassifier(**SMALL).fit(X, np.tile(["moved", "step"], len(X))[: len(X)]).explain(X[0])
    frame = told.to_frame()
    assert frame.columns == ["step", "moved", "p_moved", "p_step"]
    assert frame["step"].to_list() == told.places.tolist()
    np.testing.assert_array_equal(frame["p_step"], told.running[:, 1])


def test_a_step_that_is_printed_as_no_move_is_left_out():
    running = np.array([[0.5, 0.5], [0.5002, 0.4998], [0.9, 0.1]])
    moved = np.diff(running[:, 0], prepend=0.5)
    found = Explanation(
        np.arange(1, 4), running, np.array([0.5, 0.5]), moved, np.array(["a", "b"]), 0, np.zeros((3, 1)), None, ()
    )
    assert str(found).splitlines() == [
        "Verdict: a, with a probability of 0.900; of nothing at all it would say 0.500",
        "the 1 of 3 steps that moved it most:",
        "step  moved by     to",
        "   3    +0.400  0.900",
    ]
