"""How long does it take until `import recuerdo` is done and `recuerdo --help` has answered?

    python benchmarks/startup.py [--runs 9] [--json FILE]

Each number is the median over processes that are started afresh, in turns, beside one that does nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import recuerdo

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import recuerdo": ["-c", "import recuerdo"],
    "recuerdo --help": ["-m", "recuerdo.cli", "--help"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()

    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for run in range(-1, options.runs):  # the first round, in which files are read from the disk, does not count
        for name, arguments in COMMANDS.items():
            began = time.perf_counter()
            subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
            if run >= 0:
                seconds[name].append(time.perf_counter() - began)
    nothing = median(seconds["python -c pass"])
    print(f"{'':<16}{'median, ms':>12}{'least':>8}{'most':>8}{'above python':>14}")
    for name, runs in seconds.items():
        own = median(runs) - nothing
        print(f"{name:<16}{1e3 * median(runs):>12.0f}{1e3 * min(runs):>8.0f}{1e3 * max(runs):>8.0f}{1e3 * own:>14.0f}")
    if options.json:
        machine = {
            "machine": f"{platform.machine()}, {os.cpu_count()} processors, {platform.system()}",
            "python": platform.python_version(),
            "recuerdo": recuerdo.__version__,
            "commit": commit(),
        }
        options.json.write_text(json.dumps({**machine, "seconds": seconds}, indent=1) + "\n")


def commit() -> str:
    """The commit that is checked out, with a + where files differ from it."""
    git = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"]
    return subprocess.run(git, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    main()
