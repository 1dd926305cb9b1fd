"""Four measures of memory for networks of which each is known, and what a task needs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.memory.cases import constant_gates, independent, linear
from tests.memory.test_recall import delays
from torch import nn

import recuerdo as rc
from recuerdo.errors import OptionError
from recuerdo.memory import ItemisedFlow, Needed, audit
from recuerdo.memory.reach import by_lag, needed_of


def series(N=32, T=40):
    return torch.randn(N, T, 1).double()


def test_a_chain_of_delays_is_measured_alike_by_all_that_look_at_it():
    found = audit(delays(6), series(), needed=9).reach
    assert found.held == 5
    assert found.trainable == 5
    assert found.used == 5
    assert found.needed == Needed(9, "given")
    assert found.steps == 40


def test_gates_promise_the_time_constant_of_the_slower_units():
    found = audit(constant_gates("lstm", f=0.9, i=0.5, o=0.5, g=0.3), series()).reach
    assert found.promised == pytest.approx(-1 / np.log(0.9), rel=1e-6)
    units = audit(independent(torch.tensor([0.5] * 9 + [0.9] * 2).double()), series().abs()).reach
    assert units.promised == pytest.approx(-1 / np.log(0.9), rel=1e-6)


def test_without_gates_it_is_the_time_in_which_a_change_dies():
    assert audit(linear(0.8 * torch.eye(4).double()), series()).reach.promised == pytest.approx(
        -1 / np.log(0.8), rel=0.01
    )


def test_gradients_reach_as_far_as_a_hundredth_is_left():
    """0.5^6 > 0.01 > 0.5^7."""
    assert audit(linear(0.5 * torch.eye(3).double()), series()).reach.trainable == 6
    last = audit(linear(0.5 * torch.eye(3).double()), series(), loss=lambda output: output[1].sum())
    assert not last.itemised
    assert last.reach.trainable == 6


def test_a_gradient_by_lag_is_the_mean_over_losses_in_either_direction():
    norms = np.array([[1.0, 0, 0], [0.5, 1, 0], [0.25, 0.5, 1]])
    forward = ItemisedFlow("l0", np.arange(3), 3, norms)
    np.testing.assert_allclose(by_lag(forward), [1, 0.5, 0.25])
    backward = ItemisedFlow("l0_reverse", np.arange(3), 3, norms[::-1, ::-1])
    np.testing.assert_allclose(by_lag(backward, reverse=True), [1, 0.5, 0.25])


@pytest.mark.parametrize("lag", [0, 1, 5, 13, 30])
def test_what_a_task_needs_is_told_by_a_linear_readout(lag):
    x = torch.randn(600, 40, 1)
    assert needed_of(x, x[:, -1 - lag] + 0.1 * torch.randn(600, 1)).steps == pytest.approx(
        lag, abs=3 if lag > 24 else 0
    )


def test_what_nobody_can_tell_is_unknown():
    x = torch.randn(600, 40, 1)
    unknown = Needed(None, "unknown")
    assert needed_of(x, torch.randn(600, 1)) == unknown
    assert needed_of(x, torch.ones(600, 1)) == unknown
    assert needed_of(x[:20], x[:20, -1]) == unknown
    assert needed_of(x, x[:, -1] / 0) == unknown


def test_a_problem_says_what_it_needs_from_its_own_answers():
    x = torch.randn(400, 20, 1)
    net = rc.nn.Stack(rc.nn.GRU(1, 4), nn.Linear(4, 1))
    batches = rc.learn.ArrayBatches({"x": x}, x[:, -4], batch_size=32)
    problem = rc.learn.Problem(net, batches, lambda y, batch: (y - batch.target).square().mean())
    place = batches.state_dict()
    found = audit(problem).reach
    assert found.needed == Needed(3, "by lagged ridge regression")
    assert batches.state_dict() == place
    assert audit(problem, needed=7).reach.needed == Needed(7, "given")


def test_it_is_a_sentence_and_a_table():
    found = audit(delays(3), series(), needed=9)
    assert str(found.reach) == (
        "Weights promise 0 steps, the state holds 2, gradients reach 2, answers use 2; the task needs 9 (given). The "
        "data have 40 steps."
    )
    frame = found.to_frame("reach")
    assert frame["what"].to_list() == ["promised", "held", "trainable", "used", "needed"]
    assert frame["steps"].to_list()[1:] == [2, 2, 2, 9]
    unknown = audit(rc.nn.GRU(1, 3), torch.randn(1, 20, 1)).reach
    assert str(unknown).startswith("Gates promise ")
    assert "answers use an unknown number" in str(unknown)
    assert "what it needs is unknown" in str(unknown)
    with pytest.raises(OptionError, match="it counts steps back"):
        audit(delays(3), series(), needed=-1)
