"""Ctrl-C ends the command cleanly: with what was learned, or in one line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

import recuerdo as rc

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
    assert child.returncode == 0
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


def test_ctrl_c_while_results_are_written_waits_until_they_are_whole(forecast, sales, monkeypatch):
    whole = rc.Forecaster.save

    def save(*arguments, **options):
        os.kill(os.getpid(), signal.SIGINT)
        return whole(*arguments, **options)

    monkeypatch.setattr(rc.Forecaster, "save", save)
    assert forecast(sales, "--out", "out").code == 0
    assert pl.read_csv("out/forecast.csv").equals(rc.load("out/model").predict())
