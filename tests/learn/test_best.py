from __future__ import annotations

import torch
from torch import nn

from recuerdo.learn.best import Best


def test_the_lowest_loss_wins_and_an_equal_one_is_stale():
    module = nn.Linear(1, 1, bias=False)
    best = Best()
    for step, loss in enumerate([3.0, 1.0, 2.0, 1.0, 0.5, 0.7]):
        module.weight.data.fill_(step)
        best.consider(module, step, loss)
    assert (best.step, best.loss, best.stale) == (4, 0.5, 1)
    best.restore(module)
    assert torch.equal(module.weight, torch.tensor([[4.0]]))


def test_without_an_evaluation_the_module_stays_as_it_is():
    module = nn.Linear(1, 1)
    before = module.weight.clone()
    Best().restore(module)
    assert torch.equal(module.weight, before)
