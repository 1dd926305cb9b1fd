"""What a classifier's or a regressor's report says: who wins by what, in words, in tables, in a picture and in JSON."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from recuerdo.errors import OptionError
from recuerdo.tasks.sequence_baselines import MLP, STEP_MLP
from recuerdo.tasks.sequence_report import (
    NO_TRIAL,
    SequenceReport,
    confusion_table,
    points_of,
    sequence_scores,
    sequence_table,
)

GOOD = {"accuracy": 0.95, "macro-F1": 0.9, "log loss": 0.2, "calibration error": 0.03}
POOR = {"accuracy": 0.6, "macro-F1": 0.375, "log loss": 0.7, "calibration error": 0.01}
HARD = {"accuracy": 0.9, "macro-F1": 0.85, "log loss": math.nan, "calibration error": math.nan}
NEAR = {"MAE": 1.0, "RMSE": 2.0, "R2": 0.5}
FAR = {"MAE": 0.5, "RMSE": 4.0, "R2": 0.0}  # the least RMSE decides, nothing else


def classified(classes=("no", "yes"), skipped=("1-NN DTW was left out: it takes no missing values",), **scores):
    return SequenceReport(
        "GRU", "classes", scores, 40, ("3 classes",), skipped,
        300, 1.5, 7, 3517, classes, ((22, 1), (1, 16)), 1.4, 1.1,
    )  # fmt: skip


def numbered(**scores):
    return SequenceReport("GRU", "numbers", scores, 40, (), (), 300, 1.5, 7, 3517)


def test_a_classifier_that_wins_is_said_to_and_by_how_much():
    won = classified(skipped=(), GRU=GOOD, **{"majority class": POOR, "1-NN DTW": HARD})
    assert (won.winner, won.beaten) == ("GRU", False)
    assert won.verdict == "GRU wins: accuracy 0.950, against 0.900 for 1-NN DTW, the best baseline (5.0 points more)."


def test_where_a_baseline_was_left_out_the_best_is_the_best_of_those_compared():
    won = classified(GRU=GOOD, **{"majority class": POOR})
    assert won.verdict == (
        "GRU wins: accuracy 0.950, against 0.600 for majority class, the best baseline of those compared (35.0 points "
        "more)."
    )


def test_a_baseline_that_wins_is_recommended():
    lost = classified(GRU=POOR, **{"majority class": POOR | {"accuracy": 0.5}, "1-NN DTW": HARD})
    assert (lost.winner, lost.beaten) == ("1-NN DTW", True)
    assert lost.verdict == (
        "1-NN DTW wins: accuracy 0.900, against 0.600 for GRU. Use 1-NN DTW, or give the model more data or another "
        "cell."
    )


@pytest.mark.parametrize("name", [MLP, STEP_MLP])
def test_a_baseline_that_no_user_can_fit_is_not_recommended(name):
    lost = classified(GRU=POOR, **{name: GOOD})
    assert lost.verdict == (
        f"{name} wins: accuracy 0.950, against 0.600 for GRU. The recurrence does not pay here: give the model more "
        f"data or another cell."
    )


@pytest.mark.parametrize(
    ("rows", "accuracy", "level"),
    [(40, 0.925, True), (40, 0.9, False), (1000, 0.946, True), (1000, 0.944, False), (1000, 0.954, True)],
)
def test_one_row_or_half_a_point_makes_nobody_better(rows, accuracy, level):
    close = replace(classified(GRU=GOOD, TF=GOOD | {"accuracy": accuracy}), rows=rows)
    assert close.standing.level is level
    assert ("are level" in close.verdict) is level
    assert close.winner == ("TF" if level else "GRU")
    assert not close.beaten


def test_one_row_of_few_says_nothing_against_the_model():
    some = classified(GRU=GOOD | {"accuracy": 1.0}, TF=GOOD | {"accuracy": 0.5})
    assert replace(some, rows=2).verdict == (
        "GRU and TF are level: accuracy 1.000 and 0.500 on 2 sequences, too few to tell which is better."
    )
    assert "The model adds nothing" in classified(GRU=GOOD, TF=GOOD).verdict


def test_a_regressor_is_judged_by_its_squared_errors():
    won = numbered(GRU=NEAR, mean=FAR)
    assert (won.winner, won.beaten) == ("GRU", False)
    assert won.verdict == "GRU wins: RMSE 2, against 4 for mean, the best baseline (50 % less)."
    lost = numbered(GRU=FAR, mean=NEAR)
    assert (lost.winner, lost.beaten) == ("mean", True)
    assert lost.verdict.startswith("mean wins: RMSE 2, against 4 for GRU. Use mean, or give the model")
    assert numbered(GRU=NEAR, mean=NEAR | {"RMSE": 2.009}).standing.level


def test_small_numbers_are_not_rounded_away():
    tiny = {"MAE": 1e-6, "RMSE": 2.5e-6, "R2": 0.5}
    assert "RMSE 2.5e-06" in numbered(GRU=tiny, mean=FAR).verdict
    assert sequence_table({"GRU": tiny}, "numbers").splitlines()[1].split() == ["GRU", "1e-06", "2.5e-06", "0.5"]


def test_two_that_are_never_wrong_are_level():
    exact = {"MAE": 0.0, "RMSE": 0.0, "R2": 1.0}
    assert numbered(GRU=exact, mean=exact).verdict.startswith("GRU and mean are level: RMSE 0 and 0.")


def test_without_baselines_nothing_is_claimed():
    alone = classified(GRU=GOOD)
    assert (alone.winner, alone.beaten) == ("GRU", False)
    assert alone.verdict == "GRU: no baseline was asked for, so whether it is any good is not known."


def test_without_a_trial_it_is_said_that_nothing_is_known():
    none = replace(classified(), confusion=())
    assert none.verdict == none.table() == NO_TRIAL
    assert str(none).splitlines() == [NO_TRIAL, *none.choices, *none.skipped]
    assert not none.beaten
    for ask in (lambda: none.winner, lambda: none.standing, none.plot):
        with pytest.raises(OptionError, match="No trial was held"):
            ask()
    assert SequenceReport.from_json(json.loads(json.dumps(none.to_json()))) == none


def test_the_table_has_a_row_for_each_name_and_says_what_is_undefined():
    assert classified(GRU=GOOD, **{"1-NN DTW": HARD}).table().splitlines() == [
        "          accuracy  macro-F1  log loss  calibration error",
        "GRU          0.950     0.900     0.200              0.030",
        "1-NN DTW     0.900     0.850 undefined          undefined",
    ]


def test_printed_it_is_table_verdict_confusion_choices_and_what_was_left_out():
    one = classified(GRU=GOOD, mean=POOR)
    assert str(one).splitlines() == [
        "On 40 held-out sequences:",
        *one.table().splitlines(),
        one.verdict,
        "true class, and verdicts:",
        "     no  yes",
        "no   22    1",
        "yes   1   16",
        "3 classes",
        "1-NN DTW was left out: it takes no missing values",
    ]
    assert str(replace(one, rows=1, unit="step")).splitlines()[0] == "On 1 held-out step:"


def test_the_seeds_on_their_own_are_told():
    seeds = {1: GOOD, 2: GOOD | {"accuracy": 0.91}}
    said = str(replace(classified(GRU=GOOD, mean=POOR), seed_scores=seeds))
    assert "accuracy of its 2 seeds, each on its own: 0.910 to 0.950." in said
    said = str(replace(numbered(GRU=NEAR, mean=FAR), seed_scores={1: NEAR, 2: NEAR | {"RMSE": 2.25}}))
    assert "RMSE of its 2 seeds, each on its own: 2 to 2.25." in said


@pytest.mark.parametrize(("count", "printed"), [(12, True), (13, False)])
def test_the_confusion_of_many_classes_is_not_printed(count, printed):
    many = replace(
        classified(GRU=GOOD), classes=tuple(range(count)), confusion=tuple(map(tuple, np.eye(count, dtype=int)))
    )
    assert ("true class, and verdicts:" in str(many)) is printed


def test_long_names_keep_their_beginning_and_their_end():
    table = confusion_table([[100, 2], [3, 4]], ["a very long class 1", "a very long class 2"])
    assert table.splitlines() == [
        "true class, and verdicts:",
        "                a very …lass 1  a very …lass 2",
        "a very …lass 1             100               2",
        "a very …lass 2               3               4",
    ]


@pytest.mark.parametrize(
    "classes",
    [
        ("no", "yes"),
        (0, 1),
        (False, True),
        (0.5, 1.5),
        np.array(["no", "yes"]),
        np.array([3, 5]),
        np.array([False, True]),
    ],
)
def test_a_report_goes_through_strict_json_and_back_with_classes_of_any_kind(classes):
    one = replace(classified(classes, GRU=GOOD, **{"1-NN DTW": HARD}), seed_scores={3: HARD, 4: GOOD})
    again = SequenceReport.from_json(json.loads(json.dumps(one.to_json(), allow_nan=False)))
    assert again == one
    assert [type(label) for label in again.classes] == [type(label) for label in one.classes]
    assert math.isnan(again.scores["1-NN DTW"]["log loss"])
    assert str(again) == str(one)


def test_undefined_scores_and_seconds_are_null_in_json():
    plain = json.loads(json.dumps(replace(classified(GRU=HARD), training_seconds=math.nan).to_json(), allow_nan=False))
    assert plain["scores"]["GRU"]["log loss"] is None
    assert plain["training_seconds"] is None
    assert math.isnan(SequenceReport.from_json(plain).training_seconds)


def test_a_class_that_json_cannot_hold_is_refused():
    with pytest.raises(OptionError, match=r"got b'no' of type bytes: give the classes such names"):
        classified((b"no", b"yes"))


def test_scores_of_several_answers_are_in_their_order_and_neighbours_have_none_of_probabilities():
    p = np.array([[0.9, 0.1], [0.4, 0.6]])
    made = sequence_scores({"GRU": p, "1-NN DTW": np.eye(2)}, np.array([0, 1]), "classes")
    assert list(made) == ["GRU", "1-NN DTW"]
    assert made["GRU"]["log loss"] == pytest.approx(-(math.log(0.9) + math.log(0.6)) / 2)
    assert math.isnan(made["1-NN DTW"]["log loss"])
    weighted = sequence_scores({"GRU": [1.0, 2.0]}, [1.0, 4.0], "numbers", weights=[3, 1])
    assert weighted["GRU"]["MAE"] == 0.5


def test_it_draws_its_confusion_and_no_rows_of_several_numbers():
    ax = classified(GRU=GOOD, mean=POOR).plot()
    assert ax.get_title(loc="left") == "GRU: verdicts, 38 of 40 right"
    with pytest.raises(OptionError, match="Rows of several numbers are not drawn"):
        numbered(GRU=NEAR).plot()


def test_numbers_are_drawn_against_the_truth_and_kept_in_json():
    one = replace(numbered(GRU=NEAR), points=points_of([1.0, 3.0], np.array([[1.5], [2.0]])))
    assert SequenceReport.from_json(json.loads(json.dumps(one.to_json()))) == one
    ax = one.plot()
    np.testing.assert_array_equal(ax.lines[-1].get_xydata(), [[1.0, 1.5], [3.0, 2.0]])
    assert ax.get_title(loc="left") == "GRU: answers to 2 rows"


@pytest.mark.parametrize(("rows", "kept"), [(2000, 2000), (2001, 1001), (9999, 2000)])
def test_of_many_numbers_some_are_kept(rows, kept):
    points = points_of(np.arange(rows), -np.arange(rows))
    assert len(points) == kept
    assert all(truth == -answer for truth, answer in points)
    assert points_of(np.zeros((5, 2)), np.zeros((5, 2))) == ()


def test_classes_that_are_numbers_stand_in_their_order_and_many_are_said_by_pairs():
    counts = np.diag(np.arange(1, 14))
    counts[1, 2] = 7  # '10' for '11'
    counts[12, 0] = 2  # '9' for '1'
    names = tuple(sorted(map(str, range(1, 14))))
    confusion = tuple(map(tuple, counts.tolist()))
    kept = classified(GRU=GOOD)
    report = replace(kept, classes=names, confusion=confusion)
    said = "Which of the 13 classes were taken for which, plot() (--picture) draws: 10 for 11 (7), 9 for 1 (2)."
    assert report.confused() == said
    assert said in str(report)
    few = replace(kept, classes=("10", "2"), confusion=((1, 2), (3, 4)))
    assert few.confused() == confusion_table([[4, 3], [2, 1]], ["2", "10"])
    labels = [label.get_text() for label in few.plot().get_xticklabels()]
    assert labels == ["2", "10"]
    assert replace(kept, confusion=()).confused() == ""


def test_the_score_that_decides_may_be_another():
    rare = {"accuracy": 0.8, "macro-F1": 0.7, "log loss": 0.5, "calibration error": 0.1}
    most = {"accuracy": 0.9, "macro-F1": 0.47, "log loss": 0.4, "calibration error": 0.0}
    kept = classified(skipped=(), GRU=rare, **{"majority class": most})
    assert kept.winner == "majority class"
    kept = replace(kept, decides="macro-F1")
    assert kept.winner == "GRU"
    assert kept.verdict.startswith("GRU wins: macro-F1 0.700, against 0.470 for majority class")
    assert SequenceReport.from_json(json.loads(json.dumps(kept.to_json()))) == kept
    older = {name: value for name, value in kept.to_json().items() if name != "decides"}
    assert SequenceReport.from_json(older).decided_by == "accuracy"
