"""The answer that never changes is the training part's own, and the MLP has the size and the seed that it is given."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor

from recuerdo.data.ragged import Ragged
from recuerdo.tasks import sequence_baselines
from recuerdo.tasks.forecast_cores import WindowMLP, parameter_count
from recuerdo.tasks.sequence_baselines import flat_mlp, hidden_size, most_frequent

QUICK = {"parameters": 200, "steps": 150}


def levels(values, length=4, features=2):
    """A sequence for each value, which is its every number."""
    return Ragged.of([np.full((length, features), value, np.float32) for value in values])


@pytest.mark.parametrize("weighted", [False, True])
def test_the_majority_s_probabilities_are_scikit_learn_s(weighted):
    draw = np.random.default_rng(0)
    y, w = draw.integers(0, 3, 40), draw.uniform(0, 2, 40) if weighted else None
    peer = DummyClassifier(strategy="prior").fit(np.zeros((40, 1)), y, sample_weight=w)
    np.testing.assert_allclose(most_frequent(y, 5, classes=3, weights=w), peer.predict_proba(np.zeros((5, 1))))


@pytest.mark.parametrize("shape", [(40,), (40, 2)])
def test_the_mean_is_scikit_learn_s(shape):
    draw = np.random.default_rng(0)
    y, w = draw.normal(size=shape), draw.uniform(0, 2, 40)
    peer = DummyRegressor().fit(np.zeros((40, 1)), y, sample_weight=w)
    np.testing.assert_allclose(most_frequent(y, 5, weights=w), peer.predict(np.zeros((5, 1))))


def test_a_class_that_training_lacks_has_probability_zero():
    assert most_frequent(np.array([0, 0, 3]), 1, classes=5).round(2).tolist() == [[0.67, 0, 0, 0.33, 0]]


@pytest.mark.parametrize("parameters", [100, 5_000, 40_000])
@pytest.mark.parametrize(("inputs", "outputs"), [(12, 2), (300, 9)])
def test_no_other_number_of_hidden_units_comes_nearer_to_the_parameters_asked_for(inputs, outputs, parameters):
    hidden = hidden_size(inputs, outputs, parameters)
    sizes = {k: k * (inputs + 1 + outputs) + outputs for k in (hidden - 1, hidden, hidden + 1) if k}
    assert min(sizes, key=lambda k: abs(sizes[k] - parameters)) == hidden
    assert parameter_count(WindowMLP(inputs, 1, outputs, parameters)) == sizes[hidden]


def test_it_learns_what_a_flattened_sequence_shows():
    train = levels([-2, -1, 1, 2] * 5)
    y = np.array([0, 0, 1, 1] * 5)
    p = flat_mlp(train, y, levels([-1.5, 1.5]), classes=2, **QUICK)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert p[0, 0] > 0.9
    assert p[1, 1] > 0.9


@pytest.mark.parametrize("columns", [None, 1, 2])
def test_numbers_come_back_on_their_own_scale_and_in_their_own_shape(columns):
    values = np.linspace(-2, 2, 40)
    y = 1000 + 50 * values
    y = y if columns is None else np.stack([y] * columns, axis=1)
    made = flat_mlp(levels(values), y, levels([-1, 0, 1]), parameters=200, steps=400)
    expected = np.array([950, 1000, 1050])
    np.testing.assert_allclose(made, expected if columns is None else np.stack([expected] * columns, axis=1), atol=10)


def test_a_class_that_training_lacks_is_not_expected():
    p = flat_mlp(levels([-1, 1] * 8), np.array([0, 2] * 8), levels([1]), classes=4, **QUICK)
    assert p.shape == (1, 4)
    assert p.argmax() == 2
    assert p[0, 3] < 0.1


def test_shorter_and_longer_sequences_than_in_training_are_judged():
    parts = [np.full((length, 1), level, np.float32) for level in (-1, 1) for length in (2, 3, 5)]
    asked = [np.full((length, 1), level, np.float32) for level in (-1, 1) for length in (1, 9)]
    p = flat_mlp(Ragged.of(parts), np.array([0, 0, 0, 1, 1, 1]), Ragged.of(asked), classes=2, **QUICK)
    assert p.argmax(axis=1).tolist() == [0, 0, 1, 1]


def test_an_answer_depends_on_no_other_sequence_that_is_asked_about(monkeypatch):
    monkeypatch.setattr(sequence_baselines, "AHEAD", 2)
    train, y = levels([-2, -1, 1, 2] * 3), np.array([0, 0, 1, 1] * 3)
    parts = [np.full((length, 2), level, np.float32) for level, length in ((1, 4), (-1, 2), (0.5, 3))]
    together = flat_mlp(train, y, Ragged.of(parts), classes=2, **QUICK)
    alone = [flat_mlp(train, y, Ragged.of([part]), classes=2, **QUICK)[0] for part in parts]
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_a_missing_value_is_the_feature_s_mean_and_a_feature_that_is_never_there_says_nothing():
    values = np.array([-2.0, -1.0, 1.0, 2.0] * 3)
    whole = np.stack([np.array([[v, np.nan], [v, np.nan]], np.float32) for v in values])
    asked = np.array([[[np.nan, np.nan], [3.0, 1.0]], [[0.0, 1.0], [3.0, np.nan]]], np.float32)  # the mean is 0
    p = flat_mlp(Ragged.of(list(whole)), np.array([0, 0, 1, 1] * 3), Ragged.of(list(asked)), classes=2, **QUICK)
    assert np.isfinite(p).all()
    assert p.argmax(axis=1).tolist() == [1, 1]
    np.testing.assert_array_equal(p[0], flat_mlp(
        Ragged.of(list(whole)), np.array([0, 0, 1, 1] * 3),
        Ragged.of([np.array([[0.0, 1.0], [3.0, 1.0]], np.float32)]), classes=2, **QUICK,
    )[0])  # fmt: skip


def test_the_unit_of_a_feature_changes_nothing():
    x = np.random.default_rng(0).normal(size=(20, 3, 2))
    y = (x[:, 0, 0] > 0).astype(int)
    first, second = (
        flat_mlp(Ragged.of(list(z)), y, Ragged.of(list(z)), classes=2, **QUICK) for z in (x, x * [100, 0.01] + [5, -3])
    )
    np.testing.assert_allclose(first, second, atol=1e-4)


def test_the_seed_decides_everything():
    train, y = levels([-2, -1, 1, 2]), np.array([0, 0, 1, 1])
    one, same, other = (flat_mlp(train, y, train, classes=2, seed=seed, **QUICK) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_a_weight_of_zero_takes_a_sequence_out_of_the_loss():
    train, y = levels([-1, 1] * 10), np.array([0, 1] * 10)
    wrong, weights = y.copy(), np.ones(20)
    wrong[:8] = 1 - wrong[:8]
    weights[:8] = 0
    p = flat_mlp(train, wrong, levels([-1, 1]), classes=2, weights=weights, **QUICK)
    assert p[0, 0] > 0.9
    assert p[1, 1] > 0.9


def test_where_the_time_does_not_suffice_there_is_no_answer():
    train, y = levels([-1, 1]), np.array([0, 1])
    assert flat_mlp(train, y, train, classes=2, parameters=100, steps=10**6, max_seconds=0.05) is None
    assert flat_mlp(train, y, train, classes=2, parameters=100, steps=2, max_seconds=60.0) is not None


def test_ctrl_c_ends_the_fit_and_not_this_baseline_alone(monkeypatch):
    def interrupted(*_, **__):
        return type("History", (), {"stopped": "interrupted"})()

    monkeypatch.setattr(sequence_baselines, "fit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        flat_mlp(levels([1]), np.array([0]), levels([1]), classes=2, **QUICK)


def test_truth_that_does_not_vary_is_answered():
    made = flat_mlp(levels([-1, 1]), np.array([3.0, 3.0]), levels([0]), **QUICK)
    assert math.isclose(made[0], 3.0, abs_tol=0.2)
