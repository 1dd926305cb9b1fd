"""`recuerdo forecast` says and writes what rc.Forecaster computes, whatever the shape of the table."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import recuerdo as rc

OPTIONS: dict[str, Any] = {"max_steps": 2, "random_state": 7}


def predicted(path, **columns):
    return rc.Forecaster(3, **OPTIONS).fit(path, **columns).predict()


def long_table(rows):
    return pl.DataFrame(
        {
            "day": [m for m, _ in rows] * 2,
            "shop": ["North"] * len(rows) + ["South"] * len(rows),
            "sold": [v for _, v in rows] + [2 * v + 5 for _, v in rows],
        }
    )


def test_the_table_of_forecasts_holds_the_numbers_of_predict(forecast, sales):
    assert forecast(sales, "--out", "out").code == 0
    found, expected = pl.read_csv("out/forecast.csv"), predicted(sales)
    assert found.columns == ["month", "sold", "sold-10", "sold-90"]
    assert found["month"].to_list() == ["2015-01", "2015-02", "2015-03"]
    assert found.equals(expected)


def test_several_targets_are_several_series(forecast, here, rows):
    pl.DataFrame({"month": [m for m, _ in rows], "a": [v for _, v in rows], "b": [-v for _, v in rows]}).write_csv(
        "w.csv"
    )
    assert forecast("w.csv", "--target", "b", "--target", "a", "--out", "out").code == 0
    found = pl.read_csv("out/forecast.csv")
    assert found.columns == ["unique_id", "month", "y", "y-10", "y-90"]
    assert found["unique_id"].to_list() == ["b"] * 3 + ["a"] * 3
    assert found.equals(predicted("w.csv", target=["b", "a"]))


def test_a_long_table_has_its_series_told_apart_by_id(forecast, here, rows):
    long_table(rows).write_csv("long.csv")
    done = forecast("long.csv", "--id", "shop", "--out", "out")
    assert "2 series, 120 rows in all" in done.out
    found = pl.read_csv("out/forecast.csv")
    assert found.columns == ["shop", "day", "sold", "sold-10", "sold-90"]
    assert found["shop"].to_list() == ["North"] * 3 + ["South"] * 3
    assert found.equals(predicted("long.csv", id="shop"))


def test_the_columns_that_are_named_are_taken(forecast, here, rows):
    columns = {"from": [m for m, _ in rows], "to": [m for m, _ in rows], "a": [v for _, v in rows], "b": [0.0] * 60}
    pl.DataFrame(columns).write_csv("data.csv")
    assert forecast("data.csv", "--date", "to", "--target", "a", "--out", "out").code == 0
    assert pl.read_csv("out/forecast.csv").equals(predicted("data.csv", date="to", target="a"))


def test_business_days_are_followed_by_business_days(forecast, here):
    days = [day for i in range(70) if (day := date(2024, 1, 1) + timedelta(i)).weekday() < 5]  # 50 days, to a Friday
    pl.DataFrame({"day": days, "price": np.arange(50) % 5 + np.arange(50) * 0.3}).write_csv("prices.csv")
    assert forecast("prices.csv", "--out", "out").code == 0
    assert pl.read_csv("out/forecast.csv")["day"].to_list() == ["2024-03-11", "2024-03-12", "2024-03-13"]


def test_the_picture_is_a_picture(forecast, sales):
    forecast(sales, "--out", "out")
    head = Path("out/forecast.png").read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = (int.from_bytes(head[i : i + 4], "big") for i in (16, 20))
    assert width > height > 400


def test_the_model_forecasts_the_same_in_another_process(forecast, python, sales):
    forecast(sales, "--out", "out")
    done = python("import recuerdo as rc; rc.load('out/model').predict().write_csv('again.csv')")
    assert (done.code, done.err) == (0, "")
    assert Path("again.csv").read_text() == Path("out/forecast.csv").read_text()


def test_what_is_printed_can_be_typed(forecast, python, sales):
    done = forecast(sales)
    lines = [line.strip() for line in done.out.split("Next, in Python:")[1].splitlines() if line.strip()]
    program = lines[0] + "\nprint(" + ")\nprint(".join(line.split("  #")[0] for line in lines[1:]) + ")"
    typed = python(program)
    assert (typed.code, typed.err) == (0, "")
    assert typed.out.count("2015-01") == 2


def test_the_scores_verdict_choices_and_seed_are_told(forecast, sales):
    done = forecast(sales, "--out", "out")
    report = rc.load("out/model").report_
    for row in ("GRU", "MLP (same size)", "naive", "seasonal naive", "drift"):
        assert re.search(rf"^{re.escape(row)}( +\d+\.\d{{3}}){{5}}$", done.out, re.MULTILINE)
    assert report.table() in done.out
    assert report.verdict in done.out
    assert "dates are in 'month' (monthly), numbers in 'sold'" in done.out
    assert "season 12 (from the time stamps), lookback 24" in done.out
    assert "2 steps, seed 7" in done.out


def test_a_seed_that_was_drawn_repeats_the_forecast(call, forecast, sales):
    done = call("forecast", sales, "--horizon", 3, "--max-steps", 2, "--out", "drawn")
    seed = re.search(r"seed (\d+)", done.out)
    assert seed
    forecast(sales, "--out", "again", seed=seed.group(1))
    assert Path("drawn/forecast.csv").read_text() == Path("again/forecast.csv").read_text()


@pytest.mark.parametrize(("option", "value"), [("--cell", "lstm"), ("--strategy", "recursive"), ("--lookback", 30)])
def test_the_options_reach_the_forecaster(forecast, sales, option, value):
    assert forecast(sales, option, value, "--out", "out").code == 0
    model = rc.Forecaster(3, **OPTIONS, **{option.removeprefix("--"): value}).fit(sales)
    assert pl.read_csv("out/forecast.csv").equals(model.predict())


def test_the_season_that_is_given_is_used(forecast, sales):
    assert "season 6 (given)" in forecast(sales, "--season", 6).out


def test_a_real_series_from_another_source_is_forecast(forecast, here):
    path = Path(__file__).resolve().parents[3] / "shared" / "data" / "forecasting" / "sunspots" / "yearly-sunspots.csv"
    if not path.exists():
        pytest.skip(f"{path.name} does not stand beside the checkout")
    done = forecast(path)
    assert "dates are in 'YEAR' (yearly), numbers in 'SUNACTIVITY'" in done.out
    assert pl.read_csv("forecast-yearly-sunspots/forecast.csv")["YEAR"].to_list() == [2009, 2010, 2011]
