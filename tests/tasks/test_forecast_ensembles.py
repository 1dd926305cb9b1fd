"""Several seeds say their mean, and each is the network that its seed alone would have made."""

from __future__ import annotations

import numpy as np
import pytest
from polars.testing import assert_frame_equal
from tests.tasks.tables import HORIZON, daily, long, numbers, quick, weekly

from recuerdo.data import panel
from recuerdo.tasks import forecast_ensembles
from recuerdo.tasks.forecast_ensembles import Ensemble, own_units
from recuerdo.tasks.forecast_inputs import make_rows
from recuerdo.tasks.scaling import Scaler

HEADS = ["point", "quantiles", "gaussian", "student_t"]
LEVELS = (0.1, 0.9)


def answered(ensemble, table):
    known = panel(table)
    rows = make_rows(known, ensemble.encoding)
    origins = np.stack([np.arange(len(known)), rows.lengths - 1], axis=1)
    return ensemble.answer(rows, origins)


@pytest.mark.parametrize("head", HEADS)
def test_an_ensemble_is_the_mean_of_its_members(fitted, head):
    ensemble = fitted(n_seeds=3, head=head)._ensemble
    together, points = answered(ensemble, daily())
    alone = [answered(Ensemble((member,)), daily())[0] for member in ensemble.members]
    np.testing.assert_allclose(together.point, np.mean([each.point for each in alone], axis=0), rtol=1e-12)
    for level in LEVELS:
        expected = np.mean([each.quantile(level) for each in alone], axis=0)
        np.testing.assert_allclose(together.quantile(level), expected, rtol=1e-12)
    for point, each in zip(points, alone, strict=True):
        np.testing.assert_array_equal(point, each.point)


def test_a_member_is_the_network_that_its_seed_makes_alone(fitted):
    together = fitted(n_seeds=3)
    assert [member.seed for member in together._ensemble.members] == [3, 4, 5]
    each = [numbers(fitted(random_state=seed).predict()) for seed in (3, 4, 5)]
    np.testing.assert_allclose(numbers(together.predict()), np.mean(each, axis=0), rtol=1e-12)
    alone = fitted(random_state=4).report_.scores["GRU"]
    assert together.report_.seed_scores[4] == pytest.approx(alone, rel=1e-12)


def test_the_spread_of_the_seeds_is_told(fitted):
    report = fitted(n_seeds=3).report_
    own = [row["MASE"] for row in report.seed_scores.values()]
    assert f"MASE of its 3 seeds, each on its own: {min(own):.3f} to {max(own):.3f}." in str(report)
    assert "each on its own" not in str(fitted().report_)


def test_a_first_seed_that_was_drawn_is_followed_by_the_next_numbers_and_repeats_them_all():
    first = quick(n_seeds=2, random_state=None).fit(daily())
    seeds = [member.seed for member in first._ensemble.members]
    assert seeds[1] == seeds[0] + 1
    assert [member.seed for member in first._tried.members] == seeds
    again = quick(n_seeds=2, random_state=first.report_.random_state).fit(daily())
    assert_frame_equal(again.predict(), first.predict(), check_exact=True)


def test_a_budget_holds_for_all_seeds_together_and_they_take_the_same_steps():
    model = quick(n_seeds=2, max_steps=None, max_seconds=1.0).fit(daily())
    steps = {member.history.steps for member in (*model._ensemble.members, *model._tried.members)}
    assert steps == {model.report_.steps}


def test_own_units_are_those_of_each_forecasts_series():
    scalers = (Scaler(10.0, 2.0, False), Scaler(-3.0, 0.5, False))
    z = np.random.default_rng(0).normal(size=(3, HORIZON))
    numbers_of = np.array([1, 0, 1])
    expected = [scalers[number].back(row) for number, row in zip(numbers_of, z, strict=True)]
    np.testing.assert_allclose(own_units(z, scalers, numbers_of), expected, rtol=1e-14)
    logs = (Scaler(1.0, 0.2, True), Scaler(2.0, 0.3, True))
    expected = [logs[number].back(row) for number, row in zip(numbers_of, z, strict=True)]
    np.testing.assert_allclose(own_units(z, logs, numbers_of), expected, rtol=1e-14)


def test_an_answer_does_not_depend_on_how_many_windows_are_asked_at_once(fitted, monkeypatch):
    table = long(**{f"s{number}": weekly(seed=number) for number in range(9)})
    ensemble = fitted()._ensemble
    whole, _ = answered(ensemble, table)
    piecewise = forecast_ensembles.answers
    monkeypatch.setattr(forecast_ensembles, "answers", lambda *given: piecewise(*given, batch_size=4))
    parts, _ = answered(ensemble, table)
    np.testing.assert_allclose(parts.point, whole.point, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(parts.scale, whole.scale, rtol=1e-6)
