"""Ctrl-C ends the command cleanly: with what was learned, or in one line."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

import recuerdo as rc
from recuerdo.tasks.forecast_losses import Objective

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal and signals")

COMMAND = [sys.executable, "-m", "recuerdo.cli", "forecast"]
PATIENCE = 120  # seconds, for a machine that is very busy


@pytest.fixture(autouse=True)
def pythons_own_handler():
    """A suite that runs in the background starts with Ctrl-C switched off, and its children inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def read_until(terminal: int, words: bytes) -> bytes:
    seen = b""
    while words not in seen:
        seen += os.read(terminal, 1024)
    return seen


def test_in_training_what_was_learned_is_kept_and_written_and_said_to_be(sales):
    import pty

    terminal, of_child = pty.openpty()
    arguments = [str(sales), "--horizon", "3", "--max-steps", "1000000", "--out", "out"]
    with subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=of_child, text=True) as child:
        os.close(of_child)
        shown = read_until(terminal, b"step ")  # the progress bar counts: something has been learned
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=PATIENCE)
        os.close(terminal)
    assert b"trial" in shown
    assert child.returncode == 130  # there is a result, and not the one that was asked for
    assert "interrupted: the network of the trial is kept" in out
    assert "it has not learned from the last" in out
    assert "MLP" not in out.split("Mean over")[1].split(" wins")[0]  # an untrained baseline would be no fair one
    assert pl.read_csv("out/forecast.csv").equals(rc.load("out/model").predict())
    assert Path("out/forecast.png").stat().st_size > 0


READING = """
import time
import recuerdo.data
from recuerdo.cli import main

def read_slowly(*arguments, **options):
    print("reading", flush=True)
    while True:
        time.sleep(0.05)

recuerdo.data.panel = read_slowly
main()
"""


def test_before_anything_is_learned_it_is_one_line_and_the_shell_s_exit_code(here):
    arguments = [sys.executable, "-c", READING, "forecast", "sales.csv", "--horizon", "3"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        first = child.stdout.readline()
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=PATIENCE)
    assert first == "reading\n", err
    assert child.returncode == 130
    assert err == "recuerdo: stopped by Ctrl-C before there was a result; nothing was written.\n"
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("command", ["forecast", "demo"])
def test_ctrl_c_outside_of_a_training_is_one_line(call, sales, monkeypatch, command):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(rc.Forecaster, "_fit_panel", interrupted)
    done = call(command, *([sales, "--horizon", 3] if command == "forecast" else []))
    assert done.code == 130
    assert done.err == "recuerdo: stopped by Ctrl-C before there was a result; nothing was written.\n"


@pytest.mark.parametrize(
    ("arguments", "words"), [([], "."), (["--backtest", 2], "; the backtest was not begun.")], ids=["alone", "backtest"]
)
def test_ctrl_c_while_results_are_written_waits_until_they_are_whole(forecast, sales, monkeypatch, arguments, words):
    whole = rc.Forecaster.save

    def save(*arguments, **options):
        os.kill(os.getpid(), signal.SIGINT)
        return whole(*arguments, **options)

    monkeypatch.setattr(rc.Forecaster, "save", save)
    done = forecast(sales, "--out", "out", *arguments)
    assert done.code == 130
    assert done.err.splitlines()[-1] == f"recuerdo: stopped by Ctrl-C and waited until the results were written{words}"
    assert pl.read_csv("out/forecast.csv").equals(rc.load("out/model").predict())
    assert "  out/forecast.csv" in done.out


def test_a_second_ctrl_c_does_not_wait_and_what_was_written_is_said(forecast, sales, monkeypatch):
    moves = []
    move = shutil.move

    def pressed_twice(*arguments, **options):
        moves.append(arguments)
        if len(moves) == 2:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
        return move(*arguments, **options)

    monkeypatch.setattr("recuerdo.cli.results.shutil.move", pressed_twice)
    done = forecast(sales, "--out", "out")
    assert done.code == 130
    said = "recuerdo: stopped by Ctrl-C while results were written; only model, forecast.csv in out are new."
    assert done.err.splitlines()[-1] == said
    assert sorted(each.name for each in Path("out").iterdir()) == ["forecast.csv", "model"]


def interrupted(*arguments, **options):
    raise KeyboardInterrupt


def test_ctrl_c_in_the_backtest_leaves_the_forecast_and_the_model(forecast, sales, monkeypatch):
    assert forecast(sales, "--out", "out", "--backtest", 2, seed=8).code == 0
    monkeypatch.setattr(rc.Forecaster, "backtest", interrupted)
    for out, more in (("new", ""), ("out", "; backtest.csv and backtest.html in out are of an earlier run")):
        done = forecast(sales, "--out", out, "--backtest", 2, "--overwrite")
        assert done.code == 130
        assert done.err.splitlines()[-1] == (
            "recuerdo: stopped by Ctrl-C in the backtest, of which nothing is written; the forecast and the model are"
            f"{more}."
        )
        assert f"  {out}/forecast.csv" in done.out
        assert pl.read_csv(f"{out}/forecast.csv").equals(rc.load(f"{out}/model").predict())
        assert rc.load(f"{out}/model").report_.random_state == 7


def test_after_ctrl_c_in_training_no_backtest_is_begun(forecast, sales, monkeypatch):
    calls = []
    loss = Objective.__call__

    def counted(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return loss(*arguments)

    monkeypatch.setattr(Objective, "__call__", counted)
    done = forecast(sales, "--out", "out", "--backtest", 2)
    assert done.code == 130
    assert done.err.splitlines()[-1] == (
        "recuerdo: stopped by Ctrl-C in training; what was learned until then is written, and the backtest was not "
        "begun."
    )
    assert "The MLP (same size) was left out because Ctrl-C stopped the fit" in done.out
    assert sorted(each.name for each in Path("out").iterdir()) == [
        "forecast.csv", "forecast.png", "model", "report.html",
    ]  # fmt: skip


def test_the_help_says_what_ctrl_c_does(call):
    assert "the exit code is 130" in " ".join(call("forecast", "--help").out.split())
