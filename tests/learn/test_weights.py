from __future__ import annotations

import torch
from torch import nn

from recuerdo.learn.weights import set_weights, weights


def test_copies_do_not_follow_the_module():
    module = nn.BatchNorm1d(2)
    kept = weights(module)
    module(torch.randn(8, 2))
    module.weight.data.add_(1)
    set_weights(module, kept)
    assert torch.equal(module.weight, torch.ones(2))
    assert torch.equal(module.running_mean, torch.zeros(2))
    assert module.num_batches_tracked.item() == 0


def test_a_shared_weight_appears_once_and_stays_shared():
    module = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    module[1].weight = module[0].weight
    kept = weights(module)
    assert list(kept) == ["0.weight"]
    set_weights(module, {"0.weight": torch.eye(2)})
    assert torch.equal(module[1].weight, torch.eye(2))


def test_buffers_that_are_not_saved_by_torch_are_kept_as_well():
    module = nn.Module()
    module.register_buffer("hidden", torch.ones(1), persistent=False)
    assert torch.equal(weights(module)["hidden"], torch.ones(1))
