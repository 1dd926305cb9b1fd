"""Plain gradient descent takes the steps of torch's own, and a training by it goes on after a break."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from recuerdo.learn import ArrayBatches, Problem, Settings, fit
from recuerdo.learn.clipping import clipping, gradient_norm
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


def test_a_sparse_gradient_takes_the_same_steps() -> None:
    tokens = torch.tensor([[1, 4, 1], [0, 4, 4]])
    ours, theirs = (nn.Embedding(6, 3, sparse=sparse).double() for sparse in (True, False))
    with torch.no_grad():
        ours.weight.copy_(theirs.weight)
    one, other = SGD([ours.weight], 0.5), torch.optim.SGD([theirs.weight], 0.5)
    for limit in (None, 1e-3, 10.0):
        for module in (ours, theirs):
            module.weight.grad = None
            (module(tokens) ** 3).sum().backward()
        norm = gradient_norm([ours.weight])
        assert_close(norm, nn.utils.clip_grad_norm_([theirs.weight], torch.inf if limit is None else limit))
        one.step(clipping(norm, limit))
        other.step()
        assert_close(ours.weight, theirs.weight, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("limit", [0.1, 5.0, 1e3])
def test_a_gradient_is_scaled_as_torch_does(limit: float) -> None:
    generator = torch.Generator().manual_seed(0)
    ours, theirs = ([nn.Parameter(torch.zeros(n)) for n in (3, 5)] for _ in range(2))
    for one, other in zip(ours, theirs, strict=True):
        one.grad = torch.randn(one.shape, generator=generator)
        other.grad = one.grad.clone()
    norm = gradient_norm(ours)
    assert torch.equal(norm, nn.utils.clip_grad_norm_(theirs, limit))
    share = clipping(norm, limit)
    assert (share is None) == (norm <= limit)
    for one, other in zip(ours, theirs, strict=True):
        assert one.grad is not None
        assert torch.equal(one.grad if share is None else one.grad * share, other.grad)


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
