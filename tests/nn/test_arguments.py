"""Every option and shape that the layers refuse, with the words they refuse it in; and how a layer describes itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest
import torch
from tests.nn.cases import CELLS
from torch.nn.utils.rnn import pack_padded_sequence

from recuerdo.errors import OptionError, ShapeError
from recuerdo.nn import FRNN, GRU, LAYERS, LSTM, IndRNN, RecurrentLayer, Stack

N, T, D, H = 2, 5, 3, 4
X = torch.zeros(N, T, D)


@pytest.mark.parametrize("argument", ["input_size", "hidden_size", "num_layers"])
@pytest.mark.parametrize("size", [0, -1, 2.0, True, "3"])
@pytest.mark.parametrize("make", LAYERS.values())
def test_sizes_are_whole_numbers_of_one_or_more(make: Callable[..., RecurrentLayer], argument: str, size: Any) -> None:
    sizes: dict[str, Any] = {"input_size": D, "hidden_size": H, argument: size}
    with pytest.raises(OptionError, match=rf"\({argument}={size!r}\): it counts, so it has to be a whole number of 1"):
        make(**sizes)


@pytest.mark.parametrize("argument", ["dropout", "recurrent_dropout", "zoneout"])
@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_shares_lie_between_zero_and_one(argument: str, share: float) -> None:
    options: dict[str, Any] = {argument: share}
    with pytest.raises(OptionError, match=rf"GRU\({argument}={share!r}\): it is a share, so it has to be in \[0, 1\)"):
        GRU(D, H, 2, **options)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: LSTM(D, H, dropout=0.5),
            r"LSTM\(dropout=0.5\) acts between layers, and there is one: set num_layers=2",
        ),
        (lambda: LSTM(D, H, proj_size=2), r"LSTM\(proj_size=2\) is not offered: put torch.nn.Linear\(4, 2\) behind"),
        (lambda: GRU(D, H, init="xavier"), r"GRU\(init='xavier'\) is not offered; there are uniform, orthogonal"),
        (lambda: IndRNN(D, H, max_lag=0), r"IndRNN\(max_lag=0\): it counts time steps, so it has to be a whole number"),
        (lambda: IndRNN(D, H, max_lag=cast(Any, float("nan"))), r"IndRNN\(max_lag=nan\): it counts time steps"),
        (lambda: IndRNN(D, H, max_lag=cast(Any, 2.5)), r"IndRNN\(max_lag=2.5\): it counts time steps"),
        (lambda: LSTM(D, H, max_lag=9), r"LSTM\(max_lag=9\) would change nothing: it is for init='chrono'"),
        (lambda: GRU(D, H, residual=True), r"GRU\(residual=True\) adds a layer's input from the second layer on: set"),
        (lambda: GRU(D, 1, layer_norm=True), r"GRU\(layer_norm=True\) of a single unit is always 0: set hidden"),
        (lambda: GRU(D, H, dropout=cast(Any, "a")), r"GRU\(dropout='a'\): it is a share"),
        (lambda: IndRNN(D, H, nonlinearity="gelu"), r"IndRNN\(nonlinearity='gelu'\) is not offered: its paper has"),
        (lambda: IndRNN(D, H, gamma=0.5), r"IndRNN\(gamma=0.5\): the largest growth of a gradient has to be a number"),
        (lambda: IndRNN(D, H, gamma=float("nan")), r"IndRNN\(gamma=nan\)"),
        (lambda: FRNN(D, H, nonlinearity="rleu"), "nonlinearity='rleu' is not an activation .* did you mean 'relu'"),
    ],
    ids=[
        "dropout",
        "proj_size",
        "init",
        "max_lag",
        "max_lag_nan",
        "max_lag_half",
        "max_lag_unused",
        "residual_alone",
        "norm_of_one",
        "dropout_text",
        "indrnn_activation",
        "gamma",
        "gamma_nan",
        "activation",
    ],
)
def test_options_that_are_not_offered_are_refused(make: Callable[[], RecurrentLayer], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        make()


@pytest.mark.parametrize("cell", CELLS)
def test_an_unknown_keyword_is_an_error(cell: str) -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'hidden'"):
        CELLS[cell](D, H, hidden=3)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        (
            (N, D, 9),
            r"GRU expects \(samples, time steps, 3 features\), got \(2, 3, 9\).*did you mean x.transpose\(1, 2\)",
        ),
        ((T, D), r"got \(5, 3\)\. The samples axis is missing: for one sample, did you mean x\[None\]"),
        ((N, T, 7), r"got \(2, 5, 7\)\. No axis holds 3 features"),
    ],
)
def test_an_input_with_other_axes_is_refused(shape: tuple[int, ...], words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        GRU(D, H)(torch.zeros(shape))


def test_a_time_first_layer_names_its_axes_in_its_order() -> None:
    with pytest.raises(ShapeError, match=r"GRU expects \(time steps, samples, 3 features\), got \(5, 2, 7\)"):
        GRU(D, H, batch_first=False)(torch.zeros(T, N, 7))


@pytest.mark.parametrize("batch_first", [True, False])
def test_a_packed_sequence_is_refused_with_the_way_out(batch_first: bool) -> None:
    packed = pack_padded_sequence(X, torch.tensor([T, 2]), batch_first=True)
    words = rf"LSTM does not take a PackedSequence: .*pad_packed_sequence\(packed, batch_first={batch_first}\)"
    with pytest.raises(ShapeError, match=words):
        LSTM(D, H, batch_first=batch_first)(packed)


@pytest.mark.parametrize(
    ("make", "state", "words"),
    [
        (LSTM, torch.zeros(1, N, H), r"LSTM's state is a tuple \(h, c\), got 1 tensor\."),
        (LSTM, torch.zeros(2, N, H), r"LSTM's state is a tuple \(h, c\), got 1 tensor\."),
        (LSTM, (torch.zeros(1, N, H),) * 3, r"LSTM's state is a tuple \(h, c\), got 3 tensors\."),
        (GRU, (torch.zeros(1, N, H),) * 2, r"GRU's state is one tensor h, got 2 tensors\."),
        (
            GRU,
            torch.zeros(N, H),
            r"state h has the shape \(layers \* directions, samples, hidden units\) = \(1, 2, 4\), got \(2, 4\)",
        ),
        (LSTM, (torch.zeros(1, N, H), torch.zeros(1, N, 9)), r"LSTM's state c has .* got \(1, 2, 9\)"),
    ],
)
def test_a_state_of_another_form_is_refused(make: Callable[..., RecurrentLayer], state: Any, words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        make(D, H)(X, state)


@pytest.mark.parametrize(
    ("lengths", "words"),
    [
        ([T], r"each of the 2 samples, so it is 2 whole numbers; got torch.int64 of shape \(1,\)"),
        ([1.0, 2.0], r"got torch.float32 of shape \(2,\)"),
        ([T, T + 1], "between 0 and the 5 time steps of x; got 5 to 6"),
        ([-1, 2], "between 0 and the 5 time steps of x; got -1 to 2"),
        ([True, False], r"2 whole numbers; got torch.bool of shape \(2,\)"),
        ([1 + 2j, 2], r"2 whole numbers; got torch.complex64 of shape \(2,\)"),
    ],
    ids=["count", "float", "long", "negative", "bool", "complex"],
)
def test_lengths_of_another_form_are_refused(lengths: Any, words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        GRU(D, H)(X, lengths=lengths)


@pytest.mark.parametrize(
    ("reset", "batch_first", "words"),
    [
        (torch.zeros(T, N, dtype=torch.bool), True, r"\(samples, time steps\) = \(2, 5\), .* of shape \(5, 2\)"),
        (torch.zeros(T, N, dtype=torch.bool), False, r"\(time steps, samples\) = \(2, 5\), .* of shape \(5, 2\)"),
        (torch.zeros(N, T), True, r"reset is a bool tensor of .*; got torch.float32 of shape \(2, 5\)"),
    ],
)
def test_a_reset_of_another_form_is_refused(reset: torch.Tensor, batch_first: bool, words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        GRU(D, H, batch_first=batch_first)(X, reset=reset)


def test_a_stack_reads_the_last_step_or_each() -> None:
    read: Any = "first"
    with pytest.raises(OptionError, match=r"Stack\(read='first'\) is not offered: 'last' or 'each'"):
        Stack(GRU(D, H), torch.nn.Identity(), read=read)


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (GRU(D, H), "GRU(3, 4)"),
        (GRU(D, H, reset_after=False), "GRU(3, 4, reset_after=False)"),
        (GRU(D, H, precision="bf16"), "GRU(3, 4, precision='bf16')"),
        (FRNN(D, H, 2, nonlinearity="relu", dropout=0.5), "FRNN(3, 4, num_layers=2, dropout=0.5, nonlinearity='relu')"),
        (IndRNN(D, H, max_lag=9), "IndRNN(3, 4, max_lag=9, nonlinearity='relu', gamma=2.0)"),
        (
            LSTM(D, H, bias=False, batch_first=False, bidirectional=True, zoneout=0.1, learn_state=True),
            "LSTM(3, 4, bias=False, batch_first=False, bidirectional=True, zoneout=0.1, learn_state=True)",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_layer_names_what_is_not_at_its_default(layer: RecurrentLayer, words: str) -> None:
    assert repr(layer) == words


def test_layers_are_found_by_name() -> None:
    assert {"frnn": FRNN, "indrnn": IndRNN, "lstm": LSTM, "gru": GRU} == LAYERS


def test_sizes_may_be_numpy_integers() -> None:
    assert LSTM(cast(Any, np.int64(D)), cast(Any, np.int32(H))).hidden_size == H


def test_an_array_is_refused_with_the_way_to_a_tensor() -> None:
    with pytest.raises(ShapeError, match=r"LSTM takes a torch tensor, got ndarray: give torch.as_tensor"):
        LSTM(D, H)(cast(Any, np.zeros((N, T, D))))


def test_a_parametrised_layer_cannot_be_drawn_anew() -> None:
    layer = torch.nn.utils.parametrizations.weight_norm(LSTM(D, H), "weight_hh_l0")
    with pytest.raises(OptionError, match=r"LSTM.reset_parameters\(\) cannot draw weight_hh_l0, because"):
        layer.reset_parameters()
