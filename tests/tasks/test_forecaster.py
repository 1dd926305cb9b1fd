"""What every forecaster promises, whatever its cell and its strategy."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from polars.testing import assert_frame_equal
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted
from tests.tasks.tables import HORIZON, LOOKBACK, QUICK, SEASON, daily, numbers, quick, weekly

import recuerdo as rc
from recuerdo.errors import NotFittedError
from recuerdo.nn import LAYERS
from recuerdo.tasks.forecast_training import STRATEGIES

KINDS = [{"cell": cell, "strategy": strategy} for cell in sorted(LAYERS) for strategy in STRATEGIES]
EVERY = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind['cell']}-{kind['strategy']}")
COLUMNS = ["day", "y", "y-10", "y-90"]


@EVERY
def test_the_table_is_left_as_it_was(kind):
    frame = daily().to_pandas()
    before = frame.copy(deep=True)
    model = quick(**kind, max_steps=1).fit(frame)
    model.predict(frame)
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
    first = fitted(**kind).predict()
    assert_frame_equal(quick(**kind).fit(daily()).predict(), first, check_exact=True)
    other = fitted(**kind, random_state=4).predict()
    assert (numbers(other) != numbers(first)).all()


@EVERY
def test_a_forecast_of_the_fitted_table_is_the_forecast_of_fit(fitted, kind):
    model = fitted(**kind)
    assert_frame_equal(model.predict(daily()), model.predict(), check_exact=True)


@EVERY
def test_forecasting_twice_gives_the_same(fitted, kind):
    model = fitted(**kind)
    first = model.predict()
    model.predict(daily(weekly(seed=9)))
    assert_frame_equal(model.predict(), first, check_exact=True)


@EVERY
def test_the_result_has_the_columns_of_the_table_and_ordered_quantiles(fitted, kind):
    frame = fitted(**kind).predict()
    assert frame.columns == COLUMNS
    assert frame.height == HORIZON
    assert frame["day"].diff().drop_nulls().dt.total_days().unique().to_list() == [1]
    assert frame["day"][0] > daily()["day"][-1]
    assert (numbers(frame, "y-10") <= numbers(frame)).all()
    assert (numbers(frame) <= numbers(frame, "y-90")).all()


@EVERY
def test_only_the_rows_within_the_lookback_decide(fitted, kind):
    model = fitted(**kind)
    values = weekly()
    older = values.copy()
    older[:-LOOKBACK] += 10
    expected = model.predict(daily(values))
    assert_frame_equal(model.predict(daily(older)), expected, check_exact=True)
    latest = values.copy()
    latest[-1] += 1
    assert numbers(model.predict(daily(latest)))[0] != numbers(expected)[0]


@EVERY
def test_a_model_that_was_saved_and_loaded_says_the_same(fitted, kind, tmp_path):
    model = fitted(**kind)
    loaded = rc.load(model.save(tmp_path / "model"))
    assert_frame_equal(loaded.predict(), model.predict(), check_exact=True)
    assert_frame_equal(loaded.predict(daily()), model.predict(), check_exact=True)
    assert loaded.get_params() == model.get_params()
    assert loaded.report_ == model.report_


@EVERY
def test_a_model_survives_a_pickle_in_memory(fitted, kind):
    model = fitted(**kind)
    assert_frame_equal(pickle.loads(pickle.dumps(model)).predict(), model.predict(), check_exact=True)


@EVERY
def test_a_fit_follows_its_report(fitted, kind):
    report = fitted(**kind).report_
    assert (report.steps, report.random_state) == (QUICK["max_steps"], QUICK["random_state"])
    assert report.parameters == sum(each.numel() for each in fitted(**kind)._model.net.parameters())
    assert f"season {SEASON} (from the time stamps), lookback {LOOKBACK}, " in report.choices[-1]
    assert list(report.scores) == [report.model] == [fitted(**kind).name]


def test_a_new_process_says_the_same_of_every_model(fitted, tmp_path):
    paths = [fitted(**kind).save(tmp_path / str(number)) for number, kind in enumerate(KINDS)]
    code = (
        "import sys, json, recuerdo as rc\n"
        "print(json.dumps([rc.load(path).predict().select('y', 'y-10', 'y-90').rows() for path in sys.argv[1:]]))"
    )
    done = subprocess.run([sys.executable, "-c", code, *map(str, paths)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    here = [[list(row) for row in fitted(**kind).predict().select("y", "y-10", "y-90").rows()] for kind in KINDS]
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
