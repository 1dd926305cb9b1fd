"""What the scripts of results have in common: options, a table that grows, a file, and a count of the targets met."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from recuerdo.tasks.problem_runs import CELLS

from ..kernel.machine import ROOT, Others, described
from .figures import Effort, Figure, heading
from .record import record

Part = Callable[[Effort], Iterator[Figure]]

BUSY = 0.1
"""The share of the processors that others may use before one is told."""


def arguments(words: str | None, parts: Mapping[str, Part], name: str, *, long: bool = False) -> argparse.Namespace:
    """Read the command line.

    Args:
        words: what the script says of itself.
        parts: name -> part.
        name: of the file, unless another is named: build/results/NAME.json, or NAME-quick.json.
        long: whether the parts take so long that one may want less of them: fewer cells, steps or seconds.
    """
    parser = argparse.ArgumentParser(description=words, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=parts, default=list(parts), metavar="PART", help=", ".join(parts))
    parser.add_argument("--quick", action="store_true", help="a few steps of one seed, to see that it works")
    parser.add_argument("--seeds", type=int, metavar="COUNT", help="at most so many")
    parser.add_argument("--json", type=Path, help=f"the file: build/results/{name}.json, or {name}-quick.json")
    if long:
        parser.add_argument("--cells", nargs="+", choices=CELLS, default=[], metavar="CELL", help=", ".join(CELLS))
        parser.add_argument("--max-steps", type=int, metavar="COUNT", help="of each training, at most")
        parser.add_argument("--max-seconds", type=float, metavar="SECONDS", help="of each training")
    options = parser.parse_args()
    if options.seeds is not None and options.seeds < 1:
        parser.error(f"--seeds {options.seeds}: one at least.")
    options.json = options.json or ROOT / "build" / "results" / f"{name}{'-quick' if options.quick else ''}.json"
    return options


def run(
    words: str | None, parts: Mapping[str, Part], name: str, packages: Sequence[str], *, long: bool = False
) -> None:
    """Work through the parts that are asked for; each goes into the file when it is done.

    Args:
        words, parts, name, long: as of :func:`arguments`.
        packages: whose versions a reader needs.
    """
    options = arguments(words, parts, name, long=long)
    effort = Effort(options.quick, options.seeds)
    if long:
        effort = replace(
            effort, most_steps=options.max_steps, max_seconds=options.max_seconds, cells=tuple(options.cells)
        )
    about: dict[str, Any] = described() | {each: version(each) for each in packages}
    about |= {"effort": asdict(effort)}
    print(f"{about['machine']}; {about['threads']} threads; commit {about['commit']}")
    if effort.quick:
        print("A few steps of one seed: it works or it does not, and no value means anything.")
    print(heading())
    verdicts = Counter[str]()
    for part in options.parts:
        others, began = Others(), time.perf_counter()
        found = list[Figure]()
        for each in parts[part](effort):
            print(each.line(judged=not effort.quick), flush=True)
            found.append(each)
        share = others.share()
        record(options.json, part, found, about | {"seconds": time.perf_counter() - began, "others_busy": share})
        if share is not None and share > BUSY:
            print(f"Others used {share:.0%} of the processors during {part}: its seconds say little.")
        verdicts += Counter(each.verdict for each in found if each.verdict)
    if not effort.quick:
        print(f"{verdicts.total()} targets: {verdicts['met']} met, {verdicts['missed']} missed")
    print(f"Written to {options.json}", file=sys.stderr)
