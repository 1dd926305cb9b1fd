"""The door: help, versions, and what is not loaded for them."""

from __future__ import annotations

import pytest

import recuerdo as rc

COMMANDS = ["demo", "forecast", "classify", "problem", "info"]


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_help_names_every_command_in_whole_sentences(call, arguments):
    done = call(*arguments)
    assert (done.code, done.err) == (0, "")
    for name in COMMANDS:
        line = next(line for line in done.out.splitlines() if line.startswith(f"  {name} "))
        assert line.endswith(".")
        assert not line.endswith("...")


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(call, command):
    done = call(command, "--help")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"Usage: recuerdo {command}") or f" {command} " in done.out.splitlines()[0]
    assert "list[str]" not in done.out


def test_help_of_forecast_explains_every_option(call):
    out = call("forecast", "--help").out
    for option in ("--horizon K", "--date COLUMN", "--target COLUMN", "--id COLUMN", "--seed INT", "--overwrite"):
        assert option in out


def test_the_version_is_the_package_s(call):
    assert call("--version") == (0, f"recuerdo {rc.__version__}\n", "")


def test_the_module_is_the_command(recuerdo):
    assert recuerdo("--version").out == f"recuerdo {rc.__version__}\n"


def test_help_loads_no_heavy_library(python):
    program = """
import sys
from recuerdo.cli import main
sys.argv = ["recuerdo", "--help"]
try:
    main()
finally:
    heavy = ("torch", "numpy", "polars", "matplotlib", "rich", "sklearn")
    print("loaded:", [name for name in heavy if name in sys.modules])
"""
    done = python(program)
    assert done.code == 0, done.err
    assert done.out.splitlines()[-1] == "loaded: []"


def test_a_table_that_is_refused_needs_no_torch(python, here):
    program = """
import sys
from recuerdo.cli import main
sys.argv = ["recuerdo", "forecast", "nowhere.csv", "--horizon", "3"]
try:
    main()
finally:
    print("loaded:", [name for name in ("torch", "matplotlib", "sklearn") if name in sys.modules])
"""
    done = python(program)
    assert done.code == 2
    assert done.out.splitlines()[-1] == "loaded: []"
