"""How good are the forecasts, beside the baselines and what others have published?

    python benchmarks/results_forecast.py [--parts m4 etth1 ...] [--quick] [--json FILE]

Each figure is printed as soon as it is known: its value (over several seeds the mean, which is judged, with standard
deviation and highest), what is asked of it, the seconds of one fit with its forecasts, and what stands beside it. A
part goes into the file when it is done, with the machine and the commit. Without --parts everything runs.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path

from kernel.machine import ROOT, Others, described
from results import air, beijing, defaults, etth1, intervals, m4, scale
from results.figures import Effort, Figure, heading
from results.record import record

PARTS = {
    "m4": m4.figures,
    "etth1": etth1.figures,
    "air": air.figures,
    "intervals": intervals.figures,
    "defaults": defaults.figures,
    "scale": scale.figures,
    "beijing": beijing.figures,
}
PACKAGES = ("numpy", "polars", "statsmodels")
BUSY = 0.1
"""The share of the processors that others may use before one is told."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="a few steps of one seed, to see that it works")
    parser.add_argument("--json", type=Path, help="the file: build/results/forecast.json, or forecast-quick.json")
    options = parser.parse_args()
    name = "forecast-quick.json" if options.quick else "forecast.json"
    options.json = options.json or ROOT / "build" / "results" / name
    return options


def main() -> None:
    options = arguments()
    about = described() | {name: version(name) for name in PACKAGES} | {"quick": options.quick}
    print(f"{about['machine']}; {about['threads']} threads; commit {about['commit']}")
    if options.quick:
        print("A few steps of one seed: it works or it does not, and no value means anything.")
    print(heading())
    verdicts = Counter[str]()
    for part in options.parts:
        others, began = Others(), time.perf_counter()
        found = list[Figure]()
        for each in PARTS[part](Effort(options.quick)):
            print(each.line(judged=not options.quick), flush=True)
            found.append(each)
        share = others.share()
        record(options.json, part, found, about | {"seconds": time.perf_counter() - began, "others_busy": share})
        if share is not None and share > BUSY:
            print(f"Others used {share:.0%} of the processors during {part}: its seconds say little.")
        verdicts += Counter(each.verdict for each in found if each.verdict)
    if not options.quick:
        print(f"{verdicts.total()} targets: {verdicts['met']} met, {verdicts['missed']} missed")
    print(f"Written to {options.json}", file=sys.stderr)


if __name__ == "__main__":
    main()
