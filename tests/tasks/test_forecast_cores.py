"""The core reads whole segments and the last state, and of what is known ahead each step only its own row."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.tolerances import assert_values
from torch import nn

from recuerdo.nn import LAYERS
from recuerdo.tasks.forecast_cores import RecurrentCore, WindowMLP, parameter_count, zeroed

CELLS = sorted(LAYERS)
N, L, D, K, F, S, H = 3, 23, 4, 5, 2, 3, 6


def numbers(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


X, FUTURE, STATIC = numbers(N, L, D), numbers(N, K, F, seed=1), numbers(N, S, seed=2)


def core(cell="gru", segment=1, width=1, future=0, static=0, layers=1, dropout=0.0, hidden=H):
    torch.manual_seed(0)
    size = hidden if segment > 1 else D
    encoder = LAYERS[cell](size, hidden, layers)
    made = RecurrentCore(encoder, D, K, width, segment=segment, dropout=dropout, future=future, static=static).double()
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if "head" in name:  # as training would move it away from zero
                parameter.normal_(std=0.5)
    return made.eval()


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("segment", [1, 5, 11])
@pytest.mark.parametrize("width", [1, 3])
def test_each_step_ahead_gets_its_raw_numbers(cell, segment, width):
    assert core(cell, segment, width, F, S)(X, FUTURE, STATIC).shape == (N, K, width)


def test_a_core_begins_at_zero():
    made = RecurrentCore(LAYERS["gru"](D, H), D, K, 2, future=F, static=S)
    assert not made(X.float(), FUTURE.float(), STATIC.float()).any()


@pytest.mark.parametrize("segment", [2, 5, 7, 11])
def test_the_rows_that_fill_no_segment_are_the_first_and_all_others_are_read(segment):
    made, left = core(segment=segment), L % segment
    gradient = torch.autograd.functional.jacobian(made, X)  # (N, K, 1, N, L, D)
    read = gradient.abs().sum(dim=(0, 1, 2, 3, 5)) > 0
    assert read.tolist() == [False] * left + [True] * (L - left)
    moved = X.clone()
    moved[:, :left] += 7
    assert_values(made(moved), made(X))


@pytest.mark.parametrize("cell", CELLS)
def test_segments_are_one_linear_layer_over_their_rows_and_the_recurrence_over_them(cell):
    segment = 5
    made = core(cell, segment)
    weight, bias = (each.detach().numpy() for each in (made.embedding.weight, made.embedding.bias))
    x = X.numpy()[:, L % segment :]
    steps = [x[:, i : i + segment].reshape(N, -1) @ weight.T + bias for i in range(0, x.shape[1], segment)]
    embedded = torch.from_numpy(np.maximum(np.stack(steps, axis=1), 0))
    last = made.encoder(embedded)[0][:, -1]
    assert_values(made(X)[..., 0], made.head(last))


@pytest.mark.parametrize("cell", CELLS)
def test_the_answer_is_one_linear_layer_on_the_last_output_and_the_static_covariates(cell):
    made = core(cell, static=S, layers=2)
    last = made.encoder(X)[0][:, -1]
    expected = torch.cat([last, STATIC], dim=1) @ made.head.weight.T + made.head.bias
    assert_values(made(X, None, STATIC)[..., 0], expected)


@pytest.mark.parametrize("segment", [1, 5])
def test_what_is_known_of_a_step_reaches_that_step_and_no_other(segment):
    made = core(segment=segment, width=2, future=F, static=S, hidden=64)  # so that some unit is active at each step
    gradient = torch.autograd.functional.jacobian(lambda future: made(X, future, STATIC), FUTURE)
    reached = gradient.abs().sum(dim=(2, 5)) > 0  # (N, K, N, K)
    for n in range(N):
        for other in range(N):
            expected = torch.eye(K, dtype=torch.bool) if n == other else torch.zeros(K, K, dtype=torch.bool)
            assert torch.equal(reached[n, :, other], expected)


@pytest.mark.parametrize("segment", [1, 5])
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_are_those_of_differences(cell, segment):
    made = core(cell, segment, 2, F, S)
    inputs = [each[:1].clone().requires_grad_() for each in (X, FUTURE, STATIC)]
    assert torch.autograd.gradcheck(made, tuple(inputs))


def test_dropout_acts_on_the_last_state_in_training_alone():
    made = core(dropout=0.5)
    assert_values(made(X), made(X))
    made.train()
    torch.manual_seed(1)
    assert (made(X) != made(X)).any()


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(
    ("hidden_size", "lookback", "horizon"), [(16, 24, 12), (32, 14, 7), (32, 24, 1), (64, 48, 24), (32, 336, 48)]
)
def test_the_window_mlp_has_as_many_parameters_within_five_percent(cell, hidden_size, lookback, horizon):
    size = parameter_count(RecurrentCore(LAYERS[cell](1, hidden_size), 1, horizon, 1))
    mlp = WindowMLP(lookback, horizon, 1, size)
    hidden = mlp.layers[0].out_features
    assert parameter_count(mlp) == hidden * (lookback + 1) + horizon * (hidden + 1)
    one_unit = lookback + 1 + horizon
    assert abs(parameter_count(mlp) - size) <= max(0.05 * size, one_unit / 2)


def test_the_window_mlp_has_one_unit_at_least():
    assert WindowMLP(400, 10, 1, 50).layers[0].out_features == 1


def test_the_window_mlp_reads_all_that_the_recurrent_core_is_given():
    mlp = WindowMLP(L * D + K * F + S, K, 2, 3000).double()
    nn.init.normal_(mlp.layers[2].weight)
    assert mlp(X, FUTURE, STATIC).shape == (N, K, 2)
    for gradient in torch.autograd.functional.jacobian(mlp, (X, FUTURE, STATIC)):
        assert (gradient.abs().sum(dim=(0, 1, 2)) > 0).all()


def test_zeroed_layers_answer_zero():
    assert not zeroed(nn.Linear(3, 2))(torch.randn(5, 3)).any()
