"""One step of a stream from Python: the stepper of rc.nn beside torch.nn.LSTMCell and onnxruntime."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import recuerdo as rc

from .cases import SEED
from .timing import interleave

D, H = 8, 32
STREAMS = (1, 1000)
STEPPER, CELL, ONNX = "stepper", "torch.nn.LSTMCell", "onnxruntime"

Call = Callable[[], object]


def measure(streams: int, budget: float) -> dict[str, Any]:
    """Time one LSTM step of so many streams.

    Returns:
        streams, seconds: who -> median, q1, q3, samples, calls, notes: in words, who was left out and why.
    """
    torch.manual_seed(SEED)
    layer, x = rc.nn.LSTM(D, H).eval(), torch.randn(streams, D)
    calls: dict[str, Call] = {}
    notes: list[str] = []
    for name, make in {STEPPER: stepper, CELL: lstm_cell, ONNX: onnxruntime}.items():
        made = make(layer, x)
        if isinstance(made, str):
            notes.append(f"{name}: {made}")
        else:
            calls[name] = made
    found = interleave(calls, budget, least=21)
    return {"streams": streams, "seconds": {name: asdict(each) for name, each in found.items()}, "notes": notes}


def stepper(layer: rc.nn.LSTM, x: Tensor) -> Call:
    """Our stepper: a snapshot of the weights and a state of its own."""
    step, row = layer.stepper(len(x)).step, x.numpy()
    return lambda: step(row)


def lstm_cell(layer: nn.Module, x: Tensor) -> Call:
    """torch.nn.LSTMCell, called without a graph."""
    cell = nn.LSTMCell(D, H)
    cell.load_state_dict({name.removesuffix("_l0"): each for name, each in layer.state_dict().items()})
    state = [torch.zeros(len(x), H), torch.zeros(len(x), H)]

    def step() -> None:
        with torch.inference_mode():
            state[:] = cell(x, (state[0], state[1]))

    return step


def onnxruntime(layer: nn.Module, x: Tensor) -> Call | str:
    """A graph of one ONNX LSTM node over one time step, on one thread, whose state goes in and out as arrays."""
    try:
        onnx, ort = importlib.import_module("onnx"), importlib.import_module("onnxruntime")
    except ImportError as error:
        return f"{error.name} is not installed"
    weights = {name: each.numpy() for name, each in layer.state_dict().items()}
    given = {
        "W": turned(weights["weight_ih_l0"]),
        "R": turned(weights["weight_hh_l0"]),
        "B": np.concatenate([turned(weights["bias_ih_l0"]), turned(weights["bias_hh_l0"])], axis=1),
    }
    streams, float32 = len(x), onnx.TensorProto.FLOAT
    value = onnx.helper.make_tensor_value_info
    node = onnx.helper.make_node("LSTM", ["x", "W", "R", "B", "", "h", "c"], ["", "new_h", "new_c"], hidden_size=H)
    graph = onnx.helper.make_graph(
        [node],
        "step",
        [value("x", float32, [1, streams, D]), *(value(name, float32, [1, streams, H]) for name in "hc")],
        [value(name, float32, [1, streams, H]) for name in ("new_h", "new_c")],
        [onnx.numpy_helper.from_array(each, name) for name, each in given.items()],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 14)], ir_version=8)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    state = [np.zeros((1, streams, H), np.float32), np.zeros((1, streams, H), np.float32)]
    row = x.numpy()[None]

    def step() -> list[np.ndarray]:
        state[:] = session.run(None, {"x": row, "h": state[0], "c": state[1]})
        return state

    return step


def turned(rows: np.ndarray) -> np.ndarray:
    """Reorder the gates from torch's i, f, g, o to ONNX's i, o, f, c, and add its axis of directions."""
    i, f, g, o = np.split(rows, 4)
    return np.concatenate([i, o, f, g])[None]
