"""The pictures of errors and intervals show what the backtest's tables say."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from tests.show.reading import assert_drawn_where_it_is_told, legend_of, lines_of
from tests.tasks.tables import HORIZON, long, quick, weekly

from recuerdo.learn import History
from recuerdo.show import (
    plot_coverage,
    plot_error_by_horizon,
    plot_error_by_origin,
    plot_error_by_series,
    plot_losses,
)
from recuerdo.show.pages import SIZE
from recuerdo.show.series import in_lines

LEVELS = (0.1, 0.25, 0.75, 0.9)


@pytest.fixture(scope="module")
def two():
    """Three origins of two series, with baselines."""
    table = long(a=weekly(100), b=weekly(100, seed=1, level=20))
    return quick(quantiles=LEVELS, baselines="auto").backtest(table, windows=3)


@pytest.fixture(scope="module")
def many():
    table = long(**{f"s{number}": weekly(50, seed=number) for number in range(14)})
    return quick(max_steps=1, baselines="auto").backtest(table, windows=1)


def test_the_error_at_each_step_is_that_of_the_table(two):
    ax = plot_error_by_horizon(two)
    table = two.by("horizon")
    for name, line in lines_of(ax).items():
        expected = table.filter(table["forecaster"] == name)["MASE"].to_numpy()
        np.testing.assert_array_equal(line.get_ydata(), expected)
        np.testing.assert_array_equal(line.get_xdata(), np.arange(1, HORIZON + 1))
    assert set(legend_of(ax)) == set(two.forecasts)
    assert ax.get_ylim()[0] == 0
    assert ax.get_ylabel() == "MASE"


def test_the_error_from_each_origin_is_that_of_the_table(two):
    ax = plot_error_by_origin(two)
    table = two.by("origin")
    for name, line in lines_of(ax).items():
        np.testing.assert_array_equal(line.get_ydata(), table.filter(table["forecaster"] == name)["MASE"].to_numpy())
    assert [text.get_text() for text in ax.get_xticklabels()] == [str(each) for each in two.by("origin")["origin"][:3]]


def test_of_many_origins_each_point_is_the_mean_of_several():
    backtest = quick(baselines="auto").backtest(long(a=weekly(500)), windows=300, stride=1)
    ax = plot_error_by_origin(backtest)
    own = backtest.means("origin")[1]["GRU"]["MASE"]
    line = lines_of(ax)["GRU"]
    np.testing.assert_allclose(line.get_ydata(), own.reshape(100, 3).mean(axis=1))
    assert line.get_xdata()[:2].tolist() == [0, 3]
    assert line.get_marker() == "None"
    assert ax.get_xlabel() == "last known row; each point is the mean of 3 origins"


def test_labels_of_hours_stand_in_two_lines_and_do_not_overlap():
    stamps = pd.date_range("2024-01-01", periods=300, freq="h")
    backtest = quick().backtest(pd.DataFrame({"ds": stamps, "y": weekly(300)}), windows=40, stride=1)
    ax = plot_error_by_origin(backtest, ax=Figure(figsize=SIZE, layout="constrained").subplots())
    assert ax.get_xticklabels()[0].get_text() == "2024-01-11\n15:00"
    ax.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.get_xticklabels()]
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


@pytest.mark.parametrize(
    ("written", "lines"),
    [
        ("2024-01-01", "2024-01-01"),
        ("2024-01", "2024-01"),
        ("2024-01-01 00:00:00", "2024-01-01"),
        ("2024-01-01 17:30:00", "2024-01-01\n17:30"),
        ("2024-01-01T17:30:05Z", "2024-01-01\n17:30:05Z"),
        ("2024-01-01 17:00:00+01:00", "2024-01-01\n17:00+01:00"),
        (7, "7"),
    ],
)
def test_a_time_of_day_stands_under_its_day(written, lines):
    assert in_lines(written) == lines


def test_the_error_of_each_of_few_series_is_a_named_point(two):
    ax = plot_error_by_series(two)
    table = two.by("series")
    best = two.standing.best
    assert list(lines_of(ax)) == ["GRU", best]
    for name, points in lines_of(ax).items():
        np.testing.assert_array_equal(points.get_xdata(), table.filter(table["forecaster"] == name)["MASE"].to_numpy())
    assert [text.get_text() for text in ax.get_yticklabels()] == ["a", "b"]


def test_the_errors_of_many_series_are_a_histogram_that_counts_each_once(many):
    ax = plot_error_by_series(many)
    assert [patch.get_label() for patch in ax.patches] == ["GRU", many.standing.best]
    for patch in ax.patches:
        assert patch.get_data().values.sum() == 14


def test_where_mase_is_undefined_mae_is_drawn(two):
    undefined = replace(two, naive_scales=np.full_like(two.naive_scales, np.nan))
    assert plot_error_by_horizon(undefined).get_ylabel() == "MAE"
    assert plot_error_by_series(undefined).get_xlabel() == "MAE"


def test_coverage_at_each_step_stands_beside_what_was_asked_for(two):
    lines = lines_of(plot_coverage(two))
    assert set(lines) == {"80 % asked for", "80 % interval", "50 % asked for", "50 % interval"}
    for (low, high), name in (((0.1, 0.9), "80 %"), ((0.25, 0.75), "50 %")):
        inside = (two.quantiles[low] <= two.truth) & (two.truth <= two.quantiles[high])
        np.testing.assert_allclose(lines[f"{name} interval"].get_ydata(), 100 * inside.mean(axis=0))
        assert lines[f"{name} asked for"].get_ydata()[0] == pytest.approx(100 * (high - low))


def test_a_missing_true_value_counts_in_no_coverage(two):
    truth = two.truth.copy()
    truth[0, 0] = truth[:, 2] = np.nan
    gappy = replace(two, truth=truth)
    share = gappy.coverage_by_step(0.1, 0.9)
    inside = (two.quantiles[0.1] <= two.truth) & (two.truth <= two.quantiles[0.9])
    assert share[0] == inside[1:, 0].mean()
    assert np.isnan(share[2])
    assert gappy.coverage(0.1, 0.9) == pytest.approx(inside[~np.isnan(truth)].mean())


def test_the_loss_of_every_step_and_its_running_mean_are_drawn():
    losses = list(np.linspace(2, 1, 50))
    ax = plot_losses([History(losses=losses, random_state=3), History(losses=losses[:10], random_state=4)])
    raw, mean, *_ = ax.get_lines()
    assert raw.get_ydata().tolist() == losses
    assert legend_of(ax) == ["seed 3", "seed 4"]
    np.testing.assert_allclose(mean.get_ydata(), np.convolve(losses, [0.5, 0.5], "valid"))
    assert mean.get_xdata()[-1] == 50


@pytest.mark.parametrize("plot", [plot_error_by_horizon, plot_error_by_origin, plot_error_by_series, plot_coverage])
def test_it_is_drawn_where_it_is_told_and_on_a_new_figure_otherwise(plot, two, tmp_path):
    assert_drawn_where_it_is_told(plot, two, tmp_path)
