"""Plain gradient descent takes the steps of torch's own, and a training by it goes on after a break."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from recuerdo.learn import ArrayBatches, Problem, Settings, fit
from recuerdo.learn.sgd import SGD


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_steps_are_those_of_torch(weight_decay: float) -> None:
    ours, theirs = ([nn.Parameter(torch.linspace(-1, 1, n).double()) for n in (3, 5)] for _ in range(2))
    one = SGD(ours, 1.0, weight_decay=weight_decay)
    other = torch.optim.SGD(theirs, 1.0, weight_decay=weight_decay)
    for step in range(20):
        one.learning_rate = other.param_groups[0]["lr"] = 0.3 / (step + 1)
        for weights in (ours, theirs):
            weights[0].grad = torch.sin(weights[0].detach() + step)
            weights[1].grad = None if step % 3 == 0 else weights[1].detach() ** 2
        one.step()
        other.step()
        assert_close(ours, theirs, rtol=1e-14, atol=1e-14)
    assert one.state == {}
    one.zero_grad()
    assert all(each.grad is None for each in ours)


def test_a_training_by_it_descends_the_gradient_at_the_rates_of_its_schedule() -> None:
    module = nn.Linear(1, 1, bias=False).double()
    nn.init.ones_(module.weight)
    x = torch.ones(4, 1, dtype=torch.float64)
    batches = ArrayBatches({"input": x}, 0 * x, batch_size=4)
    settings = Settings(
        max_steps=4, optimizer="sgd", learning_rate=0.1, warmup_steps=0, cooldown=0.0, clip=None, decay_from=1,
        decay_every=2,
    )  # fmt: skip
    history = fit(Problem(module, batches, lambda y, batch: y.mean()), settings=settings, verbose=False)
    assert history.learning_rates == [0.1, 0.05, 0.05, 0.025]
    assert_close(module.weight.item(), 1 - sum(history.learning_rates))
