"""The scores of verdicts and probabilities are those of scikit-learn, and of a count by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics as peer

from recuerdo.errors import DataError, ShapeError
from recuerdo.tasks.class_metrics import (
    CLASS_SCORES,
    accuracy,
    calibration_error,
    class_scores,
    confusion,
    log_loss,
    macro_f1,
)

ALL = (accuracy, macro_f1, log_loss, calibration_error, confusion)


def drawn(n=200, count=5, seed=0, sharpness=2.0):
    """Probabilities, truth and weights, with one class that is neither true nor ever the verdict."""
    draw = np.random.default_rng(seed)
    z = sharpness * draw.normal(size=(n, count))
    z[:, 2] = -30
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return p, draw.choice([0, 1, 3, 4], n), draw.uniform(0, 2, n)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_each_score_is_that_of_scikit_learn(seed, weighted):
    p, y, w = drawn(seed=seed)
    w = w if weighted else None
    said, places = p.argmax(axis=1), range(5)
    assert accuracy(p, y, w) == pytest.approx(peer.accuracy_score(y, said, sample_weight=w))
    assert macro_f1(p, y, w) == pytest.approx(peer.f1_score(y, said, average="macro", sample_weight=w))
    assert log_loss(p, y, w) == pytest.approx(peer.log_loss(y, p, labels=places, sample_weight=w))
    np.testing.assert_allclose(confusion(p, y, w), peer.confusion_matrix(y, said, labels=places, sample_weight=w))


def test_confusion_without_weights_is_in_whole_numbers():
    p, y, _ = drawn()
    assert confusion(p, y).dtype == np.int64
    assert confusion(p, y).sum() == len(y)


def test_a_wrong_certainty_costs_what_it_does_in_scikit_learn():
    p = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert log_loss(p, [1, 1]) == pytest.approx(peer.log_loss([1, 1], p, labels=[0, 1]))
    assert log_loss(p, [1, 1]) == pytest.approx(18.0218, abs=1e-4)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_calibration_error_is_that_of_a_count_bin_by_bin(weighted):
    p, y, w = drawn(n=500)
    w = w if weighted else np.ones(len(y))
    top, right = p.max(axis=1), p.argmax(axis=1) == y
    expected = 0.0
    for k in range(15):
        inside = (top > k / 15) & (top <= (k + 1) / 15)
        if inside.any():
            gap = abs(np.average(top[inside], weights=w[inside]) - np.average(right[inside], weights=w[inside]))
            expected += w[inside].sum() / w.sum() * gap
    assert calibration_error(p, y, w) == pytest.approx(expected)


def test_probabilities_that_come_true_as_often_as_they_say_are_calibrated():
    draw = np.random.default_rng(0)
    p, _, _ = drawn(n=50_000)
    y = (draw.uniform(size=(len(p), 1)) > p.cumsum(axis=1)).sum(axis=1)
    assert calibration_error(p, np.minimum(y, 4)) < 0.01
    assert calibration_error(p, np.zeros(len(p), int)) > 0.3


def test_a_perfect_classifier_has_no_error():
    p = np.eye(3)[[0, 1, 2, 1]]
    assert class_scores(p, [0, 1, 2, 1]) == dict(zip(CLASS_SCORES, (1.0, 1.0, 0.0, 0.0), strict=True))


def test_one_row_and_one_class_can_be_scored():
    assert class_scores([[1.0]], [0]) == dict(zip(CLASS_SCORES, (1.0, 1.0, 0.0, 0.0), strict=True))


def test_who_knows_verdicts_only_has_no_score_of_probabilities():
    found = class_scores(np.eye(2), [0, 0], verdicts_only=True)
    assert (found["accuracy"], found["macro-F1"]) == (0.5, pytest.approx(1 / 3))
    assert math.isnan(found["log loss"])
    assert math.isnan(found["calibration error"])


@pytest.mark.parametrize("score", ALL)
@pytest.mark.parametrize(
    ("p", "y", "w", "error", "words"),
    [
        ([0.5, 0.5], [0, 1], None, ShapeError, r"Probabilities are \(n, C\) and the true classes \(n,\)"),
        ([[0.5, 0.5]], [0, 1], None, ShapeError, r"got \(1, 2\) and \(2,\)"),
        (np.zeros((0, 2)), [], None, ShapeError, "at least one of each"),
        ([[0.5, 0.5], [3.0, -2.0]], [0, 1], None, DataError, "Row 1 of the probabilities .* not logits"),
        ([[np.nan, 0.5]], [0], None, DataError, "Row 0 of the probabilities"),
        ([[0.5, 0.5]], [2], None, DataError, "whole numbers from 0 to 1, .* here they are 2 to 2"),
        ([[0.5, 0.5]], [-1], None, DataError, "leave out rows without a label"),
        ([[0.5, 0.5]], [0.0], None, DataError, "values of type float64"),
        ([[0.5, 0.5]], [0], [1, 1], ShapeError, r"one weight for each of 1 rows; got weights \(2,\)"),
        ([[0.5, 0.5]], [0], [-1], DataError, "none is negative"),
        ([[0.5, 0.5]], [0], [0], DataError, "not all are zero"),
    ],
)
def test_what_does_not_belong_together_is_said(score, p, y, w, error, words):
    with pytest.raises(error, match=words):
        score(p, y, w)
