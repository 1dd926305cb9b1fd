"""Rows that follow are taken one by one or together, and what is forecast behind them is what all rows give."""

from __future__ import annotations

import subprocess
import sys
from copy import deepcopy
from datetime import date, datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from polars.testing import assert_frame_equal
from tests.tasks.tables import (
    DATA,
    HORIZON,
    LOOKBACK,
    ROWS,
    ahead,
    covariates,
    daily,
    following,
    holed,
    long,
    numbers,
    quick,
    weekly,
)

import recuerdo as rc
from recuerdo.errors import DataError, NotFittedError, OptionError
from recuerdo.learn import Callback
from recuerdo.tasks import forecast_streams, forecaster
from recuerdo.tasks.forecast_inputs import make_rows
from recuerdo.tasks.forecast_training import answers
from recuerdo.tasks.forecaster import Forecaster

FRESH = 10
"""Rows of each series that come after fit."""


def halves(table: pl.DataFrame, fresh: int = FRESH) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows that fit has, and those that follow, of each series."""
    if "unique_id" not in table.columns:
        return table[:-fresh], table[-fresh:]
    parts = [one for _, one in table.group_by("unique_id", maintain_order=True)]
    return pl.concat([one[:-fresh] for one in parts]), pl.concat([one[-fresh:] for one in parts])


def one_by_one(model: Forecaster, rows: pl.DataFrame) -> None:
    for row in range(len(rows)):
        assert model.update(rows[row : row + 1]) is model


def assert_alike(mine, theirs) -> None:
    assert mine.columns == theirs.columns
    for column in mine.columns:
        if column.startswith("y"):
            np.testing.assert_allclose(numbers(mine, column), numbers(theirs, column), rtol=1e-6)
        else:
            assert mine[column].to_list() == theirs[column].to_list()


@pytest.fixture(scope="module")
def streamed():
    """A model for each set of options, fitted on the first rows; it is copied, as update changes it."""
    made = {}

    def model(data: str, **options) -> Forecaster:
        key = data, *options.items()
        if key not in made:
            table, columns = DATA[data]
            made[key] = quick(**options).fit(halves(table)[0], **columns)
        return deepcopy(made[key])

    return model


@pytest.mark.parametrize("at_once", [True, False], ids=["batch", "one by one"])
@pytest.mark.parametrize("memory", ["window", "running"])
@pytest.mark.parametrize("data", list(DATA))
@pytest.mark.parametrize("encoder", ["steps", "segments"])
def test_a_forecast_is_that_of_all_rows(streamed, encoder, data, memory, at_once):
    model, (table, _) = streamed(data, encoder=encoder, memory=memory), DATA[data]
    before, rows = model.forecast(halves(table)[0], future=_ahead(data, halves(table)[0])), halves(table)[1]
    if at_once:
        model.update(rows)
    else:
        one_by_one(model, rows)
    made = model.predict(**following(data))
    assert_alike(made, model.predict(table, **following(data)))
    assert model.predict(**following(data)).equals(made)
    assert not np.allclose(numbers(made), before.point[0][0])


def _ahead(data: str, table: pl.DataFrame):
    return ahead(table, HORIZON) if data == "covariates" else None


@pytest.mark.parametrize("memory", ["window", "running"])
@pytest.mark.parametrize(
    "options",
    [
        {"cell": "lstm", "num_layers": 2},
        {"cell": "indrnn", "segment": 4, "head": "quantiles"},
        {"cell": "frnn", "segment": 3, "n_seeds": 2},
        {"cell": "lstm", "segment": 5, "head": "gaussian", "calendar": "auto", "log": True},
        {"season": 1, "lookback": 20},
    ],
)
def test_every_option_streams(streamed, options, memory):
    model = streamed("gaps", **options, memory=memory)
    table = DATA["gaps"][0]
    one_by_one(model, halves(table)[1])
    assert_alike(model.predict(), model.predict(table))


def test_a_recursive_forecaster_streams_too(streamed):
    model = streamed("plain", strategy="recursive")
    one_by_one(model, halves(daily())[1])
    assert model.predict().equals(model.predict(daily()))


@pytest.mark.parametrize("memory", ["window", "running"])
@pytest.mark.parametrize("encoder", ["steps", "segments"])
def test_a_long_stream_of_gaps_is_that_of_all_rows(encoder, memory):
    values = holed(weekly(400), share=0.4)
    values[150:190] = np.nan  # longer than a window
    values[7:9] = np.nan
    model = quick(encoder=encoder, memory=memory).fit(daily(values[:120]))
    for first, last in [(120, 121), (121, 170), (170, 171), (171, 260), (260, 399), (399, 400)]:
        model.update(daily(values[:last])[first:])
    assert_alike(model.predict(), model.predict(daily(values)))


@pytest.mark.parametrize("memory", ["window", "running"])
def test_series_that_are_shorter_than_a_segment_stream(memory):
    table = long(a=weekly(90), b=weekly(90, seed=1), c=weekly(90, seed=2), d=weekly(24, seed=3))
    model = quick(horizon=2, lookback=56, segment=28, memory=memory).fit(halves(table, 5)[0])
    one_by_one(model, halves(table, 5)[1])
    assert_alike(model.predict(), model.predict(table))


@pytest.mark.parametrize("memory", ["window", "running"])
def test_some_of_the_series_may_go_on_and_each_in_its_own_time(memory):
    table = long(a=weekly(), b=weekly(70, seed=1), c=weekly(80, seed=2))
    known, rows = halves(table)
    model = quick(memory=memory, segment=3).fit(known)
    b, c = (rows.filter(unique_id=each) for each in "bc")
    model.update(b[:1]).update(pl.concat([c[:7], b[1:4]])).update(c[7:9].to_pandas())
    whole = pl.concat([known, b[:4], c[:9]])
    assert_alike(model.predict(), model.predict(whole))


@pytest.mark.parametrize("memory", ["window", "running"])
def test_columns_that_are_series_go_on_together_or_some_of_them(memory):
    table = daily().rename({"y": "a"}).with_columns(b=pl.Series(weekly(seed=1, level=20)))
    known, rows = halves(table)
    model = quick(memory=memory).fit(known, target=["a", "b"])
    model.update(rows[:2])
    assert_alike(model.predict(), model.predict(table[: -FRESH + 2]))
    model.update(rows[2:].select("day", "b"))
    made, theirs = (each.filter(unique_id="b") for each in (model.predict(), model.predict(table)))
    assert_alike(made, theirs)


@pytest.mark.parametrize("memory", ["window", "running"])
def test_rows_that_are_left_out_are_rows_without_a_value(memory):
    table = daily(holed(weekly()))
    model = quick(memory=memory).fit(table[:-FRESH])
    kept = pl.concat([table[:-FRESH], table[-7:-5], table[-2:]])
    blank = pl.DataFrame({"day": [date(2024, 2, 25)], "y": [None]}, schema_overrides={"y": pl.Float64})
    model.update(blank).update(table[-7:-5]).update(table[-2:])
    assert_alike(model.predict(), model.predict(kept))


def test_a_single_row_is_read_as_the_stamps_of_fit_were():
    text = pl.DataFrame({"day": daily()["day"].dt.strftime("%d/%m/%Y"), "y": weekly()})  # 02/03/2024 is in March
    model = quick().fit(text[:61]).update(text[61:62]).update(text[62:])
    assert model.predict().equals(model.predict(text))
    hours = pd.date_range("2024-03-29", periods=90, freq="h", tz="Europe/Madrid")  # its clocks go forward within
    zoned = pd.DataFrame({"time": hours, "y": weekly(90)})
    model = quick(season=6).fit(zoned[:60])
    for row in range(60, 90):
        model.update(zoned[row : row + 1])
    pd.testing.assert_frame_equal(model.predict(), model.predict(zoned))


GO_ON = """
import sys
import polars as pl
import recuerdo as rc
model = rc.load(sys.argv[1])
rows = pl.read_parquet(sys.argv[2])
for row in range(len(rows)):
    model.update(rows[row : row + 1])
model.predict(future=pl.read_parquet(sys.argv[3])).write_parquet(sys.argv[4])
model.save(sys.argv[1], overwrite=True)
"""


@pytest.mark.parametrize("memory", ["window", "running"])
@pytest.mark.parametrize("options", [{"encoder": "segments", "n_seeds": 2}, {"encoder": "steps", "cell": "lstm"}])
def test_another_process_goes_on(tmp_path, streamed, options, memory):
    model, (table, _) = streamed("covariates", **options, memory=memory), DATA["covariates"]
    rows, future = halves(table)[1], following("covariates")["future"]
    half = rows[: len(rows) // 2 + 3]
    model.update(half)
    paths = [tmp_path / name for name in ("model", "rows.parquet", "future.parquet", "made.parquet")]
    model.save(paths[0])
    rows[len(half) :].write_parquet(paths[1])
    future.write_parquet(paths[2])
    subprocess.run([sys.executable, "-c", GO_ON, *map(str, paths)], check=True)
    made = pl.read_parquet(paths[3])
    assert_alike(made, model.predict(table, future=future))
    assert rc.load(paths[0]).predict(future=future).equals(made)


def steps_of(model: Forecaster, what) -> int:
    """How many steps the recurrent layers take meanwhile, over all series."""
    taken = []

    def count(_, inputs, named):
        lengths = named.get("lengths")
        taken.append(inputs[0].shape[0] * inputs[0].shape[1] if lengths is None else int(lengths.sum()))

    encoder = model._ensemble.members[0].net.core.encoder
    with encoder.register_forward_pre_hook(count, with_kwargs=True):
        what()
    return sum(taken)


@pytest.mark.parametrize("rows", [64, 640])
@pytest.mark.parametrize("encoder", ["steps", "segments"])
def test_a_value_costs_one_step_and_a_forecast_none(encoder, rows):
    table = daily(weekly(rows))
    model = quick(encoder=encoder, memory="running", lookback=LOOKBACK).fit(table[:-FRESH])
    assert steps_of(model, lambda: model.update(table[-FRESH : -FRESH + 1])) == 1
    assert steps_of(model, lambda: model.update(table[-FRESH + 1 :])) == FRESH - 1
    assert steps_of(model, model.predict) == 0
    windows = rows - (model._plan.segment - 1)
    assert steps_of(model, lambda: model.predict(table)) == windows


@pytest.mark.parametrize("rows", [64, 640])
def test_with_a_window_a_value_costs_nothing_and_a_forecast_a_window(rows):
    table = daily(weekly(rows))
    model = quick(encoder="steps", lookback=LOOKBACK).fit(table[:-FRESH])
    assert steps_of(model, lambda: model.update(table[-FRESH:])) == 0
    assert steps_of(model, model.predict) == LOOKBACK
    assert len(model._panel.series[0].values) == LOOKBACK


def test_what_is_refused_changes_nothing():
    known, rows = halves(long(a=weekly(), b=weekly(70, seed=1)))
    model = quick(memory="running", log=True).fit(known)
    before = model.predict()
    strange, below = rows.filter(unique_id="b").with_columns(unique_id=pl.lit("c")), rows.with_columns(y=pl.lit(-1.0))
    refused = {
        r"2024-01-01 of series 'a' is not behind its last row, 2024-02-23": known,
        r"2024-02-23 of series 'a' is not behind .* update takes the rows that follow": known[53:54],
        r"Series 'c' was not there in fit, so there is nothing that its rows follow": pl.concat([rows, strange]),
        r"has no column 'y'": rows.drop("y"),
        r"has values of 0 or less, and the model was fitted on logarithms": below,
        r"infinite": rows.with_columns(y=pl.lit(np.inf)),
    }
    for why, table in refused.items():
        with pytest.raises(DataError, match=why):
            model.update(table)
        assert model.predict().equals(before)


@pytest.mark.parametrize(
    ("memory", "module", "name", "nth"),
    [
        ("window", forecaster, "followed_by", 1),
        ("running", forecaster, "followed_by", 1),
        ("running", forecast_streams, "run", 2),  # of two networks the second
    ],
)
def test_an_update_that_is_interrupted_takes_nothing_and_may_come_again(monkeypatch, memory, module, name, nth):
    known, rows = halves(long(a=weekly(), b=weekly(70, seed=1)))
    model = quick(memory=memory, segment=3, n_seeds=2).fit(known)
    before, whole, calls = model.predict(), getattr(module, name), []

    def interrupted(*args):
        calls.append(args)
        if len(calls) == nth:
            raise KeyboardInterrupt
        return whole(*args)

    with monkeypatch.context() as patched:
        patched.setattr(module, name, interrupted)
        with pytest.raises(KeyboardInterrupt):
            model.update(rows)
    assert model.predict().equals(before)
    assert_alike(model.update(rows).predict(), model.predict(pl.concat([known, rows])))


def test_a_stamp_that_is_no_step_away_is_refused():
    stamps = pd.date_range("2024-01-01", periods=64, freq="2D")
    model = quick(season=7).fit(pd.DataFrame({"day": stamps, "y": weekly()}))
    with pytest.raises(DataError, match=r"2024-05-09 of series 'y' is no whole number of steps behind its last row"):
        model.update(pd.DataFrame({"day": [pd.Timestamp("2024-05-09")], "y": [50.0]}))


def test_stamps_in_utc_and_others_are_not_mixed():
    hours = pd.date_range("2024-03-29", periods=64, freq="h", tz="Europe/Madrid")
    model = quick(season=6).fit(pd.DataFrame({"time": hours, "y": weekly()}))
    with pytest.raises(DataError, match="Column 'time' holds other stamps than in fit"):
        model.update(pd.DataFrame({"time": [pd.Timestamp("2024-04-03 12:00")], "y": [50.0]}))


def test_a_panel_goes_on_where_its_columns_are_those_of_fit():
    table, columns = DATA["covariates"]
    known, rows = halves(table)
    model = quick(memory="running").fit(known, **columns)
    with pytest.raises(DataError, match="its columns have other categories: give the table itself"):
        model.update(rc.data.panel(rows.with_columns(open=pl.lit("yes")), target="y", **columns))
    model.update(rc.data.panel(rows, target="y", **columns))
    assert_alike(model.predict(**following("covariates")), model.predict(table, **following("covariates")))


def test_it_is_fitted_first_and_a_recursive_forecast_keeps_no_state():
    with pytest.raises(NotFittedError, match="learned nothing yet"):
        quick().update(daily())
    with pytest.raises(OptionError, match="memory='running' needs strategy='direct'"):
        quick(memory="running", strategy="recursive").fit(daily())
    with pytest.raises(OptionError, match=r"memory='run' is not offered; there are 'window', 'running'. Did you mean"):
        quick(memory="run").fit(daily())


@pytest.mark.parametrize("memory", ["window", "running"])
def test_rows_that_were_taken_but_not_learned_from_may_be_judged(memory):
    table = daily()
    model = quick(memory=memory).fit(table[:-FRESH]).update(table[-FRESH:])
    made = model.backtest(table, windows=2, refit="never")
    assert len(made) == 2
    with pytest.raises(OptionError, match="has learned from rows of series 'y' up to 2024-02-23"):
        model.backtest(table, windows=3, refit="never")


@pytest.mark.parametrize("encoder", ["steps", "segments"])
def test_a_running_model_can_be_looked_into(encoder):
    table, columns = DATA["covariates"]
    model = quick(memory="running", encoder=encoder).fit(table, **columns)
    problem = model.as_problem(table)
    window = next(iter(problem.batches)).inputs["window"]
    labels = problem.labels["window"]
    assert labels[:6] == (
        "y",
        "filled",
        "seasonal change less its mean",
        "last change",
        "steps since the last known",
        "rain",
    )
    assert len(labels) == window.shape[-1]
    assert rc.memory.audit(model, table).gradient_flow


def test_the_page_goes_on_with_the_rows(tmp_path):
    table = daily()
    model = quick(memory="running").fit(table[:-FRESH])
    page = model.to_html(tmp_path / "before.html").read_text()
    model.update(table[-FRESH:])
    assert "2024-03-09" not in page
    assert "2024-03-09" in model.to_html(tmp_path / "after.html").read_text()


@pytest.mark.parametrize("encoder", ["steps", "segments"])
def test_a_trial_judges_what_predict_forecasts(encoder):
    table = daily()
    model = quick(encoder=encoder, memory="running").fit(table)
    trial = model.trial_
    model._ensemble, last = model._tried, int(trial.origins[-1, 1])
    np.testing.assert_allclose(trial.forecasts["GRU"][-1], numbers(model.predict(table[: last + 1])), rtol=1e-6)


def test_rows_that_a_recursive_forecast_cannot_reckon_with_are_refused():
    model = quick(strategy="recursive").fit(daily()[:-10])
    before = model.predict()
    with pytest.raises(OptionError, match="Series 'y' has missing values, and strategy='recursive' reckons with each"):
        model.update(daily()[-5:])
    with pytest.raises(OptionError, match="Series 'y' has missing values, and strategy='recursive' reckons with each"):
        model.predict(daily(holed(weekly())))
    with pytest.raises(DataError, match=f"has 9 rows, and a recursive forecast reads the last {LOOKBACK}: give more"):
        model.predict(daily(weekly(9)))
    assert model.predict().equals(before)


def test_a_long_gap_does_not_make_a_forecast_sure_of_itself():
    model = quick().fit(daily(holed(weekly())))
    width = float((model.predict()["y-90"] - model.predict()["y-10"]).mean())
    model.update(daily(weekly(ROWS + LOOKBACK))[-1:])
    after = model.predict()
    assert float((after["y-90"] - after["y-10"]).mean()) > 0.5 * width


@pytest.mark.parametrize("options", [{}, {"encoder": "segments", "dropout": 0.3, "num_layers": 2}])
@pytest.mark.parametrize("data", list(DATA))
def test_steps_are_chosen_by_what_the_network_forecasts_from_the_state_it_has_then(data, options):
    values, columns = weekly(200), DATA[data][1]
    table = {
        "plain": daily(values),
        "gaps": daily(holed(values)),
        "covariates": covariates(a=values, b=holed(weekly(240, seed=1))),
    }[data]
    known = rc.data.panel(table, target="y", **columns)
    model = quick(memory="running", max_steps=None, **options)
    plan = model._make_plan(known)
    before, watched = known.split(plan.held_out)[0], model._watched(plan, known)
    assert watched is not None
    rows, made, expected = make_rows(known, model._encoding(plan, before)), [], []

    class Watching(Callback):
        def on_start(self, run):
            run.module.register_forward_hook(lambda net, _, answer: None if net.training else made.append(answer))

        def on_evaluation(self, run):
            evaluated, made[:] = list(made), []
            whole, _, _ = answers(run.module, model._shape(plan, "gru"), rows, watched[1])
            made.clear()
            expected.append(whole)
            torch.testing.assert_close(torch.cat(evaluated).double(), whole, rtol=1e-5, atol=1e-6)

    model._train(plan, before, "gru", None, None, 0, "", watched=watched, callbacks=[Watching()])
    assert len(expected) > 2
    assert not torch.equal(expected[0], expected[1])


@pytest.mark.parametrize("memory", ["window", "running"])
def test_rows_far_behind_the_last_one_are_refused_before_there_are_rows_between(memory):
    stamps = pl.datetime_range(datetime(2024, 1, 1), datetime(2024, 1, 1, 3), "1m", eager=True)
    table = pl.DataFrame({"at": stamps, "y": weekly(len(stamps))})
    model = quick(memory=memory, season=7).fit(table)
    before = model.predict()
    last = datetime(2024, 1, 1, 3, 2)
    far = pl.DataFrame({"at": [datetime(2024, 1, 1, 3, 1), last, datetime(2034, 1, 1)], "y": [50.0, 51.0, 52.0]})
    with pytest.raises(DataError, match=r"The table: 5,260,137 rows in a run are missing, from 2024-01-01 03:03:00"):
        model.update(far)
    with pytest.raises(
        DataError,
        match=r"5,260,139 rows of series 'y' are missing before 2034-01-01, behind 2024-01-01 03:00:00: is that date r",
    ):
        model.update(far[2:])
    assert_frame_equal(model.predict(), before)
    day = pl.DataFrame({"at": [datetime(2024, 1, 2)], "y": [50.0]})
    with pytest.warns(UserWarning, match="of the last 14 values of series 'y' are missing"):
        assert model.update(day).predict()["at"][0] == datetime(2024, 1, 2, 0, 1)
