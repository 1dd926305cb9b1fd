"""Memory capacity: closed forms, and the bound that no state exceeds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.memory.cases import linear, rotation

import recuerdo as rc
from recuerdo.errors import OptionError
from recuerdo.memory import memory_capacity


def test_a_linear_network_of_full_rank_holds_as_many_inputs_as_it_has_units():
    found = memory_capacity(linear(0.6 * rotation(8)))
    assert found.bound == 8
    assert found.total == pytest.approx(8, rel=0.01)
    assert found.total <= 8


def test_each_lag_of_a_chain_of_delays_is_held_or_not():
    layer = linear(torch.diag(torch.ones(4), -1))
    layer.weight_ih_l0.data.zero_()[0] = 1
    np.testing.assert_allclose(memory_capacity(layer, lags=8).explained, [1] * 5 + [0] * 3, atol=0.01)


def test_one_linear_unit_holds_the_geometric_series_of_its_weight():
    """h_t = sum_k u^k x_{t-k}, so that r_k^2 = u^2k (1 - u^2)."""
    u = 0.8
    found = memory_capacity(linear(torch.tensor([[u]])), lags=6, steps=40_000)
    np.testing.assert_allclose(found.explained, u ** (2 * found.lags) * (1 - u**2), atol=0.02)


@pytest.mark.parametrize("cell", ["FRNN", "IndRNN", "LSTM", "GRU"])
@pytest.mark.parametrize("lags", [5, 40])
def test_no_network_exceeds_the_bound(cell, lags):
    layer = getattr(rc.nn, cell)(2, 10)
    found = memory_capacity(layer, lags)
    assert found.bound == (20 if cell == "LSTM" else 10)
    assert 1 < found.total <= min(found.bound, 2 * lags)
    assert len(found.explained) == lags
    again = memory_capacity(layer, lags)
    np.testing.assert_array_equal(found.explained, again.explained)


def test_training_mode_and_the_order_of_axes_change_nothing():
    layer = rc.nn.GRU(1, 4, recurrent_dropout=0.5).train()
    other = rc.nn.GRU(1, 4, batch_first=False)
    other.load_state_dict(layer.state_dict())
    np.testing.assert_array_equal(memory_capacity(layer, 5).explained, memory_capacity(other, 5).explained)
    assert layer.training


def test_what_cannot_be_measured_is_said():
    with pytest.raises(OptionError, match="one layer in one direction, and here are 2"):
        memory_capacity(rc.nn.GRU(1, 4, num_layers=2))
    with pytest.raises(OptionError, match="on more than 12"):
        memory_capacity(rc.nn.GRU(1, 4), lags=8, steps=12)
