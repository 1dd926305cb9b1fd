from __future__ import annotations

import io
import sys

import pytest
from rich.console import Console

from recuerdo.learn import Callback, History, Run, Settings, fit
from recuerdo.learn.budget import Budget
from recuerdo.learn.progress import (
    BarProgress,
    BriefProgress,
    PlainProgress,
    Progress,
    duration,
    fraction_done,
    numbers,
    progress_for,
    seconds_left,
    where,
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def a_run(steps: int, seconds: float, total: int | None, max_seconds: float | None = None) -> Run:
    history = History(losses=[1.0] * steps, seconds=seconds, evaluations=[(1, 0.25)])
    budget = Budget(max_seconds, lambda: 0.0)
    settings = Settings(max_steps=total, max_seconds=max_seconds)
    return Run(None, None, settings, budget, history, total)


def test_off_a_terminal_nothing_is_shown_unless_asked(line, capsys):
    fit(line()[0], settings=Settings(max_steps=3))
    assert capsys.readouterr() == ("", "")
    fit(line()[0], settings=Settings(max_steps=3), verbose=False)
    assert capsys.readouterr() == ("", "")


def test_asked_off_a_terminal_a_few_plain_lines_are_shown(line, capsys):
    problem, valid = line()
    fit(problem, valid=valid, settings=Settings(max_steps=200), verbose=True, label="seed 1 of 3")
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == ""
    assert len(lines) == 11
    assert all(words.startswith("seed 1 of 3: ") for words in lines)
    assert "step 20/200 · loss " in lines[0]
    assert "valid" in lines[0]
    assert "ended after 200 steps" in lines[-1]
    assert "(max_steps) · best valid" in lines[-1]
    assert "\x1b" not in err


def test_in_brief_a_training_is_one_line_that_begins_before_its_first_step(line, capsys):
    begun = []

    class First(Callback):
        def on_step(self, run):
            begun.append(capsys.readouterr().err)

    fit(line()[0], settings=Settings(max_steps=3), verbose="brief", label="seed 1 of 3", callbacks=[First()])
    assert begun == ["seed 1 of 3: at most 3 steps ...", "", ""]
    assert capsys.readouterr().err == " ended after 3 steps and 0 s (max_steps)\n"


def test_in_brief_a_sentence_and_an_error_end_the_line(line, capsys):
    class Broken(Callback):
        def on_step(self, run):
            raise LookupError

    settings = Settings(max_steps=None, max_seconds=90.0)
    with pytest.raises(LookupError):
        fit(line()[0], settings=settings, verbose="brief", label="line", callbacks=[Broken()])
    assert capsys.readouterr().err == "line: at most 1:30 min ...\n"
    progress = BriefProgress("line")
    progress.on_start(a_run(steps=0, seconds=0.0, total=9, max_seconds=4.0))
    progress.say("interrupted")
    progress.on_end(a_run(steps=9, seconds=1.0, total=9))
    assert capsys.readouterr().err.splitlines()[:2] == ["line: at most 9 steps or 4 s ...", "line: interrupted"]


def test_on_a_terminal_a_bar_is_drawn_and_left_in_order(line, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    problem, valid = line()
    fit(problem, valid=valid, settings=Settings(max_steps=6), label="[bold] line")
    assert sys.stderr is terminal
    written = terminal.getvalue()
    assert "[bold] line" in written
    assert "step 3/6 · loss" in written
    assert "ended after 6 steps" in written
    assert written.count("\x1b[?25l") == written.count("\x1b[?25h") == 1  # the cursor is hidden and shown again


def test_the_terminal_is_put_in_order_after_an_error(line, monkeypatch):
    class Broken(Callback):
        def on_step(self, run):
            raise LookupError

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    with pytest.raises(LookupError):
        fit(line()[0], callbacks=[Broken()])
    assert sys.stderr is terminal
    assert terminal.getvalue().rstrip().endswith("\x1b[?25h")


def test_sentences_stand_above_the_bar():
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with BarProgress("line", console) as progress:
        progress.say("resumed after step 3 from [a]")
    assert "line: resumed after step 3 from [a]" in console.file.getvalue()


def test_a_resumed_and_a_finished_training_are_said(line, capsys, tmp_path):
    class Stop(Callback):
        def on_step(self, run):
            if run.step == 3:
                raise KeyboardInterrupt

    def train(*callbacks):
        settings = Settings(max_steps=6)
        fit(line()[0], settings=settings, callbacks=callbacks, checkpoint=tmp_path / "run", verbose=True)
        return capsys.readouterr().err

    train(Stop())
    assert f"training: resumed after step 3 from {tmp_path / 'run'}" in train()
    assert train() == f"training: 6 steps were finished before; the result is read from {tmp_path / 'run'}\n"


def test_the_kind_of_progress_follows_the_wish_and_the_terminal(monkeypatch):
    assert type(progress_for(None, "x")) is Progress
    assert type(progress_for(True, "x")) is PlainProgress
    assert type(progress_for("brief", "x")) is BriefProgress
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert type(progress_for(None, "x")) is BarProgress
    assert type(progress_for(True, "x")) is BarProgress
    assert type(progress_for("brief", "x")) is BarProgress
    assert type(progress_for(False, "x")) is Progress


def test_with_a_known_total_steps_tell_how_much_is_done():
    run = a_run(steps=25, seconds=5.0, total=100)
    assert (fraction_done(run), seconds_left(run), where(run)) == (0.25, 15.0, "step 25/100")
    assert numbers(run, 0.5) == "loss 0.5 · valid 0.25 · 5 steps/s · 15 s left"


def test_with_a_budget_alone_the_clock_tells_how_much_is_done():
    run = a_run(steps=25, seconds=5.0, total=None, max_seconds=20.0)
    assert (fraction_done(run), seconds_left(run), where(run)) == (0.25, 15.0, "step 25")


def test_of_two_limits_the_nearer_one_is_shown():
    run = a_run(steps=25, seconds=5.0, total=1000, max_seconds=10.0)
    assert (fraction_done(run), seconds_left(run)) == (0.5, 5.0)


@pytest.mark.parametrize(("seconds", "words"), [(0.4, "0 s"), (59.9, "59 s"), (61, "1:01 min"), (7260, "2:01 h")])
def test_durations_are_short(seconds, words):
    assert duration(seconds) == words
