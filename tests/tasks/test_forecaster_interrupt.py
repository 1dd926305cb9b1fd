"""Ctrl-C in a fit keeps what has been learned, says what it is, and never half a baseline."""

from __future__ import annotations

import pytest
from polars.testing import assert_frame_equal
from tests.tasks.tables import HORIZON, QUICK, daily, quick, weekly

import recuerdo as rc
from recuerdo.tasks.forecast_losses import Objective
from recuerdo.tasks.forecast_streams import Stream

STEPS = QUICK["max_steps"]


def interrupt_at(monkeypatch, step):
    """Ctrl-C in that step, counted from 0 over all trainings of a fit: the trial, the MLP and the model."""
    calls = []
    loss = Objective.__call__

    def counted(*args):
        calls.append(args)
        if len(calls) == step + 1:
            raise KeyboardInterrupt
        return loss(*args)

    monkeypatch.setattr(Objective, "__call__", counted)


def kept(model):
    """Whether a fit says, and does, that the trial's network is the model."""
    steps, held_out = model.report_.steps, model._plan.held_out
    assert model.report_.choices[-1] == (
        f"interrupted: the network of the trial is kept, after {steps} steps; it has not learned from the last "
        f"{held_out} rows"
    )
    assert model.predict().height == HORIZON
    return model._ensemble is model._tried


def said_to_be_stopped(model):
    """Whether the verdict says why it knows nothing of the MLP."""
    words = "The MLP (same size) was left out because Ctrl-C stopped the fit, so "
    return words in model.report_.verdict and words in model.trial_.verdict


def test_in_the_trial_the_steps_so_far_are_the_model(monkeypatch):
    with monkeypatch.context() as patched:
        interrupt_at(patched, 3)
        model = quick(baselines="auto").fit(daily())
    assert model.report_.steps == 3
    assert list(model.report_.scores) == ["GRU", "naive", "seasonal naive", "drift"]
    assert said_to_be_stopped(model)
    assert kept(model)


def test_in_the_baseline_the_trials_network_stays_and_the_baseline_goes(monkeypatch):
    with monkeypatch.context() as patched:
        interrupt_at(patched, STEPS + 2)
        model = quick(baselines="auto").fit(daily())
    assert model.report_.steps == STEPS
    assert "MLP (same size)" not in model.report_.scores
    assert said_to_be_stopped(model)
    assert kept(model)


@pytest.mark.parametrize("step", [0, 3])
def test_in_the_last_training_the_trials_network_stays(monkeypatch, step):
    with monkeypatch.context() as patched:
        interrupt_at(patched, 2 * STEPS + step)
        model = quick(baselines="auto").fit(daily())
    assert model.report_.steps == STEPS
    assert "MLP (same size)" in model.report_.scores
    assert kept(model)


def test_a_kept_network_is_saved_with_what_is_said_of_it(monkeypatch, tmp_path):
    with monkeypatch.context() as patched:
        interrupt_at(patched, 3)
        model = quick().fit(daily())
    loaded = rc.load(model.save(tmp_path / "model"))
    assert loaded.report_.choices == model.report_.choices
    assert_frame_equal(loaded.predict(), model.predict(), check_exact=True)


def test_before_the_first_step_there_is_nothing_to_keep(monkeypatch):
    model = quick().fit(daily())
    expected = model.predict()
    with monkeypatch.context() as patched:
        interrupt_at(patched, 0)
        with pytest.raises(KeyboardInterrupt):
            model.fit(daily())
    assert_frame_equal(model.predict(), expected, check_exact=True)


def test_of_several_seeds_those_that_were_whole_in_the_trial_are_the_model(monkeypatch):
    with monkeypatch.context() as patched:
        interrupt_at(patched, STEPS + 2)  # in the second of the trial
        model = quick(n_seeds=2, baselines="auto").fit(daily())
    assert [each.history.steps for each in model._ensemble.members] == [STEPS]
    assert "MLP (same size)" not in model.report_.scores
    assert kept(model)


def test_of_several_seeds_none_is_lost_in_the_last_training(monkeypatch):
    with monkeypatch.context() as patched:
        interrupt_at(patched, 3 * STEPS + 2)  # two of the trial, and in the second after the first on all rows
        model = quick(n_seeds=2).fit(daily())
    assert len(model._ensemble.members) == 2
    assert kept(model)


@pytest.mark.parametrize("refit", [False, True])
def test_a_backtest_that_is_interrupted_ends(monkeypatch, refit):
    model = quick()
    with monkeypatch.context() as patched:
        interrupt_at(patched, 2)
        with pytest.raises(KeyboardInterrupt):
            model.backtest(daily(), windows=2, refit=refit)
    assert not hasattr(model, "report_")


@pytest.mark.parametrize("trial", [True, False])
def test_after_the_last_training_an_earlier_fit_stays_whole(monkeypatch, trial):
    def interrupted(*_):
        raise KeyboardInterrupt

    model, other = quick(memory="running", trial=trial).fit(daily()), daily(3 * weekly(80, seed=1))
    before, forecast = dict(vars(model)), model.predict()
    new = quick(memory="running", trial=trial)
    with monkeypatch.context() as patched:
        patched.setattr(Stream, "of", interrupted)
        for each in (model, new):
            with pytest.raises(KeyboardInterrupt):
                each.fit(other)
    assert vars(model) == before
    assert_frame_equal(model.predict(), forecast)
    assert vars(new).keys() == new.get_params().keys()
    assert model.fit(other).predict()["y"][0] > 2 * forecast["y"][0]
