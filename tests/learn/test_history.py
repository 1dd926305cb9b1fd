from __future__ import annotations

import json

import pytest

from recuerdo.errors import ModelFileError
from recuerdo.learn import History


def test_a_history_goes_through_json_and_back():
    history = History([1.5, 0.1], [2.0, 0.3], [0.1, 0.2], [(1, 0.25)], 1, "patience", 3.5, 7, 1.0)
    assert History.from_dict(json.loads(json.dumps(history.to_dict()))) == history


def test_clip_rate_is_the_share_of_steps_above_the_limit():
    assert History(grad_norms=[0.5, 1.0, 1.5, 2.0], clip=1.0).clip_rate == 0.5
    assert History(grad_norms=[9.0], clip=None).clip_rate == 0.0
    assert History(clip=1.0).clip_rate == 0.0


def test_a_record_with_other_entries_is_refused():
    record = History().to_dict()
    del record["clip"]
    with pytest.raises(ModelFileError, match="other entries than expected: clip, speed"):
        History.from_dict({**record, "speed": 1})
