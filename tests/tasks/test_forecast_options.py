"""An argument that is not offered is refused before anything is read or trained."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
import torch
from tests.tasks.tables import daily, quick

from recuerdo.errors import OptionError
from recuerdo.tasks.forecast_options import resolve_device

COUNT = "it counts, so it has to be a whole number of 1 or more"


@pytest.mark.parametrize(
    "argument",
    ["horizon", "hidden_size", "num_layers", "batch_size", "lookback", "season", "segment", "n_seeds", "max_steps"],
)
@pytest.mark.parametrize("value", [0, -1, 2.0, True, "3"])
def test_what_counts_is_a_whole_number_of_one_or_more(argument, value):
    with pytest.raises(OptionError, match=f"{argument}={value!r}: {COUNT}"):
        quick(**{argument: value}).fit("no such file, and it is not read")


@pytest.mark.parametrize("argument", ["horizon", "num_layers", "n_seeds"])
def test_a_size_cannot_be_left_open(argument):
    with pytest.raises(OptionError, match=f"{argument}=None: {COUNT}"):
        quick(**{argument: None}).check("no such file, and it is not read")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cell": "gruu"}, r"cell='gruu' is not offered; there are .*'gru'.*\. Did you mean 'gru'\?"),
        ({"cell": "transformer"}, r"cell='transformer' is not offered; there are .*'lstm'[^?]*$"),
        ({"strategy": "recursiv"}, "there are 'direct', 'recursive'. Did you mean 'recursive'"),
        ({"log": "yes"}, "log='yes' is not offered; there are 'auto', True, False"),
        ({"log": 1}, "log=1 is not offered; there are 'auto', True, False"),
        ({"baselines": "all"}, "baselines='all' is not offered; there are 'auto', None"),
        ({"strategy": "recursive", "lookback": 2}, "lookback=2: a recursive forecast needs 3 rows or more"),
        ({"quantiles": (0.0, 0.9)}, r"quantiles=\(0.0, 0.9\): each has to lie between 0 and 1, as in \(0.1, 0.9\)"),
        ({"quantiles": (10, 90)}, r"quantiles=\(10, 90\): each has to lie between 0 and 1"),
        ({"quantiles": (math.nan,)}, r"quantiles=\(nan,\): each has to lie between 0 and 1"),
        ({"quantiles": 0.1}, r"quantiles=0.1: it is a list, as in \(0.1, 0.9\); \(\) asks for none"),
        ({"head": "gausian"}, "head='gausian' is not offered; there are .* Did you mean 'gaussian'"),
        ({"loss": "rmse"}, "loss='rmse' is not offered; there are 'mae', 'mse', 'owa'"),
        ({"encoder": "segment"}, "encoder='segment' is not offered; there are 'auto', 'steps', 'segments'. Did you"),
        ({"calendar": "hour"}, r"calendar='hour': it is 'auto' or a list, as in \('hour', 'weekday'\)"),
        ({"segment": 3, "encoder": "steps"}, "segment=3 does not go with encoder='steps': leave one of them out"),
        ({"loss": "owa", "head": "gaussian"}, "loss='owa' judges a number, and head='gaussian' answers more than that"),
        ({"loss": "mse", "head": "quantiles"}, "loss='mse' judges a number, and head='quantiles' answers more"),
        ({"strategy": "recursive", "head": "gaussian"}, "head='gaussian' needs strategy='direct': a recursive foreca"),
        ({"strategy": "recursive", "loss": "mse"}, "loss='mse' needs strategy='direct'"),
        ({"strategy": "recursive", "encoder": "segments"}, "encoder='segments' needs strategy='direct'"),
        ({"strategy": "recursive", "segment": 3}, "segment=3 needs strategy='direct'|encoder='auto' needs"),
        ({"strategy": "recursive", "calendar": ("weekday",)}, r"calendar=\('weekday',\) needs strategy='direct'"),
        ({"verbose": "loud"}, "verbose='loud' is not offered; there are True, False, None and 'brief'"),
        ({"dropout": "0.1"}, r"dropout='0.1': it is a share, so it has to be in \[0, 1\)"),
        ({"max_seconds": 0}, "max_seconds=0: a budget is a number of seconds above 0, or None"),
        ({"max_seconds": math.nan}, "max_seconds=nan: a budget is a number of seconds above 0, or None"),
        ({"max_seconds": math.inf}, "max_seconds=inf: a budget is a number of seconds above 0, or None"),
        ({"max_seconds": "1 h"}, "max_seconds='1 h': a budget is a number of seconds above 0, or None"),
    ],
)
def test_a_value_that_is_not_offered_is_refused_before_the_table_is_read(options, words):
    for ask in (quick(**options).fit, quick(**options).check):
        with pytest.raises(OptionError, match=words):
            ask("no such file, and it is not read")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dropout": 1.0}, r"dropout=1.0: it is a share"),
        ({"learning_rate": 0.0}, "learning_rate must be a number above 0; got 0.0"),
        ({"random_state": -1}, "random_state must be None or a whole number from 0"),
        ({"device": "tpu"}, "device='tpu' is not known: 'auto', 'cpu' or 'cuda'"),
        ({"device": "meta"}, "'cpu' or 'cuda', not on 'meta'"),
        ({"season": 7, "lookback": 13}, "lookback=13 is too short for season=7, which needs 14 rows"),
        ({"strategy": "recursive", "season": 7, "lookback": 8}, "which needs 9 rows or more"),
        ({"quantiles": (0.001, 0.999)}, r"The quantiles need 499 held-out errors, and the last rows give \d+: ask for"),
    ],
)
def test_what_does_not_go_together_is_refused_by_fit(options, words):
    model = quick(**options)
    with pytest.raises(OptionError, match=words):
        model.fit(daily())
    assert not hasattr(model, "report_")


def test_check_says_what_fit_would_decide():
    model = quick()
    words = model.check(daily())
    assert words == quick().fit(daily()).report_.choices[-1]
    assert not hasattr(model, "report_")


def test_check_refuses_what_the_plan_refuses():
    with pytest.raises(OptionError, match="lookback=13 is too short for season=7"):
        quick(season=7, lookback=13).check(daily())


@pytest.mark.parametrize("layers", [1, 2])
def test_dropout_trains_and_is_off_in_forecasts(fitted, layers):
    model = fitted(dropout=0.5, num_layers=layers)
    assert model.predict().equals(model.predict())
    assert not model.predict().equals(fitted(num_layers=layers).predict())


@pytest.mark.parametrize(
    ("values", "columns", "words"),
    [
        ({}, {"past": ["x"]}, "Covariates need strategy='direct': a recursive forecast would have to forecast them"),
        ({3: None}, {}, "Series 'y' has missing values, and strategy='recursive' reckons with each value: take strat"),
    ],
)
def test_a_recursive_forecast_refuses_what_it_cannot_learn_from(values, columns, words):
    table = daily().with_columns(x=pl.lit(1.0) + pl.int_range(pl.len()))
    for row, value in values.items():
        table[row, "y"] = value
    with pytest.raises(OptionError, match=words):
        quick(strategy="recursive").fit(table, target="y", **columns)


def test_numbers_of_numpy_are_numbers():
    options = {"quantiles": np.array([0.1, 0.9]), "learning_rate": np.float32(0.02), "random_state": np.int64(3)}
    assert quick(**options).fit(daily()).report_.random_state == 3


def test_auto_takes_a_gpu_where_there_is_one():
    assert resolve_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert resolve_device("cpu") == torch.device("cpu")
