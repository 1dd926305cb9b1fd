"""Do a million short texts stream through a classifier in memory that does not grow, and how fast?

    python benchmarks/stream_texts.py [--texts 1000000] [--json FILE]

A classifier is fitted on a few made-up texts by the default call, and asked about an iterator that makes each text when
it is wanted. After each tenth the process's memory is shown, less what it held before the first text: the answers, 8
bytes each, are all that may stay.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import time
from collections.abc import Iterator
from pathlib import Path

import torch

import recuerdo as rc

GOOD, BAD = ("good", "warm", "funny", "bright"), ("bad", "cold", "dull", "grey")
OTHER = ("film", "story", "song", "and", "a", "the", "of", "with", "long", "short")
ALLOWED = 200
"""MB by which memory may grow beyond the answers: buffers of the largest batch."""


def made(seed: int) -> tuple[str, int]:
    """A text of about ten words, and whether it is a good one."""
    draw = random.Random(seed)
    good = draw.random() < 0.5
    words = draw.choices(OTHER, k=draw.randint(4, 14)) + draw.choices(GOOD if good else BAD, k=2)
    draw.shuffle(words)
    return " ".join(words), int(good)


def resident() -> float:
    """The memory that this process holds now, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()

    texts, labels = zip(*(made(seed) for seed in range(1000)), strict=True)
    model = rc.SequenceClassifier(random_state=0, max_steps=100, baselines=None, verbose=False).fit(texts, labels)
    model.predict(texts)
    before, began, seen = resident(), time.perf_counter(), []

    def stream() -> Iterator[str]:
        for i in range(options.texts):
            if i % max(1, options.texts // 10) == 0:
                seen.append((i, resident() - before, time.perf_counter() - began))
                print(f"{i:>10,} texts{seen[-1][1]:>8.0f} MB{seen[-1][2]:>8.0f} s", flush=True)
            yield made(1000 + i)[0]

    said = model.predict(stream())
    seconds, grown = time.perf_counter() - began, resident() - before
    right = sum(int(said[i]) == made(1000 + i)[1] for i in range(0, options.texts, 97)) / len(
        range(0, options.texts, 97)
    )
    most = max(*(row[1] for row in seen), grown)
    print(f"{options.texts:,} texts in {seconds:.0f} s, {options.texts / seconds:,.0f} a second, {right:.3f} right")
    print(f"memory grew by {most:.0f} MB at most, of which {said.nbytes / 1e6:.0f} MB are answers")
    if options.json:
        machine = {"python": platform.python_version(), "torch": torch.__version__, "threads": torch.get_num_threads()}
        kept = {"texts": options.texts, "seconds": seconds, "most_mb": most, "right": right, "seen": seen, **machine}
        options.json.write_text(json.dumps(kept, indent=1))
    if most > ALLOWED + 2 * said.nbytes / 1e6:
        raise SystemExit(f"memory grew by {most:.0f} MB: the stream is held somewhere")


if __name__ == "__main__":
    main()
