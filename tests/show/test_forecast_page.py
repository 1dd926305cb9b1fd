"""The page of a forecaster and of a backtest: every section, the report's own numbers, and nothing from a network."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np
import polars as pl
import pytest
from tests.tasks.tables import HORIZON, long, quick, weekly

import recuerdo as rc
from recuerdo.errors import NotFittedError, OptionError
from recuerdo.show.forecast_page import chosen_series

SVG = "{http://www.w3.org/2000/svg}"
SECTIONS = [
    "The forecast",
    "Beside the baselines",
    "Seeds",
    "What was chosen, and why",
    "Held-out windows",
    "Where the errors are",
    "How sure it is",
    "Training",
]


@pytest.fixture(scope="module")
def two():
    """Two seeds over two series, with baselines and two intervals."""
    options = {"n_seeds": 2, "quantiles": (0.025, 0.1, 0.9, 0.975), "baselines": "auto"}
    return quick(**options).fit(long(a=weekly(100), b=weekly(100, seed=1, level=20)))


@pytest.fixture(scope="module")
def many():
    table = long(**{f"s{number}": weekly(60, seed=number) for number in range(14)})
    return quick(max_steps=1, baselines="auto").fit(table)


@pytest.fixture(scope="module")
def page(two, tmp_path_factory):
    return two.to_html(tmp_path_factory.mktemp("page") / "report.html")


def tree(path):
    return ET.fromstring(path.read_text(encoding="utf-8").removeprefix("<!DOCTYPE html>\n"))


def headings(path):
    return [each.text for each in tree(path).iter("h2")]


def tables(path):
    """Caption -> rows of cells."""
    return {
        each.find("caption").text: [["".join(cell.itertext()) for cell in row] for row in each.iter("tr")]
        for each in tree(path).iter("table")
    }


def test_every_section_is_there(page):
    assert headings(page) == SECTIONS
    assert tree(page).find(".//h1").text == "y, daily: the next 5"


def test_it_needs_no_network(page):
    root = tree(page)
    assert not [each for each in root.iter() if each.tag in ("script", "link", "img", "iframe", "object")]
    text = page.read_text(encoding="utf-8")
    assert "@import" not in text
    for key, value in re.findall(r'\b(src|href|srcset|action|data)="([^"]*)"', text):
        assert value.startswith("#"), (key, value)
    assert all(each.startswith("#") for each in re.findall(r"url\(([^)]*)\)", text))
    addresses = set(re.findall(r"https?://[^\"'<> ]+", text))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}  # names, not places


def test_it_fits_a_telephone_and_paper_and_says_its_language(page):
    root = tree(page)
    assert root.get("lang") == "en"
    assert root.find('.//meta[@name="viewport"]').get("content") == "width=device-width, initial-scale=1"
    assert "@media print" in root.find(".//style").text


def test_every_picture_has_words_and_its_numbers(page):
    root = tree(page)
    pictures = list(root.iter("figure"))
    assert len(pictures) == 2 + 2 + 3 + 1 + 1  # forecasts, windows, errors, coverage, training
    for each in pictures:
        assert len(each.find(f"{SVG}svg").get("aria-label")) > 40
        assert each.find("details/summary").text.startswith("The numbers: ")
        assert len(list(each.iter("tr"))) > 1


def test_the_scores_are_the_report_s_and_the_winner_stands_out(two, page):
    header, *rows = tables(page)["Scores; MASE decides"]
    assert header[1:] == ["MAE", "RMSE", "MAPE", "sMAPE", "MASE"]
    report = two.report_
    assert [row[0].removesuffix(" (best)") for row in rows] == list(report.scores)
    for row in rows:
        expected = report.scores[row[0].removesuffix(" (best)")]
        assert row[1:] == [f"{value:.3f}" for value in expected.values()]
    assert [row[0] for row in rows if row[0].endswith(" (best)")] == [f"{report.winner} (best)"]
    said = ["".join(each.itertext()) for each in tree(page).iter("p")]
    assert said[0] == report.verdict


def test_the_forecast_s_numbers_are_those_of_predict(two, page):
    frame = two.predict(two.trial_.known)
    mine = frame.filter(frame["unique_id"] == "b")
    header, *rows = tables(page)["forecast of y, b"]
    assert header == ["ds", "Forecast", "2.5 % quantile", "10 % quantile", "90 % quantile", "97.5 % quantile"]
    assert len(rows) == HORIZON
    for row, expected in zip(rows, mine.iter_rows(named=True), strict=True):
        assert row[0] == str(expected["ds"])
        wanted = [expected[name] for name in ("y", "y-2.5", "y-10", "y-90", "y-97.5")]
        assert row[1:] == [f"{value:.6g}" for value in wanted]


def test_each_seed_and_every_choice_are_told(two, page):
    rows = tables(page)["Scores of each seed on its own"]
    seeds = two.report_.seed_scores
    assert [row[0] for row in rows[1:]] == [*(f"seed {seed}" for seed in seeds), "GRU, the mean of their forecasts"]
    for row, expected in zip(rows[1:], seeds.values(), strict=False):
        assert row[-1] == f"{expected['MASE']:.3f}"
    items = [each.text for each in tree(page).iter("li")]
    assert [each[1:].rstrip(".") for each in items] == [each[1:].rstrip(".") for each in two.report_.choices]
    facts = dict(tables(page)["The network"][1:])
    assert facts["Optimiser steps"] == str(two.report_.steps)
    assert facts["Numbers that a network learned"] == f"{two.report_.parameters:,}"


def test_errors_and_coverage_are_the_trial_s(two, page):
    found, trial = tables(page), two.trial_
    steps = trial.by("horizon")
    own = steps.filter(steps["forecaster"] == "GRU")["MASE"].to_list()
    assert [row[1] for row in found["MASE by step ahead"][1:]] == [f"{value:.3f}" for value in own]
    shares = found["Share of true values within each interval"][1:]
    assert [row[:2] for row in shares] == [
        ["95 %", f"{100 * trial.coverage(0.025, 0.975):.1f} %"],
        ["80 %", f"{100 * trial.coverage(0.1, 0.9):.1f} %"],
    ]
    said = page.read_text(encoding="utf-8")
    assert "calibrated on these very forecasts, and made wider where few errors can count as independent" in said
    assert "by construction" not in said  # 88.7 % for 80 % were measured


def test_of_many_series_six_are_shown_by_their_errors(many, tmp_path):
    path = many.to_html(tmp_path / "page.html")
    shown = [name for name in tables(path) if name.startswith("forecast of")]
    assert len(shown) <= 6
    labels, means = many.trial_.means("series")
    worst, best = (labels[int(place(means["GRU"]["MASE"]))] for place in (np.argmax, np.argmin))
    assert f"forecast of y, {worst}, the worst by MASE" in shown
    assert any(name.startswith(f"forecast of y, {best}") for name in shown)
    assert "of 14 series are shown here" in path.read_text(encoding="utf-8")
    assert tables(path)["MASE by series, the worst first"][1][0] == worst


def test_few_series_are_all_shown(two):
    assert chosen_series(two.trial_, 2) == {0: "", 1: ""}
    assert chosen_series(None, 9) == dict.fromkeys(range(6), "")


def test_a_model_that_was_loaded_has_its_scores_and_says_what_is_gone(two, tmp_path):
    again = rc.load(two.save(tmp_path / "model"))
    path = again.to_html(tmp_path / "page.html")
    assert [each for each in SECTIONS if each not in headings(path)] == SECTIONS[4:7]
    assert tables(path)["Scores; MASE decides"][1][1] == f"{two.report_.scores['GRU']['MAE']:.3f}"
    assert "held-out forecasts are not saved" in path.read_text(encoding="utf-8")


def test_without_baselines_seeds_and_quantiles_there_is_still_a_page(tmp_path):
    model = quick(quantiles=()).fit(long(a=weekly(60)))
    path = model.to_html(tmp_path / "page.html")
    assert [each for each in SECTIONS if each not in headings(path)] == ["Seeds", "How sure it is"]
    assert "no baseline was asked for" in path.read_text(encoding="utf-8")


def test_without_a_trial_the_page_has_no_scores_and_says_so(tmp_path):
    model = quick(trial=False).fit(long(a=weekly(60)))
    for name, each in (("page.html", model), ("again.html", rc.load(model.save(tmp_path / "model")))):
        path = each.to_html(tmp_path / name)
        assert headings(path) == ["The forecast", "What was chosen, and why", "Training"]
        said = path.read_text(encoding="utf-8")
        assert said.count("No trial was held, so how good it is is not known") == 1
        assert "with trial and baselines" not in said
        assert "held-out" not in said


def test_a_page_with_gaps_and_what_is_known_ahead(tmp_path):
    values = np.where(np.isin(np.arange(100), [40, 41, 95]), np.nan, weekly(100))
    table = long(y=values).with_columns(open=(pl.col("ds").dt.weekday() != 7).cast(pl.Float64))
    model = quick().fit(table[:95], future=["open"])
    with pytest.raises(OptionError, match="'open' as known ahead: give future="):
        model.to_html(tmp_path / "page.html")
    path = model.to_html(tmp_path / "page.html", future=table[95:])
    assert "no value" in path.read_text(encoding="utf-8")


def test_the_page_of_a_backtest_has_its_numbers(two, tmp_path):
    table = long(a=weekly(100), b=weekly(100, seed=1, level=20))
    backtest = two.backtest(table, windows=3)
    path = backtest.to_html(tmp_path / "backtest.html")
    assert headings(path) == [
        "Beside the baselines",
        "Seeds",
        "Forecasts beside what came true",
        "Where the errors are",
        "How sure it is",
    ]
    found = tables(path)
    for row in found["Scores; MASE decides"][1:]:
        expected = backtest.scores()[row[0].removesuffix(" (best)")]
        assert row[1:] == [f"{value:.3f}" for value in expected.values()]
    assert len(found["MASE by origin"]) == 1 + 3
    text = path.read_text(encoding="utf-8")
    assert backtest.notes[0][1:] in text
    assert "calibrated on these very forecasts" not in text


def test_an_unfitted_forecaster_has_no_page(tmp_path):
    with pytest.raises(NotFittedError, match="learned nothing yet"):
        quick().to_html(tmp_path / "page.html")


def test_a_name_that_is_no_page_s_is_refused_before_anything_is_drawn(two, tmp_path):
    with pytest.raises(OptionError, match=r"A page ends in \.html, and page\.txt does not"):
        two.to_html(tmp_path / "page.txt")
    assert not list(tmp_path.iterdir())


def test_a_page_of_thousands_of_origins_is_small_and_says_what_is_drawn(tmp_path):
    backtest = quick(baselines="auto").backtest(long(a=weekly(2600)), windows=2000, stride=1)
    path = backtest.to_html(tmp_path / "page.html")
    assert path.stat().st_size < 400_000
    assert "There are too many origins for a picture: the last ones are drawn." in path.read_text(encoding="utf-8")


def test_a_file_keeps_its_name_at_the_head_of_a_sentence(tmp_path):
    table = long(a=weekly(60)).with_columns(pl.col("ds").dt.strftime("%d/%m/%Y")).drop("unique_id")
    table.write_csv(tmp_path / "vic_known.csv", separator=";")
    path = quick().fit(tmp_path / "vic_known.csv").to_html(tmp_path / "page.html")
    items = [each.text for each in tree(path).iter("li")]
    assert items[0] == "vic_known.csv is read with semicolons between cells."
    assert items[1].startswith("Dates are in 'ds'")
    assert items[2] == "vic_known.csv, column 'ds' is read as day/month/year."
