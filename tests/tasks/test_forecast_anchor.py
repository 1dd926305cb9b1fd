"""The anchor is a mean of forecasts that numpy writes down, and what is missing is taken from the seasons beside it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize, nnls
from tests.tolerances import assert_values

from recuerdo.tasks.forecast_anchor import LEAST_WEIGHT, WEEK, Anchor, filled, lags, member_names

SHAPES = [
    (1, 3, 6),
    (7, 5, 14),
    (7, 16, 17),
    (12, 30, 12),
    (3, 8, 22),
    (3, 2, 21),
    (2, 9, 29),
]  # season, horizon, lookback
N = 5


def windows(lookback, n=N, seed=1):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n, lookback)))


def by_hand(row, season, horizon, means=False):
    """Each member of a complete window (L,), as a person would write it down."""
    lookback = len(row)
    made = {"last value": [row[-1]] * horizon, "mean of the window": [row.mean()] * horizon}
    last = [row[lookback - season + h % season] for h in range(horizon)]
    if season > 1:
        made["last season"] = last
    if lookback > season:
        overlap = min(season, lookback - season)  # of a season before the last only so many rows are there
        growth = np.mean([row[-1 - i] - row[-1 - i - season] for i in range(overlap)])
        made["last season and growth"] = [value + growth for value in last]
    if season > 1 and lookback >= WEEK * season:
        made["seven seasons ago"] = [row[lookback - WEEK * season + h % (WEEK * season)] for h in range(horizon)]
    for name, cycle, least in [("mean of the seasons", season, 3), ("mean of the weeks", WEEK * season, 2)]:
        if means and season > 1 and lookback >= least * cycle:
            ago = range(1, lookback // cycle + 1)
            made[name] = [np.mean([row[lookback - n * cycle + h % cycle] for n in ago]) for h in range(horizon)]
    return made


@pytest.mark.parametrize("means", [False, True])
@pytest.mark.parametrize(("season", "horizon", "lookback"), SHAPES)
def test_each_member_is_what_a_person_would_write_down(season, horizon, lookback, means):
    anchor, z = Anchor(horizon, season, lookback, means=means).double(), windows(lookback)
    expected = [by_hand(row, season, horizon, means) for row in z.numpy()]
    assert list(anchor.names) == list(expected[0]) == member_names(season, lookback, means)
    table = np.stack([np.stack(list(each.values()), axis=-1) for each in expected])
    np.testing.assert_allclose(anchor.members(z).numpy(), table, rtol=0, atol=1e-14)


@pytest.mark.parametrize(("season", "horizon", "lookback"), SHAPES)
def test_the_anchor_is_their_weighted_mean(season, horizon, lookback):
    anchor, z = Anchor(horizon, season, lookback).double(), windows(lookback)
    torch.manual_seed(0)
    torch.nn.init.normal_(anchor.logits)
    weights = np.exp(anchor.logits.detach().numpy())
    weights /= weights.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(anchor.weights().detach().numpy(), weights, rtol=1e-12)
    np.testing.assert_allclose(anchor.weights().detach().numpy().sum(axis=1), 1, rtol=1e-12)
    expected = (anchor.members(z).numpy() * weights).sum(axis=-1)
    np.testing.assert_allclose(anchor(z).detach().numpy(), expected, rtol=0, atol=1e-13)


def test_gates_move_the_weights_of_each_window_alone():
    anchor, z = Anchor(5, 7, 21, means=True).double(), windows(21)
    gates = torch.zeros(N, 5, len(anchor.names), dtype=torch.float64)
    assert_values(anchor(z, gates), anchor(z))
    gates[1, 2, anchor.names.index("last season")] = 50.0
    moved, still = anchor(z, gates), anchor(z)
    assert moved[1, 2].item() == pytest.approx(z[1, 14 + 2].item(), rel=1e-12)
    moved[1, 2] = still[1, 2]
    assert_values(moved, still)


def test_lags_are_a_season_and_seven_where_a_window_is_longer():
    assert [lags(7, rows) for rows in (7, 8, 49, 50)] == [(), (7,), (7,), (7, 49)]
    assert lags(1, 100) == ()


def test_an_anchor_follows_shift_and_scale():
    anchor, z = Anchor(9, 7, 21).double(), windows(21)
    torch.nn.init.normal_(anchor.logits)
    assert_values(anchor(3 * z + 40), 3 * anchor(z) + 40)


def fitted(noise, n=400, season=4, horizon=3, lookback=12, shares=(0.2, 0.1, 0.4, 0.3)):
    """An anchor that was fitted on targets that are a known mixture of its members, and the parts that went in."""
    anchor, z = Anchor(horizon, season, lookback).double(), windows(lookback, n)
    members = anchor.members(z)
    rng = np.random.default_rng(3)
    scale = torch.from_numpy(rng.uniform(0.5, 2, size=(n, 1)))
    target = members @ torch.tensor(shares, dtype=torch.float64)
    target = target + noise * scale * torch.from_numpy(rng.normal(size=(n, horizon)))
    anchor.fit(z, target, scale)
    return anchor, z, members.numpy(), target.numpy(), scale.numpy()


def test_the_first_weights_are_the_mixture_that_made_the_targets():
    np.testing.assert_allclose(fitted(0.0)[0].weights().detach().numpy(), [[0.2, 0.1, 0.4, 0.3]] * 3, atol=1e-6)


def test_the_first_weights_are_the_least_squares_that_scipy_finds():
    anchor, _, members, target, scale = fitted(1.0)
    for k in range(3):
        parts = members[:, k] / scale
        truth = target[:, k] / scale[:, 0]
        best = minimize(
            lambda w, parts=parts, truth=truth: ((parts @ w - truth) ** 2).mean(),
            np.full(4, 0.25),
            bounds=[(0, 1)] * 4,
            constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
            method="SLSQP",
            tol=1e-14,
        )
        assert best.success
        assert (best.x > LEAST_WEIGHT).all()  # so that no member was lifted
        np.testing.assert_allclose(anchor.weights()[k].detach().numpy(), best.x, atol=1e-4)
        # Where the sum is free, least squares without negative weights find no better mixture that adds up to 1.
        free = nnls(parts, truth)[0]
        assert ((parts @ best.x - truth) ** 2).sum() >= ((parts @ free - truth) ** 2).sum() - 1e-9


def test_a_member_that_does_not_help_keeps_a_share_that_can_be_learned_back():
    weights = fitted(0.0, shares=(0.0, 0.0, 1.0, 0.0))[0].weights().detach().numpy()
    np.testing.assert_allclose(weights, [np.array([0.01, 0.01, 1.0, 0.01]) / 1.03] * 3, rtol=1e-6)


def test_missing_targets_count_for_nothing_and_a_step_without_any_begins_at_equal_weights():
    anchor, z, _, target, scale = fitted(0.5)
    kept = np.arange(len(z)) % 3 > 0
    holed = target.copy()
    holed[~kept] = np.nan
    holed[:, 2] = np.nan
    anchor.fit(z, torch.from_numpy(holed), torch.from_numpy(scale))
    with_holes = anchor.weights().detach().numpy().copy()
    anchor.fit(z[kept], torch.from_numpy(target[kept]), torch.from_numpy(scale[kept]))
    np.testing.assert_allclose(with_holes[:2], anchor.weights().detach().numpy()[:2], rtol=1e-9)
    np.testing.assert_allclose(with_holes[2], 0.25, rtol=1e-12)


def filled_by_hand(row, season):
    """Missing values of one window (L,), place by place and season by season, the latest row being the last place."""
    lookback = len(row)
    out = row.copy()
    known = row[~np.isnan(row)]
    for t in range(lookback):
        if not np.isnan(row[t]):
            continue
        before = [row[u] for u in range(t - season, -1, -season) if not np.isnan(row[u])]
        after = [row[u] for u in range(t + season, lookback, season) if not np.isnan(row[u])]
        rest = known.mean() if known.size else 0.0
        out[t] = before[0] if before else after[0] if after else rest
    return out


@st.composite
def holed(draw):
    season, lookback, n = draw(st.integers(1, 6)), draw(st.integers(1, 20)), draw(st.integers(1, 3))
    z = np.array(draw(st.lists(st.floats(-5, 5), min_size=n * lookback, max_size=n * lookback)))
    gone = np.array(draw(st.lists(st.booleans(), min_size=n * lookback, max_size=n * lookback)))
    return np.where(gone, np.nan, z).reshape(n, lookback), season


@given(holed())
def test_what_is_missing_is_taken_from_the_seasons_beside_it(case):
    z, season = case
    made = filled(torch.from_numpy(z), season).numpy()
    assert not np.isnan(made).any()
    np.testing.assert_allclose(made, np.stack([filled_by_hand(row, season) for row in z]), rtol=1e-12, atol=1e-12)


def test_complete_windows_are_left_as_they_are():
    z = windows(9)
    assert filled(z, 4) is z


@pytest.mark.parametrize("pattern", ["all", "all but one", "last season", "first rows", "one place of each season"])
def test_an_anchor_of_filled_windows_is_never_nan(pattern):
    z = windows(21)
    gone = torch.zeros(21, dtype=torch.bool)
    gone[{
        "all": slice(None),
        "all but one": slice(1, None),
        "last season": slice(-7, None),
        "first rows": slice(0, 20),
        "one place of each season": slice(None, None, 7),
    }[pattern]] = True  # fmt: skip
    z[:, gone] = torch.nan
    anchor = Anchor(9, 7, 21).double()
    assert anchor(filled(z, 7)).isfinite().all()
