"""A picture of a backtest shows every forecast from its own origin, and the truth, as they are."""

from __future__ import annotations

from dataclasses import replace

import matplotlib.dates as mdates
import numpy as np
import pytest
from tests.show.reading import legend_of, lines_of
from tests.tasks.tables import HORIZON, days, kinds, long, quick, weekly

from recuerdo.errors import OptionError
from recuerdo.show import plot_backtest
from recuerdo.show.backtests import apart

A, B = weekly(100), weekly(100, seed=1, level=20)
DAYS = mdates.date2num(days(100).to_numpy())


@pytest.fixture(scope="module")
def three():
    """Three origins of two series, five rows apart: no row is forecast twice."""
    return quick(quantiles=(0.1, 0.25, 0.75, 0.9)).backtest(long(a=A, b=B), windows=3)


@pytest.fixture(scope="module")
def overlapping():
    return quick().backtest(long(a=A), windows=6, stride=2)


def test_every_forecast_is_drawn_at_its_dates_and_none_runs_into_the_next(three):
    drawn = lines_of(plot_backtest(three, which=1))["forecast (GRU)"]
    mine = three.forecasts["GRU"][three.origins[:, 0] == 1]
    expected = np.concatenate([row for each in mine for row in (each, [np.nan])])[:-1]
    np.testing.assert_array_equal(drawn.get_ydata(), expected)
    x = drawn.get_xdata(orig=False)
    np.testing.assert_allclose(x[np.isfinite(expected)], DAYS[-3 * HORIZON :])


def test_the_truth_is_drawn_from_two_horizons_before(three):
    truth = lines_of(plot_backtest(three, which=1))["what came true"]
    np.testing.assert_array_equal(truth.get_ydata(), B[-5 * HORIZON :])
    np.testing.assert_allclose(truth.get_xdata(orig=False), DAYS[-5 * HORIZON :])


def test_each_origin_is_marked_at_the_last_row_that_was_known(three):
    x = lines_of(plot_backtest(three))["origin"].get_xdata(orig=False)
    np.testing.assert_allclose(np.unique(x), DAYS[100 - 1 - HORIZON * np.array([3, 2, 1])])


def test_the_intervals_are_those_of_the_quantiles(three):
    ax = plot_backtest(three, which=1)
    for band, pair in zip(ax.collections, [(0.1, 0.9), (0.25, 0.75)], strict=True):
        drawn = {round(float(y), 9) for path in band.get_paths() for y in path.vertices[:, 1]}
        mine = np.concatenate([three.quantiles[level][three.origins[:, 0] == 1].ravel() for level in pair])
        assert drawn == {round(float(y), 9) for y in mine}
        assert len(band.get_paths()) == 3
    assert legend_of(ax) == ["what came true", "80 % interval", "50 % interval", "forecast (GRU)", "origin"]


def test_where_forecasts_overlap_those_in_a_row_are_whole_and_the_others_thin(overlapping):
    ax = plot_backtest(overlapping)
    lines = lines_of(ax)
    whole, thin = lines["forecast (GRU)"], lines["overlapping (4)"]
    assert np.isfinite(whole.get_ydata()).sum() == 2 * HORIZON
    assert np.isfinite(thin.get_ydata()).sum() == 4 * HORIZON
    np.testing.assert_array_equal(whole.get_ydata()[-HORIZON:], overlapping.forecasts["GRU"][-1])
    assert thin.get_linewidth() < whole.get_linewidth()
    assert ax.get_title(loc="left").endswith("6 forecasts of 5")


def test_of_many_origins_the_last_are_drawn_and_the_title_says_of_how_many():
    many = quick().backtest(long(a=weekly(600)), windows=400, stride=1)
    ax = plot_backtest(many)
    lines = lines_of(ax)
    first = 5 * HORIZON  # rows from the first origin that is drawn to the last
    assert ax.get_title(loc="left").endswith(f"the last {first + 1} of 400 forecasts of 5")
    assert np.isfinite(lines["forecast (GRU)"].get_ydata()).sum() == 6 * HORIZON
    assert np.isfinite(lines["overlapping (20)"].get_ydata()).sum() == 20 * HORIZON
    assert len(lines["what came true"].get_ydata()) == 2 * HORIZON + first + HORIZON


def test_of_many_origins_that_overlap_some_are_drawn_evenly():
    wide = quick(horizon=24).backtest(long(a=weekly(400)), windows=200, stride=1)
    thin = lines_of(plot_backtest(wide))["overlapping (39 of 115)"]
    assert np.isfinite(thin.get_ydata()).sum() == 39 * 24


@pytest.mark.parametrize(
    ("ends", "horizon", "places"), [([1, 2, 3, 4, 5], 2, [0, 2, 4]), ([1, 6, 11], 5, [0, 1, 2]), ([3], 9, [0])]
)
def test_forecasts_in_a_row_are_counted_from_the_last(ends, horizon, places):
    assert apart(np.array(ends), horizon).tolist() == places


def test_missing_truth_is_a_gap(three):
    gappy = np.where(np.isin(np.arange(100), [90, 91, 97]), np.nan, A)
    ax = plot_backtest(quick().backtest(long(a=gappy), windows=2))
    np.testing.assert_array_equal(lines_of(ax)["what came true"].get_ydata(), gappy[-4 * HORIZON :])
    assert legend_of(ax)[-1] == "no value"


def test_steps_without_a_calendar_are_drawn_as_numbers():
    table, columns = kinds()["integer steps"]
    ax = plot_backtest(quick().backtest(table, windows=1, **columns))
    ax.figure.canvas.draw()
    assert lines_of(ax)["forecast (GRU)"].get_xdata().tolist() == list(range(159, 164))


def test_the_result_draws_itself(three):
    ax = three.plot(which=1)
    assert ax.get_title(loc="left") == "y, b, daily: 3 forecasts of 5"
    assert three.plot(ax=ax) is ax


@pytest.mark.parametrize("which", [-1, 2])
def test_a_series_that_is_not_there_is_refused(three, which):
    with pytest.raises(OptionError, match=rf"which={which}: the series are numbered from 0 to 1"):
        plot_backtest(three, which=which)


def test_a_series_of_which_nothing_was_judged_is_refused(three):
    first = three.origins[:, 0] == 0
    alone = replace(
        three,
        origins=three.origins[first],
        truth=three.truth[first],
        forecasts={name: each[first] for name, each in three.forecasts.items()},
        quantiles={level: each[first] for level, each in three.quantiles.items()},
    )
    with pytest.raises(OptionError, match="which=1: no forecast of series 'b' was judged, so there is none to draw"):
        plot_backtest(alone, which=1)
