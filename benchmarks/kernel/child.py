"""Ask a question in a process of its own, which may be slow, greedy or hang without harm to the asker."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

assert __package__  # "kernel" for layers.py, "benchmarks.kernel" for its tests
HOME = Path(__file__).resolve().parents[__package__.count(".") + 1]
"""Where Python finds this package by the name that it has here."""


class NoAnswerError(Exception):
    """The process failed; says how."""


class TooSlowError(NoAnswerError):
    """The process took too long, or a piece of it did."""


def ask(module: str, *arguments: Any, limit: float, threads: int) -> Any:
    """Run a module of this package as a process and return what it answers.

    Args:
        module: its name; it ends with a call of :func:`answer`.
        arguments: what its function is called with, as JSON.
        limit: seconds after which the process and its children are ended.
        threads: how many threads torch may use there.

    Raises:
        TooSlowError: it took longer, or a piece of it did: see :func:`within`.
        NoAnswerError: it ended with an error.
    """
    path = os.pathsep.join([str(HOME), *(os.path.abspath(each) for each in sys.path if each)])
    environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": str(threads)}
    return answered([sys.executable, "-m", f"{__package__}.{module}", json.dumps(arguments)], environment, limit)


def answered(command: list[str], environment: Mapping[str, str], limit: float) -> Any:
    """Run a command that ends with a call of :func:`answer`, in any Python, and return what it answers.

    Args:
        command: the program and its arguments.
        environment: all variables that it gets.
        limit: seconds after which the process and its children are ended.

    Raises:
        TooSlowError, NoAnswerError: as of :func:`ask`.
    """
    # Files and not pipes: a grandchild that outlives the child would keep a pipe open.
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err, env=environment, start_new_session=True)
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            raise TooSlowError(f"took over {limit:g} s") from None
        finally:
            with suppress(ProcessLookupError):  # its own children may outlive it, and mostly there are none
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        out.seek(0)
        err.seek(0)
        if code == -signal.SIGALRM:
            raise TooSlowError("ended by its own alarm")
        if code:
            lines = err.read().strip().splitlines()
            raise NoAnswerError(f"failed: {lines[-1] if lines else f'exit status {code}'}")
        return json.loads(out.read().strip().splitlines()[-1])


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """End this process if the block takes longer, wherever it hangs: the system does it, not Python."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def resident(name: str) -> int | None:
    """A line of this process's status, such as VmHWM, in bytes; None where the system has none.

    Not getrusage: its peak survives exec, so that a child of a large process would begin with its parent's.
    """
    status = Path("/proc/self/status")
    line = re.search(rf"^{name}:\s*(\d+) kB", status.read_text(), re.MULTILINE) if status.exists() else None
    return 1024 * int(line[1]) if line else None


def answer(function: Callable[..., Any]) -> None:
    """Call the function with the arguments that the asker gave, and hand its result back."""
    print(json.dumps(function(*json.loads(sys.argv[1]))))
