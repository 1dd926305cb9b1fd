"""The scores of numbers are those of scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics as peer

from recuerdo.errors import DataError, ShapeError
from recuerdo.tasks.number_metrics import NUMBER_SCORES, mean_absolute_error, number_scores, r2, root_mean_squared_error


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(50,), (50, 3)])
def test_each_score_is_that_of_scikit_learn(shape, weighted):
    draw = np.random.default_rng(0)
    y, f = draw.normal(size=shape), draw.normal(size=shape)
    w = draw.uniform(0, 2, 50) if weighted else None
    assert mean_absolute_error(y, f, w) == pytest.approx(peer.mean_absolute_error(y, f, sample_weight=w))
    assert root_mean_squared_error(y, f, w) == pytest.approx(peer.root_mean_squared_error(y, f, sample_weight=w))
    assert r2(y, f, w) == pytest.approx(peer.r2_score(y, f, sample_weight=w))
    assert tuple(number_scores(y, f, w)) == NUMBER_SCORES


@pytest.mark.parametrize("y", [[2.0, 2.0], [0.25, 0.25, 0.25], [[1.0, 5.0], [2.0, 5.0], [4.0, 5.0]]])
def test_where_the_truth_does_not_vary_r2_is_that_of_scikit_learn(y):
    for answer in (y, np.add(y, 0.5)):
        assert r2(y, answer) == pytest.approx(peer.r2_score(y, answer))
    assert r2([2.0, 2.0, 5.0], [2.0, 2.0, 9.0], [1, 1, 0]) == 1.0
    assert r2([2.0, 2.0, 5.0], [2.0, 3.0, 9.0], [1, 1, 0]) == 0.0


def test_r2_of_one_row_is_undefined():
    assert math.isnan(r2([2.0], [2.0]))


@pytest.mark.parametrize("score", [mean_absolute_error, root_mean_squared_error, r2])
@pytest.mark.parametrize(
    ("y", "f", "w", "error", "words"),
    [
        ([1.0], [1.0, 2.0], None, ShapeError, r"got \(1,\) and \(2,\)"),
        ([], [], None, ShapeError, "at least one number"),
        ([1.0, np.nan], [1.0, 2.0], None, DataError, "truth of row 1 is not a finite number: nan"),
        ([[1.0, 2.0]], [[1.0, np.inf]], None, DataError, "answer of row 0"),
        ([1.0], [1.0], [np.nan], DataError, "weights are finite"),
    ],
)
def test_what_does_not_belong_together_is_said(score, y, f, w, error, words):
    with pytest.raises(error, match=words):
        score(y, f, w)
