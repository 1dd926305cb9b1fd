from __future__ import annotations

import dataclasses

import pytest
import torch

from recuerdo.learn import Batch, GatherBatches, Problem, mean_loss


def one_batch(batch):
    return GatherBatches(batch.size, lambda _: batch, batch_size=batch.size)


def test_a_batch_moves_as_a_whole():
    batch = Batch({"a": torch.zeros(3, 2), "b": torch.zeros(3)}, torch.zeros(3)).to("meta")
    assert {value.device.type for value in (*batch.inputs.values(), batch.target)} == {"meta"}
    assert batch.size == 3
    assert batch.aside == {}


def test_what_the_loss_needs_aside_moves_along_and_is_not_told_to_the_module():
    batch = Batch({"input": torch.zeros(3, 2)}, torch.zeros(3), {"units": torch.ones(3, 1)})
    moved = batch.to("meta")
    assert (moved.aside["units"].device.type, moved.aside["units"].shape) == ("meta", (3, 1))
    assert batch.aside["units"].device.type == "cpu"
    module = torch.nn.Linear(2, 1)  # which would raise for an argument that it does not know
    loss = mean_loss(module, one_batch(batch), lambda y, b: (y * b.aside["units"]).mean())
    assert loss == pytest.approx(module.bias.item(), rel=1e-6)


def test_batches_and_problems_do_not_change(line):
    problem, _ = line()
    with pytest.raises(dataclasses.FrozenInstanceError):
        problem.module = torch.nn.Linear(1, 1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        next(iter(problem.batches)).target = torch.zeros(1)


def test_a_problem_needs_no_labels(line):
    problem, _ = line()
    assert problem.labels == {}
    assert Problem(problem.module, problem.batches, problem.loss, {"input": ["a"]}).labels == {"input": ["a"]}
