from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from recuerdo.errors import OptionError
from recuerdo.learn import ArrayBatches, Callback, Settings, fit


class Ticking:
    """A clock that moves by the same amount whenever it is looked at."""

    def __init__(self, tick: float) -> None:
        self.now, self.tick = 0.0, tick

    def __call__(self) -> float:
        self.now += self.tick
        return self.now


class Weights(Callback):
    """Keeps the weights after each step."""

    def __init__(self) -> None:
        self.seen = {}

    def on_step(self, run):
        self.seen[run.step] = run.module.weight.detach().clone()


def same(one, other) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_training_equals_a_loop_written_by_hand_bit_for_bit(line):
    problem, _ = line()
    settings = Settings(max_steps=10, learning_rate=0.1, weight_decay=0.01, warmup_steps=2, cooldown=0.3, clip=0.5)
    history = fit(problem, settings=settings, random_state=0)

    other, _ = line()
    module = other.module
    optimizer = torch.optim.AdamW(module.parameters(), lr=0.1, weight_decay=0.01)
    factors = [1 / 2, 1, 1, 1, 1, 1, 1, 3 / 4, 2 / 4, 1 / 4]
    batches = [batch for _ in range(4) for batch in other.batches]
    losses, norms = [], []
    for factor, batch in zip(factors, batches, strict=False):
        optimizer.param_groups[0]["lr"] = 0.1 * factor
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(module(batch.inputs["input"]), batch.target)
        loss.backward()
        norms.append(nn.utils.clip_grad_norm_(module.parameters(), 0.5).item())
        losses.append(loss.item())
        optimizer.step()

    assert history.losses == losses
    assert history.grad_norms == norms
    assert history.learning_rates == [0.1 * factor for factor in factors]
    assert same(problem.module.state_dict(), module.state_dict())
    assert history.clip_rate == np.mean(np.array(norms) > 0.5) > 0
    assert (history.steps, history.stopped, history.best_step) == (10, "max_steps", None)


def test_without_clipping_the_norm_is_still_kept_and_the_gradient_left(line):
    class Norms(Callback):
        def __init__(self) -> None:
            self.seen = []

        def on_step(self, run):
            self.seen.append(math.sqrt(sum(float(p.grad.square().sum()) for p in run.module.parameters())))

    norms = Norms()
    problem, _ = line()
    history = fit(problem, settings=Settings(max_steps=5, clip=None), callbacks=[norms])
    np.testing.assert_allclose(history.grad_norms, norms.seen, rtol=1e-5)
    assert max(norms.seen) > 1
    assert history.clip_rate == 0.0


def test_a_linear_regression_finds_the_least_squares_solution(line):
    problem, _ = line()
    fit(problem, settings=Settings(max_steps=600, learning_rate=0.1, cooldown=0.9))
    batches = list(problem.batches)
    x = torch.cat([batch.inputs["input"] for batch in batches]).numpy()
    y = torch.cat([batch.target for batch in batches]).numpy()
    exact = np.linalg.lstsq(np.c_[x, np.ones(len(x))], y, rcond=None)[0].ravel()
    found = [*problem.module.weight[0].tolist(), problem.module.bias.item()]
    np.testing.assert_allclose(found, exact, atol=2e-3)


def test_evaluations_come_once_per_epoch_and_at_the_end(line):
    problem, valid = line()
    history = fit(problem, valid=valid, settings=Settings(max_steps=8))
    assert [step for step, _ in history.evaluations] == [3, 6, 8]


def test_evaluations_come_as_often_as_asked(line):
    problem, valid = line()
    history = fit(problem, valid=valid, settings=Settings(max_steps=8, evaluate_every=4))
    assert [step for step, _ in history.evaluations] == [4, 8]


def test_the_best_weights_are_put_back(line):
    problem, valid = line()
    seen = Weights()
    settings = Settings(max_steps=30, learning_rate=0.9, evaluate_every=1, warmup_steps=0, cooldown=0.0)
    history = fit(problem, valid=valid, settings=settings, callbacks=[seen])
    losses = dict(history.evaluations)
    assert history.best_step == min(losses, key=losses.__getitem__)
    assert history.best_step < 30
    assert torch.equal(problem.module.weight, seen.seen[history.best_step])


def test_patience_begins_the_cool_down_and_the_total_repeats_it_bit_for_bit(line):
    def train(**changes):
        problem, valid = line()
        settings = Settings(
            **{
                "max_steps": 500,
                "learning_rate": 0.5,
                "evaluate_every": 2,
                "patience": 3,
                "warmup_steps": 5,
                "cooldown": 0.3,
                **changes,
            }
        )
        return fit(problem, valid=valid, settings=settings, random_state=1), problem.module.state_dict()

    history, weights = train()
    assert history.stopped == "patience"
    assert history.steps < 500
    began = next(step for step in range(5, history.steps) if history.learning_rates[step] < 0.5)
    assert began == history.steps - math.floor(0.3 * history.steps)
    losses = [loss for step, loss in history.evaluations if step <= began]
    assert len(losses) - 1 - losses.index(min(losses)) == 3
    assert history.learning_rates[-1] == pytest.approx(0.5 / (history.steps - began + 1))

    again, same_weights = train(max_steps=history.steps, patience=None)
    assert (again.losses, again.evaluations) == (history.losses, history.evaluations)
    assert (again.best_step, again.stopped) == (history.best_step, "max_steps")
    assert same(weights, same_weights)


@pytest.mark.parametrize("tick", [0.01, 0.07])
def test_a_time_budget_is_kept_and_its_total_repeats_it_bit_for_bit(gru_training, tick):
    def train(settings, clock):
        problem, valid = gru_training.make()
        history = fit(problem, valid=valid, settings=settings, random_state=1, clock=clock)
        return history, problem.module.state_dict()

    clock = Ticking(tick)
    history, weights = train(Settings(max_steps=None, max_seconds=2.0, warmup_steps=3), clock)
    assert history.stopped == "max_seconds"
    assert 1.6 < history.seconds <= 2.0
    assert history.seconds <= clock.now
    again, same_weights = train(Settings(max_steps=history.steps, warmup_steps=3), Ticking(tick))
    assert again.losses == history.losses
    assert again.learning_rates == history.learning_rates
    assert same(weights, same_weights)


def test_of_two_limits_the_earlier_one_counts(line):
    def train(max_steps, max_seconds):
        settings = Settings(max_steps=max_steps, max_seconds=max_seconds)
        return fit(line()[0], settings=settings, clock=Ticking(0.01))

    steps = train(20, 1e6)
    assert (steps.steps, steps.stopped) == (20, "max_steps")
    clock = train(10**6, 1.0)
    assert clock.stopped == "max_seconds"
    assert clock.steps == train(None, 1.0).steps


def test_a_budget_shorter_than_a_step_takes_one_step(line):
    problem, valid = line()
    history = fit(problem, valid=valid, settings=Settings(max_steps=None, max_seconds=1e-9), clock=Ticking(1.0))
    assert (history.steps, history.stopped) == (1, "max_seconds")
    assert [step for step, _ in history.evaluations] == [1]


def test_the_same_seed_gives_the_same_dropout_and_the_users_stream_is_left(gru_training):
    before = torch.get_rng_state()
    first, weights = gru_training.train()
    torch.rand(3)
    second, same_weights = gru_training.train()
    assert first.losses == second.losses
    assert same(weights, same_weights)
    torch.set_rng_state(before)
    problem, _ = gru_training.make()
    state = torch.get_rng_state()
    fit(problem, settings=Settings(max_steps=2))
    assert torch.equal(torch.get_rng_state(), state)


def test_a_drawn_seed_is_written_down(gru_training):
    def train(seed):
        problem, _ = gru_training.make()
        return fit(problem, settings=Settings(max_steps=4), random_state=seed)

    drawn = train(None)
    assert train(drawn.random_state).losses == drawn.losses


def test_layers_are_constrained_after_each_step(line):
    class Bounded(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(3, 1)
            self.calls = 0

        def forward(self, x):
            return self.inner(x)

        def constrain_(self):
            self.calls += 1
            with torch.no_grad():
                self.inner.weight.clamp_(-0.5, 0.5)

    bounded = Bounded()
    problem, _ = line(module=nn.Sequential(bounded))
    fit(problem, settings=Settings(max_steps=100, learning_rate=0.1))
    assert bounded.calls == 100
    assert bounded.inner.weight.abs().max() == 0.5


def test_a_frozen_weight_stays(line):
    problem, _ = line()
    problem.module.bias.requires_grad_(False)
    fit(problem, settings=Settings(max_steps=5, weight_decay=0.1))
    assert problem.module.bias.item() == 0.0


def test_the_module_is_left_in_evaluation_mode_without_gradients(line):
    problem, _ = line()
    fit(problem, settings=Settings(max_steps=2))
    assert not problem.module.training
    assert all(parameter.grad is None for parameter in problem.module.parameters())


def test_a_module_without_weights_is_refused(line):
    problem, _ = line(module=nn.Identity())
    with pytest.raises(OptionError, match="no parameter that requires a gradient"):
        fit(problem)


@pytest.mark.parametrize("name", ["patience", "evaluate_every"])
def test_evaluating_needs_batches_for_it(line, name):
    with pytest.raises(OptionError, match=f"{name} needs batches to evaluate on: give valid="):
        fit(line()[0], settings=Settings(**{name: 3}))


def test_checkpoint_every_needs_a_file(line):
    with pytest.raises(OptionError, match="checkpoint_every needs a file: give checkpoint="):
        fit(line()[0], settings=Settings(checkpoint_every=3))


def test_no_batches_are_refused(line):
    class Nothing(ArrayBatches):
        def __len__(self) -> int:
            return 0

    problem, _ = line(batches=Nothing({"input": torch.zeros(1, 3)}, torch.zeros(1)))
    with pytest.raises(OptionError, match="There are no training batches"):
        fit(problem)
