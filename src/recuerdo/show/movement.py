"""What a training did with the gradients, as a picture of what memory/ wrote down."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from recuerdo.errors import OptionError
from recuerdo.show.style import DASHES, INK, QUIET, above_zero, counted, headline, line, logarithmic, looks, panels, say

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
    steps = _steps(rows)
    ax, (moved, gradient) = panels(ax, [0.52, 0.36])
    _by_weight(moved, steps, [row.update_ratio for row in rows], above_zero)
    moved.axhline(GOOD_RATIO, color=QUIET, linewidth=0.8, linestyle=":")
    moved.annotate(
        "1e-3", (1, GOOD_RATIO), xycoords=("axes fraction", "data"), color=QUIET, fontsize=8, va="bottom", ha="right"
    )
    logarithmic(moved)
    counted(moved, "step of the training", "|update| / |weight|")
    level = headline(moved, "How far each weight moves with a step", ncols=2)
    line(gradient, steps, above_zero(np.array([row.grad_norm for row in rows])), color=INK, linewidth=1.6)
    clipped = np.array([row.clip_rate for row in rows])
    logarithmic(gradient)
    counted(gradient, "step of the training", "norm of the gradient")
    headline(gradient, f"Gradient, clipped in {100 * clipped.mean():.0f} % of steps", rows=level)
    return ax


def plot_saturation(rows: Sequence[Movement], *, ax: Axes | None = None) -> Axes:
    """Draw what stands still over the training: numbers that a step leaves as they were, and gates that are stuck.

    Left, the share of each weight's numbers that the step did not change. Right, the share of steps, samples and units
    at which a gate stands open (above 0.9) and shut (below 0.1, dotted).

    Args:
        rows: what a memory.WeightMovement wrote down.
        ax: the place that the two panels share; None makes a new figure.

    Returns:
        The axes that hold the two panels, which are its child_axes.

    Raises:
        OptionError: there is no row.
    """
    steps = _steps(rows)
    ax, (still, stuck) = panels(ax, [0.44, 0.44])
    _by_weight(still, steps, [row.still for row in rows], np.asarray)
    counted(still, "step of the training", "share of the weight's numbers")
    gates = list(rows[0].left)
    for gate, look in zip(gates, looks(gates), strict=True):
        look["linestyle"] = "solid"  # dashes tell open from shut here
        stuck.plot(steps, [row.right[gate] for row in rows], linewidth=1.5, marker=".", **look)
        shut = {**look, "linestyle": DASHES[2], "label": "_nolegend_"}
        stuck.plot(steps, [row.left[gate] for row in rows], linewidth=1.5, marker=".", **shut)
    if not gates:
        say(stuck, "no gate was watched")
    counted(stuck, "step of the training", "share of steps, samples and units")
    for panel in (still, stuck):
        panel.set_ylim(-0.02, 1.02)
    level = headline(still, "Numbers that a step leaves as they were", ncols=2)
    level = max(level, headline(stuck, "Gates stuck open (solid) and shut (dotted)", ncols=2, rows=level))
    headline(still, "Numbers that a step leaves as they were", ncols=2, rows=level)
    return ax


def _steps(rows: Sequence[Movement]) -> np.ndarray:
    if not rows:
        raise OptionError("No step was written down: train for more steps, or give WeightMovement a smaller every=.")
    return np.array([row.step for row in rows])


def _by_weight(
    ax: Axes,
    steps: np.ndarray,
    values: Sequence[Mapping[str, float]],
    shown: Callable[[np.ndarray], np.ndarray],
) -> None:
    """A line for each weight."""
    weights = list(values[0])
    for name, look in zip(weights, looks(weights), strict=True):
        line(ax, steps, shown(np.array([each[name] for each in values])), linewidth=1.5, **look)
