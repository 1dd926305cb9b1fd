"""What a person sees of a training: a bar on a terminal, a few lines elsewhere, or nothing."""

from __future__ import annotations

import sys
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as RichProgress

from recuerdo.learn.callbacks import Callback, Run

SMOOTHING = 0.95  # of the loss shown: about the last 20 steps
REDRAW_SECONDS = 0.1
LINES = 10  # plain lines for a whole training


class Progress(Callback):
    """Shows nothing: the quiet kind, and what the others have in common."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Leaves the terminal in order."""

    def say(self, sentence: str) -> None:
        """Shows one sentence."""


class PlainProgress(Progress):
    """About ten lines per training, for logs."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._smooth = _Smooth()
        self._said = 0

    def say(self, sentence: str) -> None:
        """Prints the sentence after the label."""
        print(f"{self._label}: {sentence}", file=sys.stderr, flush=True)

    def on_step(self, run: Run) -> None:
        """Prints a line whenever another tenth is done."""
        self._smooth.take(run.loss)
        done = int(LINES * fraction_done(run))
        if done > self._said:
            self._said = done
            self.say(f"{where(run)} · {numbers(run, self._smooth.value)}")

    def on_end(self, run: Run) -> None:
        """Prints how it ended."""
        self.say(ending(run))


class BriefProgress(Progress):
    """One line per training: what runs, and when it has ended how long it took."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._open = False

    def say(self, sentence: str) -> None:
        """Prints the sentence after the label, on a line of its own."""
        self.close()
        print(f"{self._label}: {sentence}", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Ends a line that was begun."""
        if self._open:
            print(file=sys.stderr, flush=True)
        self._open = False

    def on_start(self, run: Run) -> None:
        """Begins the line."""
        self._write(f"{self._label}: {limits(run)} ...")

    def on_end(self, run: Run) -> None:
        """Says at its end how the training ended, and ends it."""
        self._write(("" if self._open else f"{self._label}:") + f" {ending(run)}")
        self.close()

    def _write(self, words: str) -> None:
        print(words, end="", file=sys.stderr, flush=True)
        self._open = True


class BarProgress(Progress):
    """A bar with loss, validation loss, speed and time left, for terminals."""

    def __init__(self, label: str, console: Console) -> None:
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(20),
            TextColumn("{task.fields[words]}", markup=False),
        )
        self._bar = RichProgress(*columns, console=console, auto_refresh=False)
        self._task = self._bar.add_task(label, total=1.0, words="")
        self._label = label
        self._smooth = _Smooth()
        self._drawn = 0.0
        self._started = False

    def close(self) -> None:
        """Stops drawing."""
        if self._started:
            self._bar.stop()

    def on_start(self, run: Run) -> None:
        """Draws the empty bar."""
        self._started = True
        self._bar.start()

    def say(self, sentence: str) -> None:
        """Prints the sentence above the bar."""
        self._bar.print(f"{self._label}: {sentence}", markup=False, highlight=False)

    def on_step(self, run: Run) -> None:
        """Redraws, at most ten times a second."""
        self._smooth.take(run.loss)
        if run.history.seconds - self._drawn >= REDRAW_SECONDS:
            self._draw(run, f"{where(run)} · {numbers(run, self._smooth.value)}")

    def on_evaluation(self, run: Run) -> None:
        """Redraws with the validation loss."""
        self._draw(run, f"{where(run)} · {numbers(run, self._smooth.value)}")

    def on_end(self, run: Run) -> None:
        """Draws how it ended."""
        self._draw(run, ending(run))

    def _draw(self, run: Run, words: str) -> None:
        self._drawn = run.history.seconds
        self._bar.update(self._task, completed=fraction_done(run), words=words)
        self._bar.refresh()


def progress_for(verbose: bool | str | None, label: str) -> Progress:
    """The kind that suits: on a terminal a bar unless it is False; elsewhere True ten lines, "brief" one, None nothing.

    >>> type(progress_for(False, "training")).__name__
    'Progress'
    """
    terminal = sys.stderr.isatty()
    if verbose is False or (verbose is None and not terminal):
        return Progress()
    if terminal:
        return BarProgress(label, Console(stderr=True))
    return BriefProgress(label) if verbose == "brief" else PlainProgress(label)


def fraction_done(run: Run) -> float:
    """How much of the training is behind, 0 to 1: by steps where the total is known, and by the clock."""
    shares = [0.0]
    if run.total is not None:
        shares.append(run.step / run.total if run.total else 1.0)
    if run.budget.max_seconds is not None:
        shares.append(run.history.seconds / run.budget.max_seconds)
    return min(1.0, max(shares))


def seconds_left(run: Run) -> float:
    """The time that is left: to the last step where it is known, and never more than the budget."""
    left = []
    if run.total is not None and run.step:
        left.append((run.total - run.step) * run.history.seconds / run.step)
    if run.budget.max_seconds is not None:
        left.append(run.budget.max_seconds - run.history.seconds)
    return max(0.0, min(left)) if left else 0.0


def where(run: Run) -> str:
    """The step, and the total if it is known."""
    return f"step {run.step}" if run.total is None else f"step {run.step}/{run.total}"


def limits(run: Run) -> str:
    """How long the training may last."""
    steps = [] if run.total is None else [f"{run.total} steps"]
    seconds = [] if run.budget.max_seconds is None else [duration(run.budget.max_seconds)]
    return "at most " + " or ".join([*steps, *seconds])


def numbers(run: Run, loss: float) -> str:
    """Loss, validation loss, speed and time left, in a line."""
    parts = [f"loss {loss:.4g}"]
    if run.history.evaluations:
        parts.append(f"valid {run.history.evaluations[-1][1]:.4g}")
    if run.history.seconds > 0:
        parts.append(f"{run.step / run.history.seconds:.3g} steps/s")
    parts.append(f"{duration(seconds_left(run))} left")
    return " · ".join(parts)


def ending(run: Run) -> str:
    """How the training ended, in a line."""
    words = [f"ended after {run.step} steps and {duration(run.history.seconds)} ({run.history.stopped})"]
    if run.best.step is not None:
        words.append(f"best valid {run.best.loss:.4g} at step {run.best.step}")
    return " · ".join(words)


def duration(seconds: float) -> str:
    """Seconds in words.

    >>> duration(4.2), duration(75), duration(3700)
    ('4 s', '1:15 min', '1:01 h')
    """
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02d} h"


class _Smooth:
    """A running mean that forgets, corrected for its start at zero."""

    def __init__(self) -> None:
        self._sum = 0.0
        self._weight = 0.0

    def take(self, value: float) -> None:
        self._sum = SMOOTHING * self._sum + (1 - SMOOTHING) * value
        self._weight = SMOOTHING * self._weight + (1 - SMOOTHING)

    @property
    def value(self) -> float:
        return self._sum / self._weight if self._weight else float("nan")
