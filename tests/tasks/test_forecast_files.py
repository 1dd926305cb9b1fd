"""A forecaster comes back from its files as it was, also from those of earlier versions, or says what is wrong."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from polars.testing import assert_frame_equal
from tests.tasks.tables import daily, quick

import recuerdo as rc
from recuerdo.errors import ModelFileError, OutputError
from recuerdo.tasks.model_files import CARD, WEIGHTS

MODELS = Path(__file__).parent / "models"


@pytest.fixture
def saved(fitted, tmp_path):
    return fitted().save(tmp_path / "model")


def rewrite(path, *keys, value):
    """Change one entry of model.json, however deep."""
    card = json.loads((path / CARD).read_text())
    entry = card
    for key in keys[:-1]:
        entry = entry[key]
    if value is None:
        del entry[keys[-1]]
    else:
        entry[keys[-1]] = value
    (path / CARD).write_text(json.dumps(card))


def test_save_returns_the_directory_and_holds_no_pickle(fitted, saved):
    assert sorted(one.name for one in saved.iterdir()) == [CARD, WEIGHTS]
    json.loads((saved / CARD).read_text())
    assert not (saved / WEIGHTS).read_bytes().startswith(b"\x80")


def test_saving_over_a_model_takes_permission(fitted, saved):
    with pytest.raises(OutputError, match="overwrite=True replaces a model"):
        fitted().save(saved)
    other = fitted(cell="lstm")
    other.save(saved, overwrite=True)
    assert_frame_equal(rc.load(saved).predict(), other.predict(), check_exact=True)


def test_everything_that_was_fitted_comes_back(fitted, saved):
    model, loaded = fitted(), rc.load(saved)
    assert loaded.report_ == model.report_
    assert loaded.season_ == model.season_
    assert loaded._plan == model._plan
    assert loaded._ensemble.encoding == model._ensemble.encoding
    (mine,), (theirs,) = model._ensemble.members, loaded._ensemble.members
    assert (theirs.history, theirs.shape, theirs.unit, theirs.seed) == (mine.history, mine.shape, mine.unit, mine.seed)
    assert not theirs.net.training
    for name, tensor in mine.net.state_dict().items():
        assert torch.equal(theirs.net.state_dict()[name], tensor)
        assert theirs.net.state_dict()[name].device.type == "cpu"


def test_a_loaded_model_saves_and_loads_again(fitted, saved, tmp_path):
    twice = rc.load(rc.load(saved).save(tmp_path / "again"))
    assert_frame_equal(twice.predict(), fitted().predict(), check_exact=True)
    assert (tmp_path / "again" / WEIGHTS).read_bytes() == (saved / WEIGHTS).read_bytes()


def test_a_loaded_model_can_be_looked_into_and_fitted_again(fitted, saved):
    loaded = rc.load(saved)
    assert len(loaded.as_problem(daily()).batches) == len(fitted().as_problem(daily()).batches)
    assert_frame_equal(loaded.fit(daily()).predict(), fitted().predict(), check_exact=True)


def test_options_of_numpy_are_saved_as_numbers(tmp_path):
    options = {"quantiles": np.array([0.1, 0.9]), "learning_rate": np.float32(0.02), "random_state": np.int64(3)}
    model = quick(**options).fit(daily())
    loaded = rc.load(model.save(tmp_path / "model"))
    assert_frame_equal(loaded.predict(), model.predict(), check_exact=True)
    assert loaded.get_params()["random_state"] == 3


def test_another_task_is_refused_with_those_that_are_known(saved):
    rewrite(saved, "task", value="oracle")
    with pytest.raises(ModelFileError, match=r"for the task 'oracle'; this version knows forecaster, .*: update"):
        rc.load(saved)


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("settings", "hidden_size"), 9),
        (("settings", "cell"), "lstm"),
        (("settings", "cell"), "abacus"),
        (("settings", "strategy"), "recursive"),
        (("settings", "horizon"), 6),
        (("settings", "num_layers"), -1),
        (("settings", "quantiles"), [0.3]),
        (("settings", "magic"), True),
        (("shape", "hidden_size"), 9),
        (("shape", "cell"), "abacus"),
        (("shape", "head"), "gaussian"),
        (("shape", "levels"), None),
        (("shape",), {}),
        (("encoding", "past"), None),
        (("encoding",), []),
        (("moves",), 3),
        (("independent",), "two"),
        (("unit",), None),
        (("members",), 3),
        (("plan", "season"), None),
        (("plan", "season"), 6),
        (("plan",), []),
        (("series",), []),
        (("series", 0, "mean"), None),
        (("table",), "none"),
        (("table", "freq"), {}),
        (("members", 0, "history", "losses"), None),
        (("members", 0, "history"), [1.0]),
        (("table", "covariates"), None),
        (("report", "scores"), 3),
        (("members", 0, "seed"), -1),
    ],
)
def test_a_card_that_does_not_belong_to_the_weights_is_refused(saved, keys, value):
    rewrite(saved, *keys, value=value)
    with pytest.raises(
        ModelFileError, match=r"is not a forecaster that this version wrote \(\w+: .* Save the model an"
    ):
        rc.load(saved)


def test_weights_of_another_forecaster_are_refused(fitted, saved, tmp_path):
    shutil.copy(fitted(random_state=4).save(tmp_path / "other") / WEIGHTS, saved / WEIGHTS)
    with pytest.raises(ModelFileError, match=r"weights.safetensors is not the file that was saved"):
        rc.load(saved)


# Schema 2 has past, future and static covariates, gaps, a series shorter than a window, segments and two seeds.
@pytest.mark.parametrize("schema", ["schema-1", "schema-2"])
def test_a_model_of_an_earlier_schema_says_what_it_said_when_it_was_saved(schema):
    # Written once by the version that brought the schema, and never again: forecasts.csv is what it predicted then.
    model = rc.load(MODELS / schema)
    said = pl.read_csv(MODELS / f"{schema}-forecasts.csv", try_parse_dates=True)
    future = MODELS / f"{schema}-future.csv"
    assert_frame_equal(model.predict(future=future if future.exists() else None), said, rel_tol=1e-5, abs_tol=0)
    assert sum(one.stat().st_size for one in MODELS.glob(f"{schema}*/*")) < 60_000


def test_a_model_from_before_rows_could_follow_takes_them():
    model, rows = rc.load(MODELS / "schema-1"), pl.read_csv(MODELS / "schema-1-forecasts.csv", try_parse_dates=True)
    made = model.update(rows.select("unique_id", "ds", "y")).predict()
    assert made.columns == rows.columns
    assert (made["ds"] - rows["ds"]).dt.total_days().unique().to_list() == [5]
