"""Weights from and to torch.nn, and from Keras, checked so that what comes out computes what went in.

torch.nn lays its parameters out as recuerdo does. Keras keeps W transposed, orders the GRU's gates z, r, n, and has
one bias vector except in a GRU with reset_after=True. Keras itself is never imported: a layer is read through its own
methods.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from recuerdo.cells import ACTIVATIONS
from recuerdo.errors import ConversionError
from recuerdo.nn.layers import FRNN, GRU, LSTM
from recuerdo.nn.recurrent import RecurrentLayer


def from_torch(module: nn.RNNBase) -> RecurrentLayer:
    """Return the recuerdo layer that computes what a torch.nn.RNN, LSTM or GRU computes, with a copy of its weights.

    Args:
        module: a torch.nn.RNN, LSTM or GRU; layers, directions, dropout, batch_first, device, dtype and mode are kept.

    Raises:
        ConversionError: another type, or an LSTM with proj_size.

    Example:
        >>> import torch, recuerdo as rc
        >>> rc.convert.from_torch(torch.nn.LSTM(8, 16, batch_first=True))
        LSTM(8, 16)
    """
    if type(module).__name__.removeprefix("Parametrized") not in ("RNN", "LSTM", "GRU") or not isinstance(
        module, nn.RNN | nn.LSTM | nn.GRU
    ):
        raise ConversionError(
            f"from_torch takes a torch.nn.RNN, LSTM or GRU, got {type(module).__name__}: to convert a layer inside a "
            f"model, give that layer itself."
        )
    if module.proj_size:
        raise ConversionError(
            f"This torch.nn.LSTM has proj_size={module.proj_size}, which recuerdo does not offer: train an LSTM "
            f"without it, with torch.nn.Linear({module.hidden_size}, {module.proj_size}) behind it."
        )
    like = module.weight_ih_l0
    sizes = (module.input_size, module.hidden_size, module.num_layers)
    options: dict[str, Any] = {
        "bias": module.bias,
        "batch_first": module.batch_first,
        "dropout": module.dropout if module.num_layers > 1 else 0.0,  # torch warns and ignores it in a single layer
        "bidirectional": module.bidirectional,
        "device": like.device,
        "dtype": like.dtype,
    }
    layer: RecurrentLayer
    if isinstance(module, nn.RNN):
        layer = FRNN(*sizes, nonlinearity=module.nonlinearity, **options)
    else:
        layer = (LSTM if isinstance(module, nn.LSTM) else GRU)(*sizes, **options)
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            parameter.copy_(getattr(module, name))
            parameter.requires_grad_(getattr(module, name).requires_grad)
    return layer.train(module.training)


def to_torch(layer: RecurrentLayer) -> nn.RNNBase:
    """Return the torch.nn layer that computes what a recuerdo layer computes, with a copy of its weights.

    Args:
        layer: an FRNN (tanh or relu), LSTM, or GRU with reset_after=True, without the options that torch.nn lacks.

    Raises:
        ConversionError: names each option that torch.nn has no equal for.

    Example:
        >>> import recuerdo as rc
        >>> rc.convert.to_torch(rc.nn.GRU(8, 16))
        GRU(8, 16, batch_first=True)
    """
    if not isinstance(layer, RecurrentLayer):
        raise ConversionError(f"to_torch takes an FRNN, LSTM or GRU of recuerdo.nn, got {type(layer).__name__}.")
    kinds: dict[str, Any] = {"frnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
    lacking = [
        f"{option}={getattr(layer, option)}"
        for option in ("recurrent_dropout", "zoneout", "layer_norm", "residual", "learn_state")
        if getattr(layer, option)
    ]
    if layer.precision != "float32":
        lacking.append(f"precision={layer.precision!r}")
    if layer.cell.name not in kinds:
        lacking.append(f"the cell {layer.cell.name}")
    if layer.cell.nonlinearity not in (None, "tanh", "relu") and layer.cell.name == "frnn":
        lacking.append(f"nonlinearity={layer.cell.nonlinearity!r}")
    if lacking:
        raise ConversionError(
            f"torch.nn has no equal for {', '.join(lacking)}: to_torch converts FRNN (tanh, relu), LSTM and GRU "
            f"(reset_after=True) without these options."
        )
    like = layer.weight_ih_l0
    options: dict[str, Any] = {"nonlinearity": layer.cell.nonlinearity} if layer.cell.name == "frnn" else {}
    module = kinds[layer.cell.name](
        layer.input_size,
        layer.hidden_size,
        layer.num_layers,
        bias=layer.bias,
        batch_first=layer.batch_first,
        dropout=layer.dropout,
        bidirectional=layer.bidirectional,
        device=like.device,
        dtype=like.dtype,
        **options,
    )
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.copy_(getattr(layer, name))
            parameter.requires_grad_(getattr(layer, name).requires_grad)
    return module.train(layer.training)


def from_keras(layer: Any) -> RecurrentLayer:
    """Return the recuerdo layer that computes, at inference, what a Keras recurrent layer computes, with a copy of
    its weights.

    Args:
        layer: a built keras.layers.SimpleRNN, LSTM or GRU (either reset_after), or Bidirectional around one.
            recurrent_dropout is kept; Keras's dropout= acts on the layer's input in training, where a
            torch.nn.Dropout in front does the same. stateful= has no equal: the final state is returned, to pass on.

    Raises:
        ConversionError: another layer, one without weights yet, or a setting that recuerdo has no equal for.
    """
    kind = type(layer).__name__
    pair = (layer.forward_layer, layer.backward_layer) if kind == "Bidirectional" else (layer,)
    kind = type(pair[0]).__name__
    if kind not in ("SimpleRNN", "LSTM", "GRU") or any(
        type(each).__module__.split(".")[0] != "keras" for each in (layer, *pair)
    ):
        raise ConversionError(
            f"from_keras takes a Keras SimpleRNN, LSTM, GRU, or Bidirectional around one, "
            f"got {type(layer).__module__}.{kind}."
        )
    if not layer.built:
        raise ConversionError(f"This Keras {kind} has no weights yet: call it, or its model, on data once.")
    if len(pair) == 2 and layer.merge_mode != "concat":
        raise ConversionError(
            f"This Keras Bidirectional has merge_mode={layer.merge_mode!r}; recuerdo concatenates: build it with "
            f"merge_mode='concat'."
        )
    config = pair[0].get_config()
    other = pair[-1].get_config()
    differ = [setting for setting in _KERAS_SHARED if config.get(setting) != other.get(setting)]
    if type(pair[-1]) is not type(pair[0]) or differ:
        raise ConversionError(
            f"This Keras Bidirectional's directions differ in {', '.join(differ) or 'their cell'}; recuerdo's share "
            f"their settings: convert the two layers one by one."
        )
    # In Bidirectional the backward layer goes backwards by construction.
    if config["go_backwards"]:
        raise ConversionError(f"This Keras {kind} has go_backwards=True: reverse the time axis of the input instead.")
    arrays = [[np.asarray(array) for array in each.get_weights()] for each in pair]
    if arrays[0][0].dtype.name not in ("float16", "float32", "float64"):
        raise ConversionError(
            f"This Keras {kind} has weights of type {arrays[0][0].dtype}, which numpy cannot hand to torch: build it "
            f"in float32, and cast the result."
        )
    options: dict[str, Any] = {
        "bias": config["use_bias"],
        "bidirectional": len(pair) == 2,
        "recurrent_dropout": config["recurrent_dropout"],
        "dtype": torch.from_numpy(arrays[0][0]).dtype,
    }
    D, H = arrays[0][0].shape[0], config["units"]
    result: RecurrentLayer
    if kind == "SimpleRNN":
        result = FRNN(D, H, nonlinearity=_keras_activation(kind, config["activation"]), **options)
    else:
        for role, needed in (("activation", "tanh"), ("recurrent_activation", "sigmoid")):
            if config[role] != needed:
                raise ConversionError(
                    f"This Keras {kind} has {role}={config[role]!r}; recuerdo's {kind} has {needed!r} there, as "
                    f"cuDNN has."
                )
        result = LSTM(D, H, **options) if kind == "LSTM" else GRU(D, H, reset_after=config["reset_after"], **options)
    with torch.no_grad():
        for weights, each in zip(result.weights(), arrays, strict=True):
            blocks = _KERAS_ORDER[kind]
            weights.weight_ih.copy_(_reordered(each[0].T, blocks))
            weights.weight_hh.copy_(_reordered(each[1].T, blocks))
            if weights.bias_ih is not None and weights.bias_hh is not None:
                both = each[2] if each[2].ndim == 2 else np.stack([each[2], np.zeros_like(each[2])])
                weights.bias_ih.copy_(_reordered(both[0], blocks))
                weights.bias_hh.copy_(_reordered(both[1], blocks))
    return result.eval()


_KERAS_SHARED = ("units", "use_bias", "activation", "recurrent_activation", "reset_after", "recurrent_dropout")
"""The settings that both directions of a Bidirectional must have in common; a cell has some of them."""

_KERAS_ORDER = {"SimpleRNN": (0,), "LSTM": (0, 1, 2, 3), "GRU": (1, 0, 2)}
"""For each of our blocks, where Keras keeps it: its LSTM has i, f, g, o as we do, its GRU z, r, n for our r, z, n."""

_KERAS_ACTIVATIONS = {"hard_sigmoid": "hardsigmoid", "hard_tanh": "hardtanh", "swish": "silu"}
"""Keras's names for the activations that torch names otherwise."""

_KERAS_DIFFERS = {"leaky_relu": "its slope is 0.2 where torch has 0.01"}
"""Activations that share a name and not a function."""


def _keras_activation(kind: str, name: Any) -> str:
    ours = _KERAS_ACTIVATIONS.get(name, name) if isinstance(name, str) else None
    if ours in ACTIVATIONS and ours not in _KERAS_DIFFERS:
        return ours
    theirs = {ours: name for name, ours in _KERAS_ACTIVATIONS.items()}
    offered = sorted(theirs.get(ours, ours) for ours in set(ACTIVATIONS) - set(_KERAS_DIFFERS))
    reason = _KERAS_DIFFERS.get(str(name), f"offered are {', '.join(offered)}")
    said = repr(name) if isinstance(name, str) else "a function of its own"
    raise ConversionError(f"This Keras {kind} has activation={said}, which has no equal here: {reason}.")


def _reordered(rows: np.ndarray, blocks: tuple[int, ...]) -> Tensor:
    parts = np.split(rows, len(blocks))
    return torch.from_numpy(np.concatenate([parts[block] for block in blocks]))
