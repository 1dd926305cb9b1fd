"""The classic statements about gradients, as pictures of what memory/ checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from recuerdo.show.style import (
    DASHES,
    HUES,
    INK,
    MODEL,
    QUIET,
    TRUTH,
    above_zero,
    back_in_time,
    counted,
    headline,
    logarithmic,
    one_axes,
    panels,
)

if TYPE_CHECKING:
    from recuerdo.memory import FourCells, NormBound, Shrinking


def plot_shrinking(found: Shrinking, *, ax: Axes | None = None) -> Axes:
    """Draw the derivative of tanh where the network met it, and the gradient with the geometric line through it.

    Args:
        found: what memory.shrinking_in_time or memory.shrinking_in_depth returned.
        ax: the place that the two panels share; None makes a new figure.

    Returns:
        The axes that hold the two panels, which are its child_axes.
    """
    ax, (slope, gradient) = panels(ax, [0.36, 0.52])
    at = np.linspace(-3.5, 3.5, 201)
    low, mean, high = found.derivatives
    slope.plot(at, 1 - np.tanh(at) ** 2, color=QUIET, linewidth=1.8, label="1 - tanh²(a)")
    slope.axhspan(low, high, color=MODEL, alpha=0.12, linewidth=0, label="met here")
    slope.axhline(mean, color=MODEL, linewidth=1.4, linestyle=DASHES[1], label=f"mean {mean:.2g}")
    slope.set(ylim=(-0.02, 1.05))
    slope.set_xlabel("pre-activation a", color=INK)
    level = headline(slope, "The derivative of tanh", ncols=2)
    distance = np.arange(len(found.norms))
    gradient.plot(
        distance, above_zero(found.norms), color=MODEL, marker="o", markersize=4, linestyle="none", label="measured"
    )
    label = f"{found.rate:.4g} with each {found.along} (R² {found.fit:.2f})"
    gradient.plot(distance, found.fitted, color=TRUTH, linestyle=DASHES[1], linewidth=1.6, label=label)
    logarithmic(gradient)
    words = {"step back": "steps back from the loss", "layer down": "layers down from the loss"}
    counted(gradient, words[found.along], "norm of the gradient")
    headline(gradient, f"The gradient {found.verdict}", ncols=2, rows=level)
    return ax


def plot_norm_bound(found: NormBound, *, ax: Axes | None = None) -> Axes:
    """Draw the gradient going back, under the most that the norm of U allows it.

    Args:
        found: what memory.norm_bound returned.
        ax: where to draw; None makes a new figure.

    Returns:
        The axes.
    """
    ax = one_axes(ax)
    back = np.arange(len(found.norms))
    ax.plot(
        back, found.bound, color=QUIET, linestyle=DASHES[1], linewidth=1.8,
        label=f"allowed: (γ||U||)ᵏ, γ||U|| = {found.gamma * found.norm:.3g}",
    )  # fmt: skip
    ax.plot(
        back, above_zero(found.norms), color=MODEL, marker="o", markersize=3.5, linewidth=1.4,
        label=f"measured: {found.rate:.4g} with each step back",
    )  # fmt: skip
    logarithmic(ax)
    back_in_time(ax, "steps back from the end", "|dL/ds|")
    headline(ax, f"The norm says: the gradient {found.verdict}", ncols=2)
    return ax


def plot_four_cells(found: FourCells, *, ax: Axes | None = None) -> Axes:
    """Draw how much of its last gradient each of the four cells carries back, untrained and trained, and its error.

    Args:
        found: what memory.four_cells returned.
        ax: the place that the two panels share; None makes a new figure.

    Returns:
        The axes that hold the two panels, which are its child_axes.
    """
    ax, halves = panels(ax, [0.43, 0.43])
    for panel, trained in zip(halves, (False, True), strict=True):
        for (name, trial), hue, dash in zip(found.trials.items(), HUES, DASHES, strict=True):
            carried = np.array([trial.carried(lag, trained=trained) for lag in range(found.T)])
            loss = trial.loss_trained if trained else trial.loss_untrained
            panel.plot(
                np.arange(found.T),
                above_zero(carried),
                color=hue,
                linestyle=dash,
                linewidth=1.8,
                label=f"{name}  {loss:.2g}",
            )
        logarithmic(panel)
        back_in_time(panel, "steps back from the end", "part of the gradient that is left")
        words = f"After {found.steps} steps of training" if trained else "Untrained"
        headline(panel, words, ncols=2, heading="mean squared error")
    lowest, highest = zip(*(panel.get_ylim() for panel in halves), strict=True)
    for panel in halves:
        panel.set_ylim(min(lowest), max(highest))
    halves[1].set_ylabel("")
    return ax
