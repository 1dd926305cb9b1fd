"""The forecasts that need no training, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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


def test_where_a_series_is_shorter_than_the_season_the_last_value_stands_for_places_that_it_has_not_shown():
    said = baselines.seasonal_naive(VALUES, 30, 24)
    assert said.tolist() == [VALUES[19]] * 4 + VALUES.tolist() + [VALUES[19]] * 4 + VALUES[:2].tolist()
    assert baselines.seasonal_naive(VALUES[:7], 10, 24).tolist() == baselines.naive(VALUES[:7], 10).tolist()


@pytest.mark.parametrize(("season", "names"), [(1, ["naive", "drift"]), (7, ["naive", "seasonal naive", "drift"])])
def test_the_seasonal_one_stands_among_them_where_there_is_a_season(season, names):
    found = baselines.simple_baselines(season)
    assert list(found) == names
    assert all(forecast(VALUES, 9).shape == (9,) for forecast in found.values())
    if season > 1:
        assert found["seasonal naive"](VALUES, 9).tolist() == [*VALUES[-7:], *VALUES[-7:-5]]


@st.composite
def holed(draw):
    """A series of which at least one value is observed, a season that may be longer than it, and a horizon."""
    values = draw(st.lists(st.integers(-9, 9) | st.none(), min_size=1, max_size=14).filter(any))
    values = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    return values, draw(st.integers(1, 20)), draw(st.integers(1, 9))


@given(holed())
def test_with_gaps_the_last_observed_values_take_their_place(case):
    values, season, horizon = case
    observed = [t for t in range(len(values)) if not np.isnan(values[t])]
    first, last = observed[0], observed[-1]
    slope = (values[last] - values[first]) / (last - first) if last > first else 0.0
    seasonal, line = [], []
    for t in range(len(values), len(values) + horizon):
        there = [s for s in observed if s % season == t % season]
        seasonal.append(values[there[-1]] if there else values[last])
        line.append(values[last] + slope * (t - last))
    assert baselines.naive(values, horizon).tolist() == [values[last]] * horizon
    assert baselines.seasonal_naive(values, horizon, season).tolist() == seasonal
    np.testing.assert_allclose(baselines.drift(values, horizon), line, rtol=1e-12, atol=1e-12)


@given(holed(), st.data())
def test_from_many_origins_each_is_the_forecast_from_the_rows_up_to_it(case, data):
    values, season, horizon = case
    earliest = int(np.argmin(np.isnan(values)))
    ends = np.array(data.draw(st.lists(st.integers(earliest, len(values) - 1), min_size=1, max_size=5)))
    found = {
        "naive": baselines.naive_from(values, ends, horizon),
        "seasonal naive": baselines.seasonal_naive_from(values, ends, horizon, season),
        "drift": baselines.drift_from(values, ends, horizon),
    }
    for name, forecast in baselines.simple_baselines(season).items():
        np.testing.assert_array_equal(found[name], [forecast(values[: end + 1], horizon) for end in ends])


@pytest.mark.parametrize("season", [1, 4])
def test_the_origins_of_many_series_come_back_in_their_order(season):
    series = [VALUES, VALUES[::-1] + 5, VALUES[3:15]]
    origins = np.array([[2, 9], [0, 19], [1, 7], [0, 4], [2, 11], [0, 19]])
    found = baselines.simple_forecasts(series, origins, 6, season)
    expected = baselines.simple_baselines(season)
    assert list(found) == list(expected)
    for name, forecast in expected.items():
        rows = [forecast(series[number][: end + 1], 6) for number, end in origins]
        np.testing.assert_array_equal(found[name], rows)


@pytest.mark.parametrize("forecast", baselines.simple_baselines(2).values())
def test_a_series_without_any_value_is_refused(forecast):
    with pytest.raises(DataError, match="the first 3 rows of the series are all missing: take a later origin"):
        forecast(np.full(3, np.nan), 2)
    with pytest.raises(DataError, match="needs one observed value or more, and the series has no rows"):
        forecast(np.empty(0), 2)


def test_an_origin_before_any_value_is_refused_by_its_row():
    values = np.array([np.nan, np.nan, 1.0, 2.0])
    with pytest.raises(DataError, match="the first 2 rows of the series are all missing"):
        baselines.naive_from(values, np.array([3, 1]), 2)
