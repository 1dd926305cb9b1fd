"""The norms back from the loss, the factor through them, and what it is called."""

from __future__ import annotations

import numpy as np
import pytest
from tests.memory.plain import frnn, last, still, turned

from recuerdo.errors import OptionError
from recuerdo.memory import norm_bound, record, shrinking_in_time
from recuerdo.memory.geometric import geometric, happens, trend


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (0.9994, "shrinks by the factor 0.9994 with each layer down"),
        (0.99996, "stays as it is, by the factor 1 with each layer down"),
        (1.0004, "stays as it is, by the factor 1 with each layer down"),
        (1.0006, "grows by the factor 1.001 with each layer down"),
    ],
)
def test_no_factor_that_reads_as_1_is_said_to_shrink_or_to_grow(factor, words):
    assert happens(factor, "layer down") == words
    assert words.startswith(trend(factor))


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.5])
def test_the_fit_finds_the_factor_and_the_start(factor):
    assert geometric(3 * factor ** np.arange(9.0)) == pytest.approx((factor, 3, 1))


@pytest.mark.parametrize("check", [shrinking_in_time, norm_bound])
def test_a_loss_on_every_step_is_refused(check):
    (output, _), recorded = record(frnn(turned(3, 0.5)), {"x": still(9)})
    with pytest.raises(OptionError, match=r"The loss reads l0 at 8 steps before the last as well.* take the top layer"):
        check(recorded[0], output.sum())


@pytest.mark.parametrize("check", [shrinking_in_time, norm_bound])
def test_two_steps_have_no_rate(check):
    with pytest.raises(OptionError, match=r"2 of 2 gradient norms are above zero, and a factor needs three"):
        last(frnn(turned(3, 0.5)), still(2), check)
