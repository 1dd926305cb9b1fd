"""How good are the forecasts, beside the baselines and what others have published?

    python benchmarks/results_forecast.py [--parts m4 etth1 ...] [--quick] [--seeds COUNT] [--json FILE]

Each figure is printed as soon as it is known: its value (over several seeds the mean, which is judged, with standard
deviation, lowest and highest), what is asked of it, the seconds of one fit with its forecasts, and what stands beside
it. A part goes into the file when it is done, with the machine and the commit. Without --parts everything runs.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # modules have the same names here as in the tests
from benchmarks.results import air, beijing, command, defaults, etth1, intervals, m4, scale

PARTS = {
    "m4": m4.figures,
    "etth1": etth1.figures,
    "air": air.figures,
    "intervals": intervals.figures,
    "defaults": defaults.figures,
    "scale": scale.figures,
    "beijing": beijing.figures,
}

if __name__ == "__main__":
    command.run(__doc__, PARTS, "forecast", packages=("numpy", "polars", "statsmodels"))
