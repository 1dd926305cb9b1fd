from __future__ import annotations

import math

import numpy as np
import pytest

from recuerdo.errors import OptionError
from recuerdo.learn import Settings


def test_training_needs_an_end():
    with pytest.raises(OptionError, match="set max_steps, max_seconds or both"):
        Settings(max_steps=None)
    assert Settings(max_steps=None, max_seconds=3).max_seconds == 3.0


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("max_steps", 0, "a whole number from 1, or None; got 0"),
        ("max_steps", 1.5, "a whole number from 1, or None; got 1.5"),
        ("max_steps", True, "a whole number from 1, or None; got True"),
        ("max_seconds", 0, "a number of seconds above 0, or None; got 0"),
        ("max_seconds", math.inf, "a number of seconds above 0, or None; got inf"),
        ("learning_rate", 0.0, "a number above 0; got 0.0"),
        ("learning_rate", None, "a number above 0; got None"),
        ("learning_rate", "fast", "a number above 0; got 'fast'"),
        ("weight_decay", -1, "a number from 0; got -1"),
        ("warmup_steps", -1, "a whole number from 0; got -1"),
        ("cooldown", 1.0, "a share from 0 to below 1; got 1.0"),
        ("cooldown", math.nan, "a share from 0 to below 1; got nan"),
        ("clip", 0, "a number above 0, or None; got 0"),
        ("evaluate_every", 0, "a whole number from 1, or None; got 0"),
        ("patience", -2, "a whole number from 1, or None; got -2"),
        ("checkpoint_every", 0, "a whole number from 1, or None; got 0"),
    ],
)
def test_a_value_that_is_not_offered_is_refused_in_words(name, value, words):
    with pytest.raises(OptionError, match=f"{name} must be {words}"):
        Settings(**{name: value})


def test_numpys_numbers_become_pythons():
    settings = Settings(max_steps=np.int64(5), learning_rate=np.float32(0.5))
    assert type(settings.max_steps) is int
    assert type(settings.learning_rate) is float
