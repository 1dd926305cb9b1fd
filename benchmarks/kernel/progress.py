"""What is being measured and how much is left, on stderr: drawn between measurements alone, never during one."""

from __future__ import annotations

import sys
import time
from typing import TextIO


def spoken(seconds: float) -> str:
    """A length of time as one says it: 48 s, 3 min 20 s, 1 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


class Progress:
    """One line for each measurement; on a terminal each takes the place of the one before.

    Args:
        expected: seconds that each measurement is thought to take.
        out: where to write.
    """

    def __init__(self, expected: list[float], out: TextIO = sys.stderr) -> None:
        self.expected, self.out, self.done = expected, out, 0
        self.began = time.monotonic()

    def begin(self, words: str) -> None:
        """Say that the next measurement begins."""
        spent = time.monotonic() - self.began
        before, after = sum(self.expected[: self.done]), sum(self.expected[self.done :])
        left = after * spent / before if before else after  # as much slower or faster as so far
        self.done += 1
        self._write(f"[{self.done}/{len(self.expected)}] {words}; {spoken(spent)} spent, about {spoken(left)} left")

    def end(self) -> None:
        """Clear the line on a terminal."""
        if self.out.isatty():
            self.out.write("\r\033[K")
            self.out.flush()

    def _write(self, line: str) -> None:
        self.out.write(f"\r\033[K{line}" if self.out.isatty() else f"{line}\n")
        self.out.flush()
