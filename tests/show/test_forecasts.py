"""A picture of a forecast shows the numbers of the forecast, all of them and no others."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import matplotlib.dates as mdates
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image
from tests.show.reading import legend_of, lines_of
from tests.tasks.tables import HORIZON, days, kinds, long, quick, weekly

from recuerdo.data import panel
from recuerdo.errors import OptionError, OutputError
from recuerdo.show import plot_forecast, save_forecasts
from recuerdo.tasks import hold_out

A, B = weekly(100), weekly(100, seed=1, level=20)


@pytest.fixture(scope="module")
def held_out():
    return hold_out(quick(), long(a=A, b=B))


@pytest.fixture(scope="module")
def eight():
    series = {f"s{number}": weekly(50, seed=number) for number in range(8)}
    return quick(max_steps=1).fit(long(**series)).forecast()


@pytest.mark.parametrize(("which", "values"), [(0, A), (1, B)])
def test_history_forecast_and_truth_are_the_numbers(held_out, which, values):
    lines = lines_of(plot_forecast(held_out.forecasts, which=which, truth=held_out.truth))
    known, truth = values[:-HORIZON], values[-HORIZON:]
    np.testing.assert_array_equal(lines["history"].get_ydata(), known[-72:])
    np.testing.assert_array_equal(lines["what came true"].get_ydata(), [known[-1], *truth])
    np.testing.assert_array_equal(lines["forecast (GRU)"].get_ydata(), [known[-1], *held_out.forecasts.point[which]])


def test_each_line_lies_at_its_dates(held_out):
    lines = lines_of(plot_forecast(held_out.forecasts, truth=held_out.truth))
    numbers = mdates.date2num(days(100).to_numpy())
    split = 100 - HORIZON
    np.testing.assert_allclose(lines["history"].get_xdata(orig=False), numbers[split - 72 : split])
    for label in ("forecast (GRU)", "what came true"):
        np.testing.assert_allclose(lines[label].get_xdata(orig=False), numbers[split - 1 :])


@pytest.mark.parametrize(("which", "values"), [(0, A), (1, B)])
def test_each_band_lies_between_its_quantiles_the_widest_first_and_lightest(which, values):
    forecasts = quick(quantiles=(0.5, 0.9, 0.1, 0.2, 0.75, 0.25)).fit(long(a=A, b=B)).forecast()
    ax = plot_forecast(forecasts, which=which)
    assert [band.get_label() for band in ax.collections] == ["80 % interval", "50 % interval"]
    for band, pair in zip(ax.collections, [(0.1, 0.9), (0.25, 0.75)], strict=True):
        heights = {round(float(y), 9) for y in band.get_paths()[0].vertices[:, 1]}
        drawn = [values[-1], *(y for level in pair for y in forecasts.quantiles[level][which])]
        assert heights == {round(float(y), 9) for y in drawn}
    wide, narrow = (band.get_facecolor()[0][:3].sum() for band in ax.collections)
    assert wide > narrow
    for level in (0.2, 0.5):  # without a partner
        drawn = lines_of(ax)[f"{100 * level:g} % quantile"].get_ydata()
        np.testing.assert_array_equal(drawn, [values[-1], *forecasts.quantiles[level][which]])


@pytest.mark.parametrize("quantiles", [(), (0.9,)])
def test_without_a_pair_of_quantiles_there_is_no_band(quantiles):
    assert not plot_forecast(quick(quantiles=quantiles).fit(long(a=A)).forecast()).collections


GAPPY = np.where(np.isin(np.arange(100), [0, 1, 40, 60, 61, 62, 64, 99]), np.nan, A)


def test_missing_values_are_a_gap_in_the_line_over_a_grey_ground():
    forecasts = quick().fit(long(a=GAPPY)).forecast(long(a=GAPPY))
    ax = plot_forecast(forecasts, history=100)
    np.testing.assert_array_equal(lines_of(ax)["history"].get_ydata(), GAPPY)
    assert list(lines_of(ax)["history"].get_markevery()) == [63]  # a value on its own is a point
    numbers = mdates.date2num(days(100).to_numpy())
    (ground,) = [each for each in ax.collections if each.get_label() == "no value"]
    spans = [(path.vertices[:, 0].min(), path.vertices[:, 0].max()) for path in ground.get_paths()]
    np.testing.assert_allclose(spans, numbers[[[0, 2], [39, 41], [59, 63], [63, 65], [98, 99]]])
    assert np.isnan(lines_of(ax)["forecast (GRU)"].get_ydata()[0])  # there is no last value to begin at
    assert legend_of(ax)[-1] == "no value"


def test_a_series_without_gaps_has_no_grey_ground(held_out):
    assert "no value" not in legend_of(plot_forecast(held_out.forecasts))


def test_a_long_horizon_shows_as_much_history_twice():
    forecasts = quick(horizon=40, max_steps=1).fit(long(a=weekly(300))).forecast(long(a=weekly(300)))
    assert len(lines_of(plot_forecast(forecasts))["history"].get_ydata()) == 80


@pytest.mark.parametrize("history", [1, 10, 95, 1000])
def test_so_much_history_is_shown(held_out, history):
    known = held_out.model  # it keeps what it looks back over; the forecasts keep all rows that were known
    assert known.forecast().known.rows == 2 * 14
    shown = lines_of(plot_forecast(held_out.forecasts, history=history))["history"].get_ydata()
    np.testing.assert_array_equal(shown, A[:-HORIZON][-history:])


def test_without_truth_none_is_drawn(held_out):
    assert "what came true" not in lines_of(plot_forecast(held_out.forecasts))


def test_it_is_drawn_where_it_is_told_and_on_a_new_figure_otherwise(held_out):
    figure = Figure()
    ax = figure.subplots()
    assert plot_forecast(held_out.forecasts, ax=ax) is ax
    assert plot_forecast(held_out.forecasts).figure is not figure


def test_title_and_legend_name_what_is_shown(held_out):
    ax = plot_forecast(held_out.forecasts, which=1, truth=held_out.truth)
    assert all(part in ax.get_title(loc="left") for part in ("y", "b", "the next 5", "daily"))
    assert legend_of(ax) == ["history", "80 % interval", "what came true", "forecast (GRU)"]


def test_steps_without_a_calendar_are_drawn_as_numbers():
    table, columns = kinds()["integer steps"]
    ax = plot_forecast(quick().fit(table, **columns).forecast())
    assert lines_of(ax)["forecast (GRU)"].get_xdata().tolist() == list(range(163, 163 + HORIZON + 1))


def test_other_time_zones_and_frequencies_are_drawn():
    months = pd.DataFrame({"month": pd.date_range("2015-01-31", periods=60, freq="ME"), "y": weekly(60)})
    for table in (months, kinds()["time zone"][0]):
        ax = plot_forecast(quick().fit(table).forecast())
        ax.figure.canvas.draw()
        assert len(lines_of(ax)["forecast (GRU)"].get_ydata()) == HORIZON + 1


def test_a_png_and_an_svg_are_pictures(held_out, tmp_path):
    png = save_forecasts(held_out.forecasts, tmp_path / "forecast.PNG", truth=held_out.truth)
    with Image.open(png) as picture:
        assert picture.format == "PNG"
        assert len(np.unique(np.asarray(picture.convert("L")))) > 20
        assert picture.height > picture.width / 2
    svg = save_forecasts(held_out.forecasts, str(tmp_path / "forecast.svg"))
    assert svg == tmp_path / "forecast.svg"
    assert ET.parse(svg).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    pdf = save_forecasts(held_out.forecasts, tmp_path / "forecast.pdf")
    assert pdf.read_bytes().startswith(b"%PDF")


def drawn(monkeypatch, forecasts, path):
    """The figure that save_forecasts wrote."""
    figures = []
    write = Figure.savefig
    monkeypatch.setattr(
        Figure, "savefig", lambda figure, *rest, **how: (figures.append(figure), write(figure, *rest, **how))
    )
    save_forecasts(forecasts, path)
    return figures[0]


def test_each_series_has_a_panel(held_out, tmp_path, monkeypatch):
    figure = drawn(monkeypatch, held_out.forecasts, tmp_path / "two.png")
    said = [lines_of(ax)["forecast (GRU)"].get_ydata()[1:] for ax in figure.axes]
    np.testing.assert_array_equal(said, held_out.forecasts.point)
    assert not figure.get_supxlabel()


def test_six_panels_are_the_most_and_the_picture_says_so(eight, tmp_path, monkeypatch):
    figure = drawn(monkeypatch, eight, tmp_path / "six.svg")
    assert len(figure.axes) == 6
    assert figure.get_supxlabel() == "6 of 8 series"


@pytest.mark.parametrize("name", ["forecast.bmp", "forecast", "forecast.png.txt"])
def test_another_ending_is_refused(held_out, tmp_path, name):
    with pytest.raises(OptionError, match=rf"A picture ends in .png, .svg, .pdf, and {name} does not: change the"):
        save_forecasts(held_out.forecasts, tmp_path / name)
    assert not any(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_named(held_out, tmp_path):
    with pytest.raises(OutputError, match=r"cannot be written to .*nowhere.*: No such file or directory. Choose"):
        save_forecasts(held_out.forecasts, tmp_path / "nowhere" / "forecast.png")
    (tmp_path / "taken.png").mkdir()
    with pytest.raises(OutputError, match=r"taken.png: Is a directory. Choose another path"):
        save_forecasts(held_out.forecasts, tmp_path / "taken.png")


def test_the_truth_can_be_a_table_that_was_read(held_out):
    truth = panel(long(a=A[-HORIZON:], b=B[-HORIZON:]))
    lines = lines_of(plot_forecast(held_out.forecasts, truth=truth))
    np.testing.assert_array_equal(lines["what came true"].get_ydata()[1:], A[-HORIZON:])


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"which": 9}, "which=9: the series are numbered from 0 to 1"),
        ({"which": -1}, "which=-1: the series are numbered from 0 to 1"),
        ({"history": 0}, "history=0: at least one known row is shown"),
    ],
)
def test_what_cannot_be_drawn_is_said(held_out, asked, words):
    with pytest.raises(OptionError, match=words):
        plot_forecast(held_out.forecasts, **asked)


def test_a_truth_of_another_length_is_refused(held_out):
    with pytest.raises(OptionError, match=r"truth has \d+ rows and the forecast \d+: give as many"):
        plot_forecast(held_out.forecasts, truth=held_out.forecasts.known)
