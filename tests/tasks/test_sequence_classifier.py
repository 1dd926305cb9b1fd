"""SequenceClassifier as a whole: known answers, seeds, budgets, parts, interruptions."""

from __future__ import annotations

import time
import warnings

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score

import recuerdo as rc
from recuerdo.data.problems import tagging
from recuerdo.nn import LAYERS
from recuerdo.tasks import sequence_training
from recuerdo.tasks.sequence_baselines import MAJORITY

SMALL = {"hidden_size": 8, "embedding_size": 8, "max_steps": 40, "random_state": 0, "verbose": False, "baselines": None}
X = np.cumsum(np.random.default_rng(0).random((60, 10, 2)), axis=1) * np.tile([1, -1, 1], 20)[:, None, None]
Y = np.tile(["up", "down", "up"], 20)
TEXTS = [f"{'good' if i % 3 else 'bad'} film {i % 7}" for i in range(60)]
OPINIONS = np.arange(60) % 3 > 0


@pytest.mark.parametrize("cell", LAYERS)
def test_tagging_is_learned(cell):
    x, y = tagging(300, 30, seed=0, shortest=5, rate=0.3)
    options = {**SMALL, "hidden_size": 32, "max_steps": 250, "learning_rate": 1e-2, "jitter": 0.0, "trial": False}
    model = rc.SequenceClassifier(cell, "each", bidirectional=False, dropout=0.0, changes=False, **options).fit(x, y)
    seen, truth = tagging(100, 30, seed=1, shortest=5, rate=0.3)
    assert model.score(seen, truth) > 0.99
    flat = np.concatenate(model.predict(seen))
    assert model.score(seen, truth) == pytest.approx(accuracy_score(np.concatenate(truth), flat))
    rows = [row.astype(float) for row in truth]
    for row in rows:
        row[::2] = np.nan  # steps without a label do not count
    kept = np.concatenate([np.arange(len(row)) % 2 == 1 for row in rows])
    assert model.score(seen, rows) == pytest.approx(accuracy_score(np.concatenate(truth)[kept], flat[kept]))


@pytest.mark.parametrize("kind", ["array", "list", "texts"])
def test_the_same_seed_gives_the_same_model_and_another_another(kind):
    asked, y = {"array": (X, Y), "list": (list(X), Y), "texts": (TEXTS, OPINIONS)}[kind]
    one, two = (rc.SequenceClassifier(**SMALL).fit(asked, y) for _ in range(2))
    np.testing.assert_array_equal(one.predict_proba(asked), two.predict_proba(asked))
    assert one.report_.scores == two.report_.scores
    other = rc.SequenceClassifier(**{**SMALL, "random_state": 1}).fit(asked, y)
    assert not np.allclose(other.predict_proba(asked), one.predict_proba(asked), rtol=1e-3)


def test_a_seed_that_was_drawn_is_told_and_repeats_the_model():
    model = rc.SequenceClassifier(**{**SMALL, "random_state": None}).fit(X, Y)
    again = rc.SequenceClassifier(**{**SMALL, "random_state": model.report_.random_state}).fit(X, Y)
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))


def test_the_users_random_streams_are_left_alone():
    torch.manual_seed(3)
    np.random.seed(3)  # noqa: NPY002 - the stream of old that a user may rely on
    expected = torch.rand(2), np.random.random(2)  # noqa: NPY002
    torch.manual_seed(3)
    np.random.seed(3)  # noqa: NPY002
    rc.SequenceClassifier(**SMALL).fit(TEXTS, OPINIONS).predict(TEXTS)
    assert torch.equal(torch.rand(2), expected[0])
    np.testing.assert_array_equal(np.random.random(2), expected[1])  # noqa: NPY002


def test_verdicts_do_not_depend_on_the_order_or_the_company():
    for asked, y in ((list(X[:, :7]) + list(X), np.tile(Y, 2)), (TEXTS, OPINIONS)):
        model = rc.SequenceClassifier(**SMALL).fit(asked, y)
        whole = model.predict_proba(asked)
        order = np.random.default_rng(1).permutation(len(asked))
        np.testing.assert_allclose(model.predict_proba([asked[i] for i in order]), whole[order], rtol=1e-9)
        for i in (0, 17, 59):
            np.testing.assert_allclose(model.predict_proba([asked[i]])[0], whole[i], rtol=1e-9)


def test_fit_changes_neither_its_input_nor_its_arguments():
    model = rc.SequenceClassifier(**SMALL, class_weight={"up": 1.0, "down": 2.0})
    before, params = X.copy(), model.get_params()
    model.fit(X, Y).predict(X)
    np.testing.assert_array_equal(X, before)
    assert model.get_params() == params


def test_a_weight_of_zero_is_absence():
    weights = np.ones(60)
    weights[:20] = 0
    kept = rc.SequenceClassifier(**SMALL).fit(X[20:], Y[20:])
    weighed = rc.SequenceClassifier(**SMALL).fit(X, Y, sample_weight=weights)
    np.testing.assert_array_equal(weighed.predict_proba(X), kept.predict_proba(X))


def test_weights_of_one_size_are_none_and_balanced_ones_are_those_of_scikit_learn():
    plain = rc.SequenceClassifier(**SMALL).fit(X, Y).predict_proba(X)
    np.testing.assert_array_equal(rc.SequenceClassifier(**SMALL).fit(X, Y, np.full(60, 3.0)).predict_proba(X), plain)
    balanced = rc.SequenceClassifier(class_weight="balanced", **SMALL).fit(X, Y).predict_proba(X)
    named = rc.SequenceClassifier(class_weight={"up": 60 / 2 / 40, "down": 60 / 2 / 20}, **SMALL).fit(X, Y)
    np.testing.assert_array_equal(named.predict_proba(X), balanced)
    given = rc.SequenceClassifier(**SMALL).fit(X, Y, np.where(Y == "up", 60 / 2 / 40, 60 / 2 / 20))
    np.testing.assert_array_equal(given.predict(X), named.predict(X))  # which scores and temperature count otherwise


def test_several_seeds_are_several_models_averaged():
    options = {**SMALL, "trial": False}
    both = rc.SequenceClassifier(n_seeds=2, **options).fit(X, Y)
    alone = [
        rc.SequenceClassifier(**{**options, "random_state": seed}).fit(X, Y).predict_log_proba(X) for seed in (0, 1)
    ]
    mean = np.mean(alone, axis=0)
    expected = np.exp(mean) / np.exp(mean).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(both.predict_proba(X), expected, rtol=1e-9)
    assert set(rc.SequenceClassifier(n_seeds=2, **SMALL).fit(X, Y).report_.seed_scores) == {0, 1}


def test_probabilities_and_their_logarithms_agree():
    model = rc.SequenceClassifier(**SMALL).fit(TEXTS, OPINIONS)
    np.testing.assert_allclose(np.exp(model.predict_log_proba(TEXTS)), model.predict_proba(TEXTS), rtol=1e-12)
    np.testing.assert_array_equal(model.classes_[model.predict_proba(TEXTS).argmax(axis=1)], model.predict(TEXTS))


# On a busy machine one of the two trainings may get far fewer steps than the other, which is warned of.
@pytest.mark.filterwarnings("ignore:max_seconds=1.0 left the training on all sequences:UserWarning")
def test_a_budget_of_seconds_is_kept():
    began = time.monotonic()
    model = rc.SequenceClassifier(**{**SMALL, "max_steps": None, "max_seconds": 1.0}).fit(X, Y)
    assert time.monotonic() - began < 6  # 1 s of training, and what a busy machine adds
    assert model.score(X, Y) > 0.9


@pytest.mark.parametrize("kind", ["array", "texts"])
def test_it_learns_in_parts(kind):
    asked, y = (X, Y) if kind == "array" else (TEXTS, OPINIONS)
    model = rc.SequenceClassifier(**SMALL, learning_rate=1e-2, batch_size=10)
    for _ in range(20):
        for part in (slice(0, 60, 2), slice(1, 60, 2)):
            model.partial_fit(asked[part], y[part], classes=np.unique(y))
    assert model.score(asked, y) > 0.9
    assert model.report_.scores == {}
    assert any("partial_fit" in one for one in model.report_.choices)


def interrupt_at(monkeypatch, step):
    calls = []
    loss = sequence_training.loss

    def counted(*args):
        calls.append(args)
        if len(calls) == step + 1:
            raise KeyboardInterrupt
        return loss(*args)

    monkeypatch.setattr(sequence_training, "loss", counted)


def test_an_interruption_of_the_last_training_keeps_what_was_learned(monkeypatch):
    interrupt_at(monkeypatch, 40 + 5)
    model = rc.SequenceClassifier(**SMALL).fit(X, Y)
    assert model.report_.steps == 5
    assert "training was interrupted; what had been learned by then is kept" in model.report_.choices
    assert model.predict(X).shape == (60,)


def test_an_interruption_of_the_trial_ends_the_fit(monkeypatch):
    interrupt_at(monkeypatch, 5)
    model = rc.SequenceClassifier(**SMALL)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y)
    assert not hasattr(model, "classes_")


def test_an_interruption_before_any_step_leaves_the_model_that_was_there(monkeypatch):
    model = rc.SequenceClassifier(**SMALL).fit(X, Y)
    before = model.predict_proba(X)
    interrupt_at(monkeypatch, 5)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y)
    np.testing.assert_array_equal(model.predict_proba(X), before)


def test_the_report_stands_on_the_held_out_sequences_and_names_the_majority():
    model = rc.SequenceClassifier(**{**SMALL, "baselines": "auto"}).fit(X, Y)
    report = model.report_
    assert report.rows == 12
    assert np.sum(report.confusion) == 12
    assert report.scores[MAJORITY]["accuracy"] == pytest.approx(8 / 12)
    assert report.scores["BiGRU"]["accuracy"] == pytest.approx(np.trace(report.confusion) / 12)
    assert report.parameters == sum(one.numel() for one in model._model.nets[0].parameters())


def test_unlabelled_texts_widen_the_vocabulary():
    model = rc.SequenceClassifier(**SMALL).fit(TEXTS, OPINIONS, unlabelled=["quokkas everywhere"])
    assert "quokkas" in model._model.encoding.vocabulary
    assert "quokkas" not in rc.SequenceClassifier(**SMALL).fit(TEXTS, OPINIONS)._model.encoding.vocabulary


def test_where_classes_weigh_alike_their_mean_decides():
    y = np.where(np.arange(60) % 10 == 0, "rare", "usual")
    x = np.random.default_rng(0).normal(size=(60, 5, 1))
    small = {"max_steps": 3, "hidden_size": 4, "random_state": 0, "verbose": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        decided = [rc.SequenceClassifier(class_weight=one, **small).fit(x, y).report_ for one in (None, "balanced")]
    assert [report.decided_by for report in decided] == ["accuracy", "macro-F1"]
