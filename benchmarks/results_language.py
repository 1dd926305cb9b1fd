"""How good are the language models, how fast do they write, and what do they hold while they learn?

    python benchmarks/results_language.py [--parts writing fine-tuned ...] [--quick] [--seeds COUNT] [--json FILE]

ptb-speed   a training step of the published small network on the Penn Treebank, beside plain torch
writing     characters a second, one text and 64 at once, beside a loop in plain torch
quijote     Don Quijote by characters: bits of each, beside counts of n-grams, and 500 characters of its own
fine-tuned  SST-2 by a classifier that begins with a language model, beside the same from other beginnings
streamed    what training holds of a text of a gigabyte, beside one of a tenth of it

What takes longer is in results_long.py. Each figure is printed as soon as it is known: its value (over several seeds
the mean, with standard deviation, lowest and highest), what is asked of it, the seconds of one fit, and what stands
beside it. A part goes into the file when it is done, with the machine and the commit.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # modules have the same names here as in the tests
from benchmarks.results import characters, command, started, streamed, treebank, writing

PARTS = {
    "ptb-speed": treebank.timed,
    "writing": writing.speed,
    "quijote": characters.quijote,
    "fine-tuned": started.fine_tuned,
    "streamed": streamed.flat,
}

if __name__ == "__main__":
    command.run(__doc__, PARTS, "language", packages=("numpy", "scikit-learn", "tokenizers"))
