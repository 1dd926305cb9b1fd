"""The trial: its scores are those of a model that has never seen the held-out sequences, fitted here by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss, root_mean_squared_error

from recuerdo import SequenceClassifier, SequenceRegressor
from recuerdo.tasks.sequence_baselines import MAJORITY
from recuerdo.tasks.sequence_plan import held_out
from recuerdo.tasks.sequence_targets import read_labels, read_numbers
from recuerdo.tasks.text_baselines import TFIDF

SMALL = {"hidden_size": 8, "embedding_size": 8, "max_steps": 30, "random_state": 0, "verbose": False, "changes": True}
X = np.random.default_rng(0).standard_normal((80, 10, 2)).cumsum(axis=1)
Y = (X[:, -1].sum(axis=1) + np.random.default_rng(1).normal(0, 2, 80) > 0).astype(int)
TEXTS = [f"{'good' if one else 'bad'} film {i % 9}" for i, one in enumerate(Y)]


def split(read, y):
    held = held_out(read(y, np.ones(80, int), each=False, who="It"), 0)
    return np.setdiff1d(np.arange(80), held), held


def test_a_classifiers_scores_are_those_of_a_model_of_the_other_sequences():
    model = SequenceClassifier(baselines=None, **SMALL).fit(X, Y)
    learned, held = split(read_labels, Y)
    alone = SequenceClassifier(trial=False, **SMALL).fit(X[learned], Y[learned])
    report = model.report_
    logits = alone.predict_log_proba(X[held]) / report.temperature
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    scores = report.scores["BiGRU"]
    assert report.rows == len(held) == 16
    assert scores["accuracy"] == pytest.approx(accuracy_score(Y[held], p.argmax(axis=1)))
    assert scores["log loss"] == pytest.approx(log_loss(Y[held], p), rel=1e-6)
    np.testing.assert_array_equal(report.confusion, confusion_matrix(Y[held], p.argmax(axis=1)))


def test_a_regressors_scores_are_those_of_a_model_of_the_other_sequences():
    y = 10 + 3 * X[:, -1, 0]
    model = SequenceRegressor(baselines=None, **SMALL).fit(X, y)
    learned, held = split(read_numbers, y)
    said = SequenceRegressor(trial=False, **SMALL).fit(X[learned], y[learned]).predict(X[held])
    assert model.report_.scores["BiGRU"]["RMSE"] == pytest.approx(root_mean_squared_error(y[held], said), rel=1e-6)


def test_the_trial_changes_how_sure_the_model_is_and_no_verdict():
    tried = SequenceClassifier(baselines=None, **SMALL).fit(X, Y)
    plain = SequenceClassifier(trial=False, **SMALL).fit(X, Y)
    np.testing.assert_array_equal(tried.predict(X), plain.predict(X))
    margins = [np.diff(one.predict_log_proba(X)).ravel() for one in (tried, plain)]
    np.testing.assert_allclose(margins[0] * tried.report_.temperature, margins[1], rtol=1e-9)
    assert plain.report_.scores == {}


def test_with_early_stop_training_takes_as_long_as_the_held_out_ones_gained():
    model = SequenceClassifier(baselines=None, early_stop=True, **SMALL).fit(TEXTS, Y)
    (words,) = [one for one in model.report_.choices if "judged best" in one]
    assert words.startswith(f"training takes {model.report_.steps} steps")
    assert SequenceClassifier(baselines=None, **SMALL).fit(TEXTS, Y).report_.steps == 30


def test_the_bag_is_the_baseline_that_is_judged_already():
    report = SequenceClassifier(**SMALL).fit(TEXTS, Y).report_
    assert list(report.scores) == ["BiGRU", TFIDF, MAJORITY]
    assert any(one.startswith("a bag of n-grams stands beside the recurrence") for one in report.choices)
    assert report.temperature is None
    assert TFIDF not in SequenceClassifier(baselines=None, **SMALL).fit(TEXTS, Y).report_.scores
