from __future__ import annotations

import math

import pytest
import torch

from recuerdo.errors import DataError, DivergedError, ShapeError
from recuerdo.learn import ArrayBatches, Callback, Settings, fit


class Sabotage(Callback):
    """Breaks the loss from a given step on."""

    def __init__(self, step: int, factor: float) -> None:
        self.step, self.factor, self.now = step, factor, 0
        self.weights = {}

    def on_step(self, run):
        self.now = run.step
        self.weights[run.step] = run.module.weight.detach().clone()

    def loss(self, output, batch):
        error = ((output - batch.target) ** 2).mean()
        return error * self.factor if self.now >= self.step and torch.is_grad_enabled() else error


@pytest.mark.parametrize("factor", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_before_the_step(line, factor):
    sabotage = Sabotage(4, factor)
    problem, _ = line(loss=sabotage.loss)
    with pytest.raises(DivergedError, match=rf"diverged at step 4: the loss is {factor:g}") as caught:
        fit(problem, settings=Settings(learning_rate=0.02), callbacks=[sabotage])
    assert caught.value.step == 4
    assert torch.equal(problem.module.weight, sabotage.weights[4])
    assert problem.module.weight.grad is None
    assert "learning_rate=0.002 (a tenth) or clip=0.1" in str(caught.value)


def test_a_gradient_that_is_not_finite_stops_before_the_step(line):
    def loss(output, batch):
        return ((output - batch.target) ** 2).mean() + (output * 0).clamp(min=0).sqrt().sum()

    problem, _ = line(loss=loss)
    before = problem.module.weight.detach().clone()
    with pytest.raises(DivergedError, match=r"the loss is [0-9.]+ and the gradient norm nan.*or clip=1\.0") as caught:
        fit(problem, settings=Settings(clip=None))
    assert math.isnan(caught.value.grad_norm)
    assert torch.equal(problem.module.weight, before)


def test_the_best_weights_are_put_back_when_training_diverges(line):
    sabotage = Sabotage(7, math.nan)
    problem, valid = line(loss=sabotage.loss)
    with pytest.raises(DivergedError):
        fit(problem, valid=valid, settings=Settings(evaluate_every=5), callbacks=[sabotage])
    assert torch.equal(problem.module.weight, sabotage.weights[5])


def test_nan_in_the_training_data_is_told_apart(line):
    x = torch.zeros(6, 4, 2)
    x[3, 1, 0] = math.nan
    batches = ArrayBatches({"input": x}, torch.zeros(6, 4, 1), batch_size=6, shuffle=False)
    problem, _ = line(module=torch.nn.Linear(2, 1), batches=batches)
    sentence = r"training batch of step 0 holds nan in input 'input' at \[3, 1, 0\] \(1 of 48 numbers"
    with pytest.raises(DataError, match=sentence):
        fit(problem)


def holed(worst):
    target = torch.zeros(6, 1)
    target[2], target[4] = math.nan, worst
    return ArrayBatches({"input": torch.zeros(6, 3)}, target, batch_size=6, shuffle=False)


FOUND = [
    (False, 0.0, DataError, r"batch .* holds nan in target at \[2, 0\] .* Fill or drop missing values first"),
    (True, 0.0, DivergedError, "Training diverged"),
    (True, math.inf, DataError, r"batch .* holds inf in target at \[4, 0\] \(1 of 6 .* Correct these values first"),
]


@pytest.mark.parametrize(("gaps", "worst", "kind", "words"), FOUND)
def test_where_nan_marks_a_missing_value_it_is_not_blamed_for_a_divergence(line, gaps, worst, kind, words):
    problem, _ = line(batches=holed(worst), loss=lambda output, batch: output.sum() * math.nan, gaps=gaps)
    with pytest.raises(kind, match=words):
        fit(problem)


@pytest.mark.parametrize(("gaps", "worst", "kind", "words"), FOUND)
def test_nor_is_it_in_an_evaluation(line, gaps, worst, kind, words):
    problem, _ = line(gaps=gaps, loss=lambda output, batch: output.sum() * (1 if output.requires_grad else math.nan))
    with pytest.raises(kind, match=words):
        fit(problem, valid=holed(worst))


def test_infinity_in_the_validation_target_is_told_apart(line):
    problem, _ = line()
    valid = ArrayBatches({"input": torch.zeros(2, 3)}, torch.tensor([[1.0], [math.inf]]), shuffle=False)
    with pytest.raises(DataError, match=r"validation batch after step 3 holds inf in target at \[1, 0\]"):
        fit(problem, valid=valid)


def test_a_validation_loss_that_is_not_finite_is_a_divergence(line):
    def loss(output, batch):
        error = ((output - batch.target) ** 2).mean()
        return error if torch.is_grad_enabled() else error * math.inf

    problem, valid = line(loss=loss)
    with pytest.raises(DivergedError, match="after step 3 the validation loss is inf") as caught:
        fit(problem, valid=valid)
    assert caught.value.step == 3
    assert math.isfinite(caught.value.grad_norm)


def test_a_loss_per_sample_is_refused(line):
    problem, _ = line(loss=lambda output, batch: output - batch.target)
    with pytest.raises(ShapeError, match=r"one number per batch, got shape \(8, 1\): take its mean, loss.mean\(\)"):
        fit(problem)
