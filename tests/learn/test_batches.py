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
