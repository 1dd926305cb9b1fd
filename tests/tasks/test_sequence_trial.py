"""The trial: its scores are those of a model that has never seen the held-out sequences, fitted here by hand."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss, root_mean_squared_error

from recuerdo import SequenceClassifier, SequenceRegressor
from recuerdo.errors import DataError, OptionError
from recuerdo.tasks.pooling import dealt
from recuerdo.tasks.sequence_baselines import MAJORITY
from recuerdo.tasks.sequence_plan import held_out
from recuerdo.tasks.sequence_targets import read_labels, read_numbers
from recuerdo.tasks.sequence_trial import halved
from recuerdo.tasks.temperature import at_temperature, fit_temperature
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
    report, logits = model.report_, alone.predict_log_proba(X[held])
    p = np.empty((16, 2))
    for part in range(10):  # each at the temperature that the others tell
        here = dealt(Y[held], 10) == part
        p[here] = at_temperature(logits[here], fit_temperature(logits[~here], Y[held][~here]))
    scores = report.scores["BiGRU"]
    assert report.rows == len(held) == 16
    assert report.temperature == pytest.approx(fit_temperature(logits, Y[held]))
    assert scores["accuracy"] == pytest.approx(accuracy_score(Y[held], p.argmax(axis=1)))
    assert scores["log loss"] == pytest.approx(log_loss(Y[held], p), rel=1e-6)
    np.testing.assert_array_equal(report.confusion, confusion_matrix(Y[held], p.argmax(axis=1)))


def test_the_log_loss_that_is_reported_holds_on_new_sequences():
    """Of labels that follow from nothing, where any temperature that the scored rows chose would look too good."""
    random, reported, fresh = np.random.default_rng(7), [], []
    new = random.standard_normal((300, 10, 2)).cumsum(axis=1)
    for seed in range(8):
        y, truth = random.integers(0, 3, 80), random.integers(0, 3, 300)
        model = SequenceClassifier(baselines=None, **{**SMALL, "random_state": seed}).fit(X, y)
        reported.append(model.report_.scores["BiGRU"]["log loss"])
        fresh.append(log_loss(truth, model.predict_proba(new), labels=[0, 1, 2]))
    assert np.mean(reported) > np.mean(fresh) - 0.06  # twice the chance in 128 verdicts


def test_what_classes_count_in_the_loss_changes_neither_scores_nor_the_majority():
    rare = np.where(np.arange(80) % 10 == 0, 1, 0)
    learned, held = split(read_labels, rare)
    with pytest.warns(UserWarning, match="wins: macro-F1"):
        balanced = SequenceClassifier(class_weight="balanced", **SMALL).fit(X, rare).report_
    share = rare[learned].mean()
    majority = balanced.scores[MAJORITY]
    assert majority["accuracy"] == pytest.approx(np.mean(rare[held] == 0))
    assert majority["log loss"] == pytest.approx(log_loss(rare[held], np.full(16, share)))
    matrix = np.array(balanced.confusion)
    assert balanced.scores["BiGRU"]["accuracy"] == pytest.approx(np.trace(matrix) / matrix.sum())
    plain = SequenceClassifier(baselines=None, **SMALL).fit(X, rare).report_
    assert np.array(balanced.confusion)[:, 1].sum() > np.array(plain.confusion)[:, 1].sum()


def test_a_class_of_weight_zero_is_left_out_and_a_class_that_a_part_lacks_is_no_error():
    three = np.where(np.arange(80) % 20 == 0, 2, Y)
    without = SequenceClassifier(class_weight={0: 1.0, 2: 0.0}, baselines=None, **SMALL).fit(X, three)
    assert without.classes_.tolist() == [0, 1]
    SequenceClassifier(class_weight={2: 2.0}, baselines=None, early_stop=True, **SMALL).fit(X, three)
    with pytest.raises(DataError, match="no sequence has any weight"):
        SequenceClassifier(class_weight={0: 0.0, 1: 0.0}, **SMALL).fit(X, Y)


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


def test_with_early_stop_training_takes_as_long_as_half_of_the_held_out_ones_gained():
    """A network that learns noise by heart does worse on others the longer it does so."""
    noise = np.random.default_rng(3).integers(0, 2, 80)
    options = {**SMALL, "hidden_size": 32, "max_steps": 240, "baselines": None, "dropout": 0.0, "jitter": 0.0}
    report = SequenceClassifier(early_stop=True, **options).fit(X, noise).report_
    assert report.steps < 200
    (words,) = [one for one in report.choices if "judged best" in one]
    assert words.startswith(f"training takes {report.steps} steps, after which 8 held-out sequences were judged best")
    assert words.endswith("the scores are over 8 others")
    assert report.rows == 8
    assert SequenceClassifier(**options).fit(X, noise).report_.steps == 240


def test_what_ends_the_training_and_what_judges_it_are_apart():
    for read, y in ((read_numbers, X[:, -1, 0]), (read_labels, Y)):
        held = split(read, y)[1]
        judged, looked = halved(read(y, np.ones(80, int), each=False, who="It"), held)
        np.testing.assert_array_equal(np.sort([*judged, *looked]), held)
    assert abs(Y[judged].mean() - Y[looked].mean()) <= 1 / 8
    with pytest.raises(OptionError, match="needs 2 held-out sequences or more"):
        halved(read_labels(Y, np.ones(80, int), each=False, who="It"), held[:1])


def test_a_class_of_which_nothing_was_held_out_is_said():
    rare = Y.astype(object)
    rare[[3, 11]] = 7
    report = SequenceClassifier(baselines=None, **SMALL).fit(X, rare.astype(int)).report_
    assert "nothing of 7 (2 to learn from) was held out to judge by: the scores say nothing on it" in report.choices
    several = np.where(np.arange(80) < 8, 10 + np.arange(80), Y)
    (said,) = [
        one for one in SequenceClassifier(baselines=None, **SMALL).fit(X, several).report_.choices if "held out" in one
    ]
    assert said.startswith(
        "nothing of 10 (1 to learn from), 11 (1 to learn from), 12 (1 to learn from) and 5 more classes"
    )


def test_the_mlp_has_as_many_answers_in_a_step_as_the_network(monkeypatch):
    asked = []

    def keep(what, **_):
        asked.append(what)
        return {}, ()

    monkeypatch.setattr("recuerdo.tasks.sequence_trial.compare", keep)
    SequenceClassifier(batch_size=16, **SMALL).fit(X, Y)
    steps = np.where(np.arange(10) % 2 == 0, np.repeat(Y[:, None], 10, axis=1).astype(float), np.nan)
    SequenceClassifier(output="each", batch_size=16, **SMALL).fit(X, steps)
    assert [one.batch_size for one in asked] == [16, 80]


def test_a_regressors_answers_to_held_out_sequences_are_kept_to_be_drawn():
    y = 10 + 3 * X[:, -1, 0]
    report = SequenceRegressor(baselines=None, **SMALL).fit(X, y).report_
    np.testing.assert_allclose(np.array(report.points)[:, 0], y[split(read_numbers, y)[1]])
    error = np.diff(report.points, axis=1)
    assert np.sqrt(np.mean(error**2)) == pytest.approx(report.scores["BiGRU"]["RMSE"])


def test_a_clone_on_texts_has_no_baseline_at_all():
    report = clone(SequenceClassifier(**SMALL)).fit(TEXTS, Y).report_
    assert list(report.scores) == ["BiGRU"]
    assert any("this is a clone" in one for one in report.skipped)


def test_the_bag_is_the_baseline_that_is_judged_already():
    report = SequenceClassifier(**SMALL).fit(TEXTS, Y).report_
    assert list(report.scores) == ["BiGRU", TFIDF, MAJORITY]
    assert any(one.startswith("a bag of n-grams stands beside the recurrence") for one in report.choices)
    assert report.temperature is None
    assert TFIDF not in SequenceClassifier(baselines=None, **SMALL).fit(TEXTS, Y).report_.scores


def of_numbers(rng, rows):
    y = rng.integers(0, 2, rows)
    return rng.normal(0.35 * y[:, None, None], 1.0, (rows, 6, 1)).astype(np.float32), y


def of_texts(rng, rows):
    y = rng.integers(0, 2, rows)
    words = np.array([f"w{k}" for k in range(40)])
    odds = np.where(np.arange(40) < 20, [[1.6], [1.0]], [[1.0], [1.6]])
    return [" ".join(rng.choice(words, 8, p=odds[one] / odds[one].sum())) for one in y], y


@pytest.mark.parametrize("made", [of_numbers, of_texts])
def test_what_is_reported_holds_on_sequences_that_nobody_has_seen(made):
    # The classes overlap, so that no model is perfect, and a memory of the held-out rows would show.
    rows, off = 0, {"accuracy": 0.0, "log loss": 0.0}
    for seed in range(4):
        rng = np.random.default_rng(seed)
        (X, y), (fresh, truth) = made(rng, 600), made(rng, 1500)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            model = SequenceClassifier(hidden_size=8, max_steps=60, baselines=None, random_state=seed, verbose=False)
            report = model.fit(X, y).report_
        found = {"accuracy": model.score(fresh, truth), "log loss": log_loss(truth, model.predict_proba(fresh))}
        own = report.scores[report.model]
        rows += report.rows
        for name, value in found.items():
            off[name] += (own[name] - value) * report.rows
    # Four standard errors of the held-out mean: of a share near 0.7, and of a loss that spreads by about 0.5.
    assert abs(off["accuracy"]) / rows < 4 * np.sqrt(0.7 * 0.3 / rows)
    assert abs(off["log loss"]) / rows < 4 * 0.5 / np.sqrt(rows)
