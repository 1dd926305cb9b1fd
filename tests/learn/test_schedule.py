from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recuerdo.errors import OptionError
from recuerdo.learn import Settings
from recuerdo.learn.schedule import cooldown_steps, is_cooling, learning_rate, total_when_cooling_at

shares = st.decimals(0, "0.99", places=2).map(float)


def test_the_learning_rate_is_a_trapezium():
    settings = Settings(learning_rate=2.0, warmup_steps=5, cooldown=0.3)
    rates = [learning_rate(step, 20, settings) for step in range(20)]
    corners = ([-1, 4, 13, 20], [0.0, 2.0, 2.0, 0.0])  # zero before the first step and after the last
    np.testing.assert_allclose(rates, np.interp(np.arange(20), *corners), rtol=1e-15)


def test_warm_up_and_cool_down_that_overlap_take_the_lower():
    settings = Settings(learning_rate=1.0, warmup_steps=10, cooldown=0.5)
    rates = [learning_rate(step, 6, settings) for step in range(6)]
    np.testing.assert_allclose(rates, [0.1, 0.2, 0.3, 0.4, 0.5, 0.25])


def test_no_warm_up_and_no_cool_down_is_constant():
    settings = Settings(learning_rate=0.7, warmup_steps=0, cooldown=0.0)
    assert {learning_rate(step, 9, settings) for step in range(9)} == {0.7}


@given(total=st.integers(1, 3000), share=shares, warmup=st.integers(0, 50))
def test_the_total_changes_nothing_before_the_cool_down(total, share, warmup):
    settings = Settings(cooldown=share, warmup_steps=warmup)
    for step in range(0, total - cooldown_steps(total, share), 7):
        assert learning_rate(step, total, settings) == learning_rate(step, None, settings)
        assert not is_cooling(step, total, share)


@given(step=st.integers(0, 3000), share=shares)
def test_the_total_is_the_smallest_whose_cool_down_begins_now(step, share):
    total = total_when_cooling_at(step, share)
    assert total - cooldown_steps(total, share) == step
    assert total == 0 or total - 1 - cooldown_steps(total - 1, share) < step
    assert is_cooling(step, total, share)


@pytest.mark.parametrize(("total", "share", "steps"), [(10, 0.3, 3), (100, 0.29, 29), (9, 0.3, 2), (7, 0.0, 0)])
def test_a_share_counts_as_it_was_written(total, share, steps):
    assert cooldown_steps(total, share) == steps


def test_a_rate_decays_from_a_step_on_and_every_so_many():
    settings = Settings(learning_rate=8.0, warmup_steps=0, cooldown=0.0, decay_from=3, decay_every=2)
    assert [learning_rate(step, None, settings) for step in range(8)] == [8, 8, 8, 4, 4, 2, 2, 1]
    faster = replace(settings, decay=0.1)
    np.testing.assert_allclose([learning_rate(step, None, faster) for step in (2, 3, 5)], [8, 0.8, 0.08])


@pytest.mark.parametrize("given", [{"decay_from": 3}, {"decay_every": 3}])
def test_decay_needs_both_its_numbers(given):
    with pytest.raises(OptionError, match="decay_from and decay_every go together"):
        Settings(**given)
