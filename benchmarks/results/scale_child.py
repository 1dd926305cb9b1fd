"""Fit a folder of series and forecast them; print seconds and the peak of this process's memory as JSON.

python -m benchmarks.results.scale_child FOLDER STEPS
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import recuerdo as rc

from ..kernel.child import resident

HORIZON = 14


def main() -> None:
    folder, steps = Path(sys.argv[1]), int(sys.argv[2])
    model = rc.Forecaster(HORIZON, max_steps=steps, random_state=0, verbose=False)  # the name loads torch
    before, began = peak(), time.perf_counter()
    model.fit(folder)
    fitted = time.perf_counter()
    frame = model.predict()
    ended = time.perf_counter()
    if frame["y"].is_null().any() or frame["y"].is_nan().any():
        sys.exit("A forecast is not a number.")
    print(json.dumps({"fit": fitted - began, "predict": ended - fitted, "before": before, "peak": peak()}))


def peak() -> int:
    """The most memory that this process has held so far, in bytes."""
    known = resident("VmHWM")
    if known is not None:
        return known
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


if __name__ == "__main__":
    main()
