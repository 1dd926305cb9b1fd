"""The forecasts that need no training, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from recuerdo.errors import DataError
from recuerdo.tasks import baselines

VALUES = np.random.default_rng(0).normal(size=20)


def test_naive_says_the_last_value():
    assert baselines.naive(VALUES, 3).tolist() == [VALUES[19]] * 3


@pytest.mark.parametrize(("season", "horizon"), [(1, 3), (4, 2), (4, 4), (4, 11), (20, 25)])
def test_seasonal_naive_says_what_was_whole_seasons_ago(season, horizon):
    # Hyndman and Athanasopoulos, section 5.2: y_{T+h} = y_{T+h-m(k+1)}, k = floor((h - 1) / m).
    expected = [VALUES[19 + h - season * ((h - 1) // season + 1)] for h in range(1, horizon + 1)]
    assert baselines.seasonal_naive(VALUES, horizon, season).tolist() == expected


def test_drift_goes_on_by_the_mean_change():
    expected = [VALUES[19] + h * np.mean(np.diff(VALUES)) for h in range(1, 6)]
    np.testing.assert_allclose(baselines.drift(VALUES, 5), expected, rtol=1e-12)


def test_the_drift_of_a_straight_line_is_that_line():
    t = np.arange(30.0)
    np.testing.assert_allclose(baselines.drift(3 - 0.5 * t[:20], 10), 3 - 0.5 * t[20:], rtol=1e-12)


def test_the_drift_of_one_row_is_flat():
    assert baselines.drift(np.array([5.0]), 2).tolist() == [5, 5]


def test_a_series_shorter_than_the_season_is_refused():
    with pytest.raises(DataError, match="of season 24 needs 24 rows, got 20"):
        baselines.seasonal_naive(VALUES, 3, 24)


@pytest.mark.parametrize(("season", "names"), [(1, ["naive", "drift"]), (7, ["naive", "seasonal naive", "drift"])])
def test_the_seasonal_one_stands_among_them_where_there_is_a_season(season, names):
    found = baselines.simple_baselines(season)
    assert list(found) == names
    assert all(forecast(VALUES, 9).shape == (9,) for forecast in found.values())
    if season > 1:
        assert found["seasonal naive"](VALUES, 9).tolist() == [*VALUES[-7:], *VALUES[-7:-5]]
