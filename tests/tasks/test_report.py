"""What a report says of a model: who wins by what, in words, in a table and in plain JSON."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from recuerdo.tasks.baselines import MLP
from recuerdo.tasks.report import Report, score_table, verdict

WORSE = {"MAE": 4.0, "RMSE": 5.0, "MAPE": 10.0, "sMAPE": 11.0, "MASE": 1.25}
BETTER = {"MAE": 2.0, "RMSE": 9.0, "MAPE": 30.0, "sMAPE": 31.0, "MASE": 0.5}  # the best MASE decides, nothing else
UNDEFINED = {"MASE": math.nan, "MAPE": math.nan}


def report(**scores):
    return Report("GRU", scores, 14, ("season 12", "lookback 24"), 300, 1.5, 7, 3517)


def test_a_model_that_wins_is_said_to_and_by_how_much():
    won = report(GRU=BETTER, naive=WORSE, drift=WORSE | {"MASE": 1.0})
    assert won.winner == "GRU"
    assert won.verdict == "GRU wins: MASE 0.500, against 1.000 for drift, the best baseline (50 % less)."


def test_a_baseline_that_wins_is_recommended():
    lost = report(GRU=WORSE, naive=WORSE | {"MASE": 2.0}, drift=BETTER)
    assert lost.winner == "drift"
    assert lost.verdict == (
        "drift wins: MASE 0.500, against 1.250 for GRU. Use drift, or give the model more data, another lookback or "
        "another cell."
    )


def test_a_tie_goes_to_neither_in_words_and_to_the_baseline_by_name():
    level = report(GRU=BETTER, naive=BETTER, drift=WORSE)
    assert level.winner == "naive"
    assert level.verdict == "GRU and naive are level: MASE 0.500 and 0.500. The model adds nothing to this baseline."


@pytest.mark.parametrize(("mase", "winner"), [(0.4976, "naive"), (0.5024, "naive"), (0.497, "GRU"), (0.503, "naive")])
def test_a_difference_too_small_to_show_wins_nothing(mase, winner):
    close = report(GRU=BETTER | {"MASE": mase}, naive=BETTER)
    assert close.winner == winner
    assert ("are level" in close.verdict) == (abs(mase - 0.5) < 0.0025)


def test_a_baseline_that_no_user_can_fit_is_not_recommended():
    lost = verdict("GRU", {"GRU": WORSE, MLP: BETTER}).partition(" The recurrence does not pay here: ")
    assert lost[0] == "MLP (same size) wins: MASE 0.500, against 1.250 for GRU."
    assert lost[2] == "give the model more data, another lookback or another cell."


@pytest.mark.parametrize(
    ("own", "words"),
    [
        (
            BETTER,
            "GRU wins: MASE 0.500, against 1.250 for naive, the best baseline of those compared (60 % less). The MLP "
            "(same size) was left out for lack of time, so whether the recurrence pays is not known. ETS was left out "
            "for lack of time, so whether it is better is not known.",
        ),
        (
            WORSE | {"MASE": 2.0},
            "naive wins: MASE 1.250, against 2.000 for GRU. Use naive, or give the model more data, another lookback "
            "or another cell. The MLP (same size) was left out for lack of time, so how good it is is not known. ETS "
            "was left out for lack of time, so how good it is is not known.",
        ),
    ],
)
def test_a_verdict_says_what_the_model_was_not_compared_with(own, words):
    left_out = {MLP: "for lack of time", "ETS": "for lack of time"}
    one = replace(report(GRU=own, naive=WORSE), left_out=left_out)
    assert one.verdict == words
    assert words in str(one)
    assert Report.from_json(json.loads(json.dumps(one.to_json()))).verdict == words


def test_a_report_that_an_earlier_version_wrote_left_nothing_out():
    plain = report(GRU=BETTER, naive=WORSE).to_json()
    del plain["left_out"]
    assert Report.from_json(plain).left_out == {}


def test_where_mase_is_undefined_the_mean_absolute_error_decides():
    won = report(GRU=BETTER | UNDEFINED, naive=WORSE | UNDEFINED)
    assert won.winner == "GRU"
    assert won.verdict == "GRU wins: MAE 2.000, against 4.000 for naive, the best baseline (50 % less)."
    lost = report(GRU=WORSE | UNDEFINED, naive=BETTER | UNDEFINED)
    assert lost.winner == "naive"
    assert lost.verdict.startswith("naive wins: MAE 2.000, against 4.000 for GRU.")


def test_two_that_are_never_wrong_are_level():
    assert verdict("A", {"A": {"MASE": 0.0}, "B": {"MASE": 0.0}}).startswith("A and B are level: MASE 0.000 and 0.000.")


def test_without_baselines_nothing_is_claimed():
    alone = report(GRU=BETTER)
    assert alone.winner == "GRU"
    assert alone.verdict == "GRU: no baseline was asked for, so whether it is any good is not known."


def test_the_table_has_a_row_for_each_name_and_says_what_is_undefined():
    assert score_table({"GRU": BETTER, "seasonal naive": WORSE | UNDEFINED}).splitlines() == [
        "                     MAE      RMSE      MAPE     sMAPE      MASE",
        "GRU                2.000     9.000    30.000    31.000     0.500",
        "seasonal naive     4.000     5.000 undefined    11.000 undefined",
    ]


@pytest.mark.parametrize(("windows", "words"), [(1, "Mean over 1 held-out forecast:"), (14, "14 held-out forecasts:")])
def test_printed_it_is_table_verdict_and_choices(windows, words):
    one = Report("GRU", {"GRU": BETTER, "naive": WORSE}, windows, ("season 12",), 300, 1.5, 7, 3517)
    lines = str(one).splitlines()
    assert words in lines[0]
    assert lines[1:4] == one.table().splitlines()
    assert lines[4:] == [one.verdict, "season 12"]


def test_a_report_goes_through_strict_json_and_back():
    one = report(GRU=BETTER, naive=WORSE)
    assert Report.from_json(json.loads(json.dumps(one.to_json(), allow_nan=False))) == one


def test_an_undefined_score_is_null_in_json_and_undefined_again_after_it():
    plain = json.loads(json.dumps(report(GRU=BETTER | UNDEFINED).to_json(), allow_nan=False))
    assert plain["scores"]["GRU"]["MASE"] is None
    assert math.isnan(Report.from_json(plain).scores["GRU"]["MASE"])
