"""What every forecaster promises, whatever its options and its data."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from datetime import timedelta

import numpy as np
import pytest
import torch
from polars.testing import assert_frame_equal
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted
from tests.tasks.tables import (
    DATA,
    HORIZON,
    LOOKBACK,
    QUICK,
    SEASON,
    covariates,
    daily,
    following,
    holed,
    numbers,
    quick,
    weekly,
)

import recuerdo as rc
from recuerdo.errors import NotFittedError
from recuerdo.nn import LAYERS
from recuerdo.tasks.forecast_shapes import STRATEGIES

KINDS = [
    *({"cell": cell, "strategy": strategy} for cell in sorted(LAYERS) for strategy in STRATEGIES),
    {"head": "quantiles"},
    {"head": "gaussian", "cell": "lstm"},
    {"head": "student_t", "cell": "indrnn"},
    {"encoder": "segments", "cell": "frnn"},
    {"segment": 5, "loss": "owa"},
    {"loss": "mse", "calendar": ("weekday",)},
    {"n_seeds": 2},
    {"data": "gaps"},
    {"data": "gaps", "head": "quantiles", "encoder": "segments"},
    {"data": "covariates"},
    {"data": "covariates", "head": "student_t", "encoder": "segments", "calendar": ("weekday",), "n_seeds": 2},
]
EVERY = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: "-".join(map(str, kind.values())))


def parts(kind):
    """The data of a kind, its other options, and what predict is told."""
    data = kind.get("data", "plain")
    options = {name: value for name, value in kind.items() if name != "data"}
    return data, options, following(data)


def changed(data, change):
    """The table of a kind with other values: `change` is told those of each series."""
    if data == "covariates":
        return covariates(a=change(holed(weekly())), b=change(weekly(80, seed=1, level=20)))
    return daily(change(holed(weekly()) if data == "gaps" else weekly()))


@EVERY
def test_the_table_is_left_as_it_was(kind):
    data, options, told = parts(kind)
    table, columns = DATA[data]
    frame = table.to_pandas()
    before = frame.copy(deep=True)
    model = quick(**options, max_steps=1).fit(frame, **columns)
    model.predict(frame, **told)
    model.as_problem(frame)
    assert frame.equals(before)
    assert frame.dtypes.equals(before.dtypes)


@EVERY
def test_a_clone_has_the_same_options_and_has_learned_nothing(fitted, kind):
    model = fitted(**kind)
    twin = clone(model)
    assert twin.get_params() == model.get_params()
    check_is_fitted(model)
    with pytest.raises(NotFittedError, match="This Forecaster has learned nothing yet: call fit"):
        twin.predict()


@EVERY
def test_the_same_seed_gives_the_same_forecast_and_another_seed_another(fitted, kind):
    data, options, told = parts(kind)
    table, columns = DATA[data]
    first = fitted(**kind).predict(**told)
    assert_frame_equal(quick(**options).fit(table, **columns).predict(**told), first, check_exact=True)
    other = fitted(**kind, random_state=14).predict(**told)
    assert (numbers(other) != numbers(first)).all()


@EVERY
def test_a_forecast_of_the_fitted_table_is_the_forecast_of_fit(fitted, kind):
    data, _, told = parts(kind)
    model = fitted(**kind)
    assert_frame_equal(model.predict(DATA[data][0], **told), model.predict(**told), check_exact=True)


@EVERY
def test_forecasting_twice_gives_the_same(fitted, kind):
    data, _, told = parts(kind)
    model = fitted(**kind)
    first = model.predict(**told)
    model.predict(changed(data, lambda values: values[::-1].copy()), **told)
    assert_frame_equal(model.predict(**told), first, check_exact=True)


@EVERY
def test_the_result_has_the_columns_of_the_table_and_ordered_quantiles(fitted, kind):
    data, options, told = parts(kind)
    frame = fitted(**kind).predict(**told)
    names = ["unique_id", "ds"] if data == "covariates" else ["day"]
    assert frame.columns == [*names, "y", "y-10", "y-90"]
    assert frame.height == HORIZON * (2 if data == "covariates" else 1)
    assert np.isfinite(frame.select("y", "y-10", "y-90").to_numpy()).all()
    one = frame.head(HORIZON)[names[-1]]
    assert one.diff().drop_nulls().dt.total_days().unique().to_list() == [1]
    assert one[0] == daily()["day"][-1] + timedelta(1)
    assert (numbers(frame, "y-10") <= numbers(frame, "y-90")).all()
    if options.get("head", "point") == "point":
        assert (numbers(frame, "y-10") <= numbers(frame)).all()
        assert (numbers(frame) <= numbers(frame, "y-90")).all()


@EVERY
def test_only_the_rows_within_the_lookback_decide(fitted, kind):
    data, _, told = parts(kind)
    model = fitted(**kind)

    def older(values):
        values = values.copy()
        values[:-LOOKBACK] += 10
        return values

    def latest(values):
        values = values.copy()
        values[-1] += 1
        return values

    expected = model.predict(**told)
    assert_frame_equal(model.predict(changed(data, older), **told), expected, check_exact=True)
    moved = numbers(model.predict(changed(data, latest), **told))
    assert (moved[::HORIZON] != numbers(expected)[::HORIZON]).all()  # the first step of every series


@EVERY
def test_a_model_that_was_saved_and_loaded_says_the_same(fitted, kind, tmp_path):
    data, _, told = parts(kind)
    model = fitted(**kind)
    loaded = rc.load(model.save(tmp_path / "model"))
    assert_frame_equal(loaded.predict(**told), model.predict(**told), check_exact=True)
    assert_frame_equal(loaded.predict(DATA[data][0], **told), model.predict(**told), check_exact=True)
    assert loaded.get_params() == model.get_params()
    assert loaded.report_ == model.report_


@EVERY
def test_a_model_survives_a_pickle_in_memory(fitted, kind):
    _, _, told = parts(kind)
    model = fitted(**kind)
    again = pickle.loads(pickle.dumps(model))
    assert_frame_equal(again.predict(**told), model.predict(**told), check_exact=True)


@EVERY
def test_a_fit_follows_its_report(fitted, kind):
    model, count = fitted(**kind), kind.get("n_seeds", 1)
    report = model.report_
    assert (report.steps, report.random_state) == (QUICK["max_steps"], QUICK["random_state"])
    assert report.parameters == sum(each.numel() for each in model._ensemble.members[0].net.parameters())
    assert f"season {SEASON} (from the time stamps), lookback {LOOKBACK}" in report.choices[-1]
    assert list(report.scores) == [report.model] == [model.name]
    assert list(report.seed_scores) == ([3, 4] if count == 2 else [])


def test_a_new_process_says_the_same_of_every_model(fitted, tmp_path):
    asked, here = [], []
    for number, kind in enumerate(KINDS):
        _, _, told = parts(kind)
        path = fitted(**kind).save(tmp_path / str(number))
        for table in told.values():
            table.write_parquet(tmp_path / "future.parquet")
        asked.append([str(path), str(tmp_path / "future.parquet") if told else None])
        here.append([list(row) for row in fitted(**kind).predict(**told).select("y", "y-10", "y-90").rows()])
    code = (
        "import sys, json, recuerdo as rc\n"
        "made = [rc.load(path).predict(future=future) for path, future in json.loads(sys.argv[1])]\n"
        "print(json.dumps([frame.select('y', 'y-10', 'y-90').rows() for frame in made]))"
    )
    done = subprocess.run([sys.executable, "-c", code, json.dumps(asked)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    # Exact: numbers go through JSON by their shortest text that reads back as the same float.
    assert json.loads(done.stdout) == here


@pytest.mark.parametrize(
    "ask",
    [
        lambda model, path: model.predict(),
        lambda model, path: model.forecast(daily()),
        lambda model, path: model.as_problem(daily()),
        lambda model, path: model.save(path),
        lambda model, path: model.season_,
    ],
)
def test_nothing_is_answered_before_fit(ask, tmp_path):
    with pytest.raises(NotFittedError, match=r"call fit\(table\), or recuerdo.load\(path\)"):
        ask(quick(), tmp_path / "model")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_network_to_look_into_has_the_loss_that_it_learned_from(fitted, strategy):
    model = fitted(strategy=strategy)
    problem = model.as_problem(daily())
    values = weekly()
    z = (values - values.mean()) / values.std()
    unit = np.sqrt(np.mean((z[SEASON:] - z[:-SEASON]) ** 2))
    first = 0
    for batch, _ in zip(iter(problem.batches), range(len(problem.batches)), strict=False):
        with torch.no_grad():
            output = problem.module(**batch.inputs)
        loss = problem.loss(output, batch).item()
        rows = np.stack([z[i : i + LOOKBACK + HORIZON] for i in range(first, first + batch.size)])
        first += batch.size
        if strategy == "direct":
            scale = np.sqrt(rows[:, :LOOKBACK].var(axis=1, keepdims=True) + (0.1 * unit) ** 2)
            by_hand = np.mean(np.abs(output.numpy() - rows[:, LOOKBACK:]) / scale)
        else:
            by_hand = np.mean(np.abs(output.numpy() - rows[:, SEASON + 1 :])) / unit
        assert loss == pytest.approx(by_hand, rel=1e-5)
    assert first == len(values) - LOOKBACK - HORIZON + 1
    assert not problem.module.training
    assert problem.labels == {"window": ("y",)}


def test_logarithms_are_a_choice_that_reaches_the_forecast(fitted):
    logs, plain = fitted(log=True).predict(), fitted(log=False).predict()
    assert (numbers(logs) != numbers(plain)).all()
    low, high = (numbers(logs, name) for name in ("y-10", "y-90"))
    np.testing.assert_allclose(numbers(logs) ** 2, low * high, rtol=1e-9)  # symmetric on the scale of logarithms


@pytest.mark.parametrize(
    ("quantiles", "columns"),
    [
        ((), ["day", "y"]),
        ((0.9, 0.1, 0.5), ["day", "y", "y-10", "y-50", "y-90"]),
        ([0.025, 0.75], ["day", "y", "y-2.5", "y-75"]),
    ],
)
def test_each_quantile_is_a_column(fitted, quantiles, columns):
    frame = fitted(quantiles=tuple(quantiles)).predict()
    assert frame.columns == columns
    if "y-50" in columns:
        assert frame["y-50"].equals(frame["y"])


def test_what_is_set_after_a_fit_changes_neither_forecast_nor_file(tmp_path):
    model = quick().fit(daily())
    before = model.predict()
    model.set_params(quantiles=(0.3,), cell="lstm")
    assert model.predict().equals(before)
    model.save(tmp_path / "model")
    assert rc.load(tmp_path / "model").predict().equals(before)
