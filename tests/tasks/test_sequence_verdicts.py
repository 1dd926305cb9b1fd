"""Verdicts on other sequences come as a table, and with labels as scores against the same verdict each time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, log_loss, mean_absolute_error

import recuerdo as rc
from recuerdo.errors import DataError, ShapeError
from recuerdo.tasks.sequence_verdicts import verdicts

QUICK = {"max_steps": 3, "hidden_size": 4, "trial": False, "random_state": 0, "verbose": False}
RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 5, 1)).astype(np.float32)
Y = np.where(np.arange(30) % 3 == 0, "no", "yes")
NAMES = np.arange(30)


@pytest.fixture(scope="module")
def classifier():
    return rc.SequenceClassifier(**QUICK).fit(X, Y)


@pytest.fixture(scope="module")
def tagger():
    return rc.SequenceClassifier(output="each", **QUICK).fit(X, (X[..., 0] > 0).astype(int))


def test_scores_are_those_of_scikit_learn(classifier):
    found = verdicts(classifier, X, Y)
    p, said = classifier.predict_proba(X), classifier.predict(X)
    row = found.report.scores["BiGRU"]
    assert row["accuracy"] == pytest.approx(accuracy_score(Y, said))
    assert row["macro-F1"] == pytest.approx(f1_score(Y, said, average="macro"))
    assert row["log loss"] == pytest.approx(log_loss(Y, p, labels=classifier.classes_))
    np.testing.assert_array_equal(found.report.confusion, confusion_matrix(Y, said, labels=classifier.classes_))
    assert found.report.rows == 30


def test_it_stands_beside_the_class_that_was_most_frequent_in_training(classifier):
    row = verdicts(classifier, X, Y).report.scores["majority class"]
    assert row["accuracy"] == pytest.approx(2 / 3)
    assert row["log loss"] == pytest.approx(-(np.log(1 / 3) / 3 + 2 * np.log(2 / 3) / 3))
    row = verdicts(classifier, X[:4], np.array(["no", "no", "no", "yes"])).report.scores["majority class"]
    assert row["accuracy"] == 0.25
    assert row["log loss"] == pytest.approx(-(3 * np.log(1 / 3) + np.log(2 / 3)) / 4)


@pytest.mark.parametrize("kind", [rc.SequenceClassifier, rc.SequenceRegressor])
def test_what_is_the_same_each_time_is_kept_with_weights_in_parts_and_in_files(kind, tmp_path):
    y = np.arange(30) % 3 // 2
    weights = np.linspace(0.5, 2, 30)
    expected = np.average(y, weights=weights)
    whole = kind(**QUICK).fit(X, y, sample_weight=weights)
    assert whole._model.constant[-1] == pytest.approx(expected)
    named = {"classes": [0, 1]} if kind is rc.SequenceClassifier else {}
    parts = kind(**QUICK).partial_fit(X[:6], y[:6], **named).partial_fit(X[6:], y[6:])
    assert parts._model.constant[-1] == pytest.approx(y.mean())
    again = rc.load(whole.save(tmp_path / "model"))
    assert verdicts(again, X[:9], y[:9]).report.scores == verdicts(whole, X[:9], y[:9]).report.scores


def test_a_model_of_a_file_that_does_not_know_the_constant_is_judged_alone(classifier, monkeypatch):
    monkeypatch.setattr(classifier, "_model", replace(classifier._model, constant=None))
    report = verdicts(classifier, X, Y).report
    assert list(report.scores) == ["BiGRU"]
    assert "no baseline was asked for" in report.verdict


def test_the_table_holds_names_labels_verdicts_and_probabilities(classifier):
    table = verdicts(classifier, X, Y).to_frame(NAMES, "row")
    assert table.columns == ["row", "label", "verdict", "p_no", "p_yes"]
    assert table["verdict"].to_list() == classifier.predict(X).tolist()
    np.testing.assert_array_equal(table.select("p_no", "p_yes").to_numpy(), classifier.predict_proba(X))
    assert verdicts(classifier, X).to_frame(NAMES, "row").columns == ["row", "verdict", "p_no", "p_yes"]
    assert verdicts(classifier, X).report is None


def test_a_class_that_training_did_not_have_is_wrong_and_said(classifier):
    labels = Y.astype("U5")
    labels[:2] = "maybe"
    report = verdicts(classifier, X, labels).report
    assert report.classes == ("no", "yes", "maybe")
    assert sum(report.confusion[2]) == 2
    assert report.confusion[2][2] == 0
    assert report.scores["BiGRU"]["accuracy"] == pytest.approx(np.mean(classifier.predict(X) == labels))
    assert report.choices == ("2 of 30 have a class that training did not have ('maybe'): none can be right",)


def test_every_step_has_a_row(tagger):
    sequences = [X[0], X[1][:2]]
    found = verdicts(tagger, sequences, np.array([0, 1, 0, 1, 0, 1, 1]))
    table = found.to_frame(np.array(["a", "b"]), "id")
    assert table["id"].to_list() == ["a"] * 5 + ["b"] * 2
    assert table["step"].to_list() == [1, 2, 3, 4, 5, 1, 2]
    assert table["verdict"].to_list() == np.concatenate(tagger.predict(sequences)).tolist()
    assert (found.report.rows, found.report.unit) == (7, "step")


def test_numbers_are_scored_as_numbers():
    y = X.sum(axis=(1, 2))
    model = rc.SequenceRegressor(**QUICK).fit(X, y)
    found = verdicts(model, X, y)
    assert found.report.scores["BiGRU"]["MAE"] == pytest.approx(mean_absolute_error(y, model.predict(X)), rel=1e-5)
    assert found.report.scores["mean"]["R2"] == pytest.approx(0, abs=1e-9)
    part = verdicts(model, X[:5], y[:5]).report
    assert part.scores["mean"]["MAE"] == pytest.approx(np.abs(y[:5] - y.mean()).mean())
    np.testing.assert_allclose(part.points, np.column_stack([y[:5], model.predict(X[:5])]))
    assert found.to_frame(NAMES, "row").columns == ["row", "label", "number"]


def test_labels_of_another_kind_or_number_are_refused(classifier):
    with pytest.raises(
        DataError, match="The labels are numbers, such as 1, and the classes of the model text, such as"
    ):
        verdicts(classifier, X, np.ones(30, int))
    with pytest.raises(ShapeError, match="There are 30 answers and 29 labels: give one for each"):
        verdicts(classifier, X, Y[1:])


def test_what_has_no_label_gets_a_verdict_and_is_not_counted(classifier):
    lacks = np.arange(30) % 5 == 0
    found = verdicts(classifier, X, np.ma.MaskedArray(Y, lacks))
    known = verdicts(classifier, X[~lacks], Y[~lacks])
    assert found.report.scores == known.report.scores
    assert found.report.rows == 24
    assert found.report.choices == ("6 of 30 have no label and are not counted",)
    table = found.to_frame(NAMES, "row")
    assert len(table) == 30
    assert table["label"].to_list() == [None if gone else one for gone, one in zip(lacks, Y, strict=True)]
    assert table["verdict"].to_list() == verdicts(classifier, X).to_frame(NAMES, "row")["verdict"].to_list()


@pytest.mark.parametrize("named", ["step", "label", "verdict", "p_0"])
def test_no_column_is_lost_for_its_name(tagger, named):
    labels = np.zeros(30 * 5, int)
    plain = verdicts(tagger, X, labels).to_frame(NAMES, "row")
    times = np.arange(150)
    found = verdicts(tagger, X, labels).to_frame(NAMES, named, ("label", times))
    assert len(found.columns) == 7
    assert found[named].to_list() == plain["row"].to_list()
    assert times.tolist() in [found[name].to_list() for name in found.columns]
    for name in ("step", "verdict", "p_0", "p_1"):
        assert plain[name].to_list() in [found[other].to_list() for other in found.columns if other != named]
