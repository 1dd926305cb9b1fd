"""What `recuerdo forecast` can be asked for reaches rc.Forecaster, and what it writes holds the same numbers."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import recuerdo as rc
from recuerdo.errors import warn

OPTIONS: dict[str, Any] = {"max_steps": 2, "random_state": 7}


@pytest.fixture
def shops(here):
    """Two shops with a price that is known ahead, the weather, and a kind; the next three rows of the price."""
    t = np.arange(60)
    frames = [
        pl.DataFrame(
            {
                "month": [f"{2010 + k // 12}-{k % 12 + 1:02d}" for k in range(63)],
                "shop": [shop] * 63,
                "price": [1.0 + k % 4 for k in range(63)],
                "rain": [float(k % 5) for k in range(63)],
                "kind": [kind] * 63,
                "sold": [*(100 + t + 20 * np.sin(np.pi * t / 6) + size * (t % 4)), None, None, None],
            }
        )
        for shop, kind, size in (("North", "large", 9.0), ("South", "small", 2.0))
    ]
    whole = pl.concat(frames)
    whole.filter(pl.col("sold").is_not_null()).write_csv("shops.csv")
    whole.filter(pl.col("sold").is_null()).select("month", "shop", "price").write_csv("prices.csv")
    return Path("shops.csv")


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (["--hidden-size", 6], {"hidden_size": 6}),
        (["--encoder", "segments", "--lookback", 36], {"encoder": "segments", "lookback": 36}),
        (["--head", "gaussian"], {"head": "gaussian"}),
        (["--loss", "mse"], {"loss": "mse"}),
        (["--calendar", "auto"], {"calendar": "auto"}),
        (["--calendar", "month", "--calendar", "quarter"], {"calendar": ("month", "quarter")}),
        (["--seeds", 2], {"n_seeds": 2}),
        (["--quantile", 0.025, "--quantile", 0.975], {"quantiles": (0.025, 0.975)}),
        (["--no-log"], {"log": False}),
        (["--no-trial"], {"trial": False}),
        (["--no-trial", "--head", "quantiles"], {"trial": False, "head": "quantiles"}),
        (["--memory", "running"], {"memory": "running"}),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else "",
)
def test_an_option_reaches_the_forecaster(forecast, sales, arguments, options):
    assert forecast(sales, *arguments, "--out", "out").code == 0
    expected = rc.Forecaster(3, **OPTIONS, **options).fit(sales).predict()
    found = pl.read_csv("out/forecast.csv")
    assert found.columns == expected.columns
    assert found.equals(expected)


def test_covariates_of_every_kind_reach_the_forecaster(forecast, shops):
    columns = ["--id", "shop", "--past", "rain", "--future", "price", "--static", "kind", "--target", "sold"]
    done = forecast(shops, *columns, "--future-table", "prices.csv", "--out", "out")
    assert done.code == 0, done.err
    model = rc.Forecaster(3, **OPTIONS)
    model.fit("shops.csv", id="shop", target="sold", past=["rain"], future=["price"], static=["kind"])
    assert pl.read_csv("out/forecast.csv").equals(model.predict(future="prices.csv"))


def test_what_is_printed_can_be_typed_where_columns_are_known_ahead(forecast, python, shops):
    done = forecast(shops, "--id", "shop", "--target", "sold", "--future", "price", "--future-table", "prices.csv")
    lines = [line.strip() for line in done.out.split("Next, in Python:")[1].splitlines() if line.strip()]
    program = lines[0] + "\nprint(" + ")\nprint(".join(line.split("  #")[0] for line in lines[1:]) + ")"
    typed = python(program)
    assert (typed.code, typed.err) == (0, "")
    assert typed.out.count("2015-01") == 4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--future", "price"], "--future-table is missing"),
        (["--future-table", "prices.csv"], "--future is missing"),
        (["--future", "price", "--future-table", "nowhere.csv"], "There is no file nowhere.csv"),
        (["--future", "price", "--future-table", "late.csv"], "has no row for 2015-01-01 of series 'North'"),
        (["--past", "rian"], "Did you mean 'rain'?"),
        (["--static", "rain"], "so it is not static"),
        (["--backtest", 0], "--backtest 0: it counts origins"),
        (["--backtest", 20], "these origins need 60 behind the first alone"),
        (["--backtest", 18], "Give more rows, a shorter horizon"),
        (["--seeds", 0], "n_seeds=0"),
        (["--no-trial", "--quantile", 0.1], "need a trial"),
        (["--quantile", 1.5], "as in (0.1, 0.9) (--quantile 0.1 --quantile 0.9)"),
        (["--future", "price", "--future-table", ""], "The path of the table is empty"),
        (["--head", "gausian"], "Did you mean 'gaussian'?"),
        (["--calendar", "hours"], "'hours'"),
        (["--html", "page.pdf"], "A page ends in .html, and page.pdf does not"),
        (["--html", "prices.csv/page.html"], "cannot be written"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_said_before_any_training(forecast, shops, here, arguments, words):
    pl.read_csv("prices.csv").filter(pl.col("month") > "2015-01").write_csv("late.csv")
    before = sorted(path.name for path in here.iterdir())
    done = forecast(shops, "--id", "shop", "--target", "sold", *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1
    assert words in done.err
    assert sorted(path.name for path in here.iterdir()) == before


def test_a_backtest_is_printed_and_written(forecast, sales):
    done = forecast(sales, "--backtest", 4, "--out", "out")
    assert done.code == 0, done.err
    expected = rc.Forecaster(3, **OPTIONS).backtest(sales, windows=4)
    assert "Backtest of the last 12 rows, 4 origins:" in done.out
    said = done.out.split("4 origins:\n")[1]
    assert expected.verdict in said
    assert f"The 80 % interval covered {100 * expected.coverage():.1f} % of the true values." in said
    by_step, by_origin = (said.split(f"MASE by {what}:\n")[1].splitlines() for what in ("horizon", "origin"))
    own = expected.means("horizon")[1]["GRU"]["MASE"]
    assert [line.split()[:2] for line in by_step[1:4]] == [[str(k + 1), f"{own[k]:.3f}"] for k in range(3)]
    assert [line.split()[0] for line in by_origin[1:5]] == ["2013-12", "2014-03", "2014-06", "2014-09"]
    found = pl.read_csv("out/backtest.csv")
    assert found.columns == expected.frame().columns
    assert found["GRU"].to_list() == pytest.approx(expected.frame()["GRU"].to_list())
    assert "a backtest of 4 forecasts" in Path("out/backtest.html").read_text(encoding="utf-8")
    assert re.search(r"out/backtest\.csv +every forecast", done.out)


def test_without_a_trial_no_score_is_printed_until_a_backtest_is_asked_for(forecast, sales):
    done = forecast(sales, "--no-trial", "--out", "out")
    assert done.code == 0, done.err
    assert "trained once, on all rows, without a trial" in done.out
    assert "No trial was held, so how good it is is not known: backtest() tells." in done.out
    assert "MASE" not in done.out
    done = forecast(sales, "--no-trial", "--backtest", 2, "--out", "tested")
    assert done.code == 0, done.err
    assert rc.Forecaster(3, trial=False, **OPTIONS).backtest(sales, windows=2).verdict in done.out


def test_the_page_lies_among_the_results_and_has_the_forecast(forecast, sales):
    done = forecast(sales, "--out", "out")
    assert re.search(r"out/report\.html +the page", done.out)
    page = Path("out/report.html").read_text(encoding="utf-8")
    for value in pl.read_csv("out/forecast.csv")["sold"]:
        assert f"<td>{value:.6g}</td>" in page
    assert "Held-out windows" in page


def test_the_page_goes_where_it_is_told(forecast, sales):
    done = forecast(sales, "--out", "out", "--html", "pages/mine.html")
    assert done.code == 0
    assert Path("pages/mine.html").exists()
    assert not Path("out/report.html").exists()
    again = forecast(sales, "--out", "other", "--html", "pages/mine.html")
    assert again.code == 2
    assert "pages/mine.html is there already, and nothing is overwritten unasked: choose another --html" in again.err
    assert not Path("other").exists()
    assert forecast(sales, "--out", "other", "--html", "pages/mine.html", "--overwrite").code == 0


def test_results_of_a_backtest_are_not_overwritten_unasked(forecast, sales):
    assert forecast(sales, "--backtest", 2, "--out", "out").code == 0
    before = Path("out/backtest.csv").read_bytes()
    done = forecast(sales, "--backtest", 3, "--out", "out")
    assert done.code == 2
    assert "out already holds forecast.csv, forecast.png, report.html, backtest.csv, backtest.html, model" in done.err
    assert Path("out/backtest.csv").read_bytes() == before
    assert forecast(sales, "--backtest", 3, "--out", "out", "--overwrite").code == 0
    assert Path("out/backtest.csv").read_bytes() != before


def test_off_a_terminal_each_training_is_one_line(forecast, sales):
    lines = forecast(sales, "--seeds", 2, "--out", "out").err.splitlines()
    trained = ["trial, seed 1 of 2", "trial, seed 2 of 2", "MLP (same size)", "GRU, seed 1 of 2", "GRU, seed 2 of 2"]
    assert [line.split(":")[0] for line in lines] == trained
    assert all(re.search(r": at most 2 steps .*ended after 2 steps", line) for line in lines)


def test_a_folder_of_parquet_files_is_one_table(forecast, sales):
    table = pl.read_csv(sales)
    Path("monthly").mkdir()
    for year in range(2010, 2015):
        table.filter(pl.col("month").str.starts_with(str(year))).write_parquet(f"monthly/{year}.parquet")
    done = forecast("monthly")
    assert done.code == 0, done.err
    assert "5 Parquet files of monthly are read as one table" in done.out
    found = pl.read_csv("forecast-monthly/forecast.csv")
    assert found["month"].to_list() == ["2015-01", "2015-02", "2015-03"]
    expected = rc.Forecaster(3, **OPTIONS).fit(sales).predict()
    assert found["sold"].to_list() == pytest.approx(expected["sold"].to_list(), rel=1e-6)


def test_help_lists_the_options_in_groups(call):
    out = call("forecast", "--help").out
    headings = re.findall(r"^([A-Z][\w ]+):$", out, re.MULTILINE)
    assert headings == [
        "Arguments", "What to do", "Columns of the table", "The model", "Training", "Results", "Other options"
    ]  # fmt: skip
    columns = out.split("Columns of the table:")[1].split("The model:")[0]
    for option in ("--past COLUMN", "--future COLUMN", "--future-table FILE", "--static COLUMN", "--id COLUMN"):
        assert option in columns
    assert "--seeds COUNT" in out.split("Training:")[1].split("Results:")[0]


def test_help_without_groups_calls_its_options_options(call):
    assert re.findall(r"^([A-Z][\w ]+):$", call("demo", "--help").out, re.MULTILINE) == ["Options"]


def test_a_table_that_was_thinned_says_of_how_many_rows(forecast, sales):
    done = forecast(sales, "--backtest", 14, "--out", "out", "--season", 1)
    assert done.code == 0, done.err
    assert "MASE by horizon:\n" in done.out
    assert len(done.out.split("MASE by origin (12 of 14 shown):\n")[1].split("\n\n")[0].splitlines()) == 13


def test_a_warning_is_one_sentence_without_a_place_in_the_source(call, monkeypatch):
    monkeypatch.setattr("recuerdo.cli.app", lambda: warn("Something should be known."))
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        assert call("info").err == "recuerdo: Something should be known.\n"
