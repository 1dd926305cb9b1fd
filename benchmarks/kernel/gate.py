"""No speed on red: the tests of what is timed run first."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from rich.console import Console

from .machine import ROOT


def tested(console: Console, paths: Sequence[str]) -> str:
    """Run the tests of what is timed and return their closing line; end this process if one fails."""
    what = " and ".join(paths) if len(paths) < 4 else f"{paths[0]} and {len(paths) - 1} more files of tests"
    print(f"Running {what}: nothing is timed if they fail.", file=sys.stderr)
    command = [sys.executable, "-m", "pytest", "-q", "-n", "auto", *paths]
    tests = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if tests.returncode:
        console.print(tests.stdout[-4000:], tests.stderr[-2000:], markup=False, highlight=False)
        sys.exit(f"Nothing was timed: a test fails in {what}.")
    said = tests.stdout.strip().splitlines()[-1]
    console.print(f"Tests of what is timed: {said}", highlight=False)
    return said
