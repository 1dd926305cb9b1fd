"""An argument that is not offered is refused before anything is read or trained."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from tests.tasks.tables import daily, quick

from recuerdo.errors import OptionError
from recuerdo.tasks.forecast_options import resolve_device

COUNT = "it counts, so it has to be a whole number of 1 or more"


@pytest.mark.parametrize(
    "argument", ["horizon", "hidden_size", "num_layers", "batch_size", "lookback", "season", "max_steps"]
)
@pytest.mark.parametrize("value", [0, -1, 2.0, True, "3"])
def test_what_counts_is_a_whole_number_of_one_or_more(argument, value):
    with pytest.raises(OptionError, match=f"{argument}={value!r}: {COUNT}"):
        quick(**{argument: value}).fit("no such file, and it is not read")


@pytest.mark.parametrize("argument", ["horizon", "hidden_size", "num_layers", "batch_size"])
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
        ({"dropout": 0.2}, r"dropout=0.2 acts between layers, and there is one"),
        ({"dropout": 1.0, "num_layers": 2}, r"dropout=1.0: it is a share"),
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


def test_dropout_between_layers_trains_and_is_off_in_forecasts():
    model = quick(dropout=0.5, num_layers=2).fit(daily())
    assert model.predict().equals(model.predict())


def test_numbers_of_numpy_are_numbers():
    options = {"quantiles": np.array([0.1, 0.9]), "learning_rate": np.float32(0.02), "random_state": np.int64(3)}
    assert quick(**options).fit(daily()).report_.random_state == 3


def test_auto_takes_a_gpu_where_there_is_one():
    assert resolve_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert resolve_device("cpu") == torch.device("cpu")
