"""Tables and sentences of many forecasts are those of the numbers in them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from sklearn.metrics import mean_absolute_error
from tests.tasks.tables import dates, kinds, long, weekly

from recuerdo.data import panel
from recuerdo.errors import OptionError
from recuerdo.tasks.backtests import COPIES, Backtest

A, B = weekly(30), weekly(24, seed=1, level=20)
K = 3
ENDS = [(0, 20), (1, 14), (0, 23), (1, 17)]  # number of the series, last known row
RNG = np.random.default_rng(0)
TRUTH = np.stack([(A, B)[number][end + 1 : end + 1 + K] for number, end in ENDS])
SAID, NAIVE = TRUTH + RNG.normal(size=TRUTH.shape), np.stack([[(A, B)[n][end]] * K for n, end in ENDS])
UNITS = np.array([2.0, 3.0, 2.0, 3.0])


def made(truth=TRUTH, known=None, said=SAID, **changes):
    parts = {
        "known": panel(long(a=A, b=B)) if known is None else known,
        "model": "GRU",
        "origins": np.array(ENDS),
        "truth": truth,
        "forecasts": {"GRU": said, "naive": NAIVE},
        "quantiles": {0.9: said + 1, 0.1: said - 1},
        "naive_scales": UNITS,
    }
    return Backtest(**(parts | changes))


def test_scores_are_means_over_all_windows():
    scores = made().scores()
    assert list(scores) == ["GRU", "naive"]
    assert scores["GRU"]["MAE"] == pytest.approx(mean_absolute_error(TRUTH, SAID), rel=1e-12)
    assert scores["GRU"]["MASE"] == pytest.approx(np.mean(np.abs(TRUTH - SAID) / UNITS[:, None]), rel=1e-12)
    assert len(made()) == 4
    assert made().horizon == K


def test_each_seed_has_scores_of_its_own():
    assert made().seed_scores() == {}
    seeds = made(members={3: SAID + 1, 4: SAID - 1}).seed_scores()
    assert list(seeds) == [3, 4]
    assert seeds[3]["MAE"] == pytest.approx(mean_absolute_error(TRUTH, SAID + 1), rel=1e-12)


def by_hand(rows, said=SAID):
    return mean_absolute_error(TRUTH[rows], said[rows])


def test_by_series_there_is_a_row_for_each_series():
    frame = made().by("series")
    assert frame.columns == ["series", "forecaster", "MAE", "RMSE", "MAPE", "sMAPE", "MASE"]
    assert frame.select("series", "forecaster").rows() == [("a", "GRU"), ("b", "GRU"), ("a", "naive"), ("b", "naive")]
    expected = [by_hand([0, 2]), by_hand([1, 3]), by_hand([0, 2], NAIVE), by_hand([1, 3], NAIVE)]
    np.testing.assert_allclose(frame["MAE"], expected, rtol=1e-12)
    np.testing.assert_allclose(frame["MASE"], np.array(expected) / [2, 3, 2, 3], rtol=1e-12)


def test_by_series_a_series_without_windows_has_no_row():
    frame = made(origins=np.array([(1, 14), (1, 17)]), truth=TRUTH[[1, 3]], forecasts={"GRU": SAID[[1, 3]]},
                 quantiles={}, naive_scales=UNITS[[1, 3]]).by("series")  # fmt: skip
    assert frame["series"].to_list() == ["b"]


def test_by_horizon_there_is_a_row_for_each_step_ahead():
    frame = made().by("horizon").filter(pl.col("forecaster") == "GRU")
    assert frame["horizon"].to_list() == [1, 2, 3]
    np.testing.assert_allclose(frame["MAE"], np.abs(TRUTH - SAID).mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(frame["RMSE"], np.sqrt(((TRUTH - SAID) ** 2).mean(axis=0)), rtol=1e-12)


def test_by_origin_there_is_a_row_for_each_last_known_time_stamp():
    frame = made().by("origin").filter(pl.col("forecaster") == "GRU")
    order = [14, 17, 20, 23]
    assert frame["origin"].to_list() == [dates(30)[end] for end in order]
    places = [[row for row, (_, end) in enumerate(ENDS) if end == which] for which in order]
    np.testing.assert_allclose(frame["MAE"], [by_hand(rows) for rows in places], rtol=1e-12)


@pytest.mark.parametrize("kind", kinds())
def test_an_origin_is_a_time_stamp_as_the_table_has_them(kind):
    table, columns = kinds()[kind]
    known = panel(table, **columns)
    ends = [(0, 20), (0, 23)]
    one = made(known=known, origins=np.array(ends), truth=TRUTH[:2], forecasts={"GRU": SAID[:2]}, quantiles={},
               naive_scales=UNITS[:2])  # fmt: skip
    found = list(one.by("origin")["origin"].to_numpy())
    whole = table[known.date].to_numpy()
    assert [str(each) for each in found] == [str(whole[end]) for _, end in ends]


def test_by_another_word_is_refused():
    with pytest.raises(OptionError, match=r"by\('day'\) is not offered; there are 'series', 'horizon' and 'origin'"):
        made().by("day")


@pytest.mark.parametrize("kind", ["long", "long pandas", "wide pyarrow"])
def test_tables_are_of_the_kind_that_came_in(kind):
    table, columns = kinds()[kind]
    known = panel(table, **columns)
    for frame in (made(known=known).frame(), made(known=known).by("horizon")):
        assert type(frame) is type(table)


def test_every_forecast_is_a_row_with_its_cutoff():
    frame = made().frame()
    assert frame.columns == ["unique_id", "ds", "cutoff", "y", "GRU", "naive", "y-10", "y-90"]
    assert frame.height == 4 * K
    stamps = dates(40)
    for row, (number, end) in enumerate(ENDS):
        part = frame[row * K : (row + 1) * K]
        assert part["unique_id"].unique().to_list() == ["ab"[number]]
        assert part["cutoff"].to_list() == [stamps[end]] * K
        assert part["ds"].to_list() == stamps[end + 1 : end + 1 + K].to_list()
        for column, values in [("y", TRUTH), ("GRU", SAID), ("naive", NAIVE), ("y-10", SAID - 1), ("y-90", SAID + 1)]:
            np.testing.assert_array_equal(part[column].to_numpy(), values[row])


def test_several_targets_are_told_apart_in_every_table():
    table, columns = kinds()["wide pyarrow"]
    frame = made(known=panel(table, **columns)).frame()
    assert isinstance(frame, pa.Table)
    assert frame.column_names[:4] == ["unique_id", "day", "cutoff", "y"]
    assert frame["unique_id"].to_pylist()[: 2 * K] == ["a"] * K + ["b"] * K


def test_coverage_is_the_share_of_the_truth_between_two_quantiles():
    inside = np.abs(TRUTH - SAID) <= 1
    assert made().coverage() == inside.mean()
    three = made(quantiles={0.1: SAID - 1, 0.9: SAID + 1, 0.99: SAID + 2})
    assert three.coverage(0.1, 0.9) == inside.mean()
    assert three.coverage() == ((SAID - 1 <= TRUTH) & (TRUTH <= SAID + 2)).mean()
    with pytest.raises(OptionError, match=r"The quantile 0.2 was not asked for; there are \[0.1, 0.9\]"):
        made().coverage(0.2, 0.9)


def test_missing_truth_counts_nowhere():
    truth = TRUTH.copy()
    truth[0, 1] = truth[3] = np.nan
    known = ~np.isnan(truth)
    holed = made(truth)
    assert holed.scores()["GRU"]["MAE"] == pytest.approx(np.abs(TRUTH - SAID)[known].mean(), rel=1e-12)
    assert holed.coverage() == (np.abs(TRUTH - SAID) <= 1)[known].mean()
    steps = holed.by("horizon").filter(pl.col("forecaster") == "GRU")["MAE"].to_numpy()
    np.testing.assert_allclose(steps, np.nanmean(np.abs(truth - SAID), axis=0), rtol=1e-12)
    by_origin = holed.by("origin").filter(pl.col("forecaster") == "GRU")["MAE"].to_numpy()
    assert np.isnan(by_origin).tolist() == [False, True, False, False]


@pytest.mark.parametrize(("share", "copies"), [(0.0, True), (0.9 * COPIES, True), (1.1 * COPIES, False), (1.0, False)])
def test_a_model_that_copies_the_last_value_is_warned_of(share, copies):
    said = NAIVE + share * (TRUTH - NAIVE)
    warnings = made(said=said).warnings()
    assert bool(warnings) is copies
    if copies:
        assert warnings == (
            "GRU does little more than repeat the last value: its forecasts move by "
            f"{100 * share:.0f} % of what the series did",
        )
        holed = np.where(np.arange(K) == 1, np.nan, TRUTH)
        assert made(holed, said=said).warnings()


def test_without_the_naive_forecast_copying_is_not_judged():
    assert made(forecasts={"GRU": NAIVE}).warnings() == ()


def test_printed_it_is_scores_verdict_coverage_and_notes():
    one = made(notes=("fitted once", "another note"))
    lines = str(one).splitlines()
    assert lines[0] == "Mean over 4 forecasts of 3:"
    assert lines[1:4] == one.table().splitlines()
    share = 100 * one.coverage()
    assert lines[4:] == [
        one.verdict,
        f"The 80 % interval covered {share:.1f} % of the true values.",
        "fitted once",
        "another note",
    ]
    assert "interval" not in str(made(quantiles={0.9: SAID + 1}))
