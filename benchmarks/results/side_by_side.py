"""Jobs in two processes side by side, each on one thread: networks this small keep no second processor busy."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

from ..kernel.child import answer, answered
from ..kernel.machine import ROOT

PROCESSES = 2
LIMIT = 3600.0
"""Seconds of a job."""

Job = tuple[str, str, Sequence[Any]]
"""Module of this package, function, and its arguments, which JSON can hold, as it can its result."""


def run(jobs: Sequence[Job]) -> Iterator[Any]:
    """Run jobs, each in a process of its own and two at a time, and yield their results in the jobs' order.

    Args:
        jobs: those that take longest first, so that no processor waits for the other in the end.

    Raises:
        NoAnswerError: a job failed.
    """
    pool = ThreadPoolExecutor(PROCESSES)
    try:
        yield from pool.map(lambda job: alone(*job, threads=1), jobs)
    finally:
        pool.shutdown(cancel_futures=True)


def alone(module: str, function: str, arguments: Sequence[Any], *, threads: int | None = None) -> Any:
    """Run a job in a process of its own, on so many threads; None for as many as here.

    Raises:
        NoAnswerError: it failed.
    """
    # What is on the path here is so there: a checkout may be measured that is not the one installed.
    path = os.pathsep.join([str(ROOT), *(os.path.abspath(each) for each in sys.path if each)])
    environment = os.environ | {"PYTHONPATH": path}
    if threads is not None:
        environment |= {"OMP_NUM_THREADS": str(threads), "POLARS_MAX_THREADS": str(threads)}
    return answered([sys.executable, "-m", __name__, json.dumps([module, function, arguments])], environment, LIMIT)


def one(module: str, function: str, arguments: Sequence[Any]) -> Any:
    """Run a job in this process."""
    return getattr(import_module(f"{__package__}.{module}"), function)(*arguments)


if __name__ == "__main__":
    answer(one)
