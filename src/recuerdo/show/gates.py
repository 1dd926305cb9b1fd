"""What gates do, as pictures of what memory/ computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from recuerdo.errors import OptionError
from recuerdo.show.style import (
    DASHES,
    HUES,
    INK,
    MODEL,
    POINTS,
    QUIET,
    counted,
    headline,
    line,
    logarithmic,
    one_axes,
    panels,
    say,
)

if TYPE_CHECKING:
    from recuerdo.memory import GateActivity


def plot_gates(activity: GateActivity, *, ax: Axes | None = None) -> Axes:
    """Draw the gates of one layer: how open they stand at each step, and how often each unit's gate is stuck.

    Left, the mean over samples and units. Right, one point for each unit and gate: the share of time it is below 0.1
    (left saturated) and above 0.9 (right saturated), as in Karpathy et al. 2015, figure 3. On the diagonal a gate is
    always one or the other; in the corner at 0 never.

    Args:
        activity: one of what memory.gate_activity returned.
        ax: the place that the two panels share; None makes a new figure.

    Returns:
        The axes that hold the two panels, which are its child_axes.

    Raises:
        OptionError: the layer has no gates.
    """
    if not activity.left:
        raise OptionError(f"{activity.name} has no gates to draw: give a layer of an LSTM or a GRU.")
    ax, (over_time, stuck) = panels(ax, [0.58, 0.3])
    for gate, hue, dash, point in zip(activity.left, HUES, DASHES, POINTS, strict=False):
        mean = activity.activity[gate]
        line(over_time, np.arange(len(mean)), mean, color=hue, linestyle=dash, linewidth=1.8, label=gate)
        stuck.scatter(
            activity.left[gate],
            activity.right[gate],
            s=26,
            marker=point,
            facecolor=hue,
            alpha=0.6,
            linewidth=0,
        )
    over_time.set_ylim(-0.02, 1.02)
    counted(over_time, "step", "mean of the gate")
    headline(over_time, f"Gates of {activity.name}")
    stuck.plot([0, 1], [1, 0], color=QUIET, linewidth=0.8, linestyle=":")
    stuck.annotate(
        "always one or the other", (0.5, 0.5), xytext=(0, 4), textcoords="offset points", color=QUIET, fontsize=8,
        rotation=-45, rotation_mode="anchor", transform_rotates_text=True, ha="center", va="bottom",
    )  # fmt: skip
    stuck.set(xlim=(-0.04, 1.04), ylim=(-0.04, 1.04), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
    stuck.set_xlabel("time shut (below 0.1)", color=INK)
    stuck.set_ylabel("time open (above 0.9)", color=INK)
    headline(stuck, "Each unit", rows=1)
    return ax


def plot_time_constants(activity: GateActivity, *, ax: Axes | None = None) -> Axes:
    """Draw the memory that each unit's gates promise, in steps, from the shortest to the longest.

    Args:
        activity: one of what memory.gate_activity returned.
        ax: where to draw; None makes a new figure.

    Returns:
        The axes.

    Raises:
        OptionError: the layer's units have no time constants.
    """
    if activity.time_constants is None:
        raise OptionError(f"{activity.name} has no time constants to draw: give a layer of an IndRNN, LSTM or GRU.")
    ax = one_axes(ax)
    steps = np.sort(activity.time_constants)
    units = np.arange(1, len(steps) + 1)
    drawn = (steps > 0) & np.isfinite(steps)
    ax.plot(units[drawn], steps[drawn], color=MODEL, marker="o", markersize=4, linestyle="none")
    logarithmic(ax)
    words = f"{len(steps)} units, from the shortest memory to the longest"
    counts = {"keep nothing": int((steps == 0).sum()), "forget nothing": int(np.isinf(steps).sum())}
    left_out = " and ".join(f"{count} {does}" for does, count in counts.items() if count)
    counted(ax, f"{words}\n(not drawn: {left_out})" if left_out else words, "time constant (steps)")
    ax.set_xlim(0.5, len(steps) + 0.5)
    if not drawn.any():
        say(ax, "no unit has a time constant between 0 and infinity")
    middle = float(np.median(steps))
    if 0 < middle < np.inf:
        ax.axhline(middle, color=QUIET, linewidth=0.8, linestyle=":", label=f"median {middle:.3g} steps")
    headline(ax, f"The memory that the gates promise, {activity.name}")
    return ax
