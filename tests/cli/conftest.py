"""The command as a user calls it, in this process or in one of its own, and tables to call it with."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from recuerdo.cli import main


class Done(NamedTuple):
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


def months(count: int) -> list[str]:
    return [f"{2010 + i // 12}-{i % 12 + 1:02d}" for i in range(count)]


def sold(count: int) -> list[float]:
    t = np.arange(count)
    return np.round(100 + t + 20 * np.sin(np.pi * t / 6) + t * 37 % 11, 2).tolist()


def written(rows: Sequence[Sequence[object]], header: str = "month,sold", separator: str = ",") -> str:
    return "\n".join([header, *(separator.join(map(str, row)) for row in rows)]) + "\n"


@pytest.fixture
def rows() -> list[tuple[str, float]]:
    """Sixty months of a series with trend and season."""
    return list(zip(months(60), sold(60), strict=True))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def sales(here: Path, rows: list[tuple[str, float]]) -> Path:
    """A good table: sales.csv in the working directory."""
    path = Path("sales.csv")
    path.write_text(written(rows), encoding="utf-8")
    return path


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Run the command in this process."""

    def run(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["recuerdo", *map(str, arguments)])
        capsys.readouterr()
        try:
            main()
            code: Any = 0
        except SystemExit as end:
            code = end.code or 0
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    return run


@pytest.fixture
def forecast(call: Callable[..., Done]) -> Callable[..., Done]:
    """Run `recuerdo forecast` with as little training as there can be."""

    def run(data: object, *arguments: object, horizon: object = 3, steps: object = 2, seed: object = 7) -> Done:
        return call("forecast", data, "--horizon", horizon, "--max-steps", steps, "--seed", seed, *arguments)

    return run


def in_a_process_of_its_own(*arguments: object, module: bool = True) -> Done:
    """Run `python -m recuerdo.cli`, or plain `python`, and wait for its end."""
    command = [sys.executable, *(["-m", "recuerdo.cli"] if module else []), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def recuerdo() -> Callable[..., Done]:
    """Run the command in a process of its own."""
    return in_a_process_of_its_own


@pytest.fixture
def python() -> Callable[[str], Done]:
    """Run a program in a process of its own."""
    return lambda program: in_a_process_of_its_own("-c", program, module=False)
