from __future__ import annotations

import dataclasses
import os

import numpy as np
import pytest
import torch
from torch import nn

from recuerdo.errors import ModelFileError, OutputError
from recuerdo.learn import ArrayBatches, Callback, Settings, fit

FOUR_STEPS = Settings(max_steps=4)


class Killed(BaseException):
    """What ends a training from outside: no handler in between may stop it."""


class Kill(Callback):
    def __init__(self, step: int, event: str) -> None:
        def kill(run):
            if run.step == step:
                raise Killed

        setattr(self, event, kill)


def identical(one, other) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def timeless(history):
    return dataclasses.replace(history, seconds=0.0)


@pytest.fixture(scope="module")
def unbroken(gru_training):
    history, weights = gru_training.train()
    assert history.stopped == "patience"
    assert 12 <= history.steps < 60
    return history, weights


@pytest.mark.parametrize("every", [None, 4])
def test_killed_after_any_step_and_resumed_it_ends_the_same(gru_training, unbroken, tmp_path, every):
    settings = dataclasses.replace(gru_training.SETTINGS, checkpoint_every=every)
    for step in range(1, unbroken[0].steps + 1):
        path = tmp_path / f"{step}"
        with pytest.raises(Killed):
            gru_training.train(path, (Kill(step, "on_step"),), settings)
        history, weights = gru_training.train(path, (), settings)
        assert timeless(history) == timeless(unbroken[0])
        assert identical(weights, unbroken[1])


def test_killed_after_every_step_in_turn_it_ends_the_same(gru_training, unbroken, tmp_path):
    settings = dataclasses.replace(gru_training.SETTINGS, checkpoint_every=1)
    for step in range(1, unbroken[0].steps + 1):
        with pytest.raises(Killed):
            gru_training.train(tmp_path / "run", (Kill(step, "on_step"),), settings)
    history, weights = gru_training.train(tmp_path / "run", (), settings)
    assert timeless(history) == timeless(unbroken[0])
    assert identical(weights, unbroken[1])


def test_killed_after_any_evaluation_and_resumed_it_ends_the_same(gru_training, unbroken, tmp_path):
    for step, _ in unbroken[0].evaluations:
        path = tmp_path / f"{step}"
        with pytest.raises(Killed):
            gru_training.train(path, (Kill(step, "on_evaluation"),))
        history, weights = gru_training.train(path)
        assert timeless(history) == timeless(unbroken[0])
        assert identical(weights, unbroken[1])


@pytest.mark.parametrize("operation", ["fsync", "replace"])
def test_killed_while_the_checkpoint_is_written_it_ends_the_same(
    gru_training, unbroken, tmp_path, monkeypatch, operation
):
    real, calls = getattr(os, operation), 0

    def killed(*arguments):
        nonlocal calls
        calls += 1
        if calls % 3 == 0:
            raise Killed
        return real(*arguments)

    monkeypatch.setattr(os, operation, killed)
    sessions = 0
    while True:
        sessions += 1
        try:
            history, weights = gru_training.train(tmp_path / "run")
        except Killed:
            continue
        break
    assert sessions > 2
    assert timeless(history) == timeless(unbroken[0])
    assert identical(weights, unbroken[1])


def test_a_finished_training_is_given_again_at_once(gru_training, unbroken, tmp_path):
    class Untouched(Callback):
        def on_start(self, run):
            raise AssertionError("no training should begin")

    first = gru_training.train(tmp_path / "run")
    again, weights = gru_training.train(tmp_path / "run", (Untouched(),))
    assert again == dataclasses.replace(first[0], seconds=again.seconds)
    assert again.stopped == "patience"
    assert identical(weights, unbroken[1])


def test_the_clock_and_the_drawn_seed_go_on(line, tmp_path):
    def train(*callbacks):
        problem, _ = line()
        settings = Settings(max_steps=6, checkpoint_every=1)
        return fit(problem, settings=settings, checkpoint=tmp_path / "run", callbacks=callbacks, clock=clock)

    now = 0.0

    def clock():
        nonlocal now
        now += 1.0
        return now

    with pytest.raises(Killed):
        train(Kill(3, "on_step"))
    spent = now
    now = 1e6
    history = train()
    assert spent / 2 < history.seconds < 3 * spent
    assert history.random_state == train().random_state


def test_numpys_integers_are_written_as_any_others(line, tmp_path):
    x = torch.zeros(8, 3)
    batches = ArrayBatches({"input": x}, torch.zeros(8, 1), batch_size=np.int64(4), seed=np.int64(1))
    fit(line(batches=batches)[0], settings=FOUR_STEPS, checkpoint=tmp_path / "run")
    assert fit(line(batches=batches)[0], settings=FOUR_STEPS, checkpoint=tmp_path / "run").steps == 4


def test_without_evaluations_a_checkpoint_comes_every_hundred_steps(line, tmp_path):
    settings = Settings(max_steps=102)
    with pytest.raises(Killed):
        fit(line()[0], settings=settings, checkpoint=tmp_path / "run", callbacks=[Kill(101, "on_step")], random_state=0)
    started = []

    class Note(Callback):
        def on_start(self, run):
            started.append(run.step)

    fit(line()[0], settings=settings, checkpoint=str(tmp_path / "run"), callbacks=[Note()])
    assert started == [100]


def other_problem(line, tmp_path, seed=0, settings=FOUR_STEPS, valid=None, **changes):
    return fit(line(**changes)[0], valid=valid, settings=settings, checkpoint=tmp_path / "run", random_state=seed)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"settings": Settings(max_steps=4, learning_rate=0.1)}, "learning_rate was 0.002 and is now 0.1"),
        ({"seed": 1}, "random_state was 0 and is now 1"),
        ({"module": nn.Linear(3, 1, bias=False)}, r"the weight 'bias' was \['torch.float32', 1\] and is now None"),
        ({"module": nn.Linear(3, 2)}, r"the weight 'weight' was \['torch.float32', 1, 3\] and is now .*, 2, 3\]"),
        (
            {"batches": ArrayBatches({"input": torch.zeros(9, 3)}, torch.zeros(9, 1), batch_size=8, seed=4)},
            "training batches per epoch was 3 and is now 2",
        ),
        (
            {"batches": ArrayBatches({"input": torch.zeros(24, 3)}, torch.zeros(24, 1), batch_size=8, seed=4)},
            "other batches: the samples themselves differ",
        ),
        (
            {"valid": ArrayBatches({"input": torch.zeros(9, 3)}, torch.zeros(9, 1))},
            "validation batches was None and is now 1",
        ),
    ],
)
def test_a_checkpoint_of_another_training_is_refused_and_left(line, tmp_path, changes, sentence):
    other_problem(line, tmp_path)
    content = (tmp_path / "run").read_bytes()
    with pytest.raises(ModelFileError, match=sentence):
        other_problem(line, tmp_path, **changes)
    assert (tmp_path / "run").read_bytes() == content


def test_a_damaged_checkpoint_is_refused_and_left(line, tmp_path):
    (tmp_path / "run").write_bytes(b"half a")
    with pytest.raises(ModelFileError, match="cannot be read as a checkpoint"):
        other_problem(line, tmp_path)
    assert (tmp_path / "run").read_bytes() == b"half a"


def test_a_place_that_cannot_be_written_is_known_before_the_first_step(line, tmp_path):
    problem, _ = line()
    before = problem.module.weight.detach().clone()
    with pytest.raises(OutputError, match=r"cannot be written to .*nowhere"):
        fit(problem, checkpoint=tmp_path / "nowhere" / "run")
    assert torch.equal(problem.module.weight, before)
