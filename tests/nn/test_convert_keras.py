"""from_keras against Keras itself, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from tests.nn.cases import parts, randn
from tests.tolerances import KERAS, assert_values
from torch import Tensor

from recuerdo.cells import ACTIVATIONS
from recuerdo.errors import ConversionError
from recuerdo.nn import GRU, convert

keras: Any = pytest.importorskip("keras", reason="Keras is what these layers are compared with")
# Keras's own variables do not take the keyword that NumPy 2 hands to __array__.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
N, T, D, H = 3, 7, 4, 5

KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "simple": ("SimpleRNN", {}),
    "lstm": ("LSTM", {}),
    "gru": ("GRU", {"reset_after": True}),
    "gru_reset_before": ("GRU", {"reset_after": False}),
}


def built(kind: str, *, bidirectional: bool = False, **options: Any) -> Any:
    """A Keras layer that returns everything, with random weights and biases."""
    name, settings = KINDS[kind]
    layer = getattr(keras.layers, name)(H, **{"return_sequences": True, "return_state": True, **settings, **options})
    if bidirectional:
        layer = keras.layers.Bidirectional(layer)
    layer.build((N, T, D))
    source = np.random.default_rng(0)
    layer.set_weights([source.normal(0, 0.5, w.shape).astype(w.dtype) for w in layer.get_weights()])
    return layer


def assert_same_as_keras(layer: Any, state: tuple[Tensor, ...] | None = None) -> None:
    x = randn(N, T, D, dtype=torch.float32)
    ours = convert.from_keras(layer)
    S = len(ours.cell.states)
    given = None if state is None else [part[k] for k in range(ours.directions) for part in state]
    with torch.no_grad():
        output, *states = layer(x, initial_state=given)
        # Keras lists the forward direction's states first, then the backward one's.
        expected = [torch.stack(states[s::S]) for s in range(S)]
        ready = state if state is None or S > 1 else state[0]
        actual, final = ours(x, ready)
    assert_values(actual, output, "output", KERAS)
    for name, ended, wanted in zip(ours.cell.states, parts(final), expected, strict=True):
        assert_values(ended, wanted, name, KERAS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("use_bias", [True, False], ids=["bias", "no_bias"])
@pytest.mark.parametrize("bidirectional", [False, True], ids=["forward", "bidirectional"])
@pytest.mark.parametrize("stateful", [False, True], ids=["from_zero", "from_state"])
def test_outputs_and_states_equal_those_of_keras(
    kind: str, use_bias: bool, bidirectional: bool, stateful: bool
) -> None:
    layer = built(kind, use_bias=use_bias, bidirectional=bidirectional)
    directions = 2 if bidirectional else 1
    shape = (directions, N, H)
    state = tuple(randn(*shape, seed=k, dtype=torch.float32) for k in range(2 if kind == "lstm" else 1))
    assert_same_as_keras(layer, state if stateful else None)


@pytest.mark.parametrize(
    "activation", ["linear", "relu", "sigmoid", "tanh", "elu", "selu", "softplus", "softsign", "gelu"]
)
def test_simple_rnn_keeps_its_activation(activation: str) -> None:
    assert_same_as_keras(built("simple", activation=activation))


@pytest.mark.parametrize("name", ["hard_sigmoid", "swish", "silu", "relu6", "mish"])
def test_an_activation_that_keras_names_otherwise_is_the_same_function(name: str) -> None:
    layer = built("simple", activation=name)
    assert convert.from_keras(layer).cell.nonlinearity in ACTIVATIONS
    assert_same_as_keras(layer)


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_that_returns_only_its_last_output_converts_as_well(kind: str) -> None:
    layer = built(kind, return_sequences=False, return_state=False)
    x = randn(N, T, D, dtype=torch.float32)
    with torch.no_grad():
        assert_values(convert.from_keras(layer)(x)[0][:, -1], layer(x), "last output", KERAS)


def test_recurrent_dropout_is_kept_and_the_layer_comes_in_evaluation_mode() -> None:
    layer = convert.from_keras(built("lstm", recurrent_dropout=0.25))
    assert layer.recurrent_dropout == 0.25
    assert not layer.training


def test_both_forms_of_the_gru_become_the_form_they_are() -> None:
    for kind, reset_after in (("gru", True), ("gru_reset_before", False)):
        layer = convert.from_keras(built(kind))
        assert isinstance(layer, GRU)
        assert layer.reset_after is reset_after


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: torch.nn.LSTM(2, 2), r"takes a Keras SimpleRNN, LSTM, GRU, .* got torch\.nn.*\.LSTM"),
        (lambda: keras.layers.Dense(3), r"Bidirectional around one, got keras.*\.Dense"),
        (lambda: keras.layers.LSTM(3), "This Keras LSTM has no weights yet: call it, or its model, on data"),
        (lambda: built("gru", go_backwards=True), "go_backwards=True: reverse the time axis"),
        (lambda: built("lstm", activation="relu"), "activation='relu'; recuerdo's LSTM has 'tanh' there"),
        (
            lambda: built("gru", recurrent_activation="hard_sigmoid"),
            "recurrent_activation='hard_sigmoid'; recuerdo's GRU has 'sigmoid' there",
        ),
        (
            lambda: built("simple", activation="leaky_relu"),
            "activation='leaky_relu', which has no equal here: its slope is 0.2",
        ),
        (
            lambda: built("simple", activation="exponential"),
            "activation='exponential', which has no equal here: offered are elu, gelu",
        ),
        (
            lambda: unequal(keras.layers.SimpleRNN(H, activation="relu", go_backwards=True)),
            "This Keras Bidirectional's directions differ in activation; .* convert the two layers one by one",
        ),
        (
            lambda: unequal(keras.layers.GRU(H, go_backwards=True)),
            "directions differ in recurrent_activation, reset_after",
        ),
        (
            lambda: merged("sum"),
            "merge_mode='sum'; recuerdo concatenates: build it with merge_mode='concat'",
        ),
    ],
    ids=[
        "torch",
        "dense",
        "unbuilt",
        "backwards",
        "activation",
        "recurrent_activation",
        "slope",
        "unknown",
        "directions",
        "cells",
        "merge",
    ],
)
def test_from_keras_refuses(make: Any, words: str) -> None:
    with pytest.raises(ConversionError, match=words):
        convert.from_keras(make())


def merged(mode: str) -> Any:
    layer = keras.layers.Bidirectional(keras.layers.GRU(H), merge_mode=mode)
    layer.build((N, T, D))
    return layer


def unequal(backward: Any) -> Any:
    layer = keras.layers.Bidirectional(keras.layers.SimpleRNN(H), backward_layer=backward)
    layer.build((N, T, D))
    return layer


@pytest.mark.parametrize("kind", KINDS)
def test_the_dtype_of_the_weights_is_kept(kind: str) -> None:
    layer, x = built(kind, dtype="float64"), randn(N, T, D)
    output, _ = convert.from_keras(layer)(x)
    assert output.dtype == torch.float64
    with torch.no_grad():
        assert_values(output, layer(x)[0], tolerance=KERAS)


def test_converting_never_imports_keras() -> None:
    program = """
import sys
import numpy as np
from recuerdo.nn import convert

class LSTM:
    built = True
    def get_config(self):
        return {"go_backwards": False, "use_bias": True, "recurrent_dropout": 0.0, "units": 2,
                "activation": "tanh", "recurrent_activation": "sigmoid"}
    def get_weights(self):
        return [np.ones((3, 8), "f4"), np.ones((2, 8), "f4"), np.ones(8, "f4")]

LSTM.__module__ = "keras.src.layers.rnn.lstm"
print(convert.from_keras(LSTM()), "keras" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "LSTM(3, 2) False"


def test_a_function_of_the_users_own_is_refused_without_showing_its_code() -> None:
    def halved(x: Any) -> Any:
        return x / 2

    layer = keras.layers.SimpleRNN(4, activation=halved)
    layer.build((None, 5, 3))
    with pytest.raises(ConversionError, match=r"has activation=a function of its own, .* offered are .*hard_tanh"):
        convert.from_keras(layer)


def test_a_subclass_from_another_package_is_refused() -> None:
    kind = type("LSTM", (keras.layers.LSTM,), {"__module__": "keras_extras"})
    layer = kind(4)
    layer.build((None, 5, 3))
    with pytest.raises(ConversionError, match=r"from_keras takes a Keras SimpleRNN, .* got keras_extras.LSTM"):
        convert.from_keras(layer)
