"""What takes long: MNIST pixel by pixel, the adding problem over 1,000 and 5,000 steps, copying over a lag of 200.

    python benchmarks/results_long.py [--parts pixels ...] [--cells indrnn ...] [--max-steps N] [--max-seconds S]

pixels        MNIST pixel by pixel, 784 steps, by a deep IndRNN
permuted      the same in one shuffled order of the pixels
adding-1000   the adding problem over 1,000 steps, all four cells
adding-5000   the same over 5,000 steps, the IndRNN alone unless --cells names others
copying-200   ten symbols over a lag of 200, all four cells

Each training writes its curve while it goes on, as build/results/long/PART.json and PART.png. It can be ended at any
time: the same command goes on where it was, from the checkpoint beside them. --max-steps and --max-seconds make it a
shorter training, whose learning rate falls in time. Figures are printed as by results_classify.py. Times of two threads
of a quiet machine: pixels, permuted and adding-1000 about two hours each, adding-5000 one, copying-200 half of one.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # modules have the same names here as in the tests
from benchmarks.results import command, long

if __name__ == "__main__":
    command.run(__doc__, long.PARTS, "long", packages=("numpy",), long=True)
