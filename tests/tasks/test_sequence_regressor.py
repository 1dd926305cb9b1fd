"""SequenceRegressor as a whole: known answers, several columns, answers at every step, weights."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import r2_score

import recuerdo as rc
from recuerdo.tasks.sequence_baselines import MEAN

SMALL = {"hidden_size": 16, "max_steps": 150, "random_state": 0, "verbose": False, "baselines": None}
QUIET = {**SMALL, "dropout": 0.0, "jitter": 0.0, "learning_rate": 1e-2}
X = np.random.default_rng(0).standard_normal((120, 8, 1))
SUMS = 100 + 5 * X.sum(axis=(1, 2))


def test_a_sum_over_steps_is_learned_on_its_own_scale():
    model = rc.SequenceRegressor(**QUIET).fit(X, SUMS)
    seen = np.random.default_rng(1).standard_normal((100, 8, 1))
    truth = 100 + 5 * seen.sum(axis=(1, 2))
    assert model.score(seen, truth) > 0.9
    assert model.score(seen, truth) == pytest.approx(r2_score(truth, model.predict(seen)))
    weights = np.random.default_rng(2).random(100)
    expected = r2_score(truth, model.predict(seen), sample_weight=weights)
    assert model.score(seen, truth, weights) == pytest.approx(expected)


def test_columns_of_very_different_size_are_learned_alike():
    y = np.stack([SUMS, -1e-4 * SUMS], axis=1)
    model = rc.SequenceRegressor(**QUIET).fit(X, y)
    said = model.predict(X)
    assert said.shape == (120, 2)
    assert min(r2_score(y, said, multioutput="raw_values")) > 0.9


def test_a_running_sum_is_learned_at_every_step():
    y = X[..., 0].cumsum(axis=1)
    model = rc.SequenceRegressor(output="each", bidirectional=False, **QUIET).fit(X, y)
    assert model.predict(X).shape == (120, 8)
    assert model.score(X, y) > 0.9
    gaps = np.where(np.random.default_rng(3).random(y.shape) < 0.3, np.nan, y)
    known = ~np.isnan(gaps)
    assert model.score(X, gaps) == pytest.approx(r2_score(y[known], model.predict(X)[known]))


def test_forwards_only_a_verdict_at_a_step_knows_no_later_one():
    model = rc.SequenceRegressor(output="each", bidirectional=False, **SMALL).fit(X, X[..., 0].cumsum(axis=1))
    other = X.copy()
    other[:, 5:] = 9
    np.testing.assert_allclose(model.predict(other)[:, :5], model.predict(X)[:, :5], rtol=1e-12)


def test_a_shift_and_a_unit_of_the_answers_shift_and_scale_what_it_says():
    one = rc.SequenceRegressor(**SMALL).fit(X, SUMS).predict(X)
    other = rc.SequenceRegressor(**SMALL).fit(X, 1000 * SUMS - 7).predict(X)
    np.testing.assert_allclose(other, 1000 * one - 7, rtol=1e-4)


def test_texts_are_scored():
    texts = [" ".join(["good"] * (i % 4) + ["film"]) for i in range(60)]
    y = np.arange(60) % 4.0
    assert rc.SequenceRegressor(**QUIET).fit(texts, y).score(texts, y) > 0.9


def test_a_weight_of_zero_is_absence():
    weights = np.r_[np.zeros(40), np.ones(80)]
    kept = rc.SequenceRegressor(**SMALL).fit(X[40:], SUMS[40:])
    np.testing.assert_array_equal(rc.SequenceRegressor(**SMALL).fit(X, SUMS, weights).predict(X), kept.predict(X))


def test_it_learns_in_parts():
    model = rc.SequenceRegressor(**QUIET, batch_size=20)
    for _ in range(40):
        for part in (slice(0, 60), slice(60, 120)):
            model.partial_fit(X[part], SUMS[part])
    assert model.score(X, SUMS) > 0.9


@pytest.mark.filterwarnings("ignore:MLP")  # which adds better, and says so
def test_the_report_names_the_mean():
    report = rc.SequenceRegressor(**{**QUIET, "baselines": "auto"}).fit(X, SUMS).report_
    assert report.rows == 24
    assert report.scores["BiGRU"]["RMSE"] < report.scores[MEAN]["RMSE"]
