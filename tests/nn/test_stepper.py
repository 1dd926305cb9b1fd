"""A stream read step by step gives what the layer gives of the whole sequence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from tests.native_core import needs_native
from tests.nn.cases import CELLS, parts
from torch import nn

import recuerdo as rc
from recuerdo.errors import OptionError, ShapeError
from recuerdo.kernels import calling
from recuerdo.nn import RecurrentLayer, Stepper

T, D, H = 9, 5, 7
LAYERS: dict[str, Callable[..., RecurrentLayer]] = {
    "frnn": rc.nn.FRNN,
    "indrnn": rc.nn.IndRNN,
    "lstm": rc.nn.LSTM,
    "gru": rc.nn.GRU,
    "gru_reset_before": lambda *sizes, **options: rc.nn.GRU(*sizes, reset_after=False, **options),
}
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "without biases": {"bias": False},
    "stacked": {"num_layers": 3},
    "residual": {"num_layers": 2, "residual": True},
    "zoneout": {"zoneout": 0.3},
    "dropouts": {"num_layers": 2, "dropout": 0.4, "recurrent_dropout": 0.4},
    "layer norm": {"layer_norm": True, "num_layers": 2},
    "learned state": {"learn_state": True},
}


def made(cell: str, dtype: torch.dtype = torch.float64, **options: Any) -> RecurrentLayer:
    torch.manual_seed(0)
    layer = LAYERS[cell](D, H, dtype=dtype, **options)
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            if name.startswith(("initial", "norm_c_bias")):
                parameter.normal_()
    return layer


def stepped(stepper: Stepper, x: torch.Tensor) -> np.ndarray:
    return np.stack([stepper.step(x[:, t].numpy()) for t in range(x.shape[1])], axis=1)


def as_arrays(state: Any) -> list[np.ndarray]:
    whole = (state,) if isinstance(state, np.ndarray) else parts(state)
    return [np.asarray(each.detach() if isinstance(each, torch.Tensor) else each) for each in whole]


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("streams", [1, 3, 20])
def test_steps_are_the_sequence(cell: str, option: str, streams: int) -> None:
    layer = made(cell, **OPTIONS[option])
    x = torch.randn(streams, T, D, dtype=torch.float64)
    stepper = layer.train().stepper(streams)
    output, final = layer.eval()(x)
    np.testing.assert_allclose(stepped(stepper, x), output.detach(), rtol=0, atol=1e-12)
    for mine, theirs in zip(as_arrays(stepper.state), as_arrays(final), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-12)


def test_steps_are_those_of_torchs_cell() -> None:
    theirs = nn.LSTMCell(D, H)
    layer = rc.nn.LSTM(D, H)
    layer.load_state_dict({f"{name}_l0": value for name, value in theirs.state_dict().items()})
    stepper, state = layer.stepper(4), None
    for x in torch.randn(T, 4, D):
        state = theirs(x, state)
        np.testing.assert_allclose(stepper.step(x.numpy()), state[0].detach(), rtol=0, atol=1e-6)


@needs_native
@pytest.mark.parametrize("cell", CELLS)
def test_the_core_and_the_equations_step_alike(cell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    layer, x = made(cell, torch.float32, num_layers=2, zoneout=0.1), torch.randn(2, T, D)
    fast = layer.stepper(2)
    monkeypatch.setattr(calling, "native", None)
    slow = layer.stepper(2)
    assert (fast.backend, slow.backend) == ("native", "reference")
    assert slow.why.startswith("the C++ core is not built")
    np.testing.assert_allclose(stepped(fast, x), stepped(slow, x), rtol=0, atol=1e-6)


@needs_native
def test_what_the_core_does_not_take_is_said() -> None:
    assert "with this step or activation" in rc.nn.FRNN(D, H, nonlinearity="elu").stepper().why


@pytest.mark.parametrize("option", ["plain", "layer norm"])
def test_an_input_of_any_kind_is_read_as_the_same_numbers(option: str) -> None:
    layer, x = made("gru", torch.float32, **OPTIONS[option]), np.random.default_rng(0).normal(size=(1, D))
    single = x.astype(np.float32)
    expected = layer.stepper().step(single)
    assert expected.dtype == np.float32
    kinds = [
        x,
        x.tolist(),
        torch.from_numpy(x),
        torch.from_numpy(single),
        np.asfortranarray(single),
        np.repeat(x, 2, 0)[::2],
    ]
    for given in kinds:
        np.testing.assert_array_equal(layer.stepper().step(given), expected)
    np.testing.assert_array_equal(layer.stepper().step(single[0]), expected[0])
    single.setflags(write=False)
    np.testing.assert_array_equal(layer.stepper().step(single), expected)


@needs_native
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("option", ["plain", "residual", "layer norm"])
@pytest.mark.parametrize("streams", [1, 3])
def test_threads_share_a_large_step_and_give_the_same_bits(cell: str, option: str, streams: int) -> None:
    layer = LAYERS[cell](512, 512, **OPTIONS[option])
    x, before, found = torch.randn(streams, 4, 512), torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found.append(stepped(layer.stepper(streams), x))
    finally:
        torch.set_num_threads(before)
    np.testing.assert_allclose(found[0], layer.eval()(x)[0].detach(), rtol=0, atol=1e-5)
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("streams", [1, 4])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("core", [pytest.param(True, marks=needs_native), False])
def test_a_readout_answers_in_the_same_call(
    cell: str, streams: int, bias: bool, dtype: torch.dtype, core: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer, x = made(cell, dtype, num_layers=2), torch.randn(streams, T, D, dtype=dtype)
    readout = nn.Linear(H, 11, bias=bias, dtype=dtype)
    expected = readout(layer.eval()(x)[0]).detach()
    if not core:
        monkeypatch.setattr(calling, "native", None)
    stepper = layer.stepper(streams, readout=readout)
    assert stepper.backend == ("native" if core else "reference")
    atol = 1e-12 if dtype == torch.float64 else 1e-6
    np.testing.assert_allclose(stepped(stepper, x), expected, rtol=0, atol=atol)
    stepper.step(np.full((streams, D), np.nan, stepper.dtype))
    stepper.reset()
    np.testing.assert_allclose(stepped(stepper, x), expected, rtol=0, atol=atol)  # it has no memory of its own
    held = stepper.state
    assert as_arrays(held)[0].shape == (2, streams, H)
    first = stepper.step(x[:, 0].numpy())
    stepper.state = held
    np.testing.assert_array_equal(stepper.step(x[:, 0].numpy()), first)


def test_an_output_stays_as_it_is_when_the_stream_goes_on() -> None:
    stepper = made("lstm").stepper()
    first = stepper.step(np.ones(D))
    kept = first.copy()
    stepper.step(np.zeros(D))
    np.testing.assert_array_equal(first, kept)


def test_later_training_does_not_reach_the_snapshot() -> None:
    layer = made("lstm")
    stepper, other = layer.stepper(), layer.stepper()
    expected = other.step(np.ones(D))
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.zero_()
    np.testing.assert_array_equal(stepper.step(np.ones(D)), expected)


@pytest.mark.parametrize("cell", CELLS)
def test_a_state_is_taken_out_and_put_in_elsewhere(cell: str) -> None:
    layer, x = made(cell, num_layers=2), torch.randn(2, T, D, dtype=torch.float64)
    whole = stepped(layer.stepper(2), x)
    first, second = layer.stepper(2), layer.stepper(2)
    stepped(first, x[:, :4])
    second.state = first.state
    np.testing.assert_array_equal(stepped(second, x[:, 4:]), whole[:, 4:])
    _, between = layer.eval()(x[:, :4])
    second.state = tuple(as_arrays(between)) if cell == "lstm" else as_arrays(between)[0]
    np.testing.assert_allclose(stepped(second, x[:, 4:]), whole[:, 4:], rtol=0, atol=1e-12)


def test_streams_begin_anew_all_or_some() -> None:
    layer, x = made("lstm", learn_state=True), torch.randn(3, T, D, dtype=torch.float64)
    stepper = layer.stepper(3)
    fresh = stepped(stepper, x)
    stepper.reset()
    np.testing.assert_array_equal(stepped(stepper, x), fresh)
    held = stepper.step(x[:, 0].numpy())
    stepper.reset()
    stepped(stepper, x)
    stepper.reset([1])
    after = stepper.step(x[:, 0].numpy())
    np.testing.assert_array_equal(after[1], fresh[1, 0])
    np.testing.assert_array_equal(after[[0, 2]], held[[0, 2]])


def test_what_cannot_be_stepped_is_refused_in_words() -> None:
    with pytest.raises(OptionError, match=r"LSTM reads in both directions, .* build it with bidirectional=False"):
        made("lstm", bidirectional=True).stepper()
    with pytest.raises(OptionError, match=r"stepper\(streams=0\): it counts sequences"):
        made("lstm").stepper(0)
    with pytest.raises(OptionError, match=r"this LSTM is torch.float16: call layer.float\(\)"):
        made("lstm").half().stepper()
    with pytest.raises(
        OptionError, match=r"readout takes 3 numbers of torch.float32, and .* LSTM gives 7 of torch.float64"
    ):
        made("lstm").stepper(readout=nn.Linear(3, 2))
    with pytest.raises(
        ShapeError, match=r"A step of this GRU takes \(streams, features\) = \(1, 5\) or \(5,\), got \(4,\)"
    ):
        made("gru").stepper().step(np.zeros(4))
    with pytest.raises(ShapeError, match=r"takes \(streams, features\) = \(2, 5\), got \(5,\)"):
        made("gru").stepper(2).step(np.zeros(5))
    with pytest.raises(ShapeError, match=r"state of this stepper is h, c of shape .* = \(1, 1, 7\) each, got \(1, 7\)"):
        made("lstm").stepper().state = (np.zeros((1, 7)), np.zeros((1, 7)))
