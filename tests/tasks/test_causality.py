"""The self-test passes what is causal, and is shown to fail on each kind of leak that it is there for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch
from tests.tasks.tables import DATA, QUICK, daily, kinds, long, quick, weekly
from torch import nn

from recuerdo import Forecaster
from recuerdo.errors import LeakError, OptionError
from recuerdo.tasks import check_causality, forecast_fitting, forecast_inputs, forecast_shapes, forecast_training
from recuerdo.tasks.forecast_cores import RecurrentCore, zeroed
from recuerdo.tasks.forecast_inputs import Encoding, Rows, make_rows
from recuerdo.tasks.forecast_nets import DirectNet, RecursiveNet
from recuerdo.tasks.forecast_trial import judge
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


OPTIONS = [
    {"head": "quantiles"},
    {"head": "gaussian", "loss": "mae"},
    {"head": "student_t", "cell": "lstm"},
    {"loss": "mse"},
    {"loss": "owa", "log": True},
    {"encoder": "segments"},
    {"segment": 4, "cell": "indrnn"},
    {"segment": 5, "head": "quantiles", "cell": "frnn"},
    {"calendar": "auto"},
    {"n_seeds": 2},
    {"dropout": 0.3, "num_layers": 2},
    {"season": 1, "lookback": 20},
    {"baselines": "auto", "quantiles": ()},
    {"memory": "running"},
    {"memory": "running", "encoder": "segments", "head": "quantiles", "cell": "lstm", "calendar": "auto"},
    {"memory": "running", "segment": 4, "n_seeds": 2, "cell": "indrnn", "num_layers": 2},
]


@pytest.mark.parametrize("data", list(DATA))
@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(f"{k}={v}" for k, v in options.items()))
def test_every_option_passes_on_plain_and_gappy_tables_and_with_covariates(options, data):
    table, columns = DATA[data]
    assert len(check_causality(quick(**options, max_steps=2), table, **columns)) == 3


@pytest.mark.parametrize(
    "columns",
    [
        {"past": ["rain"]},
        {"future": ["price"]},
        {"future": ["open"]},
        {"static": ["size"]},
        {"static": ["region"], "past": ["open"]},
    ],
)
@pytest.mark.parametrize("options", [{}, {"encoder": "segments", "calendar": ("weekday", "monthday"), "n_seeds": 2}])
def test_every_kind_of_covariate_passes(columns, options):
    table = DATA["covariates"][0]
    assert len(check_causality(quick(**options, max_steps=2), table, target="y", **columns)) == 3


@pytest.mark.parametrize(
    "options", [{}, {"strategy": "recursive"}, {"season": 1}, {"log": True}, {"memory": "running", "segment": 3}]
)
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
        self._all = known
        return super()._fit_panel(known)


class ScaledOnAllRows(Peeking):
    def _train(self, plan, known, *rest, **options):
        trained = super()._train(plan, known, *rest, **options)
        return replace(trained, encoding=Encoding.fitted(self._all, plan.log))


class TrainedOnAllRows(Peeking):
    def _train(self, plan, known, *rest, **options):
        return super()._train(plan, self._all, *rest, **options)


class PlannedOnAllRows(Forecaster):
    def _make_plan(self, known):
        plan = super()._make_plan(known)
        return replace(plan, lookback=plan.lookback + int(known.series[0].values[-1] > 100))


class StepsChosenOnAllRows(Forecaster):
    """Watches the windows that it is judged by, too."""

    def _held_out_windows(self, plan, known, last):
        return super()._held_out_windows(plan, known, plan.judged)

    def _fit_panel(self, known):
        split = type(known).split
        with pytest.MonkeyPatch.context() as patched:
            # The watched windows are looked for in what lies before the judged rows: here that is everything.
            patched.setattr(type(known), "split", lambda each, last: (each, each) if last == 12 else split(each, last))
            return super()._fit_panel(known)


class CovariatesScaledOnAllRows(Peeking):
    def _train(self, plan, known, *rest, **options):
        trained = super()._train(plan, known, *rest, **options)
        whole = Encoding.fitted(self._all, plan.log)
        return replace(trained, encoding=replace(trained.encoding, past=whole.past))


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


@pytest.mark.parametrize("options", [{}, {"strategy": "recursive"}, {"n_seeds": 2, "head": "quantiles"}])
def test_steps_that_are_chosen_on_held_out_rows_are_chosen_before_those_that_judge(options):
    table = daily(weekly(200))
    model = quick(**options, max_steps=None)
    assert "steps chosen on the first 12 of the last 24 rows, judged on the last 12 rows" in model.check(table)
    assert check_causality(model, table)[0].startswith("changing the last 12 rows changed no choice")


def test_steps_that_were_chosen_on_the_rows_that_judge_are_found():
    with pytest.raises(LeakError, match="The trial's network has seen held-out rows: its weights changed with them"):
        check_causality(StepsChosenOnAllRows(**(QUICK | {"max_steps": None})), daily(weekly(200)))


def test_a_plan_that_has_seen_the_held_out_rows_is_found():
    with pytest.raises(LeakError, match=r"The plan changed with the held-out rows: season 7 .* became season 7"):
        check_causality(PlannedOnAllRows(**QUICK), daily())


def test_a_scaler_of_a_covariate_that_has_seen_the_held_out_rows_is_found():
    table, columns = DATA["covariates"]
    assert len(check_causality(quick(), table, **columns)) == 3
    with pytest.raises(LeakError, match="A scaler of the trial has seen held-out rows: it changed with them"):
        check_causality(CovariatesScaledOnAllRows(**QUICK), table, **columns)


def test_an_anchor_that_was_fitted_on_held_out_windows_is_found(monkeypatch):
    honest, whole = forecast_training.begin, []

    class Kept(Peeking):
        def _fit_panel(self, known):
            whole[:] = [known]
            return super()._fit_panel(known)

    def leaky(net, objective, rows, origins, units):
        encoding = Encoding({one.id: scaler for one, scaler in zip(whole[0].series, rows.scalers, strict=True)}, False)
        every = make_rows(whole[0], encoding)
        last = np.array([[0, every.lengths[0] - 1 - net.anchor.horizon - back] for back in range(3)])
        return honest(net, objective, every, last, units)

    monkeypatch.setattr(forecast_training, "begin", leaky)
    with pytest.raises(LeakError, match="The trial's network has seen held-out rows: its weights changed with them"):
        check_causality(Kept(**QUICK), daily())


def test_a_network_that_reads_what_is_not_known_ahead_as_if_it_were_is_found(monkeypatch):
    honest = Rows.inputs

    def leaky(self, origins, lookback, horizon):
        # The last column is the only covariate, known up to now: here its rows ahead are read.
        return honest(replace(self, future=1), origins, lookback, horizon)

    table = daily().with_columns(x=pl.Series(weekly(seed=5)))
    assert len(check_causality(quick(), table, target="y", past=["x"])) == 3
    monkeypatch.setattr(Rows, "inputs", leaky)
    whole = forecast_training.make_rows
    monkeypatch.setattr(forecast_training, "make_rows", lambda *given: replace(whole(*given), future=1))
    with pytest.raises(LeakError, match=r"A forecast from before the held-out rows changed .* seen its own future"):
        check_causality(quick(), table, target="y", past=["x"])


def test_a_window_that_is_one_row_ahead_in_a_covariate_is_found(monkeypatch):
    honest = forecast_inputs.gather_rows

    def leaky(rows, starts, origins, before, after):
        made = honest(rows, starts, origins, before, after)
        made[:, :before, 1:] = made[:, 1 : before + 1, 1:]
        return made

    monkeypatch.setattr(forecast_inputs, "gather_rows", leaky)
    table = daily().with_columns(x=pl.Series(weekly(seed=5)))
    with pytest.raises(LeakError, match=r"A forecast from before the held-out rows changed .* seen its own future"):
        check_causality(quick(), table, target="y", past=["x"])


def test_a_forecast_that_has_seen_what_it_forecasts_is_found(monkeypatch):
    def leaky(*series, **options):
        trial, calibration = judge(*series, **options)
        leaking = {name: 0.9 * f + 0.1 * trial.truth for name, f in trial.forecasts.items()}
        return replace(trial, forecasts=leaking), calibration

    monkeypatch.setattr(forecast_fitting, "judge", leaky)
    with pytest.raises(LeakError, match=r"A forecast from before the held-out rows changed .* seen its own future"):
        check_causality(quick(), daily())


@pytest.mark.parametrize(("strategy", "net"), [("direct", DirectNet), ("recursive", RecursiveNet)])
def test_a_network_that_never_gets_the_latest_row_is_found(monkeypatch, strategy, net):
    on_time = net.forward

    def late(self, window, *others, **named):
        return on_time(self, torch.cat([window[:, :1], window[:, :-1]], dim=1), *others, **named)

    monkeypatch.setattr(net, "forward", late)
    with pytest.raises(LeakError, match="does not depend on the latest value: the network reads its output too early"):
        check_causality(quick(strategy=strategy), daily())


class ReadTooEarly(nn.Module):
    """The core of a direct net that reads the output of the step before the last."""

    def __init__(self, encoder, features, horizon, width, **options):
        super().__init__()
        self.encoder, self.head = encoder, zeroed(nn.Linear(encoder.output_size, horizon))

    def forward(self, x, future=None, static=None):
        return self.head(self.encoder(x)[0][:, -2])[..., None]


def test_an_output_that_is_read_too_early_is_found_behind_an_anchor_that_is_not(monkeypatch):
    monkeypatch.setattr(forecast_shapes, "RecurrentCore", ReadTooEarly)
    model = quick().fit(daily())
    moved = weekly()
    moved[-1] += 1
    assert model.predict(daily(moved))["y"][0] != model.predict()["y"][0]  # by the anchor
    with pytest.raises(LeakError, match="the network reads its output too early"):
        check_causality(quick(), daily())


@pytest.mark.parametrize("encoder", ["segments", "steps"])
def test_a_core_that_leaves_out_the_latest_rows_is_found_in_segments_too(monkeypatch, encoder):
    whole = RecurrentCore.forward

    def early(self, x, future=None, static=None):
        return whole(self, torch.cat([x[:, :7], x[:, :-7]], dim=1), future, static)

    monkeypatch.setattr(RecurrentCore, "forward", early)
    table, columns = DATA["covariates"]
    with pytest.raises(LeakError, match="the network reads its output too early"):
        check_causality(quick(encoder=encoder, calendar=("weekday",)), table, **columns)


@pytest.mark.parametrize("data", list(DATA))
@pytest.mark.parametrize("encoder", ["segments", "steps"])
def test_a_state_that_runs_one_row_behind_is_found(monkeypatch, encoder, data):
    on_time = forecast_training.memories
    late = lambda net, rows, origins: on_time(net, rows, origins - [0, 1])  # noqa: E731
    table, columns = DATA[data]
    assert len(check_causality(quick(memory="running", encoder=encoder), table, **columns)) == 3
    monkeypatch.setattr(forecast_training, "memories", late)
    with pytest.raises(LeakError, match="the network reads its output too early"):
        check_causality(quick(memory="running", encoder=encoder), table, **columns)


@pytest.mark.parametrize("encoder", ["segments", "steps"])
def test_a_state_that_runs_one_row_ahead_is_found(monkeypatch, encoder):
    on_time = forecast_training.memories

    def early(net, rows, origins):
        ends = rows.lengths[origins[:, 0]] - 1
        return on_time(net, rows, np.stack([origins[:, 0], np.minimum(origins[:, 1] + 1, ends)], axis=1))

    monkeypatch.setattr(forecast_training, "memories", early)
    with pytest.raises(LeakError, match=r"A forecast from before the held-out rows changed .* seen its own future"):
        check_causality(quick(memory="running", encoder=encoder), daily())


def test_held_out_rows_do_not_reach_the_trial_that_judges_them():
    values = weekly()
    changed = values.copy()
    changed[-10:] = 200 - 2 * changed[-10:]
    one, two = (quick().fit(daily(each)) for each in (values, changed))
    assert one._tried.encoding.scalers == two._tried.encoding.scalers == {"y": Scaler.fitted(values[:-10], False)}
    np.testing.assert_array_equal(one.trial_.forecasts["GRU"][0], two.trial_.forecasts["GRU"][0])
    assert (one.trial_.truth[0] != two.trial_.truth[0]).all()


def test_a_time_budget_is_no_leak():
    assert len(check_causality(quick(max_steps=None, max_seconds=0.5), daily())) == 3


def test_options_are_checked_first():
    with pytest.raises(OptionError, match="cell='lstmm' is not offered"):
        check_causality(quick(cell="lstmm"), daily())
