"""The networks begin at an anchor that numpy can write down, and see all of the past and nothing of the future."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.tolerances import assert_values

from recuerdo.nn import LAYERS
from recuerdo.tasks.forecast_anchor import Anchor, lags
from recuerdo.tasks.forecast_cores import RecurrentCore, WindowMLP
from recuerdo.tasks.forecast_heads import make_head
from recuerdo.tasks.forecast_losses import Objective
from recuerdo.tasks.forecast_nets import FLOOR, DirectNet, RecursiveNet, known_and_since, seasonal_change

CELLS = sorted(LAYERS)
SHAPES = [(1, 3), (7, 5), (7, 7), (7, 16), (12, 12), (12, 30)]  # season, horizon
N, UNIT = 4, 0.3


def direct(
    season, horizon, cell="gru", lookback=None, trained=True, *, level_rows=None, head="point", gaps=False, gated=False
):
    torch.manual_seed(0)
    lookback = lookback or 2 * season + 3
    kind = make_head(head, (0.1, 0.9))
    anchor, back = Anchor(horizon, season, lookback, means=gated), lags(season, lookback) if gated else ()
    features = 1 + len(back) + 2 * gaps
    core = RecurrentCore(LAYERS[cell](features, 6), features, horizon, kind.width + gated * len(anchor.names))
    net = DirectNet(core, anchor, kind, UNIT, level_rows=level_rows or lookback, lags=back, gated=gated, gaps=gaps)
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


@pytest.mark.parametrize("head", ["point", "quantiles", "gaussian", "student_t"])
@pytest.mark.parametrize(("season", "horizon"), SHAPES)
def test_an_untrained_direct_net_says_the_mean_of_simple_forecasts(season, horizon, head):
    net, window = direct(season, horizon, trained=False, head=head)
    said = net.head.point(net(window)).detach().numpy()
    for row, answer in zip(window[..., 0].numpy(), said, strict=True):
        last = np.array([row[len(row) - season + h % season] for h in range(horizon)])
        growth = np.mean(row[-season:]) - np.mean(row[-2 * season : -season])
        members = [np.full(horizon, row[-1]), np.full(horizon, row.mean()), last, last + growth]
        if season == 1:
            del members[2]
        np.testing.assert_allclose(answer, np.mean(members, axis=0), rtol=0, atol=1e-14)


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
    loss = net.loss(net(window, target), window, target)
    assert loss.item() == pytest.approx(np.mean(errors) / UNIT, rel=1e-12)


def test_the_direct_loss_is_the_mean_absolute_error_on_each_windows_scale():
    net, window = direct(7, 4)
    target, output = torch.randn(N, 4, dtype=torch.float64), net(window)
    scales = np.sqrt(window[..., 0].numpy().var(axis=1) + (FLOOR * UNIT) ** 2)
    by_hand = np.mean(np.abs(output.detach().numpy() - target.numpy()) / scales[:, None])
    loss = Objective("mae", net.head)(output, target, net.scale(window), {})
    assert loss.item() == pytest.approx(by_hand, rel=1e-12)


@pytest.mark.parametrize("head", ["point", "quantiles", "gaussian", "student_t"])
def test_a_gated_net_begins_at_the_same_anchor_and_then_weighs_it_by_the_window(head):
    net, window = direct(7, 9, trained=False, lookback=52, head=head, gated=True)
    z = window[..., 0]
    assert_values(net.head.point(net(window)), net.anchor(z))
    bias = torch.zeros(9, net.head.width + len(net.anchor.names), dtype=torch.float64)
    bias[:, net.head.width + net.anchor.names.index("mean of the window")] = 50.0
    net.core.head.bias.data.copy_(bias.flatten())
    assert_values(net.head.point(net(window)), z.mean(dim=1, keepdim=True).expand(-1, 9))


@pytest.mark.parametrize("gaps", [False, True])
def test_a_gated_core_is_told_the_changes_from_a_season_ago_and_from_seven(gaps):
    net, window = direct(2, 3, lookback=17, gated=True, gaps=gaps)
    seen, z, scale = [], window[..., 0], net.scale(window)
    net.core.encoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    net(window)
    (x,) = seen
    for column, lag in ((1, 2), (2, 14)):
        assert not x[:, :lag, column].any()
        assert_values(x[:, lag:, column], (z[:, lag:] - z[:, :-lag]) / scale)


@pytest.mark.parametrize("level_rows", [1, 7, 17])
def test_the_core_sees_each_window_less_its_level_over_its_spread(level_rows):
    net, window = direct(7, 4, level_rows=level_rows)
    seen = []
    with net.core.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0])):
        net(window)
    z = window[..., 0].numpy()
    level = z[:, -level_rows:].mean(axis=1, keepdims=True)
    scale = np.sqrt(z.var(axis=1, keepdims=True) + (FLOOR * UNIT) ** 2)
    np.testing.assert_allclose(seen[0][..., 0].numpy(), (z - level) / scale, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("cell", [*CELLS, "mlp"])
def test_every_row_of_the_window_reaches_a_direct_forecast(cell):
    net, window = direct(7, 16, "gru" if cell == "mlp" else cell, lookback=24)
    if cell == "mlp":
        core = WindowMLP(24, 16, 1, 2000)
        net = moved(DirectNet(core, Anchor(16, 7, 24), net.head, UNIT, level_rows=24).double(), True)
    gradient = torch.autograd.functional.jacobian(net.core, windows(24))[:, :, 0]  # (N, K, N, L, 1)
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
@pytest.mark.parametrize("gated", [False, True])
@pytest.mark.parametrize(("a", "b"), [(1.0, 40.0), (3.0, 0.0), (0.5, -7.0)])
def test_a_direct_forecast_follows_shift_and_scale(cell, a, b, gated):
    net, window = direct(7, 10, cell, gated=gated)
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


def test_the_seasonal_change_of_a_window_is_that_of_the_values_that_are_known():
    z = windows(17)[..., 0]
    z[0, 3] = z[1, 16] = torch.nan
    z[2, 2:] = torch.nan
    z[3, 9:] = torch.nan
    rows = z.numpy()
    expected = [np.sqrt(np.nanmean((row[7:] - row[:-7]) ** 2) + (FLOOR * UNIT) ** 2) for row in rows[:2]]
    made = seasonal_change(z, 7, UNIT)[:, 0].numpy()
    np.testing.assert_allclose(made[:2], expected, rtol=1e-12)
    assert made[2] == pytest.approx(UNIT * np.hypot(1, FLOOR), rel=1e-12)  # nothing to go by: the typical one
    squares = (rows[3, 7:9] - rows[3, :2]) ** 2  # two of ten are known, three are missing to half
    assert made[3] == pytest.approx(np.sqrt((squares.sum() + 3 * UNIT**2) / 5 + (FLOOR * UNIT) ** 2), rel=1e-12)


def test_a_window_that_is_hardly_known_has_about_the_scale_of_its_series():
    net, window = direct(7, 5, gaps=True)
    window[:, :-1] = torch.nan
    missing = window.shape[1] // 2 - 1
    expected = np.sqrt(missing / (missing + 1) + (FLOOR * UNIT) ** 2)
    np.testing.assert_allclose(net.scale(window).numpy(), expected, rtol=1e-12)


def test_a_recursive_scale_is_the_typical_change():
    net, window = recursive(7, 4)
    assert net.scale(window).tolist() == [[UNIT]] * N


@pytest.mark.parametrize("head", ["point", "quantiles", "gaussian", "student_t"])
@pytest.mark.parametrize("gaps", [False, True])
def test_missing_values_never_come_out_as_nan(head, gaps):
    net, window = direct(7, 10, head=head, gaps=gaps)
    rng = np.random.default_rng(0)
    for share in (0.1, 0.5, 0.9, 1.0):
        holed = window.clone()
        holed[torch.from_numpy(rng.random(holed.shape) < share)] = torch.nan
        answer = net(holed)
        assert answer.isfinite().all()
        net.zero_grad()
        answer.sum().backward()
        assert all(parameter.grad.isfinite().all() for parameter in net.parameters() if parameter.grad is not None)


def test_the_scale_of_a_window_is_that_of_what_is_known_of_it():
    net, window = direct(7, 4)
    holed = window.clone()
    holed[0, 2:9] = holed[1, -1] = torch.nan
    holed[2] = torch.nan
    z = holed[..., 0].numpy()
    variances = [row[~np.isnan(row)].var() if (~np.isnan(row)).any() else 1 for row in z]
    expected = np.sqrt(np.array(variances) + (FLOOR * UNIT) ** 2)
    np.testing.assert_allclose(net.scale(holed)[:, 0].numpy(), expected, rtol=1e-12)


def test_a_core_is_told_which_values_are_known_and_how_long_ago_the_last_one_was():
    z = torch.tensor([[torch.nan, torch.nan, 1.0, torch.nan, torch.nan, 2.0, 3.0, torch.nan]])
    known, since = known_and_since(z)
    assert known.tolist() == [[0, 0, 1, 0, 0, 1, 1, 0]]
    # Before the first known value the time counts from the row before the window.
    np.testing.assert_allclose(since.exp().numpy() - 1, [[1, 2, 0, 1, 2, 0, 0, 1]], atol=1e-6)


def test_where_values_can_be_missing_the_core_gets_both_and_filled_values():
    net, window = direct(7, 4, gaps=True)
    window[0, 5] = torch.nan
    seen = []
    with net.core.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0])):
        net(window)
    (features,) = seen
    known, since = known_and_since(window[..., 0])
    assert torch.equal(features[..., 1:], torch.stack([known, since], dim=-1))
    filled = window[..., 0].clone()
    filled[0, 5] = window[0, 12, 0]  # the next season has its place; there is none before
    level, scale = filled.mean(dim=1, keepdim=True), net.scale(window)
    assert_values(features[..., 0], (filled - level) / scale)


def test_covariates_reach_the_core_behind_the_target_and_zeros_stand_before_a_series_begins():
    torch.manual_seed(0)
    core = RecurrentCore(LAYERS["gru"](3, 6), 3, 4, 1, future=1, static=2)
    net = moved(DirectNet(core, Anchor(4, 7, 17), make_head("point", ()), UNIT, level_rows=17).double(), True)
    window = torch.randn(N, 17, 3, dtype=torch.float64)
    window[1, :5] = torch.nan
    future, static = (torch.randn(N, *shape, dtype=torch.float64) for shape in [(4, 1), (2,)])
    seen = []
    with net.core.register_forward_pre_hook(lambda _, inputs: seen.append(inputs)):
        answer = net(window, future, static)
    features, *others = seen[0]
    assert torch.equal(features[..., 1:], window[..., 1:].nan_to_num(0.0))
    assert [torch.equal(*each) for each in zip(others, (future, static), strict=True)] == [True, True]
    assert answer.isfinite().all()
