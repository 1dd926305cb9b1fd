"""The peers' Pythons: one virtual environment for each, since their limits on other packages differ from ours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import torch

TORCH = f"torch=={torch.__version__.partition('+')[0]}"
"""Our own version, so that all compute with the same kernels."""

REQUIREMENTS: dict[str, tuple[str, ...]] = {
    "neuralforecast": (TORCH, "neuralforecast==3.3.0"),
    "darts": (TORCH, "darts[torch]==0.48.1"),
    "skorch": (TORCH, "skorch==1.4.0"),
    "aeon": ("aeon==1.6.0",),
}
"""Peer -> what pip is asked for."""


class NotInstalledError(Exception):
    """A peer cannot be installed here; says what pip said."""


def python(peer: str, folder: Path) -> Path:
    """Return the Python that has the peer, and make its environment if it is not there.

    Args:
        peer: a name in REQUIREMENTS.
        folder: where the environments are kept; what stands there with the same requirements is used again.

    Raises:
        NotInstalledError: pip failed.
    """
    home, wanted = folder / peer, list(REQUIREMENTS[peer])
    found, stamp = home / "bin" / "python", home / "requirements.txt"
    if stamp.exists() and stamp.read_text().split() == wanted:
        return found
    print(f"Installing {' and '.join(wanted)} into {home}: some minutes the first time.", file=sys.stderr)
    # Our own constraints are not for the peers, who want other versions of the same packages.
    clean = {
        name: value for name, value in os.environ.items() if name not in ("PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT")
    }
    # torch by itself first: a peer's own range would take the newest one.
    first = [pip(found, [TORCH])] if TORCH in wanted else []
    for step in ([sys.executable, "-m", "venv", "--clear", home], *first, pip(found, wanted)):
        done = subprocess.run(step, env=clean, capture_output=True, text=True, check=False)
        if done.returncode:
            lines = (done.stderr or done.stdout).strip().splitlines() or [f"exit status {done.returncode}"]
            raise NotInstalledError(f"{peer} could not be installed: {lines[-1]}")
    stamp.write_text("\n".join(wanted) + "\n")
    return found


def pip(python: Path, wanted: list[str]) -> list[str | Path]:
    """The command that installs packages."""
    return [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
