"""How well is the last year of the airline passengers series forecast, over seeds, beside the baselines?

    python benchmarks/air_passengers.py [--cells gru lstm] [--strategies direct recursive] [--seeds 5] [--json FILE]

Each line is fitted on the 132 months up to December 1959, with no option but those shown, and scored once on 1960.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from pathlib import Path
from statistics import mean, stdev

import torch

import recuerdo as rc
from recuerdo.tasks.baselines import MLP

HORIZON = 12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", nargs="+", default=["gru", "lstm", "frnn", "indrnn"])
    parser.add_argument("--strategies", nargs="+", default=["direct", "recursive"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()

    table = rc.data.air_passengers()
    rows: list[dict[str, object]] = []
    print(f"{'':<24}{'MAPE %, mean':>13}{'sd':>7}{'worst':>7}{'MLP, mean':>11}{'80 % covers':>13}{'fit, s':>8}")
    baselines: dict[str, float] = {}
    for cell in options.cells:
        for strategy in options.strategies:
            errors, others, coverages, seconds = [], [], [], []
            for seed in range(options.seeds):
                began = time.perf_counter()
                model = rc.Forecaster(HORIZON, cell=cell, strategy=strategy, random_state=seed, verbose=False)
                result = rc.tasks.hold_out(model, table)
                seconds.append(time.perf_counter() - began)
                errors.append(result.scores[model.name]["MAPE"])
                others.append(result.scores[MLP]["MAPE"])
                coverages.append(result.coverage or 0.0)
                baselines |= {name: row["MAPE"] for name, row in result.scores.items() if name not in (model.name, MLP)}
            spread = stdev(errors) if len(errors) > 1 else 0.0
            print(
                f"{model.name + ', ' + strategy:<24}{mean(errors):>13.2f}{spread:>7.2f}{max(errors):>7.2f}"
                f"{mean(others):>11.2f}{100 * mean(coverages):>11.0f} %{mean(seconds):>8.1f}",
                flush=True,
            )
            row = {"cell": cell, "strategy": strategy, "mape": errors, "mlp_mape": others}
            rows.append({**row, "coverage": coverages, "seconds": seconds})
    for name, error in baselines.items():
        print(f"{name:<24}{error:>13.2f}")
    if options.json:
        machine = {"python": platform.python_version(), "torch": torch.__version__, "threads": torch.get_num_threads()}
        options.json.write_text(json.dumps({**machine, "recuerdo": rc.__version__, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
