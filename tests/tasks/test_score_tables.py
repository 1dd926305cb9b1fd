"""Tables of scores against the scores of the forecasts that each cell is about, one by one."""

from __future__ import annotations

import numpy as np
import pytest

from recuerdo.errors import DataError, OptionError, ShapeError
from recuerdo.tasks import metrics, score_tables
from recuerdo.tasks.score_tables import Errors

rng = np.random.default_rng(0)
N, K = 11, 4
FORECAST, SCALES = rng.normal(50, 10, (N, K)), rng.uniform(1, 3, N)
GROUPS = np.array([0, 2, 2, 0, 4, 2, 0, 4, 4, 4, 2])  # nobody is in 1 and 3
TRUTHS = {"whole": rng.normal(50, 10, (N, K))}
TRUTHS["holed"] = np.where(rng.random((N, K)) < 0.3, np.nan, TRUTHS["whole"])
TRUTHS["holed"][4] = np.nan  # a forecast without any truth


@pytest.fixture(params=TRUTHS)
def truth(request):
    return TRUTHS[request.param]


@pytest.fixture(params=[1, 3 * K, 10**6], ids=["a row at once", "three rows", "all"])
def errors(truth, request, monkeypatch):
    monkeypatch.setattr(score_tables, "PIECE", request.param)
    return Errors.of(truth, FORECAST, SCALES)


def same(cells, expected):
    for name in metrics.SCORES:
        wanted = [row[name] if row else np.nan for row in expected]
        np.testing.assert_allclose(cells[name], wanted, rtol=1e-12)


def score(truth, rows, columns=slice(None)):
    part = truth[rows][:, columns]
    return None if np.isnan(part).all() else metrics.scores(part, FORECAST[rows][:, columns], SCALES[rows])


def test_all_together_are_the_scores(errors, truth):
    assert errors.scores() == pytest.approx(metrics.scores(truth, FORECAST, SCALES), rel=1e-12)
    assert tuple(errors.scores()) == metrics.SCORES


def test_a_step_is_scored_over_all_forecasts(errors, truth):
    same(errors.by_step(), [score(truth, slice(None), [step]) for step in range(K)])


def test_a_forecast_is_scored_over_its_steps(errors, truth):
    same(errors.by_forecast(), [score(truth, [row]) for row in range(N)])


def test_a_group_is_scored_over_its_forecasts(errors, truth):
    groups = [score(truth, group == GROUPS) if (group == GROUPS).any() else None for group in range(5)]
    same(errors.by_group(GROUPS), groups)
    same(errors.by_group(GROUPS, count=7), [*groups, None, None])


def test_scores_over_groups_are_means_of_means(errors, truth):
    groups = [score(truth, group == GROUPS) for group in (0, 2, 4)]
    expected = {name: np.mean([row[name] for row in groups]) for name in metrics.SCORES}
    assert errors.scores(GROUPS) == pytest.approx(expected, rel=1e-12)
    assert errors.scores(GROUPS)["MAE"] != errors.scores()["MAE"]


def test_each_error_is_there_by_itself(errors, truth):
    for row, step in ((0, 0), (7, 3)):
        y, f = truth[row, step], FORECAST[row, step]
        expected = metrics.scores([y], [f], SCALES[row]) if not np.isnan(y) else dict.fromkeys(metrics.SCORES, np.nan)
        for name in metrics.SCORES:
            found = errors.each(name)[row, step]
            assert (np.sqrt(found) if name == "RMSE" else found) == pytest.approx(expected[name], nan_ok=True)
    assert np.array_equal(np.isnan(errors.each("MASE")), np.isnan(truth))


def test_what_is_undefined_stays_where_it_is():
    errors = Errors.of([[0.0, 2.0], [1.0, 2.0]], [[1.0, 1.0], [1.0, 1.0]], [2.0, 0.0])
    assert np.isnan(errors.by_step()["MAPE"]).tolist() == [True, False]
    assert np.isnan(errors.by_forecast()["MAPE"]).tolist() == [True, False]
    assert np.isnan(errors.by_forecast()["MASE"]).tolist() == [False, True]
    assert np.isnan(errors.scores()["MAPE"])
    assert errors.scores()["MAE"] == 0.75


def test_tables_leave_their_arrays_unchanged(errors, truth):
    before = truth.copy()
    errors.by_step()
    errors.each("MAE")[:] = 0
    np.testing.assert_array_equal(errors.truth, before)


def test_one_scale_serves_all():
    errors = Errors.of(TRUTHS["whole"], FORECAST, 2.0)
    np.testing.assert_allclose(errors.by_forecast()["MASE"], errors.by_forecast()["MAE"] / 2, rtol=1e-12)


def test_what_cannot_be_a_table_is_refused():
    with pytest.raises(ShapeError, match=r"made of n forecasts of K steps, \(n, K\); got \(3,\)"):
        Errors.of(np.ones(3), np.ones(3), 1.0)
    with pytest.raises(DataError, match="All 4 true values are missing"):
        Errors.of(np.full((2, 2), np.nan), np.ones((2, 2)), 1.0)
    errors = Errors.of(TRUTHS["whole"], FORECAST, SCALES)
    with pytest.raises(ShapeError, match=r"one group for each of 11 forecasts; got \(3,\)"):
        errors.by_group(np.arange(3))
    with pytest.raises(OptionError, match="There is no score 'OWA': choose among MAE, RMSE, MAPE, sMAPE, MASE"):
        errors.each("OWA")
