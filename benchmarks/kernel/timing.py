"""Time several calls in turns, A B A B, for as long as their medians need to settle."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import sqrt
from statistics import median, quantiles

BURST = 2e-3  # seconds: what is shorter is called several times between two looks at the clock
SWITCH = 1e-2  # seconds: what is shorter is called once more after each switch, uncounted: see interleave
SETTLED = 5e-3  # of the median: its standard error at which a measurement stops before its time is up


@dataclass(frozen=True)
class Timing:
    """The seconds of one call: median, quartiles, and of how many samples of how many calls each."""

    median: float
    q1: float
    q3: float
    samples: int
    calls: int

    @classmethod
    def of(cls, seconds: list[float], calls: int) -> Timing:
        """Summarise samples."""
        q1, _, q3 = quantiles(seconds, n=4, method="inclusive") if len(seconds) > 1 else seconds * 3
        return cls(median(seconds), q1, q3, len(seconds), calls)

    @property
    def error(self) -> float:
        """The standard error of the median, relative to it, were the samples independent and normal."""
        return 1.2533 * (self.q3 - self.q1) / 1.349 / sqrt(self.samples) / self.median


def interleave(calls: Mapping[str, Callable[[], object]], budget: float, least: int = 15) -> dict[str, Timing]:
    """Time each call in turns.

    After a switch the other's threads still spin for about a millisecond, and its numbers are in the caches; what is
    so short that this would show gets a call that does not count, since nobody trains two libraries in turns.

    Args:
        calls: name -> what to time.
        budget: seconds after which no new round begins, once there are three.
        least: rounds to take before it may stop earlier, because every median has settled.

    Returns:
        name -> the seconds of one call.
    """
    often: dict[str, int] = {}
    short: set[str] = set()
    for name, call in calls.items():
        call()  # the first call does not count: it loads, packs and allocates
        began = time.perf_counter()
        call()
        took = time.perf_counter() - began
        often[name] = max(1, min(1000, round(BURST / took)))
        if took < SWITCH:
            short.add(name)
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    gc.collect()
    gc.disable()
    try:
        began = time.perf_counter()
        while True:
            for name, call in calls.items():
                if name in short:
                    call()
                started = time.perf_counter()
                for _ in range(often[name]):
                    call()
                seconds[name].append((time.perf_counter() - started) / often[name])
            rounds, spent = len(seconds[next(iter(seconds))]), time.perf_counter() - began
            if rounds < 3 or (rounds < least and spent < budget):
                continue
            found = {name: Timing.of(each, often[name]) for name, each in seconds.items()}
            if spent >= budget or all(each.error < SETTLED for each in found.values()):
                return found
    finally:
        gc.enable()
