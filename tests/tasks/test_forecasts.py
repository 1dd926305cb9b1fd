"""A result as numbers, as a table and as a picture; drawing is imported when it is asked for."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure
from tests.tasks.tables import HORIZON, dates, kinds, numbers, quick, weekly

from recuerdo.errors import DataError


@pytest.fixture(scope="module")
def both():
    return quick(quantiles=(0.9, 0.5, 0.025)).fit(kinds()["long"][0]).forecast()


def test_numbers_by_series_are_those_of_the_table(both):
    frame = both.frame()
    assert frame.columns == ["unique_id", "ds", "y", "y-2.5", "y-50", "y-90"]
    np.testing.assert_array_equal(numbers(frame), np.concatenate(both.point))
    for quantile, column in [(0.025, "y-2.5"), (0.5, "y-50"), (0.9, "y-90")]:
        np.testing.assert_array_equal(numbers(frame, column), np.concatenate(both.quantiles[quantile]))
    assert both.model == "GRU"


def test_times_continue_each_series(both):
    expected = dates(64 + HORIZON)[-HORIZON:].to_numpy()
    assert [times.astype("datetime64[D]").tolist() for times in both.times] == [expected.tolist()] * 2


def test_the_forecast_carries_the_targets_name_or_y_for_several(both):
    assert both.name == "y"
    table, columns = kinds()["wide"]
    assert quick().fit(table, **columns).forecast().name == "y"
    sold = quick().fit(kinds()["polars"][0].rename({"y": "sold"}))
    assert sold.forecast().name == "sold"
    assert sold.predict().columns == ["day", "sold", "sold-10", "sold-90"]


def test_a_column_that_would_be_there_twice_is_refused():
    table = kinds()["polars"][0].rename({"day": "y-10"})
    with pytest.raises(DataError, match="A column of the result would be called 'y-10', as the one that is there"):
        quick().fit(table).predict()


def test_plot_draws_where_it_is_told(both):
    ax = Figure().subplots()
    assert both.plot(which=1, ax=ax) is ax
    lines = {line.get_label(): line for line in ax.get_lines()}
    np.testing.assert_array_equal(lines["forecast (GRU)"].get_ydata()[1:], both.point[1])
    assert lines["history"].get_ydata()[-1] == weekly(seed=1, level=20)[-1]


def test_the_jobs_are_imported_without_a_plotting_library():
    code = "import sys, recuerdo.tasks; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "recuerdo.tasks.forecaster" in done.stdout.split()
    assert not {"matplotlib", "recuerdo.show"} & set(done.stdout.split())


def test_printed_it_is_the_first_rows_of_its_table(both):
    said, head, *rows, rest = str(both).splitlines()
    assert said == "Forecasts by GRU: 2 series, the next 5, daily"
    assert head.split() == both.frame().columns
    assert rest == "... 4 more rows in .frame()"
    for row, expected in zip(rows, both.frame().head(6).iter_rows(), strict=True):
        name, day, *values = row.split()
        assert [name, day] == [str(each) for each in expected[:2]]
        assert values == [f"{each:.6g}" for each in expected[2:]]
    assert repr(both) == str(both)


@pytest.mark.parametrize("kind", kinds())
def test_whatever_the_table_was_it_can_be_printed(kind):
    table, columns = kinds()[kind]
    lines = str(quick(trial=False).fit(table, **columns).forecast()).splitlines()
    assert lines[0].startswith("Forecasts by GRU: ")
    assert len(lines) == (2 + HORIZON if " 1 series" in lines[0] else 2 + 6 + 1)
