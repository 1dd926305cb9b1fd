"""trial=False: one training on all rows, and nothing said of how good it is that was not measured."""

from __future__ import annotations

import re

import numpy as np
import pytest
from polars.testing import assert_frame_equal
from tests.tasks.tables import HORIZON, LOOKBACK, QUICK, daily, holed, long, numbers, quick, weekly
from tests.tasks.test_forecaster_interrupt import interrupt_at

import recuerdo as rc
from recuerdo.errors import DataError, OptionError
from recuerdo.tasks import forecast_fitting
from recuerdo.tasks.forecast_inputs import make_rows
from recuerdo.tasks.forecast_plan import LEAST_WINDOWS
from recuerdo.tasks.forecast_training import auto_steps
from recuerdo.tasks.report import NO_TRIAL, Report

STEPS = QUICK["max_steps"]


@pytest.fixture
def trainings(monkeypatch):
    """What is trained, by its label, and on how many rows."""
    made = []
    real = forecast_fitting.train

    def noted(shape, known, *args, **options):
        made.append((options["label"], known.rows))
        return real(shape, known, *args, **options)

    monkeypatch.setattr(forecast_fitting, "train", noted)
    return made


def once(**options):
    return quick(trial=False, **options)


def test_it_trains_once_on_all_rows_and_forecasts_what_a_fit_with_a_trial_does(trainings):
    table = daily()
    model = once(baselines="auto").fit(table)
    assert trainings == [("GRU", table.height)]
    assert model.predict().columns == ["day", "y"]
    assert_frame_equal(model.predict(), quick(quantiles=()).fit(table).predict(), check_exact=True)


def test_the_report_says_that_nothing_was_judged():
    report = once().fit(daily()).report_
    assert (report.scores, report.windows, report.steps, report.random_state) == ({}, 0, STEPS, 3)
    assert report.parameters > 0
    assert report.seconds > report.training_seconds > 0
    assert report.verdict == report.table() == NO_TRIAL
    assert str(report).startswith(NO_TRIAL + "\n")
    assert "trained once, on all rows, without a trial, 5 units" in str(report)
    assert "judged" not in str(report)
    assert Report.from_json(report.to_json()) == report
    for what in ("winner", "standing"):
        with pytest.raises(OptionError, match="No trial was held"):
            getattr(report, what)


def test_it_needs_no_rows_to_judge_by():
    least = LOOKBACK + HORIZON + LEAST_WINDOWS - 1
    model = once(lookback=LOOKBACK).fit(daily(weekly(least)))
    assert model.predict().height == HORIZON
    more = f"{LEAST_WINDOWS - 1} more for {LEAST_WINDOWS} windows to train on"
    words = f"at least {least}: 14 + 5 for a window and {more}. Give"
    with pytest.raises(DataError, match=re.escape(words)):
        once(lookback=LOOKBACK).fit(daily(weekly(least - 1)))
    with pytest.raises(DataError, match="windows to train on, and 5 rows to judge the result"):
        quick(lookback=LOOKBACK).fit(daily(weekly(least)))
    with pytest.raises(DataError, match="Series 'b' has no value, so there is nothing to learn of it"):
        once().backtest(long(a=weekly(), b=np.append(np.full(59, np.nan), np.ones(5))), windows=1)


def test_its_line_of_decisions_is_known_before():
    assert once().check(daily()) == once().fit(daily()).report_.choices[-1]


@pytest.mark.parametrize("head", ["quantiles", "gaussian", "student_t"])
def test_a_head_gives_its_own_quantiles_and_says_that_they_are_not_calibrated(head, tmp_path):
    model = once(head=head).fit(daily())
    assert "the quantiles are the network's own: without a trial nothing calibrates them" in model.report_.choices
    rows = make_rows(model._panel, model._ensemble.encoding)
    answer, _ = model._ensemble.answer(rows, np.array([[0, rows.lengths[0] - 1]]))
    made = model.predict()
    assert made.columns == ["day", "y", "y-10", "y-90"]
    for name, level in (("y-10", 0.1), ("y-90", 0.9)):
        np.testing.assert_allclose(numbers(made, name), rows.scalers[0].back(answer.quantile(level)[0]))
    again = rc.load(model.save(tmp_path / "model"))
    assert_frame_equal(again.predict(), made)
    asked = once(head=head, quantiles=(0.99, 0.01)).fit(daily()).predict()  # more than held-out rows could calibrate
    assert asked.columns == ["day", "y", "y-1", "y-99"]
    assert (asked["y-1"] < asked["y"]).all()
    assert once(head=head, quantiles=()).fit(daily()).predict().columns == ["day", "y"]


def test_quantiles_of_a_number_need_a_trial():
    with pytest.raises(OptionError, match=r"quantiles=\(0.1, 0.9\) need a trial, .* or take head='quantiles'"):
        once(quantiles=(0.9, 0.1)).fit(daily())
    assert once(quantiles=()).fit(daily()).predict().columns == ["day", "y"]
    with pytest.raises(OptionError, match="trial=1 is not offered; there are True, False"):
        quick(trial=1).fit(daily())


def test_quantiles_that_are_left_out_are_the_usual_two():
    assert_frame_equal(quick().fit(daily()).predict(), quick(quantiles=(0.1, 0.9)).fit(daily()).predict())


def test_without_max_steps_nothing_is_watched_and_the_windows_decide():
    values = weekly(200)
    history = once(max_steps=None).fit(daily(values))._ensemble.members[0].history
    assert history.evaluations == []
    assert history.steps == auto_steps(200 - LOOKBACK - HORIZON + 1, 32)
    assert quick(max_steps=None).fit(daily(values))._tried.members[0].history.evaluations


def test_the_whole_budget_is_the_one_trainings(monkeypatch):
    given, train = [], forecast_fitting.Fitting._train

    def noted(self, plan, known, cell, max_steps, max_seconds, *rest, **options):
        given.append(max_seconds)
        return train(self, plan, known, cell, max_steps, max_seconds, *rest, **options)

    monkeypatch.setattr(forecast_fitting.Fitting, "_train", noted)
    model = once(max_steps=None, max_seconds=1.0, n_seeds=2).fit(daily())
    first, second = model._ensemble.members
    assert first.history.stopped == "max_seconds"
    assert given == [0.5, None]
    assert second.history.steps == first.history.steps == model.report_.steps


@pytest.mark.parametrize("data", [daily(), daily(holed(weekly())), long(a=weekly(), b=weekly(80, seed=1))])
def test_saved_and_loaded_it_forecasts_the_same(data, tmp_path):
    model = once().fit(data)
    again = rc.load(model.save(tmp_path / "model"))
    assert_frame_equal(again.predict(), model.predict())
    assert again.get_params() == model.get_params()
    assert again.report_ == model.report_


def test_a_second_fit_leaves_no_trial_of_the_first():
    model = quick().fit(daily())
    assert len(model.trial_) > 0
    model.set_params(trial=False).fit(daily())
    assert not hasattr(model, "trial_")
    model.set_params(trial=True).fit(daily())
    assert model.report_.scores.keys() == {"GRU"}


def test_interrupted_it_keeps_the_steps_so_far_and_says_so(monkeypatch):
    with monkeypatch.context() as patched:
        interrupt_at(patched, 2)
        model = once().fit(daily())
    assert model.report_.steps == 2
    assert model.report_.choices[-1] == "interrupted: 1 of 1 networks, after 2 steps"
    with monkeypatch.context() as patched:
        interrupt_at(patched, STEPS + 1)
        model = once(n_seeds=2).fit(daily())
    assert model.report_.choices[-1] == f"interrupted: 1 of 2 networks, after {STEPS} steps"
    with monkeypatch.context() as patched:
        interrupt_at(patched, 0)
        with pytest.raises(KeyboardInterrupt):
            once().fit(daily())


# Judged elsewhere.


def test_a_backtest_judges_it_beside_every_baseline(trainings):
    table = long(a=weekly(), b=weekly(70, seed=1, level=20))
    model = once(baselines="auto")
    made = model.backtest(table, windows=3, refit=True)
    assert [label for label, _ in trainings] == ["GRU", "MLP (same size)"] * 3
    assert list(made.scores()) == ["GRU", "MLP (same size)", "naive", "seasonal naive", "drift"]
    assert made.quantiles == {}
    for number, back in enumerate((15, 10, 5)):
        fitted = once().fit(long(a=weekly()[:-back], b=weekly(70, seed=1, level=20)[:-back])).predict()
        np.testing.assert_allclose(made.forecasts["GRU"][2 * number :][:2].ravel(), numbers(fitted, "y"), rtol=2e-6)


def test_a_backtest_leaves_a_trial_out_where_it_decides_and_calibrates_nothing(trainings):
    def trained(**options):
        trainings.clear()
        quick(**options).backtest(daily(), windows=2, refit=True)
        return [label for label, _ in trainings]

    assert trained(quantiles=()) == ["GRU"] * 2
    assert trained() == ["trial", "GRU"] * 2
    assert trained(quantiles=(), max_steps=None) == ["trial", "GRU"] * 2
    assert trained(quantiles=(), max_seconds=20) == ["trial", "GRU"] * 2


def test_without_the_idle_trial_a_backtest_says_the_same():
    made = quick(quantiles=(), baselines="auto").backtest(daily(), windows=2, refit=True)
    for row, back in enumerate((10, 5)):
        model = quick(quantiles=()).fit(daily(weekly()[:-back]))
        np.testing.assert_allclose(made.forecasts["GRU"][row], numbers(model.predict(), "y"), rtol=2e-6)
    assert "MLP (same size)" in made.scores()


def test_an_interrupted_fit_is_not_what_a_backtest_is_asked_about(monkeypatch):
    interrupt_at(monkeypatch, 2)
    with pytest.raises(KeyboardInterrupt):
        once().backtest(daily())


def test_it_can_be_held_out_checked_and_tuned(tmp_path):
    result = rc.tasks.hold_out(once(baselines="auto"), daily())
    assert result.coverage is None
    assert "GRU" in result.verdict
    assert len(rc.tasks.check_causality(once(), daily())) == 3
    space = {"hidden_size": [3, 5]}
    tuning = once().tune(daily(), max_seconds=60, max_trials=2, space=space, storage=tmp_path / "tune.db")
    assert tuning.forecaster.trial is False
    assert tuning.score > 0
