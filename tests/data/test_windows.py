"""Windows lie inside their series, and no held-out target is ever seen in training."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from recuerdo.data.windows import WindowSet, count
from recuerdo.errors import DataError, OptionError

sizes = st.integers(1, 6)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 40), sizes, sizes)
def test_windows_are_those_that_numpy_slides(length, lookback, horizon):
    if length < lookback + horizon:
        assert count(length, lookback, horizon) == 0
        return
    values = np.arange(float(length))
    slid = sliding_window_view(values, lookback + horizon)
    windows = WindowSet([values], lookback, horizon)
    inputs, targets = windows.gather(range(len(windows)))
    assert len(windows) == count(length, lookback, horizon) == len(slid)
    np.testing.assert_array_equal(inputs[:, :, 0], slid[:, :lookback])
    np.testing.assert_array_equal(targets, slid[:, lookback:])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(2, 40), min_size=1, max_size=4), sizes, sizes, sizes)
def test_windows_stay_in_their_series_and_go_by_series_then_time(lengths, lookback, horizon, stride):
    assume(min(lengths) >= lookback + horizon)
    series = [1000.0 * i + np.arange(length) for i, length in enumerate(lengths)]
    windows = WindowSet(series, lookback, horizon, stride)
    assert len(windows) == sum(count(length, lookback, horizon, stride) for length in lengths)
    assert windows.origins.tolist() == sorted(windows.origins.tolist())
    inputs, targets = windows.gather(range(len(windows)))
    rows = np.concatenate([inputs[:, :, 0], targets], axis=1)
    assert (np.diff(rows, axis=1) == 1).all()
    assert (inputs[:, -1, 0] == 1000 * windows.origins[:, 0] + windows.origins[:, 1]).all()
    for number, values in enumerate(series):
        assert targets[windows.origins[:, 0] == number][-1, -1] == values[-1]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(2, 60), min_size=1, max_size=4), sizes, sizes, sizes, st.integers(1, 30))
def test_no_training_window_sees_a_held_out_row(lengths, lookback, horizon, stride, held_out):
    assume(held_out >= horizon)
    assume(min(lengths) - held_out >= lookback + horizon)
    series = [1000.0 * i + np.arange(length) for i, length in enumerate(lengths)]
    train, test = WindowSet(series, lookback, horizon, stride).split(held_out)
    held = {1000.0 * i + row for i, length in enumerate(lengths) for row in range(length - held_out, length)}
    inputs, targets = train.gather(range(len(train)))
    assert held.isdisjoint(inputs.ravel())
    assert held.isdisjoint(targets.ravel())
    assert held.issuperset(test.gather(range(len(test)))[1].ravel())
    assert len(train) == sum(count(length - held_out, lookback, horizon, stride) for length in lengths)
    assert len(test) == sum((held_out - horizon) // stride + 1 for _ in lengths)


def test_gather_follows_the_order_that_is_asked_for():
    windows = WindowSet([np.arange(10.0)], 2, 1)
    np.testing.assert_array_equal(windows.gather([3, 0])[1], [[5], [2]])
    inputs, targets = windows.gather([])
    assert inputs.shape == (0, 2, 1)
    assert targets.shape == (0, 1)


def test_gathered_rows_are_copies():
    values = np.arange(5.0)
    windows = WindowSet([values], 2, 1)
    windows.gather([0])[0][:] = 99
    assert windows.gather([0])[0].ravel().tolist() == [0, 1]
    assert values.tolist() == [0, 1, 2, 3, 4]


def test_a_series_too_short_for_one_window_is_named():
    with pytest.raises(
        DataError, match=r"Series 'b' has 4 rows; lookback 3 \+ horizon 2 need at least 5. Choose a shorter"
    ):
        WindowSet([np.arange(9.0), np.arange(4.0)], 3, 2, names=["a", "b"])


@pytest.mark.parametrize("name", ["lookback", "horizon", "stride"])
def test_counts_of_rows_are_positive(name):
    with pytest.raises(OptionError, match=f"{name} counts rows and must be 1 or more, got 0"):
        WindowSet([np.arange(9.0)], **({"lookback": 2, "horizon": 1, "stride": 1} | {name: 0}))


def test_a_split_that_leaves_nothing_is_refused():
    windows = WindowSet([np.arange(9.0)], 3, 2)
    with pytest.raises(DataError, match="1 held-out rows cannot hold a target of 2"):
        windows.split(1)
    with pytest.raises(
        DataError, match=r"Series 0 has 4 rows before the 5 held-out ones; lookback 3 \+ horizon 2 need"
    ):
        windows.split(5)
