from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys

import pytest
import torch
from safetensors import safe_open

from recuerdo.learn import Callback, Settings, fit
from recuerdo.learn.interrupt import deferred_interrupts


@pytest.fixture(autouse=True)
def pythons_own_handler():
    """A suite that runs in the background starts with Ctrl-C switched off."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Press(Callback):
    """Raises what Ctrl-C raises, at one event and step."""

    def __init__(self, step: int, event: str) -> None:
        def press(run):
            if run.step == step:
                raise KeyboardInterrupt

        setattr(self, event, press)


def steps_of_kills(steps: int) -> list[int]:
    return list(range(2, steps, 2))


@pytest.fixture(scope="module")
def unbroken(gru_training):
    return gru_training.train()


@pytest.fixture(scope="module")
def signalled(gru_training, unbroken, tmp_path_factory):
    """Trainings that got signals from the system: the folder of their checkpoints, how they ended, what they said."""
    folder = tmp_path_factory.mktemp("signalled")
    jobs = [("killed", step, "SIGKILL") for step in steps_of_kills(unbroken[0].steps)] + [("stopped", 5, "SIGINT")]
    arguments = [str(part) for name, *job in jobs for part in (folder / name, folder / f"{name}.result", *job)]
    command = [sys.executable, gru_training.__file__, *arguments]
    done = subprocess.run(
        command, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=True
    )
    return folder, [int(code) for code in done.stdout.split()], done.stderr


def identical(one, other) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def test_ctrl_c_keeps_the_best_weights_and_says_so(line, capsys):
    seen = {}

    class Weights(Callback):
        def on_step(self, run):
            seen[run.step] = run.module.weight.detach().clone()

    problem, valid = line()
    callbacks = [Weights(), Press(7, "on_step")]
    history = fit(
        problem, valid=valid, settings=Settings(evaluate_every=5), callbacks=callbacks, verbose=True, label="line"
    )
    assert (history.stopped, history.steps, history.best_step) == ("interrupted", 7, 5)
    assert torch.equal(problem.module.weight, seen[5])
    assert not torch.equal(seen[5], seen[7])
    assert "line: interrupted after step 7; the best weights, of step 5, are kept" in capsys.readouterr().err


def test_ctrl_c_without_evaluations_keeps_the_weights_as_they_are(line):
    class Weights(Callback):
        def on_step(self, run):
            self.last = run.module.weight.detach().clone()

    weights = Weights()
    problem, _ = line()
    history = fit(problem, callbacks=[weights, Press(4, "on_step")])
    assert (history.stopped, history.steps) == ("interrupted", 4)
    assert torch.equal(problem.module.weight, weights.last)


def test_listeners_hear_of_the_end(line):
    class Ending(Callback):
        def on_end(self, run):
            self.stopped = run.history.stopped

    ending = Ending()
    fit(line()[0], callbacks=[Press(2, "on_step"), ending])
    assert ending.stopped == "interrupted"


@pytest.mark.parametrize("event", ["on_step", "on_evaluation"])
def test_a_training_that_was_interrupted_goes_on_exactly(gru_training, tmp_path, event):
    unbroken, weights = gru_training.train()
    for step in (3, 9, 12):
        path = tmp_path / f"{step}"
        assert gru_training.train(path, (Press(step, event),))[0].stopped == "interrupted"
        started = []

        class Note(Callback):
            def on_start(self, run, started=started):
                started.append(run.step)

        history, again = gru_training.train(path, (Note(),))
        assert started == [step]
        assert dataclasses.replace(history, seconds=unbroken.seconds) == unbroken
        assert identical(again, weights)


@pytest.mark.parametrize("learning", [True, False], ids=["step", "evaluation"])
def test_an_interrupt_in_the_middle_of_something_leaves_the_checkpoint_of_before(gru_training, tmp_path, learning):
    unbroken, weights = gru_training.train()
    problem, valid = gru_training.make()
    calls = 0

    def loss(output, batch):
        nonlocal calls
        calls += torch.is_grad_enabled() == learning
        if calls == 8:
            raise KeyboardInterrupt
        return problem.loss(output, batch)

    broken = dataclasses.replace(problem, loss=loss)
    options = {"valid": valid, "settings": gru_training.SETTINGS, "random_state": 11}
    assert fit(broken, checkpoint=tmp_path / "run", **options).stopped == "interrupted"
    history, again = gru_training.train(tmp_path / "run")
    assert history.losses == unbroken.losses
    assert identical(again, weights)


def test_a_real_sigint_ends_a_program_cleanly(gru_training, unbroken, signalled):
    folder, codes, said = signalled
    assert (codes[-1], said) == (0, "")
    with safe_open(folder / "stopped.result", framework="pt") as file:
        assert file.metadata() == {"stopped": "interrupted", "steps": "5"}
    history, weights = gru_training.train(folder / "stopped")
    assert history.losses == unbroken[0].losses
    assert identical(weights, unbroken[1])


def test_a_program_that_the_system_kills_again_and_again_ends_the_same(gru_training, unbroken, signalled):
    folder, codes, _ = signalled
    assert codes[:-1] == [-signal.SIGKILL] * len(steps_of_kills(unbroken[0].steps))
    assert len(codes) > 5
    assert not (folder / "killed.result").exists()
    history, weights = gru_training.train(folder / "killed")
    assert dataclasses.replace(history, seconds=unbroken[0].seconds) == unbroken[0]
    assert identical(weights, unbroken[1])


def test_the_second_ctrl_c_does_not_wait():
    with deferred_interrupts() as interrupts:
        interrupts.obey()
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupts.asked
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            interrupts.obey()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_program_with_its_own_handler_keeps_it():
    heard = []
    before = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        with deferred_interrupts() as interrupts:
            os.kill(os.getpid(), signal.SIGINT)
        assert heard == [signal.SIGINT]
        assert not interrupts.asked
    finally:
        signal.signal(signal.SIGINT, before)


def test_ctrl_c_while_the_last_checkpoint_is_written_is_not_forgotten(line, tmp_path, monkeypatch):
    real, settings, writes = os.replace, Settings(max_steps=6), 0

    def replace(partial, path):
        nonlocal writes
        real(partial, path)
        writes += 1
        if writes == 2:  # the first one comes before the first step, the second one after the last
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(os, "replace", replace)
    history = fit(line()[0], settings=settings, checkpoint=tmp_path / "run")
    assert (history.stopped, history.steps) == ("interrupted", 6)
    history = fit(line()[0], settings=settings, checkpoint=tmp_path / "run")
    assert (history.stopped, history.steps) == ("max_steps", 6)


def test_ctrl_c_in_the_last_step_is_not_forgotten(line, tmp_path):
    class Signal(Callback):
        def on_step(self, run):
            if run.step == 6:
                os.kill(os.getpid(), signal.SIGINT)

    settings = Settings(max_steps=6)
    history = fit(line()[0], settings=settings, callbacks=[Signal()], checkpoint=tmp_path / "run")
    assert (history.stopped, history.steps) == ("interrupted", 6)
    history = fit(line()[0], settings=settings, checkpoint=tmp_path / "run")
    assert (history.stopped, history.steps) == ("max_steps", 6)
