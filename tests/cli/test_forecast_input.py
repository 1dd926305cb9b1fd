"""Bad input ends in one or two sentences that say what, where and what now; odd input works, and that is said."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import polars as pl
import pytest

GOOD = [(f"{2010 + i // 12}-{i % 12 + 1:02d}", 100 + i % 12 + i) for i in range(60)]


def table(rows, header="month,sold"):
    return "\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n"


def changed(places, value, column=1):
    return table([[value if i in places and j == column else cell for j, cell in enumerate(row)]
                  for i, row in enumerate(GOOD)])  # fmt: skip


def assert_refused(done, *words):
    """Exit code 2, nothing but the message, no traceback, and at most three sentences on one line."""
    assert done.code == 2
    assert done.out == ""
    assert done.err.startswith("recuerdo: ")
    assert done.err.count("\n") == 1
    assert "Traceback" not in done.err
    assert len(re.findall(r"[.:?] [A-Z]", done.err)) <= 3
    for each in words:
        assert each in done.err


REFUSED = {
    "an empty file": ("", ["data.csv is empty", "It should hold a header"]),
    "a header alone": ("month,sold\n", ["data.csv has a header (month, sold) and no rows below it"]),
    "one row": (table(GOOD[:1]), ["there is only one row", "Two or more"]),
    "fewer rows than a window": (table(GOOD[:10]), ["'sold' has 10 rows", "needs at least 12", "Give more rows"]),
    "no dates": ("a,b\n1,2\n3,4\n", ["no column that holds dates", "the columns are a, b", "--date"]),
    "two columns of dates": (
        table([(m, m, v) for m, v in GOOD], "from,to,sold"),
        ["several columns that hold dates (from, to)", "--date"],
    ),
    "two columns of numbers": (
        table([(m, v, v) for m, v in GOOD], "month,sold,made"),
        ["several columns of numbers (sold, made)", "--target"],
    ),
    "no numbers": ("month\n2010-01\n2010-02\n", ["no column of numbers", "--target"]),
    "a date that is none": (changed([5], "soon", 0), ["row 7: 'soon' is no date", "like '2010-01'"]),
    "a month that is none": (changed([5], "2010-13", 0), ["row 7: '2010-13' is no date"]),
    "a date that is missing": (changed([5], "", 0), ["row 7 has no date", "take the row out"]),
    "a date twice": (table([*GOOD, GOOD[3]]), ["2010-04-01 stands in rows 5 and 62", "Keep one row for each date"]),
    "two series in one table": (
        table([(m, shop, v) for m, v in GOOD for shop in "AB"], "month,shop,sold"),
        ["stands in rows 2 and 3", "Is 'shop' the column that tells series apart?", "--id"],
    ),
    "two frequencies": (
        table([(f"2020-01-{d:02d}", d) for d in range(1, 20)] + [(f"2020-{m:02d}-01", m) for m in range(2, 12)]),
        ["change their step at 2020-01-19, from daily", "aggregate"],
    ),
    "text among the numbers": (changed([7], "many"), ["row 9 is 'many' and no number", "empty the cell"]),
    "infinite numbers": (changed([7, 8], "inf"), ["2 values are infinite", "first in row 9"]),
    "a number that is too large": (changed([7], "1e308"), ["the largest value is 1e+308, in row 9", "another unit"]),
    "numbers that are too small": (
        table([(m, f"{1 + v % 7}e-320") for m, v in GOOD]),
        ["cannot be computed with", "another unit"],
    ),
    "a constant": (changed(range(60), 5), ["'sold' is constant", "every one of its training rows is 5"]),
    "thousands or decimals": (changed(range(60), '"1,234"'), ["may mark decimals or thousands"]),
    "a row that is too long": ("month,sold\n2010-01,1\n2010-02,1,2\n", ["row 3 has 3 cells and the header 2"]),
    "each row a series": (
        table([["W1", *range(30)], ["W2", *range(30)]], ",".join(f"V{i}" for i in range(31))),
        ["has 31 columns, and none holds dates", "write it as a long table"],
    ),
    "a spreadsheet": (b"PK\x03\x04 sheet", ["data.csv is no text", "Save it as CSV or Parquet"]),
    "half a gzip file": (gzip.compress(table(GOOD).encode(), mtime=0)[:40], ["data.csv is cut off or damaged"]),
    "half a Parquet file": (b"PAR1 and no more", ["data.csv is cut off or damaged"]),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_a_table_that_cannot_be_forecast_is_refused_in_words(forecast, here, fault):
    content, words = REFUSED[fault]
    Path("data.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    assert_refused(forecast("data.csv"), *words)
    assert [path.name for path in here.iterdir()] == ["data.csv"]


def test_a_file_that_is_not_there_is_named(recuerdo, here):
    assert_refused(recuerdo("forecast", "sales.csv", "--horizon", 3), "There is no file sales.csv", "Look at")


def test_an_empty_folder_is_no_table(forecast, here):
    assert_refused(
        forecast(here), f"{here} is a folder without any Parquet or CSV file in it", "Name another, or a file"
    )


def test_a_table_that_cannot_be_forecast_is_refused_without_a_traceback_from_the_shell_too(recuerdo, here):
    Path("data.csv").write_text(REFUSED["a date twice"][0])
    assert_refused(recuerdo("forecast", "data.csv", "--horizon", 3), *REFUSED["a date twice"][1])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--horizon", 0], ["horizon=0", "a whole number of 1 or more"]),
        (["--horizon", -3], ["horizon=-3", "a whole number of 1 or more"]),
        (["--horizon", 100], ["'sold' has 60 rows", "horizon 100", "a shorter horizon"]),
        (["--cell", "gur"], ["cell='gur' is not offered", "Did you mean 'gru'?"]),
        (["--strategy", "recursion"], ["strategy='recursion' is not offered", "Did you mean 'recursive'?"]),
        (["--target", "sould"], ["no column 'sould'", "the columns are month, sold", "Did you mean 'sold'?"]),
        (["--date", "Month"], ["no column 'Month'", "Did you mean 'month'?"]),
        (["--id", "shop"], ["no column 'shop' (id=, --id)"]),
        (["--target", "sold", "--target", "sold"], ["'sold' is named twice"]),
        (["--lookback", 5, "--season", 12], ["lookback=5 is too short for season=12", "season=1 for none"]),
        (["--season", 0], ["season=0"]),
        (["--max-steps", 0], ["max_steps=0"]),
        (["--max-seconds", 0], ["max_seconds=0"]),
        (["--max-seconds", "nan"], ["max_seconds=nan"]),
        (["--seed", -1], ["random_state", "got -1"]),
    ],
)
def test_an_option_that_is_out_of_range_is_refused_before_anything_is_made(forecast, sales, here, arguments, words):
    assert_refused(forecast(sales, *arguments), *words)
    assert [path.name for path in here.iterdir()] == ["sales.csv"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["forcast", "sales.csv"], "Did you mean 'forecast'?"),
        (["forecast", "sales.csv"], "Missing option '--horizon'"),
        (["forecast", "sales.csv", "--horizon", "soon"], "Invalid value for '--horizon'"),
        (["forecast", "sales.csv", "--horizn", "3"], "--horizon"),
    ],
)
def test_a_command_that_is_written_wrong_is_refused_with_what_was_meant(call, sales, arguments, words):
    done = call(*arguments)
    assert done.code == 2
    assert done.out == ""
    assert words in done.err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (table(GOOD[:20] + GOOD[22:]), "2 of 60 values are missing"),
        (changed(range(7, 12), "NaN"), "5 of 60 values are missing, the longest run is 5 from 2010-08-01"),
        (changed([59], ""), "1 value is missing"),
    ],
    ids=["a gap", "a run of missing numbers", "no last number"],
)
def test_missing_values_are_said_and_the_forecast_has_none(forecast, here, content, said):
    Path("data.csv").write_text(content)
    done = forecast("data.csv", "--out", "out")
    assert done.code == 0, done.err
    assert said in done.out
    found = pl.read_csv("out/forecast.csv")
    assert found["month"].to_list() == ["2015-01", "2015-02", "2015-03"]
    assert found.select(pl.exclude("month").is_finite().all()).row(0) == (True, True, True)


def forecasts_of(forecast, folder):
    assert forecast("good.csv", "--out", "good").code == 0
    return pl.read_csv("good/forecast.csv"), pl.read_csv(f"{folder}/forecast.csv")


@pytest.fixture
def good(here):
    Path("good.csv").write_text(table(GOOD))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("unsorted.csv", table(GOOD[::-1]).encode(), "rows were sorted by date"),
        ("semicolons.csv", table(GOOD).replace(",", ";").encode(), "semicolons between cells"),
        (
            "decimals.csv",
            "".join(["month;sold\n", *(f"{m};{v},0\n" for m, v in GOOD)]).encode(),
            "semicolons between cells and decimal commas",
        ),
        ("packed.csv.gz", gzip.compress(table(GOOD).encode(), mtime=0), "dates are in 'month' (monthly)"),
    ],
)
def test_odd_files_work_give_the_same_forecasts_and_say_how_they_were_read(forecast, good, name, content, said):
    Path(name).write_bytes(content)
    done = forecast(name, "--out", "odd")
    assert done.code == 0
    assert said in done.out
    expected, found = forecasts_of(forecast, "odd")
    assert found.equals(expected)


def test_parquet_gives_the_same_forecasts(forecast, good):
    pl.read_csv("good.csv").write_parquet("good.parquet")
    done = forecast("good.parquet", "--out", "packed")
    assert "good.parquet is read as Parquet" in done.out
    expected, found = forecasts_of(forecast, "packed")
    assert found.equals(expected)


def test_accents_in_latin_1_work_are_said_and_come_back(forecast, here):
    Path("data.csv").write_bytes(table(GOOD, "Período,Año").encode("latin-1"))
    done = forecast("data.csv", "--out", "out")
    assert done.code == 0
    assert "letters in cp1252" in done.out
    assert pl.read_csv("out/forecast.csv").columns == ["Período", "Año", "Año-10", "Año-90"]


def test_the_shortest_series_that_is_accepted_gives_forecasts_with_intervals(forecast, here):
    Path("data.csv").write_text(table(GOOD[:12]))
    assert forecast("data.csv", "--out", "out").code == 0
    found = pl.read_csv("out/forecast.csv")
    assert (found["sold-10"] <= found["sold"]).all()
    assert (found["sold"] <= found["sold-90"]).all()


def test_an_empty_path_is_refused_and_the_present_folder_is_not_read(call, sales, here):
    done = call("forecast", "", "--horizon", 3)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("recuerdo: The path of the table is empty: is it of a variable that is not set?")
    assert [each.name for each in here.iterdir()] == ["sales.csv"]
