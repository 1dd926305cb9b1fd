"""Ctrl-C between two steps rather than in the middle of one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupts:
    """Remembers a Ctrl-C until it is convenient; a second one does not wait."""

    def __init__(self) -> None:
        self.asked = False

    def receive(self, number: int, frame: FrameType | None) -> None:
        """The signal handler."""
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True

    def obey(self) -> None:
        """Raises `KeyboardInterrupt` if Ctrl-C was pressed."""
        if self.asked:
            raise KeyboardInterrupt


@contextmanager
def deferred_interrupts() -> Iterator[Interrupts]:
    """Collects Ctrl-C inside the block, for `obey` to act on.

    Only Python's own handler is stood in for, and only in the main thread, where alone signals arrive: a program
    that handles Ctrl-C in its own way goes on doing so.
    """
    interrupts = Interrupts()
    in_main = threading.current_thread() is threading.main_thread()
    if not (in_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler):
        yield interrupts
        return
    signal.signal(signal.SIGINT, interrupts.receive)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
