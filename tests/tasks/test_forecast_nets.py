"""The networks begin at an anchor that numpy can write down, and see all of the past and nothing of the future."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.tolerances import assert_values
from torch import nn

from recuerdo.nn import LAYERS
from recuerdo.tasks.forecast_nets import (
    FLOOR,
    DirectNet,
    RecursiveNet,
    direct_core,
    parameter_count,
    window_mlp,
    zeroed,
)

CELLS = sorted(LAYERS)
SHAPES = [(1, 3), (7, 5), (7, 7), (7, 16), (12, 12), (12, 30)]  # season, horizon
N, UNIT = 4, 0.3


def direct(season, horizon, cell="gru", lookback=None, trained=True):
    torch.manual_seed(0)
    lookback = lookback or 2 * season + 3
    net = DirectNet(direct_core(LAYERS[cell](1, 6), horizon), horizon, season, UNIT)
    return moved(net.double(), trained), windows(lookback)


def recursive(season, horizon, cell="gru", lookback=None, trained=True):
    torch.manual_seed(0)
    lookback = lookback or 2 * season + 3
    net = RecursiveNet(LAYERS[cell](2, 6), horizon, season, UNIT)
    return moved(net.double(), trained), windows(lookback)


def moved(net, trained):
    """The net with its zeros replaced, as training would, or as it was built."""
    if trained:
        with torch.no_grad():
            for parameter in net.parameters():
                if not parameter.any():
                    parameter.normal_(std=0.5)
    return net.eval()


def windows(lookback):
    return torch.randn(N, lookback, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("season", "horizon"), SHAPES)
def test_an_untrained_direct_net_says_the_last_season_and_half_the_growth(season, horizon):
    net, window = direct(season, horizon, trained=False)
    z = window[..., 0].numpy()
    growth = z[:, -season:].mean(axis=1) - z[:, -2 * season : -season].mean(axis=1)
    expected = [z[:, z.shape[1] - season + h % season] + growth / 2 for h in range(horizon)]
    np.testing.assert_allclose(net(window).detach().numpy(), np.stack(expected, axis=1), rtol=0, atol=1e-14)


@pytest.mark.parametrize(("season", "horizon"), SHAPES)
def test_an_untrained_recursive_net_says_last_seasons_value_and_half_its_change(season, horizon):
    net, window = recursive(season, horizon, trained=False)
    rows = [*window[..., 0].numpy().T]
    for _ in range(horizon):
        rows.append(rows[-season] + 0.5 * (rows[-1] - rows[-1 - season]))
    np.testing.assert_allclose(net(window).detach().numpy(), np.stack(rows[-horizon:], axis=1), rtol=0, atol=1e-13)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(("season", "horizon"), [(1, 3), (7, 16)])
def test_a_fed_back_forecast_is_a_loop_of_one_step_answers(cell, season, horizon):
    net, window = recursive(season, horizon, cell)
    grown = window[..., 0]
    for _ in range(horizon):
        # Of the teacher-forced answers on all rows so far, the last is for the row after them.
        answers = net(grown[:, :-1].unsqueeze(-1), following=torch.cat([grown[:, -1:], grown[:, :1]], dim=1))
        grown = torch.cat([grown, answers[:, -1:]], dim=1)
    assert_values(net(window), grown[:, -horizon:])


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("season", [1, 7])
def test_each_teacher_forced_answer_sees_the_row_before_it_and_none_after(cell, season):
    net, window = recursive(season, 4, cell)
    following = torch.randn(N, 4, dtype=torch.float64)
    rows = window.shape[1] + 4
    answers = net(window, following)
    assert answers.shape == (N, rows - 1 - season)
    for row in range(season, rows):
        whole = torch.cat([window[..., 0], following], dim=1)
        whole[:, row] += 1
        changed = net(whole[:, :-4].unsqueeze(-1), whole[:, -4:]) != answers
        # Answer j is for row season + 1 + j: the first that may know this row is for the row after it.
        first = row - season
        assert not changed[:, :first].any()
        assert changed[:, first : first + 1].all()


def test_a_teacher_forced_answer_is_for_the_row_that_the_loss_compares_it_with():
    net, window = recursive(7, 4, trained=False)
    target = torch.randn(N, 4, dtype=torch.float64)
    z = np.concatenate([window[..., 0].numpy(), target.numpy()], axis=1)
    errors = [np.abs(z[:, row] - z[:, row - 7] - 0.5 * (z[:, row - 1] - z[:, row - 8])) for row in range(8, z.shape[1])]
    loss = net.loss(net(window, target), window, following=target, target=target)
    assert loss.item() == pytest.approx(np.mean(errors) / UNIT, rel=1e-12)


def test_the_direct_loss_is_the_mean_absolute_error_on_each_windows_scale():
    net, window = direct(7, 4)
    target, output = torch.randn(N, 4, dtype=torch.float64), net(window)
    scales = np.sqrt(window[..., 0].numpy().var(axis=1) + (FLOOR * UNIT) ** 2)
    by_hand = np.mean(np.abs(output.detach().numpy() - target.numpy()) / scales[:, None])
    assert net.loss(output, window, target).item() == pytest.approx(by_hand, rel=1e-12)


@pytest.mark.parametrize("cell", [*CELLS, "mlp"])
def test_every_row_of_the_window_reaches_a_direct_forecast(cell):
    net, window = direct(7, 16, "gru" if cell == "mlp" else cell, lookback=24)
    if cell == "mlp":
        net = moved(DirectNet(window_mlp(24, 16, 2000), 16, 7, UNIT).double(), True)
    gradient = torch.autograd.functional.jacobian(net.core, windows(24))  # (N, K, N, L, 1)
    assert (torch.diagonal(gradient[..., 0], dim1=0, dim2=2) != 0).any(dim=0).all()
    assert torch.autograd.gradcheck(net, window[:1].requires_grad_())


@pytest.mark.parametrize("build", [direct, recursive])
def test_the_first_forecast_sees_the_latest_row_in_the_recurrence_too(build):
    net, window = build(7, 4)
    core = net.core if isinstance(net, DirectNet) else net.encoder
    seen = []
    with core.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].requires_grad_())):
        first = net(window)[:, 0].sum()
    assert (torch.autograd.grad(first, seen[0])[0][:, -1] != 0).any(dim=1).all()


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(("a", "b"), [(1.0, 40.0), (3.0, 0.0), (0.5, -7.0)])
def test_a_direct_forecast_follows_shift_and_scale(cell, a, b):
    net, window = direct(7, 10, cell)
    net.unit = 0.0  # without a floor the promise is exact
    assert_values(net(a * window + b), a * net(window) + b, tolerance=1e-11)


def test_a_floor_changes_that_only_by_a_little():
    net, window = direct(7, 10)
    assert_values(net(window + 40), net(window) + 40, tolerance=1e-11)
    assert_values(net(2 * window), 2 * net(window), tolerance=1e-2)


def test_a_flat_window_has_the_floor_for_its_scale_and_a_finite_forecast():
    net, _ = direct(7, 10)
    flat = torch.full((1, 17, 1), 3.0, dtype=torch.float64)
    assert net.scale(flat).item() == pytest.approx(FLOOR * UNIT, rel=1e-12)
    assert (net(flat) - 3).abs().max() < 10 * FLOOR * UNIT


def test_a_recursive_scale_is_the_typical_change():
    net, window = recursive(7, 4)
    assert net.scale(window).tolist() == [[UNIT]] * N


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(
    ("hidden_size", "lookback", "horizon"), [(16, 24, 12), (32, 14, 7), (32, 24, 1), (64, 48, 24), (32, 336, 48)]
)
def test_the_window_mlp_has_as_many_parameters_within_five_percent(cell, hidden_size, lookback, horizon):
    size = parameter_count(direct_core(LAYERS[cell](1, hidden_size), horizon))
    mlp = window_mlp(lookback, horizon, size)
    hidden = mlp[1].out_features
    assert parameter_count(mlp) == hidden * (lookback + 1) + horizon * (hidden + 1)
    one_unit = lookback + 1 + horizon
    assert abs(parameter_count(mlp) - size) <= max(0.05 * size, one_unit / 2)


def test_the_window_mlp_has_one_unit_at_least():
    assert window_mlp(400, 10, 50)[1].out_features == 1


def test_zeroed_layers_answer_zero():
    assert not zeroed(nn.Linear(3, 2))(torch.randn(5, 3)).any()
