"""Every decision before training, and the words for it."""

from __future__ import annotations

import re

import numpy as np
import pytest

from recuerdo.errors import DataError, OptionError
from recuerdo.tasks.forecast_plan import (
    LEAST_ERRORS,
    LEAST_WINDOWS,
    MOST_HELD_OUT,
    MOST_SEASONS,
    MOST_STEPS,
    PLENTY,
    SIZES,
    WATCHED_HORIZONS,
    Wishes,
    make_plan,
    require_errors,
)
from recuerdo.tasks.scaling import prefers_log

NOISE = np.random.default_rng(0).normal(size=5000)


def additive(rows):
    return 100 + NOISE[:rows]


def growing(rows):
    t = np.arange(rows)
    return (10 + t) * (1 + 0.3 * np.sin(2 * np.pi * t / 12))


def plan(*series, horizon=12, natural_season=12, errors=1, **wishes):
    return make_plan(
        series,
        [f"s{number}" for number in range(len(series))],
        horizon,
        natural_season=natural_season,
        wishes=Wishes(**wishes),
        least_errors=errors,
    )


def test_the_season_of_the_time_stamps_and_two_of_them_to_look_back_over():
    made = plan(additive(144))
    assert (made.season, made.lookback, made.log, made.held_out) == (12, 24, False, 11 + 14)
    assert made.words == (
        "season 12 (from the time stamps), lookback 24, the values as they are (swings do not grow with the level), "
        "judged on the last 25 rows (14 forecasts of 12 per series), 32 units, batches of 32"
    )


def test_swings_that_grow_with_the_level_are_taken_in_logarithms():
    made = plan(growing(144))
    assert made.log is True
    assert "logarithms (swings grow with the level)" in made.words


def test_whether_to_take_logarithms_is_decided_before_the_held_out_rows():
    changed = growing(144)
    changed[-25:] = 1000 + 0.01 * NOISE[:25]  # the highest level with the smallest swings
    assert not prefers_log([changed], 12)
    assert plan(changed) == plan(growing(144))
    assert plan(changed).log is True


@pytest.mark.parametrize(("log", "scale"), [(True, "logarithms"), (False, "the values as they are")])
def test_a_given_scale_is_kept_and_named_as_given(log, scale):
    made = plan(growing(144), log=log)
    assert made.log is log
    assert f", {scale} (given), " in made.words


def test_a_given_season_and_lookback_are_kept():
    made = plan(additive(144), season=6, lookback=40)
    assert (made.season, made.lookback) == (6, 40)
    assert made.words.startswith("season 6 (given), lookback 40 in 6 segments of 6, ")


def test_too_few_rows_for_the_season_fall_back_to_none_and_say_so():
    needed = 24 + 12 + 3 + 12
    assert plan(additive(needed)).season == 12
    made = plan(additive(needed - 1))
    assert made.season == 1
    assert made.words.startswith(f"season 1 (because {needed - 1} rows are too short to show seasons of 12), ")


def test_a_lookback_shorter_than_the_season_needs_falls_back_to_none_and_says_so():
    made = plan(additive(144), lookback=20)
    assert (made.season, made.lookback) == (1, 20)
    assert made.words.startswith("season 1 (because a lookback of 20 is too short to show seasons of 12), ")


def test_a_network_that_needs_less_of_a_season_keeps_it():
    assert plan(additive(144), lookback=20, strategy="recursive").season == 12


@pytest.mark.parametrize(("rows", "lookback"), [(200, 24), (40, 40 - 27), (30, 3), (29, 2)])
def test_without_a_season_the_lookback_is_what_the_rows_allow(rows, lookback):
    made = plan(additive(rows), natural_season=1)
    assert (made.season, made.lookback) == (1, lookback)


def test_a_given_season_with_a_shorter_lookback_is_refused():
    with pytest.raises(OptionError, match="lookback=20 is too short for season=12, which needs 24 rows or more: give"):
        plan(additive(144), season=12, lookback=20)


def test_the_shortest_series_with_too_few_rows_is_named_with_what_it_needs():
    with pytest.raises(
        DataError,
        match=re.escape(
            "Series 's1' has 28 rows, and horizon 12 with lookback 12 needs at least 39: 12 + 12 for a window, 3 mor"
        ),
    ):
        plan(additive(144), additive(28))


@pytest.mark.parametrize("horizon", [100, 144, 1000])
def test_a_horizon_that_the_rows_cannot_hold_is_refused(horizon):
    with pytest.raises(DataError, match=rf"has 144 rows, and horizon {horizon} .* a shorter horizon, lookback or"):
        plan(additive(144), horizon=horizon)


def test_constant_rows_before_the_held_out_ones_are_refused():
    series = np.full(144, 7.5)
    series[-25:] = additive(25)
    with pytest.raises(DataError, match=r"'s0' is constant: every one of its training rows is 7.5, .* that constant"):
        plan(series)


def test_one_constant_series_among_others_is_no_obstacle():
    assert plan(np.full(144, 7.5), additive(144)).season == 12


def test_logarithms_of_values_that_are_not_above_zero_are_refused():
    series = growing(144)
    series[-1] = 0
    with pytest.raises(OptionError, match=r"log=True \(--log\) needs values above 0 everywhere; use"):
        plan(growing(144), series, log=True)


def test_a_held_out_row_does_not_decide_on_logarithms():
    series = growing(144)
    assert plan(series).log is True
    series[-1] = 0
    with pytest.raises(
        DataError, match=r"is best taken in logarithms, .* one of its last \d+ rows is 0 or less: set log"
    ):
        plan(series)
    assert plan(series, log=False).log is False
    series = additive(144)
    before = plan(series)
    series[-1] = -1e6
    assert plan(series).words == before.words


def test_values_that_are_not_above_zero_are_given_as_the_reason():
    series = growing(144)
    series[3] = 0
    assert "the values as they are (some are 0, near it or less)" in plan(series).words


@pytest.mark.parametrize(("errors", "judged"), [(1, 1), (3, 1), (4, 2), (9, 3), (20, 7), (499, 7)])
def test_a_short_series_gives_the_errors_that_the_intervals_need(errors, judged):
    needed = 2 + 3 + (LEAST_WINDOWS - 1) + 3 + (judged - 1)
    made = plan(additive(needed), horizon=3, natural_season=1, errors=errors)
    assert made.held_out == 3 - 1 + judged
    assert judged * 3 >= min(errors, LEAST_ERRORS)
    with pytest.raises(DataError, match=rf"at least {needed}: .* and {3 - 1 + judged} rows to judge the result"):
        plan(additive(needed - 1), horizon=3, natural_season=1, errors=errors)


def test_several_series_give_their_errors_together():
    rows = 2 + 3 + (LEAST_WINDOWS - 1) + 3
    made = plan(*[additive(rows)] * 3, horizon=3, natural_season=1, errors=9)
    assert made.held_out == 3


@pytest.mark.parametrize("horizon", [1, 3, 12, 30])
@pytest.mark.parametrize("rows", [70, 90, 144, 800, 5000])
@pytest.mark.parametrize("natural_season", [1, 7, 12])
def test_what_is_held_out_leaves_enough_to_train_on(rows, horizon, natural_season):
    made = plan(additive(rows), horizon=horizon, natural_season=natural_season)
    held_out_forecasts = made.held_out - horizon + 1
    assert 1 <= held_out_forecasts <= MOST_HELD_OUT
    assert rows - made.held_out - made.lookback - horizon + 1 >= LEAST_WINDOWS
    if rows >= 144 and horizon <= 12:
        assert held_out_forecasts * horizon >= 20  # enough errors for an interval of 90 %
        assert made.held_out <= rows // 10 + 20 + horizon


@pytest.mark.parametrize("rows", [144, 300, 900])
@pytest.mark.parametrize("horizon", [1, 6, 12, 30])
def test_steps_are_chosen_on_the_first_half_of_the_held_out_rows_where_these_hold_enough(rows, horizon):
    made = plan(additive(rows), horizon=horizon)
    enough = made.held_out >= WATCHED_HORIZONS * horizon
    assert made.watched == (made.held_out // 2 if enough else 0)
    assert made.judged == made.held_out - made.watched
    words = (
        f"steps chosen on the first {made.watched} of the last {made.held_out} rows, judged on the last {made.judged} "
    )
    assert (words in made.words) == enough
    assert f"({made.judged - horizon + 1} forecasts of {horizon} per series)" in made.words
    assert plan(additive(rows), horizon=horizon, steps=False).watched == 0


@pytest.mark.parametrize("strategy", ["direct", "recursive"])
@pytest.mark.parametrize("series", [1, 5, 40])
@pytest.mark.parametrize("horizon", [3, 24, 48])
def test_a_window_holds_whole_seasons_and_more_than_two_only_where_plenty_of_windows_are_left(
    strategy, series, horizon
):
    made = plan(*[additive(1000)] * series, horizon=horizon, natural_season=24, strategy=strategy)
    assert made.lookback % 24 == 0
    assert 2 <= made.lookback // 24 <= MOST_SEASONS
    if made.lookback > 48:
        assert strategy == "direct"
        assert series * (1000 - made.held_out - made.lookback - horizon + 1) >= PLENTY // 2
    assert f"lookback {made.lookback}" in made.words


@pytest.mark.parametrize(("count", "gated"), [(60, False), (100, True)])
def test_simple_forecasts_are_weighed_window_by_window_where_there_are_windows_to_learn_it_from(count, gated):
    made = plan(*[additive(144)] * count)
    assert made.gated is gated
    assert ("simple forecasts weighed window by window" in made.words) is gated
    for other in ({"strategy": "recursive"}, {"memory": "running"}):
        assert plan(*[additive(144)] * count, **other).gated is False


@pytest.mark.parametrize(("count", "size"), [(1, 0), (60, 1), (400, 2)])
def test_more_windows_get_a_larger_network_and_larger_batches(count, size):
    made = plan(*[additive(144)] * count)
    sizes = [*[tuple(each) for _, *each in SIZES], (128, 128)]
    assert (made.hidden_size, made.batch_size) == sizes[size]
    assert f"{made.hidden_size} units, batches of {made.batch_size}" in made.words
    given = plan(*[additive(144)] * count, hidden_size=7, batch_size=9)
    assert (given.hidden_size, given.batch_size) == (7, 9)


@pytest.mark.parametrize(
    ("wishes", "segment"),
    [
        ({"lookback": 24 * MOST_STEPS}, 24),
        ({"lookback": 24 * MOST_STEPS - 1}, 1),
        ({"lookback": 24 * MOST_STEPS, "encoder": "steps"}, 1),
        ({"lookback": 24 * MOST_STEPS, "strategy": "recursive"}, 1),
        ({"lookback": 48, "encoder": "segments"}, 24),
        ({"lookback": 30, "season": 1, "encoder": "segments"}, 2),
        ({"lookback": 120, "season": 1, "encoder": "segments"}, 10),
        ({"lookback": 96, "season": 48, "encoder": "segments"}, 24),  # the largest divisor up to 24
        ({"lookback": 100, "season": 35, "encoder": "segments"}, 7),
        ({"lookback": 48, "segment": 5}, 5),
        ({"lookback": 48, "segment": 24, "encoder": "segments"}, 24),
    ],
)
def test_segments_are_seasons_or_parts_of_them_where_a_window_holds_enough(wishes, segment):
    made = plan(additive(1000), natural_season=24, **wishes)
    assert made.segment == segment
    words = f"lookback {made.lookback} in {made.lookback // segment} segments of {segment}, "
    assert (words in made.words) == (segment > 1)
    assert ("segments of" in made.words) == (segment > 1)


def test_a_segment_of_which_a_window_does_not_hold_two_is_refused():
    assert plan(additive(144), lookback=24, segment=12).segment == 12
    with pytest.raises(OptionError, match="segment=13 is too long for a lookback of 24, which has to hold two or more"):
        plan(additive(144), lookback=24, segment=13)


def test_a_short_series_among_longer_ones_begins_within_a_window():
    made = plan(additive(144), additive(144), additive(50))
    assert made.lookback == 24
    assert made.least < made.lookback
    assert 50 - made.held_out - 12 - made.least + 1 >= LEAST_WINDOWS
    assert made.words.endswith(", series 's2' is shorter than a window, which begins with missing rows then")
    both = plan(additive(144), additive(50), additive(144), additive(50), additive(144))
    assert ", 2 series, 's1' the first, are shorter than a window, which begins with missing rows then" in both.words
    alone = plan(additive(144), additive(144))
    assert alone.least == alone.lookback
    assert "shorter" not in alone.words
    with pytest.raises(DataError, match="Series 's2' has 50 rows, and horizon 12 with lookback 24 needs at least 51"):
        plan(additive(144), additive(144), additive(50), lookback=24, strategy="recursive")


@pytest.mark.parametrize(("held_out", "last"), [(None, 3), (0, 2)])
def test_the_numbers_of_what_is_needed_add_up(held_out, last):
    with pytest.raises(DataError, match="needs at least") as caught:
        make_plan([additive(7)], ["s"], 3, natural_season=1, wishes=Wishes(lookback=2), held_out=held_out)
    needed, parts = re.search(r"needs at least (\d+): (.*)\. Give", str(caught.value)).groups()
    numbers = re.findall(r"(?<!for )\b\d+", parts)
    assert sum(map(int, numbers)) == int(needed)
    assert len(numbers) == last + 1


def test_missing_values_decide_nothing_and_a_series_without_any_before_the_held_out_rows_is_refused():
    holed = growing(144)
    holed[7::10] = np.nan
    assert plan(holed) == plan(growing(144))
    holed[:-25] = np.nan
    with pytest.raises(DataError, match=r"Series 's1' has no value before its held-out rows, .* leave it out, or give"):
        plan(growing(144), holed)


def test_quantiles_that_need_more_errors_than_known_values_are_held_out_are_refused():
    truth = additive(24).reshape(6, 4).copy()
    truth[1, 2:] = truth[5] = np.nan
    require_errors(truth, 18)
    with pytest.raises(OptionError, match=r"give 18, since 6 of their 24 values are missing \(are the last "):
        require_errors(truth, 19)
    with pytest.raises(OptionError, match=r"need 25 held-out errors, and the last rows give 24: ask for quantiles"):
        require_errors(additive(24).reshape(6, 4), 25)
    with pytest.raises(DataError, match=r"No value is known in the last rows, by which the fit is judged: give more"):
        require_errors(np.full((3, 2), np.nan), 0)
