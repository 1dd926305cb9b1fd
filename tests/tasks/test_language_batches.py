"""Windows follow one another in every stream, every epoch reads the whole text, and a place can be gone back to."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from recuerdo.errors import DataError, ModelFileError
from recuerdo.tasks.language_batches import TextBatches

IDS = np.arange(1003)


@pytest.mark.parametrize("seed", [None, 0])
def test_every_stream_is_read_from_end_to_end(seed):
    batches = TextBatches(IDS, streams=4, steps=13, seed=seed)
    for _ in range(3):
        windows = list(batches)
        read = np.concatenate([batch.inputs["input"].numpy() for batch in windows], axis=1)
        target = np.concatenate([batch.target.numpy() for batch in windows], axis=1)
        np.testing.assert_array_equal(read, np.arange(1000).reshape(4, 250))
        np.testing.assert_array_equal(target, read + 1)
        assert windows[0].inputs["fresh"].all()
        assert not any(batch.inputs["fresh"].any() for batch in windows[1:])
        assert max(batch.target.shape[1] for batch in windows) == 13
    assert batches.targets == 1000


def test_windows_end_elsewhere_in_each_epoch():
    batches = TextBatches(IDS, streams=4, steps=13, seed=1)
    firsts = [next(iter(batches)).target.shape[1] for _ in range(8)]
    assert len(set(firsts)) > 3
    assert len(TextBatches(IDS, streams=4, steps=13)) == 20


def test_states_are_forgotten_as_often_as_asked():
    batches = TextBatches(IDS, streams=20, steps=1, seed=3, forget=0.1)
    fresh = np.array([batch.inputs["fresh"].numpy() for batch in batches])
    assert fresh[0].all()
    assert 0.05 < fresh[1:].mean() < 0.15


@pytest.mark.parametrize("at", [1, 5, 19, 25])
def test_a_place_can_be_gone_back_to(at):
    first = TextBatches(IDS, streams=4, steps=13, seed=2, forget=0.2)
    endless = (batch for _ in range(9) for batch in first)
    for _ in islice(endless, at):
        pass
    state = first.state_dict()
    again = TextBatches(IDS, streams=4, steps=13, seed=2, forget=0.2)
    again.load_state_dict(state)
    more = (batch for _ in range(9) for batch in again)
    for one, other in zip(islice(endless, 30), islice(more, 30), strict=True):
        np.testing.assert_array_equal(one.inputs["input"], other.inputs["input"])
        np.testing.assert_array_equal(one.inputs["fresh"], other.inputs["fresh"])


def test_a_place_in_another_text_is_refused():
    state = TextBatches(IDS, streams=4, steps=13).state_dict()
    usual = {"streams": 4, "steps": 13}
    others = [(IDS, {"streams": 5}), (IDS, {"steps": 12}), (IDS + 1, {}), (IDS, {"seed": 0})]
    for other in (TextBatches(ids, **usual | change) for ids, change in others):
        with pytest.raises(ModelFileError, match="belongs to another text or to other windows"):
            other.load_state_dict(state)


def test_a_text_that_is_too_short_for_its_streams_is_said():
    with pytest.raises(DataError, match="has 4 tokens, and 4 streams of it need 5 or more"):
        TextBatches(np.arange(4), streams=4, steps=2)
