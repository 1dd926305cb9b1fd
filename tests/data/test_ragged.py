"""Sequences of any lengths go into one array and come out as they were, in any order and padded or not."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from recuerdo.data import Ragged
from recuerdo.errors import DataError, ShapeError
from recuerdo.shapes import pad


def sequences(least=0):
    """Lists of sequences of numbers (T_i, D) or of token ids (T_i,), none of them 0."""
    numbers = st.integers(1, 3).flatmap(
        lambda features: st.lists(
            hnp.arrays(
                st.sampled_from([np.float32, np.float64]),
                st.tuples(st.integers(least, 6), st.just(features)),
                elements=st.floats(1, 100, width=16),
            ),
            min_size=1,
            max_size=8,
        )
    )
    ids = st.lists(hnp.arrays(np.int32, st.integers(least, 6), elements=st.integers(1, 99)), min_size=1, max_size=8)
    return st.one_of(numbers, ids)


@given(sequences())
def test_each_sequence_comes_out_as_it_went_in(given_):
    ragged = Ragged.of(given_)
    assert len(ragged) == len(given_)
    assert ragged.lengths.tolist() == [len(one) for one in given_]
    for i, one in enumerate(given_):
        np.testing.assert_array_equal(ragged[i], one)
        np.testing.assert_array_equal(ragged[i - len(given_)], one)
    for found, one in zip(ragged, given_, strict=True):
        np.testing.assert_array_equal(found, one)


@given(sequences(), st.data())
def test_what_is_taken_is_what_a_list_gives(given_, data):
    chosen = data.draw(st.lists(st.integers(-len(given_), len(given_) - 1), max_size=12))
    taken = Ragged.of(given_).take(chosen)
    assert len(taken) == len(chosen)
    for found, i in zip(taken, chosen, strict=True):
        np.testing.assert_array_equal(found, given_[i])


@given(sequences(), st.data())
def test_padding_keeps_every_step_and_adds_only_zeros(given_, data):
    chosen = data.draw(st.one_of(st.none(), st.lists(st.integers(0, len(given_) - 1), max_size=12)))
    values, lengths = Ragged.of(given_).padded(chosen)
    expected = given_ if chosen is None else [given_[i] for i in chosen]
    assert values.shape[:2] == (len(expected), max(map(len, expected), default=0))
    for row, length, one in zip(values, lengths, expected, strict=True):
        np.testing.assert_array_equal(row[:length], one)
        assert not row[length:].any()


@given(sequences(least=1))
def test_padding_is_that_of_shapes(given_):
    values, lengths = Ragged.of(given_).padded()
    expected, expected_lengths = pad(given_)
    np.testing.assert_array_equal(values.reshape(expected.shape), expected)
    np.testing.assert_array_equal(lengths, expected_lengths)


@given(sequences(), st.data())
def test_true_and_false_and_slices_choose_as_in_numpy(given_, data):
    ragged, all_ = Ragged.of(given_), np.arange(len(given_))
    mask = data.draw(hnp.arrays(bool, len(given_)))
    part = data.draw(st.slices(len(given_)))
    for found, chosen in (
        (ragged.take(mask), all_[mask]),
        (ragged[mask], all_[mask]),
        (ragged[part], all_[part]),
    ):
        np.testing.assert_array_equal(found.values, ragged.take(chosen).values)
        np.testing.assert_array_equal(found.starts, ragged.take(chosen).starts)


def test_one_sequence_is_a_view_and_several_are_a_copy():
    ragged = Ragged.of([[1.0], [2.0, 3.0], [4.0]])
    assert np.shares_memory(ragged[1], ragged.values)
    for some in ([0, 1], [2, 0]):
        assert not np.shares_memory(ragged.take(some).values, ragged.values)
        assert not np.shares_memory(ragged.padded(some)[0], ragged.values)
    assert not np.shares_memory(Ragged.of(np.ones((2, 3))).padded()[0], ragged.values)


@pytest.mark.parametrize(
    ("given_", "dtype"),
    [
        ([[1, 2], []], np.int32),
        ([[], [1, 2]], np.int32),
        ([[], []], np.float64),
        ([[1.5], [2]], np.float64),
        ([np.float16([1])], np.float32),
        ([np.float32([1]), np.float32([])], np.float32),
        ([np.longdouble([1])], np.float64),
        ([np.uint8([3])], np.int32),
    ],
)
def test_numbers_are_of_four_or_eight_bytes_and_tokens_of_four(given_, dtype):
    assert Ragged.of(given_).values.dtype == dtype


def test_a_million_short_sequences_are_taken_and_padded_at_once():
    random = np.random.default_rng(0)
    starts = np.concatenate([[0], np.cumsum(random.integers(0, 6, 1_000_000))])
    ragged = Ragged(np.arange(starts[-1], dtype=np.int32), starts)
    order = random.permutation(len(ragged))
    taken = ragged.take(order)
    values, lengths = ragged.padded(order)
    assert taken.values.sum(dtype=np.int64) == values.sum(dtype=np.int64) == starts[-1] * (starts[-1] - 1) // 2
    for i in random.integers(0, len(ragged), 20):
        np.testing.assert_array_equal(taken[i], ragged[order[i]])
        np.testing.assert_array_equal(values[i, : lengths[i]], ragged[order[i]])


def test_it_is_pickled():
    ragged = Ragged.of([[1.0], [2.0, 3.0]])
    again = pickle.loads(pickle.dumps(ragged))
    np.testing.assert_array_equal(again.values, ragged.values)
    np.testing.assert_array_equal(again.starts, ragged.starts)


@pytest.mark.parametrize("starts", [[0, 2], [1, 3], [0, 2, 1, 3], [], [[0, 3]]])
def test_starts_that_do_not_go_with_the_values_are_refused(starts):
    with pytest.raises(ShapeError, match="starts of 3 steps have to rise from 0 to 3"):
        Ragged(np.zeros(3, np.float32), np.array(starts, dtype=np.int64))


@pytest.mark.parametrize(
    ("given_", "error", "said"),
    [
        ([], ShapeError, "There are no sequences: the list is empty"),
        ([np.zeros((2, 3)), np.zeros((2, 4))], ShapeError, r"Sequence 1 has shape \(2, 4\) and sequence 0 \(2, 3\)"),
        ([1.0, 2.0], ShapeError, r"Sequence 0 has shape \(\)"),
        ([["a", "b"]], DataError, "Sequences hold numbers, and these <U1"),
        ([[2**31]], DataError, "Whole numbers are kept in 32 bits"),
    ],
)
def test_what_makes_no_sequences_is_refused(given_, error, said):
    with pytest.raises(error, match=said):
        Ragged.of(given_)


@pytest.mark.parametrize("key", [3, -4, [0, 3], [-4]])
def test_a_sequence_that_is_not_there_is_an_index_error(key):
    with pytest.raises(IndexError, match=r"There is no sequence (3|-4): there are 3, counted from 0"):
        Ragged.of([[1], [2], [3]])[key]


def test_what_chooses_no_sequences_is_refused():
    ragged = Ragged.of([[1], [2], [3]])
    with pytest.raises(ShapeError, match="There are 2 true and false to choose among 3 sequences"):
        ragged.take([True, False])
    with pytest.raises(ShapeError, match=r"a list of their numbers, got an array of shape \(1, 1\)"):
        ragged.take([[0]])
    with pytest.raises(IndexError, match="Sequences are chosen by whole numbers, got float64"):
        ragged.take([0.5])
