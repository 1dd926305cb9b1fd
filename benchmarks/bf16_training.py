"""Does training with products in bfloat16 end where training in float32 does, within what the seed changes?

    python benchmarks/bf16_training.py [--cells gru lstm] [--hidden H] [--steps S] [--seeds K] [--emulated] [--json F]

Each network learns the next month of the airline passengers series (logarithms, standardised) from the 24 before it, in
windows that end by December 1958, and is scored on the 24 months after: the mean squared error. Seed k starts from the
same weights in both. The means differ within noise if they are at most two standard errors apart. Without AMX or
AVX512-BF16 nothing is run, unless --emulated asks for the slow emulation of AMX.
"""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, variance

import torch
from torch import Tensor, nn

import recuerdo as rc
from recuerdo.kernels import calling
from recuerdo.kernels.job import Precision

LOOKBACK, HELD_OUT = 24, 24


@dataclass(frozen=True)
class Ends:
    """How the runs of one cell ended: the error of each seed, by precision."""

    float32: list[float]
    bf16: list[float]

    @property
    def apart(self) -> float:
        """The distance of the means."""
        return abs(mean(self.float32) - mean(self.bf16))

    @property
    def noise(self) -> float:
        """Two standard errors of that distance, from the spread over seeds."""
        return 2 * math.sqrt((variance(self.float32) + variance(self.bf16)) / len(self.float32))

    @property
    def within_noise(self) -> bool:
        """Whether the means differ by no more than seeds make them."""
        return self.apart <= self.noise


def windows() -> tuple[Tensor, Tensor]:
    """Windows to learn from and windows to score, (M, 25) each: 24 months and the one that follows."""
    series = torch.tensor(rc.data.air_passengers()["passengers"].to_list(), dtype=torch.float32).log()
    known = series[:-HELD_OUT]
    rows = ((series - known.mean()) / known.std()).unfold(0, LOOKBACK + 1, 1)
    return rows[:-HELD_OUT], rows[-HELD_OUT:]


def error(cell: str, precision: Precision, seed: int, hidden: int, steps: int) -> float:
    """Train one network and return its mean squared error on the months held out."""
    torch.manual_seed(seed)
    learnt, scored = windows()
    net = rc.nn.Stack(rc.nn.LAYERS[cell](1, hidden, precision=precision), nn.Linear(hidden, 1))
    optimiser = torch.optim.Adam(net.parameters(), lr=0.003)

    def loss(rows: Tensor) -> Tensor:
        return nn.functional.mse_loss(net(rows[:, :-1].unsqueeze(-1)).squeeze(-1), rows[:, -1])

    for _ in range(steps):
        optimiser.zero_grad()
        loss(learnt).backward()
        optimiser.step()
    with torch.no_grad():
        return loss(scored).item()


def ends(cell: str, seeds: int, hidden: int, steps: int) -> Ends:
    """Train from every seed in both precisions."""

    def each(precision: Precision) -> list[float]:
        return [error(cell, precision, seed, hidden, steps) for seed in range(seeds)]

    return Ends(each("float32"), each("bf16"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", nargs="+", default=["gru", "lstm"], choices=list(rc.nn.LAYERS))
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--emulated", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.seeds < 2:
        parser.error("--seeds: a spread needs 2 or more")
    if calling.native is not None and options.emulated:
        calling.native.use_bf16_path("emulated")
    path = calling.bf16_path()
    if path.startswith("none"):
        raise SystemExit(f"Not run: products in bfloat16, {path}.")
    print(f"bfloat16 by {path}; mean squared error over {options.seeds} seeds")
    rows = {}
    for cell in options.cells:
        found = ends(cell, options.seeds, options.hidden, options.steps)
        for precision in ("float32", "bf16"):
            errors = getattr(found, precision)
            print(f"{cell + ', ' + precision:<16}{mean(errors):>9.4f}  sd {math.sqrt(variance(errors)):.4f}")
        verdict = "within noise" if found.within_noise else "BEYOND NOISE"
        print(f"{'':<16}{found.apart:>9.4f} apart, noise {found.noise:.4f}: {verdict}", flush=True)
        rows[cell] = {"float32": found.float32, "bf16": found.bf16, "within_noise": found.within_noise}
    if options.json:
        asked = {name: getattr(options, name) for name in ("hidden", "steps", "seeds")}
        options.json.write_text(json.dumps({"path": path, **asked, "ends": rows}, indent=2))


if __name__ == "__main__":
    main()
