"""No speed on red: the tests of what is timed run first."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from rich.console import Console

from .machine import ROOT


def tested(console: Console, paths: Sequence[str]) -> str:
    """Run the tests of what is timed and return their closing line; end this process if one fails."""
    print(f"Running {' and '.join(paths)}: nothing is timed if they fail.", file=sys.stderr)
    command = [sys.executable, "-m", "pytest", "-q", "-n", "auto", *paths]
    tests = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if tests.returncode:
        console.print(tests.stdout[-4000:], tests.stderr[-2000:], markup=False, highlight=False)
        sys.exit(f"Nothing was timed: {' or '.join(paths)} fails.")
    said = tests.stdout.strip().splitlines()[-1]
    console.print(f"Tests of what is timed: {said}", highlight=False)
    return said
