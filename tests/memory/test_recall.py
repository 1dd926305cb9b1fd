"""Probes find what is known to be held, and nothing where nothing is."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.memory.cases import linear, rotation
from torch import nn

import recuerdo as rc
from recuerdo.errors import DataError, OptionError
from recuerdo.memory import recall, record
from recuerdo.memory.probes import parts_of, readout


def delays(H, *, reverse=False):
    """A linear layer whose unit k is the input k steps back."""
    layer = linear(torch.diag(torch.ones(H - 1), -1))
    layer.weight_ih_l0.data.zero_()[0] = 1
    return layer


def recorded(layer, x, **more):
    return record(layer, {"x": x, **more}, differentiable=False)[1]


def test_a_chain_of_delays_holds_as_many_inputs_as_it_has_units():
    (found,) = recall(recorded(delays(6), torch.randn(20, 60, 1).double()), lags=[1, 2, 5, 6, 9])
    np.testing.assert_allclose(found.score, [1, 1, 1, 0, 0], atol=1e-6)
    assert found.horizon == 5
    assert found.measured == 9
    assert not found.tokens


def test_a_network_that_forgets_slowly_holds_more_than_one_that_forgets_fast():
    x = torch.randn(30, 80, 1).double()
    kept, lost = (recall(recorded(linear(rate * rotation(12)), x))[0] for rate in (0.8, 0.3))
    assert kept.horizon > lost.horizon > 0


def test_a_series_that_resembles_its_past_is_not_taken_for_memory():
    walk = torch.randn(40, 60, 1).double().cumsum(dim=1)
    present = delays(1)
    (found,) = recall(recorded(present, walk), lags=[1, 5])
    assert found.found[0] > 0.9
    np.testing.assert_allclose(found.baseline, found.found, atol=1e-6)
    np.testing.assert_allclose(found.score, 0, atol=1e-6)


def test_a_layer_in_reverse_holds_what_comes_later():
    layer = rc.nn.FRNN(1, 3, nonlinearity="linear", bias=False, bidirectional=True, dtype=torch.float64)
    for suffix in ("", "_reverse"):
        layer.get_parameter(f"weight_hh_l0{suffix}").data.copy_(torch.diag(torch.ones(2), -1))
        layer.get_parameter(f"weight_ih_l0{suffix}").data.copy_(torch.tensor([[1.0], [0], [0]]))
    for found in recall(recorded(layer, torch.randn(20, 30, 1).double()), lags=[1, 2, 3]):
        np.testing.assert_allclose(found.score, [1, 1, 0], atol=1e-6)


def test_steps_beyond_a_samples_length_are_no_rows():
    x = torch.randn(20, 30, 1).double()
    lengths = torch.arange(11, 31)
    x[torch.arange(30) >= lengths[:, None]] = 1e6
    (found,) = recall(recorded(delays(3), x, lengths=lengths), lags=[1, 2, 3])
    np.testing.assert_allclose(found.score, [1, 1, 0], atol=0.01)


def test_features_in_any_unit_count_alike_and_a_constant_one_not_at_all():
    x = torch.randn(20, 40, 3).double() * torch.tensor([1.0, 1e6, 0.0])
    layer = rc.nn.FRNN(3, 3, nonlinearity="linear", bias=False, dtype=torch.float64)
    layer.weight_hh_l0.data.zero_()[2, 0] = 1  # unit 2 is the first feature, a step later
    layer.weight_ih_l0.data.copy_(torch.diag(torch.tensor([1.0, 1.0, 0.0])))
    (found,) = recall(recorded(layer, x), lags=[1, 2])
    np.testing.assert_allclose(found.found, [0.5, 0], atol=0.05)


@pytest.mark.parametrize("cell", ["LSTM", "GRU"])
def test_tokens_are_told_by_their_accuracy_beside_that_of_shuffled_ones(cell):
    ids = torch.randint(0, 5, (40, 30))
    module = nn.ModuleList([nn.Embedding(5, 4), getattr(rc.nn, cell)(4, 32)])
    x = module[0](ids.T)
    (found,) = recall(recorded(module[1], x), ids, lags=[1, 2, 20])
    assert found.tokens
    assert found.score[0] > 0.7 > 0.3 > found.score[2]
    assert 0.05 < found.baseline.mean() < 0.4


def test_copying_is_held_by_the_one_that_keeps_it_and_not_by_the_other():
    """Ten symbols and fifty blanks: only what keeps the symbols tells them at the end."""
    ids = torch.zeros(70, 40, dtype=torch.int64)
    ids[:10] = torch.randint(1, 9, (10, 40))
    x = nn.functional.one_hot(ids.T, 9).double()
    U = torch.zeros(60 * 9, 60 * 9, dtype=torch.float64)
    U[9:, :-9] = torch.eye(59 * 9)
    keeps = rc.nn.FRNN(9, 540, nonlinearity="linear", bias=False, dtype=torch.float64)
    keeps.weight_hh_l0.data.copy_(U)
    keeps.weight_ih_l0.data.copy_(torch.eye(540, 9))
    forgets = rc.nn.FRNN(9, 64, dtype=torch.float64)
    kept, lost = (recall(recorded(layer, x), ids, lags=[1, 50, 55])[0] for layer in (keeps, forgets))
    assert kept.score[1:].min() > 0.7
    assert lost.score[1:].max() < 0.3
    assert kept.horizon == 55


def test_by_default_lags_are_all_small_ones_and_ever_fewer():
    (found,) = recall(recorded(rc.nn.GRU(1, 8), torch.randn(32, 100, 1)))
    assert found.lags[:4].tolist() == [1, 2, 3, 4]
    assert 50 <= found.measured <= 90
    assert len(found.lags) <= 25
    frame = found.to_frame()
    assert frame.columns == ["layer", "lag", "found", "baseline", "score"]
    assert frame["lag"].to_list() == found.lags.tolist()


def test_what_cannot_be_probed_is_said():
    layer = rc.nn.GRU(1, 4)
    with pytest.raises(OptionError, match="from 1 to 9 of 10 steps"):
        recall(recorded(layer, torch.randn(8, 10, 1)), lags=[10])
    with pytest.raises(OptionError, match="1 step have no past"):
        recall(recorded(layer, torch.randn(8, 1, 1)))
    with pytest.raises(DataError, match="needs 5 of them"):
        recall(recorded(layer, torch.randn(2, 6, 1)), lags=[3])


def test_a_readout_is_judged_on_other_samples():
    samples, steps = torch.arange(50).repeat_interleave(4), torch.arange(4).repeat(50)
    parts = parts_of(samples, steps)
    groups = [set(samples[rows].tolist()) for rows in (parts.fit, parts.choose, parts.judge)]
    assert set.union(*groups) == set(range(50))
    assert sum(map(len, groups)) == 50
    noise = torch.randn(200, 100).double()
    said = readout(noise, torch.randn(200, 1).double(), parts)
    assert said.square().mean() < 0.5  # it says little where there is nothing to know
