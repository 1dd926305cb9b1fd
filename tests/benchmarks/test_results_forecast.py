"""What benchmarks/results_forecast.py reads, judges and writes; how good a forecaster is, it says itself."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from benchmarks.results import beijing, etth1, intervals, scale, sets
from benchmarks.results.air import by_year
from benchmarks.results.defaults import CASES, Case
from benchmarks.results.figures import Effort, Figure, heading
from benchmarks.results.official import Official, matching
from benchmarks.results.record import record

from recuerdo.data import panel
from recuerdo.tasks.backtests import Backtest
from recuerdo.tasks.baselines import simple_forecasts

needs_data = pytest.mark.skipif(not sets.DATA.exists(), reason="the data are not beside the checkout")


def backtest(table: pl.DataFrame, origins: list[tuple[int, int]], horizon: int) -> Backtest:
    """Naive forecasts of the rows behind some origins, as those of a model."""
    known, places = panel(table), np.array(origins)
    values = [one.values for one in known.series]
    truth = np.stack([values[number][end + 1 : end + 1 + horizon] for number, end in origins])
    naive = simple_forecasts(values, places, horizon, season=1)["naive"]
    return Backtest(known, "model", places, truth, {"model": naive}, {}, np.ones(len(places)))


@pytest.mark.parametrize(
    ("figure", "verdict", "asked"),
    [
        (Figure("x", 0.372, at_most=0.372), "met", "<= 0.372"),
        (Figure("x", 0.3721, at_most=0.372), "missed", "<= 0.372"),
        (Figure("x", 76.0, at_least=76, at_most=84), "met", "76 to 84"),
        (Figure("x", 75.9, at_least=76, at_most=84), "missed", "76 to 84"),
        (Figure("x", 84.1, at_least=76, at_most=84), "missed", "76 to 84"),
        (Figure("x", math.nan, at_most=1), "missed", "<= 1"),
        (Figure("x", 1.0), "", ""),
    ],
)
def test_a_figure_is_judged_on_the_side_that_is_asked(figure: Figure, verdict: str, asked: str) -> None:
    assert (figure.verdict, figure.asked) == (verdict, asked)


def test_the_mean_of_the_seeds_is_judged_and_their_spread_shown() -> None:
    figure = Figure.over_seeds("M4, OWA", [0.4, 0.42], at_most=0.412, seconds=3.0, anchors={"winner": 0.44})
    assert figure.verdict == "met"
    assert figure.line().split("  ")[-1] == "winner 0.440"
    assert "0.410     ± 0.014, 0.400–0.420  <= 0.412 met" in figure.line()
    assert "met" not in figure.line(judged=False)
    assert len(figure.line()) == len(heading()) + len("winner 0.440") - len("beside it")
    assert Figure.over_seeds("one seed", [0.4]).seeds == ()


def test_a_quick_run_is_one_seed_of_few_steps_and_a_whole_one_what_is_wanted() -> None:
    assert (list(Effort(quick=True).seeds(3)), Effort(quick=True).steps(None)) == ([0], 5)
    assert (list(Effort().seeds(3)), Effort().steps(1500), Effort().steps(None)) == ([0, 1, 2], 1500, None)
    assert [list(Effort(most_seeds=most).seeds(3)) for most in (2, 9)] == [[0, 1], [0, 1, 2]]


def test_a_part_takes_the_place_of_its_earlier_run_and_of_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "new" / "forecast.json"
    record(path, "air", [Figure("old", 1.0)], {"commit": "a"})
    record(path, "m4", [Figure("OWA", 0.4, at_most=0.405, options={"segment": 24})], {"commit": "a"})
    record(path, "air", [Figure("new", 2.0)], {"commit": "b"})
    found = json.loads(path.read_text())
    assert list(found) == ["air", "m4"]
    assert (found["air"]["commit"], found["air"]["figures"][0]["name"]) == ("b", "new")
    (owa,) = found["m4"]["figures"]
    assert (owa["value"], owa["verdict"], owa["options"]) == (0.4, "met", {"segment": 24})
    assert [each.name for each in path.parent.iterdir()] == ["forecast.json"]


def test_official_scores_are_means_over_series_first_and_relative_to_naive2() -> None:
    # Of "a" there are two windows, of "b" one: off by 1 on a unit of 1, and by 4 on a unit of 2.
    table = sets.long_table(("a", "b"), [np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.0, 4.0, 6.0, 10.0])])
    made = backtest(table, [(0, 1), (0, 2), (1, 2)], horizon=1)
    official = Official.of(made, season=1)
    assert official.scales.tolist() == [1.0, 1.0, 2.0]
    assert official.scores(made.forecasts["model"])["MASE"] == pytest.approx((1 + 2) / 2)
    assert official.owa(official.naive2) == 1.0
    assert official.owa(made.truth) == 0.0
    only = official.without([0])
    assert only.scores(made.forecasts["model"][[2]])["MASE"] == pytest.approx(2.0)
    assert only.series.tolist() == [0]


def test_test_windows_are_found_in_the_training_rows_of_other_series_alone() -> None:
    truth = np.array([[1.0, 2.0], [5.0, 6.0], [3.0, 4.0]])
    known = (np.array([0.0, 5.0, 6.0]), np.array([5.0, 6.0, 3.0]), np.array([4.0, 1.0, 2.0]))
    # [5, 6] stands in its own rows and in those of the first; [3, 4] only across a border; [1, 2] at the very end.
    assert matching(sets.M4(("a", "b", "c"), known, truth, 1)) == {0: [2], 1: [0]}


def test_cells_are_knocked_out_by_their_share_and_the_stamps_stay() -> None:
    table = pl.DataFrame({"ds": range(4000), "pm2.5": [1.0] * 4000, "cbwd": ["NW"] * 4000})
    lost = beijing.knocked_out(table, 0.3, seed=0)
    assert lost["ds"].null_count() == 0
    assert lost["pm2.5"].null_count() / 4000 == pytest.approx(0.3, abs=0.03)
    assert lost["cbwd"].null_count() / 4000 == pytest.approx(0.3, abs=0.03)
    assert not lost["pm2.5"].is_null().equals(lost["cbwd"].is_null())
    assert lost.equals(beijing.knocked_out(table, 0.3, seed=0))
    assert table.equals(beijing.knocked_out(table, 0.0, seed=0))


def test_knocked_out_values_count_in_the_score_all_the_same() -> None:
    y = np.array([1.0, 2.0, 3.0, 5.0])
    whole = backtest(sets.long_table(("a",), [y]), [(0, 1), (0, 2)], horizon=1)
    gappy = backtest(sets.long_table(("a",), [np.array([1.0, 2.0, np.nan, 5.0])]), [(0, 1), (0, 2)], horizon=1)
    assert np.isnan(gappy.truth).any()
    assert beijing.scored(gappy, whole, "model") == pytest.approx((1 + 3) / 2)
    assert beijing.missing(gappy) == 0


def test_each_origin_has_an_error_of_its_own() -> None:
    made = backtest(sets.long_table(("a",), [np.array([1.0, 2.0, 4.0])]), [(0, 0), (0, 1)], horizon=1)
    assert by_year(made) == [50.0, 50.0]


def test_series_are_written_the_same_each_time_and_read_as_one_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scale, "FILE", 2)
    first, again = (scale.written(tmp_path / name, 3) for name in ("first", "again"))
    assert [each.name for each in sorted(first.iterdir())] == ["000000.parquet", "000002.parquet"]
    assert panel(first).rows == 3 * scale.ROWS
    assert pl.read_parquet(first).equals(pl.read_parquet(again))


def test_a_forecaster_that_fails_in_its_own_process_is_said(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"the forecaster's process failed(.|\n)*without any Parquet or CSV"):
        scale.measured(tmp_path, 1)


@needs_data
def test_m4_is_read_whole_and_its_naive_forecasts_score_what_is_published() -> None:
    hourly, weekly = sets.m4("Hourly"), sets.m4("Weekly")
    assert (len(hourly.ids), hourly.truth.shape, len(weekly.ids), weekly.truth.shape) == (
        414,
        (414, 48),
        359,
        (359, 13),
    )
    origins = np.array([(number, len(each) - 1) for number, each in enumerate(hourly.known)])
    made = backtest(sets.long_table(hourly.ids, hourly.whole), origins.tolist(), 48)
    official = Official.of(made, hourly.season)
    np.testing.assert_array_equal(official.truth, hourly.truth)
    seasonal = simple_forecasts(hourly.whole, origins, 48, 24)["seasonal naive"]
    scores, reference = official.scores(seasonal), official.scores(official.naive2)
    assert (round(scores["sMAPE"], 3), round(scores["MASE"], 3)) == (13.912, 1.193)  # M4's table
    assert (round(reference["sMAPE"], 3), round(reference["MASE"], 3)) == (18.383, 2.395)
    assert round(official.owa(seasonal), 3) == 0.628


@needs_data
def test_four_weekly_test_windows_stand_in_the_training_rows_of_other_series() -> None:
    weekly = sets.m4("Weekly")
    found = {weekly.ids[one]: [weekly.ids[other] for other in each] for one, each in matching(weekly).items()}
    assert found == {"W53": ["W222"], "W221": ["W291"], "W222": ["W53"], "W290": ["W292"]}


@needs_data
def test_etth1_is_standardised_by_its_first_year_alone() -> None:
    table = etth1.standardised(sets.etth1())
    train = table[: etth1.TRAIN].select(sets.ETTH1_COLUMNS).to_numpy()
    np.testing.assert_allclose([train.mean(axis=0), train.std(axis=0)], [[0] * 7, [1] * 7], atol=1e-12)
    assert table.height == 17420
    assert abs(float(np.mean(table[etth1.TRAIN :]["OT"].to_numpy()))) > 0.1


@needs_data
def test_the_weekly_origins_of_electricity_begin_at_the_end_of_2013_in_local_time() -> None:
    table = intervals.weekly_origins(sets.electricity())
    first = table.height - intervals.HORIZON - 51 * intervals.WEEK
    assert table["Date"][first - 1 : first + 1].to_list() == ["2013-12-31", "2014-01-01"]
    assert table["Date"][-1] == "2014-12-24"


@needs_data
def test_the_missing_values_of_beijing_stay_missing() -> None:
    table = sets.beijing()
    assert (table.height, table["pm2.5"].null_count()) == (43824, 2067)
    assert table.null_count().drop("pm2.5").row(0) == (0,) * 8


@needs_data
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_set_of_the_default_call_has_five_origins_or_more(case: Case) -> None:
    known = panel(case.table())
    assert case.windows >= 5
    assert min(len(one.values) for one in known.series) > case.horizon + case.stride * (case.windows - 1)
