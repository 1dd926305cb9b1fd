"""Seeds; that wrong arguments are said stands in test_sequence_bad_input."""

from __future__ import annotations

import numpy as np
import pytest

from recuerdo.errors import OptionError
from recuerdo.tasks.sequence_options import require_known_classes, seed_of


@pytest.mark.parametrize("seed", [0, 7, np.int64(7), np.uint8(7), None])
def test_a_seed_is_itself(seed):
    assert seed_of(seed) == seed
    assert not isinstance(seed_of(seed), np.generic)


@pytest.mark.parametrize("source", [np.random.RandomState])
def test_a_random_state_draws_one_and_goes_on(source):
    state = source(0)
    first, second = seed_of(state), seed_of(state)
    assert first != second
    assert first == source(0).randint(2**31 - 1)


def test_true_is_no_seed():
    assert seed_of(True) is True  # and refused with the other things that are no seed


def test_class_weights_are_of_classes_that_there_are():
    require_known_classes({1: 2.0}, np.array([0, 1]))
    require_known_classes("balanced", np.array([0, 1]))
    with pytest.raises(OptionError, match=r"class_weight has 2, which is not among the classes \[0, 1\]"):
        require_known_classes({2: 1.0}, np.array([0, 1]))
