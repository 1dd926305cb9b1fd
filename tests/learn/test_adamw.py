from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from recuerdo.learn.adamw import LARGE, AdamW

CHECKPOINT = Path(__file__).parent / "checkpoints" / "of-torch-optim"
"""Of gru_training after 6 of its steps, with checkpoint_every=1, written when the loop stepped by torch.optim.AdamW."""


def parameters(dtype: torch.dtype) -> list[nn.Parameter]:
    numbers = torch.Generator().manual_seed(0)
    return [nn.Parameter(torch.randn(shape, generator=numbers).to(dtype)) for shape in [(3, 4), (5,), (), (2, 3)]]


def gradients(step: int) -> list[torch.Tensor | None]:
    """A step's gradients: the second parameter has none at every third step, and the last one never."""
    numbers = torch.Generator().manual_seed(step)
    found: list[torch.Tensor | None] = [torch.randn(shape, generator=numbers) for shape in [(3, 4), (5,), ()]]
    if step % 3 == 0:
        found[1] = None
    return [*found, None]


def give(weights: list[nn.Parameter], step: int) -> None:
    for weight, gradient in zip(weights, gradients(step), strict=True):
        weight.grad = None if gradient is None else gradient.to(weight.dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_steps_are_those_of_torch_bit_for_bit(dtype: torch.dtype, weight_decay: float) -> None:
    ours, theirs = parameters(dtype), parameters(dtype)
    one = AdamW(ours, 1.0, weight_decay=weight_decay)
    other = torch.optim.AdamW(theirs, 1.0, weight_decay=weight_decay)
    for step in range(50):
        one.learning_rate = other.param_groups[0]["lr"] = 0.1 / (step + 1)
        give(ours, step)
        give(theirs, step)
        one.step()
        other.step()
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))
    saved = other.state_dict()["state"]
    assert one.state.keys() == saved.keys() == {0, 1, 2}
    for number, each in saved.items():
        assert one.state[number].keys() == each.keys()
        assert all(torch.equal(one.state[number][name], value) for name, value in each.items())


def embedding(dtype: torch.dtype = torch.float32) -> nn.Parameter:
    """A parameter just large enough to be called so, and of more than one dimension."""
    numbers = torch.Generator().manual_seed(0)
    return nn.Parameter(torch.randn(LARGE // 100, 100, generator=numbers).to(dtype))


def gradient_of(weight: nn.Parameter, step: int) -> torch.Tensor:
    return torch.randn(weight.shape, generator=torch.Generator().manual_seed(step)).to(weight.dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_steps_of_a_large_parameter_are_torchs_fused_ones_and_its_neighbours_keep_theirs(
    dtype: torch.dtype, weight_decay: float
) -> None:
    big, its, small, theirs = embedding(dtype), embedding(dtype), parameters(dtype), parameters(dtype)
    one = AdamW([small[0], big, *small[1:]], 1.0, weight_decay=weight_decay)
    fused = torch.optim.AdamW([its], 1.0, weight_decay=weight_decay, fused=True)
    other = torch.optim.AdamW(theirs, 1.0, weight_decay=weight_decay)
    for step in range(5):
        one.learning_rate = fused.param_groups[0]["lr"] = other.param_groups[0]["lr"] = 0.1 / (step + 1)
        big.grad = its.grad = gradient_of(big, step)
        give(small, step)
        give(theirs, step)
        for each in (one, fused, other):
            each.step()
    assert torch.equal(big, its)
    assert all(torch.equal(a, b) for a, b in zip(small, theirs, strict=True))
    for name, value in fused.state_dict()["state"][0].items():
        assert torch.equal(one.state[1][name], value)


@pytest.mark.parametrize("turned", ["weight", "gradient", "state"])
def test_a_large_parameter_that_lies_otherwise_than_its_gradient_takes_the_same_steps(turned: str) -> None:
    big, its = embedding(), embedding()
    other = torch.optim.AdamW([its], 0.1, weight_decay=0.0, foreach=True)
    its.grad = gradient_of(its, 0)
    other.step()
    one = AdamW([big], 0.1)
    one.load_state(other.state_dict()["state"])
    big.data, big.grad = its.detach().clone(), gradient_of(big, 1)
    its.grad = gradient_of(its, 1)
    if turned == "weight":
        big.data = big.data.t().contiguous().t()
        big.grad = gradient_of(its, 1)
    elif turned == "gradient":
        big.grad = gradient_of(big, 1).t().contiguous().t()
    else:
        one.state[0]["exp_avg"] = one.state[0]["exp_avg"].t().contiguous().t()
    one.step()
    other.step()
    assert_close(big, its, rtol=1e-6, atol=1e-7)


def test_it_goes_on_from_the_state_of_torchs_own() -> None:
    ours, theirs = parameters(torch.float32), parameters(torch.float32)
    other = torch.optim.AdamW(theirs, 0.1)
    for step in range(1, 5):
        give(theirs, step)
        other.step()
    one = AdamW(ours, 0.1, weight_decay=0.01)
    one.load_state(other.state_dict()["state"])
    for mine, its in zip(ours, theirs, strict=True):
        mine.data.copy_(its.data)
    give(ours, 5)
    give(theirs, 5)
    one.step()
    one_step = [each.detach().clone() for each in ours]
    other.step()
    assert all(torch.equal(a, b) for a, b in zip(one_step, theirs, strict=True))


def test_gradients_are_forgotten() -> None:
    weights = parameters(torch.float32)
    give(weights, 1)
    AdamW(weights, 0.1).zero_grad()
    assert [each.grad for each in weights] == [None] * 4


def test_a_checkpoint_of_torchs_optimiser_goes_on_and_ends_the_same(gru_training, tmp_path) -> None:
    settings = dataclasses.replace(gru_training.SETTINGS, checkpoint_every=1)
    unbroken, expected = gru_training.train(tmp_path / "new", (), settings)
    shutil.copy(CHECKPOINT, tmp_path / "old")
    started = []

    class Note(gru_training.Callback):
        def on_start(self, run) -> None:
            started.append(run.step)

    history, weights = gru_training.train(tmp_path / "old", (Note(),), settings)
    assert started == [6]
    assert history.steps == unbroken.steps
    # The first steps were taken on another machine, whose sums may round otherwise.
    assert_close(weights, expected, rtol=1e-4, atol=1e-5)


def test_a_large_parameter_loads_no_compiler() -> None:
    said = (
        "import sys, torch; from recuerdo.learn.adamw import LARGE, AdamW; "
        "weight = torch.nn.Parameter(torch.ones(LARGE)); weight.grad = torch.ones(LARGE); "
        "AdamW([weight], 0.1).step(); print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", said], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["False"]


def test_a_fit_loads_no_compiler() -> None:
    said = (
        "import sys, recuerdo as rc; rc.Forecaster(2, max_steps=1, verbose=False).fit(rc.data.air_passengers()); "
        "print('torch' in sys.modules, 'torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", said], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["True", "False"]
