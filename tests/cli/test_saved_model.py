"""A model folder that was damaged, or is not ours, is refused in words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import recuerdo as rc
from recuerdo.errors import ModelFileError


@pytest.fixture
def model(forecast, sales):
    assert forecast(sales, "--out", "out").code == 0
    return Path("out/model")


def test_a_truncated_model_is_refused(model):
    weights = model / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(ModelFileError, match=r"not the file that was saved .* truncated or changed"):
        rc.load(model)


def test_a_model_of_a_newer_schema_is_refused_and_the_way_out_is_named(model):
    card = json.loads((model / "model.json").read_text())
    (model / "model.json").write_text(json.dumps({**card, "schema": 99}))
    with pytest.raises(ModelFileError, match=r"in schema 99, and this version reads up to .* update recuerdo"):
        rc.load(model)


def test_a_foreign_folder_is_refused(model):
    with pytest.raises(ModelFileError, match=r"out is no model of recuerdo's: it has no model\.json"):
        rc.load(model.parent)


def test_a_model_that_is_not_there_is_named(here):
    with pytest.raises(ModelFileError, match="There is no model at nowhere"):
        rc.load("nowhere")
