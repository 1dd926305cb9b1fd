"""How some cells learn a problem with a known answer, beside what can be had without memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from recuerdo.show.style import QUIET, above_zero, counted, headline, line, logarithmic, looks, one_axes, say

if TYPE_CHECKING:
    from recuerdo.tasks.problem_runs import ProblemRuns

LEFT_OF = 0.995
"""Where the words on a level end, as a share of the width."""


def plot_problem(runs: ProblemRuns, *, ax: Axes | None = None) -> Axes:
    """Draw the loss of each cell over its training, on a logarithmic scale, and the loss without memory.

    Args:
        runs: what tasks.run_problem returned.
        ax: where to draw; None makes a new figure.

    Returns:
        The axes.
    """
    ax = one_axes(ax)
    names = [f"{trial.cell}, {'solved' if trial.solved else 'not solved'}" for trial in runs.trials]
    for trial, look in zip(runs.trials, looks(names), strict=True):
        steps, losses = np.array(trial.curve or [(0, np.nan)]).T
        line(ax, steps, above_zero(losses), linewidth=1.8, **look)
    if not any(trial.curve for trial in runs.trials):
        say(ax, "no training came as far as its first evaluation")
    levels = [("without memory", runs.chance)]
    if runs.solved_below is not None:
        levels.append(("solved below", runs.solved_below))
    for words, level in levels:
        ax.axhline(level, color=QUIET, linewidth=1.0, linestyle=(0, (1, 1.5)), zorder=1)
        ax.annotate(
            f"{words}, {level:.3g}", (LEFT_OF, level), xycoords=("axes fraction", "data"), xytext=(0, 3),
            textcoords="offset points", color=QUIET, fontsize=8.5, va="bottom", ha="right",
        )  # fmt: skip
    logarithmic(ax)
    counted(ax, "steps of the training", "loss on other sequences")
    headline(ax, runs.title)
    return ax
