"""What takes long: MNIST pixel by pixel, sums over 1,000 and 5,000 steps, copying over a lag of 200, and language.

    python benchmarks/results_long.py [--parts pixels ...] [--cells indrnn ...] [--max-steps N] [--max-seconds S]

pixels        MNIST pixel by pixel, 784 steps, by a deep IndRNN
permuted      the same in one shuffled order of the pixels
adding-1000   the adding problem over 1,000 steps, all four cells
adding-5000   the same over 5,000 steps, the IndRNN alone unless --cells names others
copying-200   ten symbols over a lag of 200, all four cells
ptb-small     the Penn Treebank by words, the published small network, then its step beside plain torch
ptb-best      the same by the best network that was found for an hour
ptb-medium    the published medium network, whole on a GPU, else its first epoch
shakespeare   Tiny Shakespeare by characters, three seeds of ten minutes
shakespeare-bf16, shakespeare-cells   the same with products in bfloat16; by the four cells, as long each
wikitext-2    WikiText-2 by words, half an hour

Of the first five, each training writes its curve while it goes on, as build/results/long/PART.json and PART.png. It can
be ended at any time: the same command goes on where it was, from the checkpoint beside them. --max-steps and
--max-seconds make it a shorter training, whose learning rate falls in time; the others mind --max-seconds too, but for
ptb-small and ptb-medium. Figures are printed as by results_classify.py. Times of two threads of a quiet machine:
pixels, permuted and adding-1000 about two hours each, adding-5000 and ptb-best one, ptb-medium, shakespeare, wikitext-2
and copying-200 half of one, the others ten minutes.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # modules have the same names here as in the tests
from benchmarks.results import articles, characters, command, long, treebank

PARTS = {
    **long.PARTS,
    "ptb-small": treebank.small,
    "ptb-best": treebank.best,
    "ptb-medium": treebank.medium,
    "shakespeare": characters.shakespeare,
    "shakespeare-bf16": characters.shakespeare_bf16,
    "shakespeare-cells": characters.shakespeare_cells,
    "wikitext-2": articles.words,
}

if __name__ == "__main__":
    command.run(__doc__, PARTS, "long", packages=("numpy",), long=True)
