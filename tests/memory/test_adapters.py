"""Anyone's module as a copy that can be recorded, and its arguments by its own names."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import recuerdo as rc
from recuerdo.errors import DataError, OptionError
from recuerdo.memory import record
from recuerdo.memory.adapters import StandIn, arguments_by_name, watchable

N, T, D, H = 3, 5, 4, 4


class Twice(nn.Module):
    """One layer under two names, and in a list of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.LSTM(D, H, batch_first=True)
        self.b = self.a
        self.more = nn.ModuleList([self.a])

    def forward(self, x: Tensor) -> Tensor:
        return self.more[0](self.b(self.a(x)[0])[0])[0]


def test_a_layer_that_goes_by_several_names_is_replaced_under_all_of_them() -> None:
    module, x = Twice(), torch.randn(N, T, D)
    copied = watchable(module, {"x": x})
    assert isinstance(copied.a, StandIn)
    assert copied.a is copied.b is copied.more[0]
    output, recorded = record(copied, {"x": x})
    assert [each.name for each in recorded] == ["a.l0", "a.l0 (call 2)", "a.l0 (call 3)"]
    torch.testing.assert_close(output, module(x))
    assert type(module.b) is nn.LSTM


class Asking(nn.Module):
    """A module that asks its layer for what it is, as many do to make their first state."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.GRU(D, H, num_layers=2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        self.rnn.flatten_parameters()
        h = x.new_full((self.rnn.num_layers, len(x), self.rnn.hidden_size + self.rnn.proj_size), 0.5)
        return self.rnn(x, h * self.rnn.weight_hh_l1.mean())[0]


def test_a_layer_can_still_be_asked_for_its_sizes_and_weights() -> None:
    module, x = Asking(), torch.randn(N, T, D)
    copied = watchable(module, {"x": x})
    torch.testing.assert_close(copied(x), module(x))
    with pytest.raises(AttributeError, match="'GRU' object has no attribute 'cleverness'"):
        _ = copied.rnn.cleverness


def test_an_array_becomes_the_first_argument_in_the_type_of_the_parameters() -> None:
    (x,) = arguments_by_name(rc.nn.GRU(D, H), np.zeros((N, T, D))).values()
    assert x.dtype == torch.float32
    assert arguments_by_name(nn.Flatten(), np.zeros((N, T)))["input"].shape == (N, T)


def test_tensors_of_inference_mode_can_be_differentiated_through() -> None:
    with torch.inference_mode():
        x = torch.zeros(N, T, D)
    assert x.is_inference()
    for given in (x, {"x": x}):
        assert not arguments_by_name(rc.nn.GRU(D, H), given)["x"].is_inference()


def test_a_packed_sequence_is_taken_as_it_is() -> None:
    packed = nn.utils.rnn.pack_padded_sequence(torch.randn(N, T, D), torch.tensor([5, 3, 1]), batch_first=True)
    assert arguments_by_name(nn.LSTM(D, H), packed)["input"] is packed


def test_names_that_a_module_does_not_take_are_refused_with_those_that_it_takes() -> None:
    with pytest.raises(
        OptionError, match=r"GRU takes \(x, state=None, .*\), and was given y: missing a required .* 'x'"
    ):
        arguments_by_name(rc.nn.GRU(D, H), {"y": torch.zeros(N, T, D)})
    with pytest.raises(OptionError, match=r"Twice takes \(x\), and was given x, lengths: got an unexpected keyword"):
        arguments_by_name(Twice(), {"x": torch.zeros(N, T, D), "lengths": [1, 2, 3]})


def test_a_module_that_answers_with_no_numbers_is_refused_before_it_is_compared() -> None:
    module = Twice()
    module.a.bias_ih_l0.data.fill_(torch.nan)
    with pytest.raises(
        DataError, match="This Twice answers with NaN or infinity: look for them in the data and in its"
    ):
        watchable(module, {"x": torch.zeros(N, T, D)})
