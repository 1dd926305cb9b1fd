"""The summary of an audit says in words what its numbers mean."""

from __future__ import annotations

import torch

import recuerdo as rc
from recuerdo.memory import audit


def test_where_units_are_off_the_summary_says_that_a_change_dies_entirely():
    layer = rc.nn.IndRNN(1, 3, bias=False)  # with ReLU
    layer.weight_ih_l0.data.fill_(-1)
    found = audit(layer, torch.ones(2, 9, 1), loss=lambda made: made[1].sum())
    assert found.lyapunov[0].mean[0] == -torch.inf
    assert "dies entirely within the sequence" in str(found)
    assert "0.0 steps" not in str(found)
