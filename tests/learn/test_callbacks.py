from __future__ import annotations

import math

import pytest
import torch

from recuerdo.learn import Callback, Settings, fit


class Diary(Callback):
    def __init__(self, name: str, pages: list[tuple]) -> None:
        self.name, self.pages = name, pages

    def on_start(self, run):
        assert run.module.training
        assert math.isnan(run.loss)
        assert math.isnan(run.grad_norm)
        self.pages.append((self.name, "start", run.step, run.total))

    def on_step(self, run):
        assert (run.loss, run.grad_norm) == (run.history.losses[-1], run.history.grad_norms[-1])
        assert all(torch.isfinite(parameter.grad).all() for parameter in run.module.parameters())
        self.pages.append((self.name, "step", run.step, run.total))

    def on_evaluation(self, run):
        assert run.module.training
        self.pages.append((self.name, "evaluation", *run.history.evaluations[-1][:1], run.total))

    def on_end(self, run):
        self.pages.append((self.name, "end", run.step, run.history.stopped))


def test_listeners_hear_everything_in_order(line):
    problem, valid = line()
    pages = []
    fit(problem, valid=valid, settings=Settings(max_steps=4), callbacks=[Diary("a", pages), Diary("b", pages)])
    expected = [
        ("start", 0, 4),
        ("step", 1, 4),
        ("step", 2, 4),
        ("step", 3, 4),
        ("evaluation", 3, 4),
        ("step", 4, 4),
        ("evaluation", 4, 4),
        ("end", 4, "max_steps"),
    ]
    assert pages == [(name, *page) for page in expected for name in "ab"]


def test_listening_changes_nothing(line):
    silent, heard = line()[0], line()[0]
    fit(silent, settings=Settings(max_steps=5))
    fit(heard, settings=Settings(max_steps=5), callbacks=[Callback(), Diary("a", [])])
    assert torch.equal(silent.module.weight, heard.module.weight)


@pytest.mark.parametrize("event", ["on_start", "on_step", "on_evaluation", "on_end"])
def test_what_a_listener_raises_reaches_the_caller(line, event):
    class Broken(Callback):
        pass

    def fail(self, run):
        raise LookupError(event)

    setattr(Broken, event, fail)
    problem, valid = line()
    with pytest.raises(LookupError, match=event):
        fit(problem, valid=valid, settings=Settings(max_steps=4), callbacks=[Broken()])
