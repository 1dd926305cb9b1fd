"""Who stands where does not depend on which score decides, or on whether more or less of it is better."""

from __future__ import annotations

import math

import pytest

from recuerdo.tasks.standings import columns, numbers, plain_row, sentence, stand


def scored(own, **others):
    return {name: {"s": value} for name, value in {"GRU": own, **others}.items()}


@pytest.mark.parametrize(
    ("higher", "own", "winner", "best"),
    [(True, 0.9, "GRU", "b"), (True, 0.7, "b", "b"), (False, 0.9, "a", "a"), (False, 0.3, "GRU", "a")],
)
def test_the_best_is_the_highest_or_the_lowest(higher, own, winner, best):
    found = stand("GRU", scored(own, a=0.4, b=0.8), "s", higher=higher)
    assert (found.winner, found.best, found.level) == (winner, best, False)


@pytest.mark.parametrize("n", [7, 10, 49, 60, 99])
def test_one_row_is_level_whatever_the_rounding_and_two_are_not(n):
    for right in range(2, n + 1):
        one = stand("GRU", scored(right / n, a=(right - 1) / n), "s", higher=True, least=1 / n)
        two = stand("GRU", scored(right / n, a=(right - 2) / n), "s", higher=True, least=1 / n)
        assert (one.level, two.level) == (True, False)


@pytest.mark.parametrize(("own", "other", "few"), [(1.0, 0.5, "2 sequences"), (0.9, 0.9, None)])
def test_it_is_said_where_two_are_level_for_want_of_rows(own, other, few):
    found = stand("GRU", scored(own, a=other), "s", higher=True, least=0.5)
    said = sentence("GRU", found, ".3f", "", usable=True, remedy="more data", few=few)
    assert ("on 2 sequences, too few to tell which is better." in said) is (few is not None)
    assert ("The model adds nothing to this baseline" in said) is (few is None)


def test_a_share_of_the_baseline_is_level():
    assert stand("GRU", scored(0.996, a=1.0), "s", share=0.005).level
    assert not stand("GRU", scored(0.994, a=1.0), "s", share=0.005).level


def test_where_two_are_level_the_baseline_is_named():
    assert stand("GRU", scored(0.9, a=0.9), "s", higher=True).winner == "a"


def test_a_model_alone_wins_over_nobody():
    found = stand("GRU", scored(0.9), "s")
    assert (found.winner, found.best) == ("GRU", None)
    assert math.isnan(found.other)


def test_a_wide_name_of_a_score_keeps_its_column():
    table = columns({"GRU": {"s": 1.0, "calibration error": math.nan}}, ("s", "calibration error"), "{:.2f}".format)
    assert table.splitlines() == ["            s  calibration error", "GRU      1.00          undefined"]


def test_scores_go_to_json_and_back():
    there = plain_row({"a": 1.5, "b": math.nan})
    assert there == {"a": 1.5, "b": None}
    assert numbers(there) == {"a": 1.5, "b": math.nan}
