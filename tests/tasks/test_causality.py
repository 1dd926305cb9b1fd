"""The self-test passes what is causal, and is shown to fail on each kind of leak that it is there for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.tasks.tables import QUICK, daily, kinds, long, quick, weekly
from torch import nn

import recuerdo.tasks.forecaster as forecaster_module
from recuerdo import Forecaster
from recuerdo.errors import LeakError, OptionError
from recuerdo.tasks import check_causality
from recuerdo.tasks.forecast_nets import DirectNet, RecursiveNet, zeroed
from recuerdo.tasks.forecast_trial import run_trial
from recuerdo.tasks.scaling import Scaler

SENTENCES = [
    "changing the last 10 rows changed no choice, scaler or weight of what was trained before them",
    "the 5 values forecast from before these rows stayed the same, bit for bit",
    "changing the latest value changed the first forecast of every series",
]


@pytest.mark.parametrize("strategy", ["direct", "recursive"])
@pytest.mark.parametrize("cell", ["frnn", "gru", "indrnn", "lstm"])
def test_forecasters_pass(cell, strategy):
    model = quick(cell=cell, strategy=strategy, random_state=None)
    assert check_causality(model, daily()) == SENTENCES
    assert not hasattr(model, "report_")


@pytest.mark.parametrize("options", [{}, {"strategy": "recursive"}, {"season": 1}, {"log": True}])
def test_forecasters_of_several_series_pass(options):
    table, columns = kinds()["wide"]
    assert len(check_causality(quick(**options), table, **columns)) == 3
    uneven = long(a=weekly(), b=weekly(90, seed=1), c=weekly(70, seed=2, level=1000))
    assert len(check_causality(quick(**options), uneven)) == 3


def test_a_fitted_forecaster_is_left_as_it_is(fitted):
    before = fitted().predict()
    check_causality(fitted(), daily(weekly(seed=3)))
    assert fitted().predict().equals(before)


class Peeking(Forecaster):
    """Keeps the rows that the trial must not see."""

    def _fit_panel(self, known):
        self._all = [one.values for one in known.series]
        return super()._fit_panel(known)


class ScaledOnAllRows(Peeking):
    def _train(self, plan, series, *rest):
        trained = super()._train(plan, series, *rest)
        return replace(trained, scalers=tuple(Scaler.fitted(values, plan.log) for values in self._all))


class TrainedOnAllRows(Peeking):
    def _train(self, plan, series, *rest):
        return super()._train(plan, self._all, *rest)


class PlannedOnAllRows(Forecaster):
    def _make_plan(self, known):
        plan = super()._make_plan(known)
        return replace(plan, lookback=plan.lookback + int(known.series[0].values[-1] > 100))


def test_a_scaler_that_has_seen_the_held_out_rows_is_found():
    with pytest.raises(LeakError, match="A scaler of the trial has seen held-out rows: it changed with them"):
        check_causality(ScaledOnAllRows(**QUICK), daily())


def test_a_trial_that_trains_on_all_rows_is_found():
    with pytest.raises(LeakError, match="of the trial has seen held-out rows"):
        check_causality(TrainedOnAllRows(**QUICK), daily())


def test_a_trial_that_trains_on_all_rows_is_found_by_its_weights_too(monkeypatch):
    monkeypatch.setattr(Scaler, "fitted", classmethod(lambda cls, values, log: cls(55.0, 5.0, log)))
    with pytest.raises(LeakError, match="The trial's network has seen held-out rows: its weights changed with them"):
        check_causality(TrainedOnAllRows(**QUICK), daily())


def test_a_plan_that_has_seen_the_held_out_rows_is_found():
    with pytest.raises(LeakError, match=r"The plan changed with the held-out rows: season 7 .* became season 7"):
        check_causality(PlannedOnAllRows(**QUICK), daily())


def test_a_forecast_that_has_seen_what_it_forecasts_is_found(monkeypatch):
    def leaky(*series, **options):
        trial = run_trial(*series, **options)
        return replace(trial, forecasts={name: 0.9 * f + 0.1 * trial.truth for name, f in trial.forecasts.items()})

    monkeypatch.setattr(forecaster_module, "run_trial", leaky)
    with pytest.raises(LeakError, match=r"A forecast from before the held-out rows changed .* seen its own future"):
        check_causality(quick(), daily())


@pytest.mark.parametrize(("strategy", "net"), [("direct", DirectNet), ("recursive", RecursiveNet)])
def test_a_network_that_never_gets_the_latest_row_is_found(monkeypatch, strategy, net):
    on_time = net.forward

    def late(self, window, **following):
        return on_time(self, torch.cat([window[:, :1], window[:, :-1]], dim=1), **following)

    monkeypatch.setattr(net, "forward", late)
    with pytest.raises(LeakError, match="does not depend on the latest value: the network reads its output too early"):
        check_causality(quick(strategy=strategy), daily())


class ReadTooEarly(nn.Module):
    """The core of a direct net that reads the output of the step before the last."""

    def __init__(self, encoder, horizon):
        super().__init__()
        self.encoder, self.head = encoder, zeroed(nn.Linear(encoder.output_size, horizon))

    def forward(self, x):
        return self.head(self.encoder(x)[0][:, -2])


def test_an_output_that_is_read_too_early_is_found_behind_an_anchor_that_is_not(monkeypatch):
    monkeypatch.setattr("recuerdo.tasks.forecast_training.direct_core", ReadTooEarly)
    model = quick().fit(daily())
    moved = weekly()
    moved[-1] += 1
    assert model.predict(daily(moved))["y"][0] != model.predict()["y"][0]  # by the anchor
    with pytest.raises(LeakError, match="the network reads its output too early"):
        check_causality(quick(), daily())


def test_held_out_rows_do_not_reach_the_trial_that_judges_them():
    values = weekly()
    changed = values.copy()
    changed[-10:] = 200 - 2 * changed[-10:]
    one, two = (quick().fit(daily(each)) for each in (values, changed))
    assert one._trial_model.scalers == two._trial_model.scalers == (Scaler.fitted(values[:-10], False),)
    np.testing.assert_array_equal(one.trial_.forecasts["GRU"][0], two.trial_.forecasts["GRU"][0])
    assert (one.trial_.truth[0] != two.trial_.truth[0]).all()


def test_a_time_budget_is_no_leak():
    assert len(check_causality(quick(max_steps=None, max_seconds=0.5), daily())) == 3


def test_options_are_checked_first():
    with pytest.raises(OptionError, match="cell='lstmm' is not offered"):
        check_causality(quick(cell="lstmm"), daily())
