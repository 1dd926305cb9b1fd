"""Saved sequence estimators: loaded, they say what they said."""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.torch import load_file

from recuerdo import SequenceClassifier, SequenceRegressor, load
from recuerdo.errors import ModelFileError, OutputError
from recuerdo.nn import LAYERS

SMALL = {"hidden_size": 4, "embedding_size": 4, "max_steps": 10, "random_state": 0, "verbose": False, "baselines": None}
X = np.random.default_rng(0).standard_normal((20, 6, 2))
Y = np.tile([0, 1], 10)
TEXTS = ["Un año bueno", "l'été mauvais, très"] * 10
GAPS = np.where(np.random.default_rng(1).random(X.shape) < 0.1, np.nan, X)

LABELS = {
    "int": Y,
    "negative": np.where(Y == 0, -7, 7).astype(np.int16),
    "str": np.where(Y == 0, "sí", "no"),
    "bool": Y == 1,
    "float": Y.astype(float),
    "objects": np.array(["a", "b"] * 10, object),
}


@pytest.mark.parametrize("labels", LABELS)
def test_classes_come_back_in_their_type(labels, tmp_path):
    model = SequenceClassifier(**SMALL).fit(X, LABELS[labels])
    again = load(model.save(tmp_path / "model"))
    assert again.classes_.dtype == model.classes_.dtype
    assert again.predict(X).tolist() == model.predict(X).tolist()
    assert type(again.predict(X)[0]) is type(model.predict(X)[0])


MODELS = {
    "texts with a bag": lambda: SequenceClassifier(**SMALL).fit(TEXTS, Y),
    "texts in characters": lambda: SequenceClassifier(level="char", bag=False, **SMALL).fit(TEXTS, Y),
    "texts in byte pairs": lambda: SequenceClassifier(level="bpe", lowercase=False, **SMALL).fit(TEXTS, Y),
    "gaps": lambda: SequenceClassifier(changes=True, **SMALL).fit(GAPS, Y),
    "frames, seeds, weights": lambda: SequenceClassifier(
        fold=4, n_seeds=2, readout=["last", "attention"], class_weight={0: 1.0, 1: 2.0}, **SMALL
    ).fit(X, Y),
    "residual": lambda: SequenceClassifier("indrnn", num_layers=2, residual=True, layer_norm=True, **SMALL).fit(X, Y),
    "each": lambda: SequenceClassifier(output="each", **SMALL).fit(X, np.tile([0, 1, 0], (20, 2))),
    "numbers": lambda: SequenceRegressor(**SMALL).fit(X, X[:, 0]),
    "number": lambda: SequenceRegressor(**SMALL).fit(X, X[:, 0, 0]),
    "texts to a number": lambda: SequenceRegressor(**SMALL).fit(TEXTS, 1000.0 * Y),
    **{cell: lambda cell=cell: SequenceClassifier(cell, **SMALL).fit(X, Y) for cell in LAYERS},
}


@pytest.mark.parametrize("kind", MODELS)
def test_a_loaded_model_says_what_it_said(kind, tmp_path):
    model = MODELS[kind]()
    again = load(model.save(tmp_path / "model"))
    assert type(again) is type(model)
    asked = TEXTS if kind.startswith("texts") else GAPS if kind == "gaps" else X
    ask = "predict_proba" if hasattr(model, "predict_proba") else "predict"
    np.testing.assert_array_equal(getattr(again, ask)(asked), getattr(model, ask)(asked))
    assert again.report_ == model.report_
    assert getattr(again, "n_features_in_", None) == getattr(model, "n_features_in_", None)
    params = model.get_params()
    params["readout"] = tuple(params["readout"])
    assert again.get_params() == params


def test_what_is_written_is_json_and_safetensors_alone(tmp_path):
    path = SequenceClassifier(**SMALL).fit(TEXTS, Y).save(tmp_path / "model")
    assert sorted(one.name for one in path.iterdir()) == ["model.json", "weights.safetensors"]
    assert json.loads((path / "model.json").read_text())["task"] == "sequence classifier"
    assert load_file(path / "weights.safetensors")


def test_a_loaded_model_goes_on_learning(tmp_path):
    model = SequenceClassifier(**SMALL).fit(X, Y)
    again = load(model.save(tmp_path / "model"))
    np.testing.assert_array_equal(again.partial_fit(X, Y).predict_proba(X), model.partial_fit(X, Y).predict_proba(X))


def test_nothing_is_replaced_unasked(tmp_path):
    model = SequenceClassifier(**SMALL).fit(X, Y)
    path = model.save(tmp_path / "model")
    with pytest.raises(OutputError, match="overwrite=True"):
        model.save(path)
    assert model.save(path, overwrite=True) == path


@pytest.mark.parametrize("gone", ["shape", "pool", "classes", "report", "numbers"])
def test_a_model_that_is_not_whole_is_said(gone, tmp_path):
    path = SequenceClassifier(**SMALL).fit(X, Y).save(tmp_path / "model")
    card = json.loads((path / "model.json").read_text())
    del card[gone]
    (path / "model.json").write_text(json.dumps(card))
    with pytest.raises(ModelFileError, match=f"is no whole model: '{gone}'"):
        load(path)


def test_the_trainings_come_back_and_those_of_older_files_are_unknown(tmp_path):
    model = SequenceClassifier(n_seeds=2, **SMALL).fit(X, Y)
    folder = model.save(tmp_path / "model")
    history = load(folder).as_problem(X, Y).history
    assert history == model.as_problem(X, Y).history
    assert history.steps == 10
    card = json.loads((folder / "model.json").read_text())
    del card["histories"]
    (folder / "model.json").write_text(json.dumps(card))
    assert load(folder).as_problem(X, Y).history is None


def test_a_training_that_partial_fit_went_on_with_is_not_told():
    model = SequenceClassifier(**SMALL).fit(X, Y)
    model.partial_fit(X, Y)
    assert model.as_problem(X, Y).history is None
