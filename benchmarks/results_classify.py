"""How good are the verdicts on sequences, beside the baselines and what others have published?

    python benchmarks/results_classify.py [--parts series text ...] [--quick] [--seeds COUNT] [--json FILE]

series   eleven sets of the UCR and UEA archives by the default call, beside 1-NN DTW and MiniRocket; the latter by
         aeon, which gets an environment of its own the first time
text     SST-2, MR, review polarity and Rest-Mex by the default call, beside TF-IDF with logistic regression
rows     MNIST row by row by the default call
adding   the adding problem over 200 steps, all four cells
copying  ten symbols over a lag of 50, all four cells; of both a picture stands beside the file

Each figure is printed as soon as it is known: its value (over several seeds the mean, which is judged, with standard
deviation, lowest and highest), what is asked of it, the seconds of one fit, and what stands beside it. A part goes into
the file when it is done, with the machine and the commit. Without --parts everything runs.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # modules have the same names here as in the tests
from benchmarks.results import command, digits, known, series, text

PARTS = {
    "series": series.figures,
    "text": text.figures,
    "rows": digits.figures,
    "adding": known.adding,
    "copying": known.copying,
}

if __name__ == "__main__":
    command.run(__doc__, PARTS, "classify", packages=("numpy", "scikit-learn", "tokenizers", "dtaidistance"))
