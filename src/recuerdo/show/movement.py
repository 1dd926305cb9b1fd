"""What a training did with the gradients, as a picture of what memory/ wrote down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from recuerdo.errors import OptionError
from recuerdo.show.style import INK, QUIET, above_zero, headline, logarithmic, looks, panels

if TYPE_CHECKING:
    from recuerdo.memory import Movement

GOOD_RATIO = 1e-3
"""The ratio of update to weight that is commonly taken for a healthy one (Bottou 2015)."""


def plot_movement(rows: Sequence[Movement], *, ax: Axes | None = None) -> Axes:
    """Draw how far each weight moved with a step, and the gradient's norm, over the training.

    Args:
        rows: what a memory.WeightMovement wrote down.
        ax: the place that the two panels share; None makes a new figure.

    Returns:
        The axes that hold the two panels, which are its child_axes.

    Raises:
        OptionError: there is no row.
    """
    if not rows:
        raise OptionError("No step was written down: train for more steps, or give WeightMovement a smaller every=.")
    ax, (moved, gradient) = panels(ax, [0.52, 0.36])
    steps = np.array([row.step for row in rows])
    weights = list(rows[0].update_ratio)
    for name, look in zip(weights, looks(weights), strict=True):
        ratios = np.array([row.update_ratio[name] for row in rows])
        moved.plot(steps, above_zero(ratios), linewidth=1.5, **look)
    moved.axhline(GOOD_RATIO, color=QUIET, linewidth=0.8, linestyle=":")
    moved.annotate(
        "1e-3", (1, GOOD_RATIO), xycoords=("axes fraction", "data"), color=QUIET, fontsize=8, va="bottom", ha="right"
    )
    logarithmic(moved)
    moved.set_ylabel("|update| / |weight|", color=INK)
    headline(moved, "How far each weight moves with a step", ncols=2)
    gradient.plot(steps, above_zero(np.array([row.grad_norm for row in rows])), color=INK, linewidth=1.6)
    clipped = np.array([row.clip_rate for row in rows])
    logarithmic(gradient)
    gradient.set_ylabel("norm of the gradient", color=INK)
    headline(gradient, f"Gradient, clipped in {100 * clipped.mean():.0f} % of steps")
    for panel in (moved, gradient):
        panel.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
        panel.set_xlabel("step of the training", color=INK)
    return ax
