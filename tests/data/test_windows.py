"""Windows lie inside their series, and no held-out target is ever seen in training."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from recuerdo.data.windows import WindowSet, gather_rows
from recuerdo.errors import DataError, OptionError

sizes = st.integers(1, 6)


def series_of(lengths):
    """Rows that tell their series and place: 1000 * series + place; and where each series begins."""
    rows = np.concatenate([1000.0 * i + np.arange(length) for i, length in enumerate(lengths)])
    return rows, np.cumsum([0, *lengths])[:-1]


def all_of(windows, lengths):
    """Inputs and targets of all windows."""
    rows, starts = series_of(lengths)
    gathered = gather_rows(rows, starts, windows.origins(range(len(windows))), windows.lookback, windows.horizon)
    return gathered[:, : windows.lookback], gathered[:, windows.lookback :]


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 40), sizes, sizes)
def test_windows_are_those_that_numpy_slides(length, lookback, horizon):
    assume(length >= lookback + horizon)
    slid = sliding_window_view(np.arange(float(length)), lookback + horizon)
    windows = WindowSet([length], lookback, horizon)
    inputs, targets = all_of(windows, [length])
    assert len(windows) == len(slid)
    np.testing.assert_array_equal(inputs, slid[:, :lookback])
    np.testing.assert_array_equal(targets, slid[:, lookback:])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(2, 40), min_size=1, max_size=4), sizes, sizes, sizes)
def test_windows_stay_in_their_series_and_go_by_series_then_time(lengths, lookback, horizon, stride):
    assume(min(lengths) >= lookback + horizon)
    windows = WindowSet(lengths, lookback, horizon, stride)
    origins = windows.origins(range(len(windows)))
    assert len(windows) == sum((length - lookback - horizon) // stride + 1 for length in lengths)
    assert origins.tolist() == sorted(origins.tolist())
    inputs, targets = all_of(windows, lengths)
    assert (np.diff(np.concatenate([inputs, targets], axis=1), axis=1) == 1).all()
    assert (inputs[:, -1] == 1000 * origins[:, 0] + origins[:, 1]).all()
    for number, length in enumerate(lengths):
        assert targets[origins[:, 0] == number][-1, -1] == 1000 * number + length - 1


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(2, 60), min_size=1, max_size=4), sizes, sizes, sizes, st.integers(1, 30), st.data())
def test_no_training_window_sees_a_held_out_row(lengths, lookback, horizon, stride, held_out, data):
    least = data.draw(st.integers(1, lookback))
    assume(held_out >= horizon)
    assume(min(lengths) - held_out >= least + horizon)
    train, test = WindowSet(lengths, lookback, horizon, stride, least=least).split(held_out)
    held = {1000.0 * i + row for i, length in enumerate(lengths) for row in range(length - held_out, length)}
    inputs, targets = all_of(train, lengths)
    assert held.isdisjoint(inputs.ravel())
    assert held.isdisjoint(targets.ravel())
    assert held.issuperset(all_of(test, lengths)[1].ravel())
    assert len(train) == sum((length - held_out - least - horizon) // stride + 1 for length in lengths)
    assert len(test) == sum((held_out - horizon) // stride + 1 for _ in lengths)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(2, 20), min_size=1, max_size=4), sizes, sizes, st.data())
def test_short_series_are_padded_in_front(lengths, lookback, horizon, data):
    least = data.draw(st.integers(1, lookback))
    assume(min(lengths) >= least + horizon)
    windows = WindowSet(lengths, lookback, horizon, least=least)
    inputs, targets = all_of(windows, lengths)
    assert len(windows) == sum(length - least - horizon + 1 for length in lengths)
    origins = windows.origins(range(len(windows)))
    rows, starts = series_of(lengths)
    for (number, end), found in zip(origins, inputs, strict=True):
        known = rows[starts[number] : starts[number] + end + 1][-lookback:]
        np.testing.assert_array_equal(found, np.pad(known, (lookback - len(known), 0), constant_values=np.nan))
        assert len(known) >= least
    assert not np.isnan(targets).any()


def test_first_and_last_targets_bound_the_windows_of_each_series():
    windows = WindowSet([10, 10], 2, 2, first_target=[5, 0], last_target=[8, 3])
    assert windows.origins(range(len(windows))).tolist() == [[0, 4], [0, 5], [0, 6], [1, 1]]


def test_a_series_may_have_no_window_between_others():
    windows = WindowSet([10, 10, 10], 2, 2, last_target=[3, 1, 3])
    assert windows.origins([0, 1]).tolist() == [[0, 1], [2, 1]]


def test_origins_follow_the_order_that_is_asked_for():
    windows = WindowSet([10], 2, 1)
    assert windows.origins([3, 0]).tolist() == [[0, 4], [0, 1]]
    assert windows.origins([]).shape == (0, 2)
    for beyond in (len(windows), -1):
        with pytest.raises(IndexError, match=f"Windows are numbered from 0 to 7, got {beyond}"):
            windows.origins([beyond])


def test_five_million_windows_cost_no_memory():
    tracemalloc.start()
    windows = WindowSet(np.full(10_000, 548), 24, 24)
    assert len(windows) == 10_000 * 501
    assert windows.origins([len(windows) - 1]).tolist() == [[9_999, 523]]
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_of_several_columns_are_gathered_in_their_type_and_are_copies(dtype):
    rows = np.arange(20, dtype=dtype).reshape(10, 2)
    found = gather_rows(rows, [0, 4], np.array([[1, 0], [0, 3]]), 2, 0)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, [[[np.nan, np.nan], [8, 9]], [[4, 5], [6, 7]]])
    found[:] = 99
    assert rows.max() == 19


def test_rows_beyond_the_end_of_a_series_are_not_those_of_the_next():
    for starts in ([0, 4], [0, 4, 10]):
        gather_rows(np.zeros(10), starts, np.array([[0, 1], [1, 3]]), 2, 2)
        for origin in ([0, 2], [1, 4]):
            with pytest.raises(DataError, match=f"Series {origin[0]} has no 2 rows after row {origin[1]}"):
                gather_rows(np.zeros(10), starts, np.array([origin]), 2, 2)


def test_a_series_too_short_for_one_window_is_named():
    with pytest.raises(
        DataError, match=r"Series 'b' has 4 rows; lookback 3 \+ horizon 2 need at least 5. Choose a shorter"
    ):
        WindowSet([9, 4], 3, 2, names=["a", "b"])
    with pytest.raises(DataError, match=r"Series 1 has 2 rows; least input rows 1 \+ horizon 2 need at least 3"):
        WindowSet([9, 2], 3, 2, least=1)


@pytest.mark.parametrize("name", ["lookback", "horizon", "stride"])
def test_counts_of_rows_are_positive(name):
    with pytest.raises(OptionError, match=f"{name} counts rows and must be 1 or more, got 0"):
        WindowSet([9], **({"lookback": 2, "horizon": 1, "stride": 1} | {name: 0}))


@pytest.mark.parametrize("least", [0, 3])
def test_the_least_input_rows_are_some_of_them(least):
    with pytest.raises(OptionError, match=f"least counts input rows and must be from 1 to lookback 2, got {least}"):
        WindowSet([9], 2, 1, least=least)


def test_a_split_that_leaves_nothing_is_refused():
    windows = WindowSet([9], 3, 2)
    with pytest.raises(DataError, match="1 held-out rows cannot hold a target of 2"):
        windows.split(1)
    with pytest.raises(
        DataError, match=r"Series 0 has 4 rows before the 5 held-out ones; lookback 3 \+ horizon 2 need"
    ):
        windows.split(5)
