"""A small training run with products in bfloat16 ends where that in float32 does."""

from __future__ import annotations

import pytest
from benchmarks.bf16_training import Ends, ends, error, windows
from tests.kernels.native_cases import on_bf16_path
from tests.native_core import needs_native


def test_no_window_to_learn_from_reaches_into_those_held_out() -> None:
    learnt, scored = windows()
    assert learnt.shape == (144 - 24 - 24, 25)
    assert scored.shape == (24, 25)
    assert not (learnt[:, -1:] == scored[0, -1]).all()
    assert (learnt[-1, 1:] == scored[0, :-1]).all()  # the last month learnt is the one before the first held out


@pytest.mark.parametrize(("bf16", "within"), [([1.0, 2.0, 3.5], True), ([5.0, 6.0, 7.0], False)])
def test_within_noise_is_two_standard_errors(bf16: list[float], within: bool) -> None:
    assert Ends([1.0, 2.0, 3.0], bf16).within_noise is within


@needs_native
def test_training_ends_within_noise_of_float32() -> None:
    with on_bf16_path("emulated"):
        found = ends("gru", seeds=3, hidden=16, steps=60)
    assert found.within_noise
    assert found.bf16 != found.float32  # they were trained apart
    untrained = error("gru", "float32", 0, 16, 0)
    assert max(found.bf16 + found.float32) < untrained / 2
