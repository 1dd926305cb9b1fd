from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from recuerdo.errors import ModelFileError, OptionError, ShapeError
from recuerdo.learn import ArrayBatches, Batch, GatherBatches


def numbered(size: int, **options) -> GatherBatches:
    return GatherBatches(size, lambda i: Batch({"input": torch.from_numpy(i)}, torch.from_numpy(i)), **options)


def epoch(batches) -> list[list[int]]:
    return [batch.target.tolist() for batch in batches]


def test_the_order_of_an_epoch_is_numpys_permutation_for_seed_and_epoch():
    batches = numbered(10, batch_size=4, seed=7)
    for number in range(3):
        flat = [sample for batch in epoch(batches) for sample in batch]
        assert flat == np.random.default_rng([7, number]).permutation(10).tolist()


def test_without_shuffle_samples_come_in_their_own_order():
    batches = numbered(5, batch_size=2, shuffle=False)
    assert epoch(batches) == epoch(batches) == [[0, 1], [2, 3], [4]]
    assert len(batches) == 3


@given(size=st.integers(1, 20), width=st.integers(1, 7), taken=st.integers(0, 40), shuffle=st.booleans())
def test_a_loaded_state_goes_on_with_exactly_the_batches_that_were_left(size, width, taken, shuffle):
    def endless(batches):
        while True:
            yield from batches

    original = numbered(size, batch_size=width, shuffle=shuffle, seed=2)
    stream = endless(original)
    for _ in range(taken):
        next(stream)
    state = original.state_dict()
    copy = numbered(size, batch_size=width, shuffle=shuffle, seed=2)
    copy.load_state_dict(state)
    again = endless(copy)
    for _ in range(25):
        assert next(stream).target.tolist() == next(again).target.tolist()
        assert original.state_dict() == copy.state_dict()


def test_an_epoch_that_was_left_half_way_is_not_gone_on_with():
    batches = numbered(6, batch_size=2, seed=1)
    next(iter(batches))
    flat = [sample for batch in epoch(batches) for sample in batch]
    assert flat == np.random.default_rng([1, 1]).permutation(6).tolist()


def test_arrays_keep_their_type_and_are_not_changed():
    x = np.arange(12, dtype=np.float64).reshape(6, 2)
    x.setflags(write=False)
    batches = ArrayBatches({"a": x, "b": x[::-1]}, np.arange(6), batch_size=4, shuffle=False)
    first = next(iter(batches))
    assert first.inputs["a"].dtype == torch.float64
    np.testing.assert_array_equal(first.inputs["a"].numpy(), x[:4])
    np.testing.assert_array_equal(first.inputs["b"].numpy(), x[::-1][:4])
    first.inputs["a"].zero_()
    assert x[0].tolist() == [0.0, 1.0]
    assert x[5].tolist() == [10.0, 11.0]


def test_inputs_and_target_have_as_many_samples():
    with pytest.raises(ShapeError, match=r"Input 'x' holds 5 samples and the target 4"):
        ArrayBatches({"x": np.zeros((5, 2))}, np.zeros(4))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"size": 0}, "size of the batches must be at least 1, got 0"),
        ({"batch_size": 0}, "batch_size of the batches must be at least 1, got 0"),
        ({"seed": -1}, "seed of the batches must be at least 0, got -1"),
    ],
)
def test_impossible_batches_are_refused(changes, sentence):
    with pytest.raises(OptionError, match=sentence):
        numbered(**{"size": 4, **changes})


def test_a_state_of_another_batch_size_is_refused():
    with pytest.raises(ModelFileError, match="batch_size was 2 and is now 3"):
        numbered(6, batch_size=3).load_state_dict(numbered(6, batch_size=2).state_dict())


def of_lengths(lengths, **options) -> GatherBatches:
    return numbered(len(lengths), lengths=lengths, **options)


def padded_steps(batches, lengths) -> int:
    """What the batches of an epoch hold when each is padded to its longest sample."""
    return sum(len(samples) * lengths[samples].max() for samples in epoch(batches))


@given(
    lengths=st.lists(st.integers(0, 9), min_size=1, max_size=600),
    width=st.integers(1, 5),
    seed=st.integers(0, 3),
)
def test_batches_of_like_length_hold_each_sample_once_an_epoch(lengths, width, seed):
    batches = of_lengths(lengths, batch_size=width, seed=seed)
    for _ in range(2):
        found = epoch(batches)
        assert sorted(sample for batch in found for sample in batch) == list(range(len(lengths)))
        assert [len(batch) for batch in found[:-1]] == [width] * (len(batches) - 1)
        assert len(found) == len(batches)


def test_batches_of_like_length_pad_less_than_a_tenth():
    lengths = np.random.default_rng(0).lognormal(3, 1, 20_000).astype(int) + 1
    steps = lengths.sum()
    without = padded_steps(numbered(len(lengths), batch_size=32), lengths) - steps
    padding = padded_steps(of_lengths(lengths, batch_size=32), lengths) - steps
    assert padding < without / 10


def test_batches_of_like_length_do_not_come_from_short_to_long():
    lengths = np.arange(3200)
    longest = [max(batch) for batch in epoch(of_lengths(lengths, batch_size=32))]
    assert abs(np.corrcoef(longest, np.arange(100))[0, 1]) < 0.3


def test_who_shares_a_batch_of_like_length_differs_by_epoch_and_by_seed():
    lengths = np.random.default_rng(0).integers(1, 50, 2000)
    batches = of_lengths(lengths, batch_size=10)
    one, other = ({frozenset(batch) for batch in epoch(batches)} for _ in range(2))
    assert len(one & other) < 10
    assert epoch(of_lengths(lengths, batch_size=10, seed=1)) != epoch(of_lengths(lengths, batch_size=10))


def test_the_incomplete_batch_is_not_always_of_the_longest():
    lengths = np.arange(10)
    batches = of_lengths(lengths, batch_size=4)
    assert {tuple(epoch(batches)[-1]) for _ in range(60)} == {(0, 1), (4, 5), (8, 9)}


@given(taken=st.integers(0, 60), width=st.integers(1, 7))
def test_a_loaded_state_goes_on_among_batches_of_like_length(taken, width):
    def endless(batches):
        while True:
            yield from batches

    lengths = np.arange(23) % 5
    original = of_lengths(lengths, batch_size=width, seed=4)
    stream = endless(original)
    for _ in range(taken):
        next(stream)
    copy = of_lengths(lengths, batch_size=width, seed=4)
    copy.load_state_dict(original.state_dict())
    again = endless(copy)
    for _ in range(25):
        assert next(stream).target.tolist() == next(again).target.tolist()
        assert original.state_dict() == copy.state_dict()


def test_a_state_with_lengths_and_one_without_are_told_apart():
    lengths = np.arange(6)
    assert "lengths" not in numbered(6).state_dict()
    with pytest.raises(ModelFileError, match="batches of another kind"):
        of_lengths(lengths).load_state_dict(numbered(6).state_dict())
    with pytest.raises(ModelFileError, match="batches of another kind"):
        numbered(6).load_state_dict(of_lengths(lengths).state_dict())
    with pytest.raises(ModelFileError, match=r"the lengths of the samples differ\. Train on the same data"):
        of_lengths(lengths).load_state_dict(of_lengths(lengths[::-1]).state_dict())


@pytest.mark.parametrize("lengths", [[1, 2, 3], [[1, 2, 3, 4]], [1.0, 2.0, 3.0, 4.0]])
def test_there_is_one_whole_length_for_each_sample(lengths):
    with pytest.raises(
        ShapeError, match=r"The lengths of 4 samples are 4 whole numbers, one for each; got (int|float)64"
    ):
        numbered(4, lengths=lengths)


def test_an_own_order_and_lengths_do_not_go_together():
    with pytest.raises(
        OptionError, match=r"lengths= puts samples .* and shuffle=False keeps .*: choose one of the two"
    ):
        numbered(2, lengths=[1, 2], shuffle=False)


def test_a_state_of_other_data_is_refused():
    x = torch.randn(100, 3)
    other = x.clone()
    other[-1, -1] += 1
    state = ArrayBatches({"x": x}, torch.zeros(100)).state_dict()
    with pytest.raises(ModelFileError, match="the samples themselves differ"):
        ArrayBatches({"x": other}, torch.zeros(100)).load_state_dict(state)


def test_a_state_of_another_kind_is_refused():
    with pytest.raises(ModelFileError, match=r"has the entries \['position'\]"):
        numbered(6).load_state_dict({"position": 3})
