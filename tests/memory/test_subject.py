"""What is looked into: the same door for everyone's model, and its refusals in words."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import recuerdo as rc
from recuerdo.errors import ConversionError, DataError, OptionError, ShapeError
from recuerdo.memory.subject import subject_of

N, T, D, H = 5, 6, 3, 4

layers = pytest.mark.parametrize("layer", [rc.nn.LSTM(D, H), nn.LSTM(D, H)], ids=["recuerdo", "torch"])


@layers
@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (
            torch.zeros(T, D),
            ShapeError,
            r"LSTM expects \(samples, time steps, 3 features\), .*did you mean x\[None\]\?",
        ),
        (torch.zeros(N, T, D + 1), ShapeError, r"got \(5, 6, 4\)\. No axis holds 3 features"),
        (torch.zeros(0, T, D), ShapeError, r"The data \(0, 6, 3\) are empty: give one sample or more"),
        (torch.zeros(N, 0, D), ShapeError, r"The data \(5, 0, 3\) are empty: give one sample or more"),
        (np.ones((N, T, D), dtype=int), DataError, r"computes with floating-point numbers, got torch\.int64: convert"),
        (torch.full((N, T, D), torch.nan), DataError, "The data hold NaN: 90 of their 90 numbers .* sample 0, step 0"),
        (torch.full((N, T, D), torch.inf), DataError, "The data hold infinity: 90 of their 90 numbers are not finite"),
        ("data", DataError, r"The data are no array of \(samples, time steps, features\)"),
    ],
)
def test_data_that_a_layer_cannot_run_on_are_refused(layer, data, error, words):
    with pytest.raises(error, match=words):
        subject_of(layer, data)


def test_the_place_of_what_is_missing_is_that_of_samples_and_steps_whichever_comes_first():
    x = torch.zeros(T, N, D)
    x[4, 2, 1] = torch.nan
    with pytest.raises(DataError, match="the first at sample 2, step 4, feature 1"):
        subject_of(nn.GRU(D, H), {"input": x})


def test_samples_are_cut_on_the_axis_on_which_each_argument_has_them():
    layer = rc.nn.LSTM(D, H, batch_first=False)
    state = (torch.zeros(1, N, H), torch.ones(1, N, H))
    reset = [[False] * N] * T
    given = {"x": torch.zeros(T, N, D), "state": state, "lengths": [1, 2, 3, 4, 5], "reset": reset, "trace": False}
    found = subject_of(layer, given, most=2)
    assert found.inputs["x"].shape == (T, 2, D)
    assert [part.shape for part in found.inputs["state"]] == [(1, 2, H)] * 2
    assert found.inputs["lengths"] == [1, 2]
    assert found.inputs["reset"].shape == (T, 2)
    assert found.inputs["trace"] is False
    assert found.notes == ("the first 2 of the 5 samples were looked at",)
    assert subject_of(layer, given, most=N).notes == ()
    assert subject_of(layer, given).inputs["x"].shape == (T, N, D)


def test_a_layer_whose_axes_run_the_other_way_is_not_touched():
    theirs = nn.GRU(D, H)
    found = subject_of(theirs, torch.zeros(N, T, D))
    assert found.module.batch_first
    assert not theirs.batch_first


def test_a_model_that_was_made_in_inference_mode_is_copied():
    with torch.inference_mode():
        layer = rc.nn.GRU(D, H)
    with torch.inference_mode(False):
        found = subject_of(layer, torch.zeros(N, T, D))
    assert found.module is not layer
    assert not any(each.is_inference() for each in found.module.parameters())
    ordinary = rc.nn.GRU(D, H)
    assert subject_of(ordinary, torch.zeros(N, T, D)).module is ordinary


def test_a_keras_layer_without_an_equal_is_refused():
    keras = pytest.importorskip("keras", reason="keras is not installed")
    with pytest.raises(ConversionError, match="from_keras takes a Keras SimpleRNN, LSTM, GRU"):
        subject_of(keras.layers.Dense(3), torch.zeros(N, T, D))


def test_what_no_model_is_is_said():
    with pytest.raises(OptionError, match="Forecaster is a class: give a model of it"):
        subject_of(rc.Forecaster, None)
    with pytest.raises(OptionError, match=r"a learn\.Problem, or a Keras recurrent layer; got builtins\.dict"):
        subject_of({}, torch.zeros(N, T, D))
