from __future__ import annotations

import pytest
import torch
from torch import nn

from recuerdo.errors import ShapeError
from recuerdo.learn import ArrayBatches, mean_loss


def test_every_sample_weighs_the_same_whatever_its_batch(line):
    problem, valid = line()
    target = torch.cat([batch.target for batch in valid])
    rows = torch.cat([batch.inputs["input"] for batch in valid])
    expected = nn.functional.mse_loss(problem.module(rows), target).item()
    assert mean_loss(problem.module, valid, problem.loss) == pytest.approx(expected, rel=1e-6)


def test_dropout_is_off_and_the_mode_comes_back():
    module = nn.Dropout(0.5).train()
    batches = ArrayBatches({"input": torch.ones(64, 4)}, torch.ones(64))
    assert mean_loss(module, batches, lambda y, batch: y.mean()) == 1.0
    assert module.training
    assert mean_loss(module.eval(), batches, lambda y, batch: y.mean()) == 1.0
    assert not module.training


def test_a_part_in_another_mode_than_the_whole_stays_in_it():
    module = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(4)).train()
    module[1].eval()
    mean_loss(module, ArrayBatches({"input": torch.ones(6, 4)}, torch.ones(6)), lambda y, batch: y.mean())
    assert [part.training for part in module.modules()] == [True, True, False]


def test_a_loss_that_is_not_one_number_is_refused(line):
    problem, valid = line()
    with pytest.raises(ShapeError, match=r"one number per batch, got shape \(5, 1\): take its mean"):
        mean_loss(problem.module, valid, lambda y, batch: y - batch.target)
