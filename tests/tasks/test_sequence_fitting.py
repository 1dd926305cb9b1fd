"""What fit and partial_fit of a classifier or a regressor of sequences decide, keep and say; and a look inside."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import recuerdo as rc
from recuerdo.errors import DataError, OptionError, ShapeError
from recuerdo.memory import audit
from recuerdo.tasks import sequence_fitting

SMALL = {"hidden_size": 6, "max_steps": 6, "random_state": 0, "verbose": False, "baselines": None, "trial": False}
X = np.random.default_rng(0).standard_normal((20, 12, 2))
Y = np.arange(20) % 2
TEXTS = ["good film", "bad film"] * 10


@pytest.mark.parametrize(
    ("make", "x", "y"),
    [
        (rc.SequenceClassifier, X, Y),
        (rc.SequenceClassifier, TEXTS, Y),
        (rc.SequenceRegressor, X, X[:, 0, 0]),
    ],
)
def test_an_audit_looks_into_a_fitted_model(make, x, y):
    model = make(**SMALL).fit(x, y)
    found = audit(model, (x, y))
    assert [flow.name for flow in found.gradient_flow]
    assert all(np.isfinite(flow.total).all() and flow.total.max() > 0 for flow in found.gradient_flow)


def test_the_problem_holds_the_sequences_in_their_order_and_on_the_models_scale():
    y = 100 + 5 * X[:, 0, 0]
    model = rc.SequenceRegressor(**SMALL).fit(X, y)
    problem = model.as_problem(X[:4], y[:4])
    batch = next(iter(problem.batches))
    with torch.no_grad():
        made = problem.module.eval()(**batch.inputs)
    np.testing.assert_allclose(made[:, 0] * y.std() + y.mean(), model.predict(X[:4]), rtol=1e-5)
    np.testing.assert_allclose(batch.target[:, 0] * y.std() + y.mean(), y[:4], rtol=1e-5)


def test_an_audit_of_a_sequence_model_needs_the_answers_too():
    model = rc.SequenceClassifier(**SMALL).fit(X, Y)
    with pytest.raises(OptionError, match=r"give both as data, as in \(X, y\)"):
        audit(model, X)
    with pytest.raises(DataError, match="label 7 is not among the classes"):
        model.as_problem(X, Y + 7)
    with pytest.raises(ShapeError, match="y has 2 columns, and in fit it had 1"):
        rc.SequenceRegressor(**SMALL).fit(X, X[:, 0, 0]).as_problem(X, X[:, 0])


def test_each_call_of_partial_fit_draws_anew_and_the_same_seed_repeats_them_all(monkeypatch):
    seeds = []
    inner = sequence_fitting.train_on

    def noted(*args, seed, **kwargs):
        seeds.append(seed)
        return inner(*args, seed=seed, **kwargs)

    monkeypatch.setattr(sequence_fitting, "train_on", noted)
    for _ in range(2):
        model = rc.SequenceClassifier(**SMALL)
        for _ in range(3):
            model.partial_fit(X, Y, classes=[0, 1])
    assert len(set(seeds[:3])) == 3
    assert seeds[:3] == seeds[3:]


def test_partial_fit_reports_the_frames_that_the_model_has():
    model = rc.SequenceClassifier(**SMALL).fit(np.repeat(X, 10, axis=1), Y)
    model.partial_fit(X, Y)
    told = " ".join(model.report_.choices)
    assert "frames of 2 steps, so that the recurrence takes 6" in told


def test_partial_fit_after_fit_says_that_the_bag_stays():
    model = rc.SequenceClassifier(**SMALL).fit(TEXTS, Y)
    model.partial_fit(TEXTS, Y)
    assert any("the bag of n-grams and the pooling stay" in one for one in model.report_.choices)


def test_partial_fit_of_few_sequences_needs_no_trial_for_early_stop():
    model = rc.SequenceClassifier(**{**SMALL, "trial": True, "early_stop": True})
    model.partial_fit(X[:4], Y[:4], classes=[0, 1])
    assert not any("no trial" in one for one in model.report_.choices)


def test_why_there_is_no_trial_is_the_true_reason():
    y = np.repeat(np.arange(20), 2)
    model = rc.SequenceClassifier(**{**SMALL, "trial": True}).fit(np.concatenate([X, X]), y)
    assert "no trial, as no class can spare a sequence" in model.report_.choices
    model.fit(X[:8], Y[:8])
    assert "no trial, for which 10 sequences or more are needed" in model.report_.choices


def test_balanced_classes_are_balanced_among_the_sequences_that_count():
    options = {**SMALL, "class_weight": "balanced"}
    y, weights = np.r_[np.zeros(12, int), np.ones(8, int)], np.r_[np.zeros(8), np.ones(12)]
    whole = rc.SequenceClassifier(**options).fit(X, y, weights).predict_proba(X)
    np.testing.assert_array_equal(whole, rc.SequenceClassifier(**options).fit(X[8:], y[8:]).predict_proba(X))


def test_labels_of_bytes_are_refused_before_any_training():
    with pytest.raises(DataError, match=r"Unknown label type: y holds bytes, as b'a'.*astype"):
        rc.SequenceClassifier(**SMALL).fit(X, np.array([b"a", b"b"] * 10))


def test_steps_of_which_none_has_all_numbers_are_refused():
    y = np.where((np.arange(12)[:, None] + np.arange(2)) % 2 == 0, X, np.nan)
    empty = X.copy()
    empty[..., 1] = np.nan
    for wrong in (y, empty):
        with pytest.raises(DataError, match="no step has a number in all 2 columns of y"):
            rc.SequenceRegressor(output="each", **SMALL).fit(X, wrong)


def test_frames_are_of_numbers():
    with pytest.raises(OptionError, match="fold=7 makes one step of several steps of numbers, and these are texts"):
        rc.SequenceClassifier(fold=7, **SMALL).fit(TEXTS, Y)


def test_a_kept_network_that_learned_far_less_than_the_judged_one_is_said(monkeypatch):
    inner = sequence_fitting.SequenceEstimator._train

    def hurried(self, *args):
        if args[8] == "fitting":
            plan = sequence_fitting.replace(args[4], max_steps=1)
            args = (*args[:4], plan, *args[5:])
        return inner(self, *args)

    monkeypatch.setattr(sequence_fitting.SequenceEstimator, "_train", hurried)
    with pytest.warns(UserWarning, match=r"left the training on all sequences 1 steps, and what was scored had 6"):
        rc.SequenceClassifier(**{**SMALL, "trial": True, "max_seconds": 60.0}).fit(X, Y)


def test_a_large_offset_costs_no_digit():
    plain = rc.SequenceClassifier(**SMALL).fit(X, Y).predict_proba(X)
    far = X + 1.7e9
    for given in (far, list(far)):
        said = rc.SequenceClassifier(**SMALL).fit(given, Y).predict_proba(given)
        np.testing.assert_allclose(said, plain, atol=1e-4)


def test_an_explanation_prints_the_steps_that_moved_it_most():
    found = rc.SequenceClassifier(**SMALL).fit(TEXTS, np.array(["up", "down"] * 10)).explain("good film")
    first, *table = str(found).splitlines()
    assert first.startswith(f"Verdict: {found.answer}, with a probability of ")
    assert [line.split() for line in table] == [
        ["step", "token", "moved", "by", "to"],
        *(
            [str(k + 1), word, f"{found.moved[k]:+.3f}", f"{found.running[k, found.verdict]:.3f}"]
            for k, word in enumerate(["good", "film"])
            if abs(found.moved[k]) > 0.0005
        ),
    ]
    number = rc.SequenceRegressor(**SMALL).fit(X, X[:, 0, 0]).explain(X[0])
    assert str(number).startswith(f"Verdict: {number.answer:.4g}; of nothing at all it would say ")
    lines = str(number).split("moved by")[1].splitlines()[1:]
    most = np.argsort(-np.abs(number.moved))[:12] + 1
    assert [int(line.split()[0]) for line in lines] == sorted(most.tolist())
