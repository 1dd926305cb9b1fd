from __future__ import annotations

import dataclasses

import pytest
import torch

from recuerdo.learn import Batch, Problem


def test_a_batch_moves_as_a_whole():
    batch = Batch({"a": torch.zeros(3, 2), "b": torch.zeros(3)}, torch.zeros(3)).to("meta")
    assert {value.device.type for value in (*batch.inputs.values(), batch.target)} == {"meta"}
    assert batch.size == 3


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
