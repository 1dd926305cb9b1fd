"""Where gradients go and what gates do, as pictures of what memory/ computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from recuerdo.errors import OptionError
from recuerdo.show.style import INK, MODEL, QUIET, TRUTH, quiet_axes

if TYPE_CHECKING:
    from recuerdo.memory import DepthFlow, FourCells, GateActivity, GradientFlow, Growth

# Told apart without colour as well: by dashes in lines, by shape in points.
DASHES = ("solid", (0, (5, 1.5)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)))
POINTS = ("o", "s", "^", "D")
ROUNDING = 1e-5
HUES = (MODEL, TRUTH, "#2f8f5b", "#b8860b")


def plot_gradient_flow(flows: GradientFlow | Sequence[GradientFlow], *, ax: Axes | None = None) -> Axes:
    """Draw how much gradient reaches each step, back from the last, on a logarithmic scale.

    A line is |dL/ds_t|, all of it; for a single flow its two parts are drawn as well: what is read directly from the
    step's output, and what comes back through the recurrence.

    Args:
        flows: what memory.gradient_flow returned, or one of it.
        ax: where to draw; None makes a new figure.

    Returns:
        The axes.
    """
    flows = flows if isinstance(flows, Sequence) else [flows]
    ax = _axes(ax)
    if len(flows) == 1:
        (flow,) = flows
        _back(ax, flow.total, "total", QUIET, linewidth=4.5, alpha=0.45)
        _back(ax, flow.recurrent, "through the recurrence", TRUTH, linestyle=DASHES[1])
        # The direct part is a difference: where there is none, rounding leaves a shadow of the total.
        direct = np.where(flow.direct > ROUNDING * flow.total, flow.direct, 0)
        _back(ax, direct, "direct, from this step's output", MODEL, marker="o", linestyle="none", markersize=4)
    else:
        for flow, hue, dash in zip(flows, _repeat(HUES, flows), _repeat(DASHES, flows), strict=True):
            _back(ax, flow.total, flow.name, hue, linestyle=dash)
    _logarithmic(ax)
    _back_in_time(ax, "steps back from the end", "|dL/ds|")
    _title(ax, f"Gradient through time{f', {flows[0].name}' if len(flows) == 1 else ''}")
    return ax


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
    ax, (over_time, stuck) = _panels(ax, [0.58, 0.3])
    for gate, hue, dash, point in zip(activity.left, HUES, DASHES, POINTS, strict=False):
        mean = activity.activity[gate]
        over_time.plot(np.arange(len(mean)), mean, color=hue, linestyle=dash, linewidth=1.8, label=gate)
        stuck.scatter(
            activity.left[gate],
            activity.right[gate],
            s=26,
            marker=point,
            facecolor=hue,
            alpha=0.6,
            linewidth=0,
            label=gate,
        )
    over_time.set_ylim(-0.02, 1.02)
    over_time.set_xlabel("step", color=INK)
    over_time.set_ylabel("mean of the gate", color=INK)
    _title(over_time, f"Gates of {activity.name}")
    _legend(over_time)
    stuck.plot([0, 1], [1, 0], color=QUIET, linewidth=0.8, linestyle=":")
    stuck.annotate(
        "always one or the other", (0.5, 0.5), xytext=(0, 4), textcoords="offset points", color=QUIET, fontsize=8,
        rotation=-45, rotation_mode="anchor", transform_rotates_text=True, ha="center", va="bottom",
    )  # fmt: skip
    stuck.set(xlim=(-0.04, 1.04), ylim=(-0.04, 1.04), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
    stuck.set_xlabel("time shut (below 0.1)", color=INK)
    stuck.set_ylabel("time open (above 0.9)", color=INK)
    _title(stuck, "Each unit")
    return ax


def plot_depth(flows: DepthFlow | Sequence[DepthFlow], *, ax: Axes | None = None) -> Axes:
    """Draw how much gradient reaches each layer of a stack, on a logarithmic scale, the top layer at the right.

    Args:
        flows: what memory.gradient_by_layer or memory.gradient_by_depth returned. Of several stacks the deepest is
            drawn in full, with the gradients of those weights that have one, and of the others the outputs alone.
        ax: where to draw; None makes a new figure.

    Returns:
        The axes.
    """
    flows = sorted(flows if isinstance(flows, Sequence) else [flows], key=lambda flow: len(flow.names))
    ax = _axes(ax)
    for k, flow in enumerate(flows[:-1]):
        label = "the same, shallower stacks" if k == 0 else None
        layers = np.arange(1, len(flow.names) + 1)
        ax.plot(layers, _above_zero(flow.outputs), color=QUIET, linewidth=1, alpha=0.6, label=label)
        ax.plot(layers[:1], _above_zero(flow.outputs[:1]), color=QUIET, marker=".", linestyle="none")
    deepest = flows[-1]
    layers = np.arange(1, len(deepest.names) + 1)
    lines = (
        (deepest.outputs, "by the layer's output, |dL/dy|", MODEL, DASHES[0]),
        (deepest.weight_ih, "by its input weights, |dL/dW|", TRUTH, DASHES[1]),
        (deepest.weight_hh, "by its recurrent weights, |dL/dU|", HUES[2], DASHES[2]),
    )
    for values, label, hue, dash in lines:
        if not np.any(values > 0):  # frozen weights, or a single step, in which recurrent weights have no part
            continue
        ax.plot(layers, _above_zero(values), color=hue, linestyle=dash, linewidth=1.8, label=label)
    _logarithmic(ax)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    ax.set_xlabel("layer, from the input (left) to the loss (right)", color=INK)
    ax.set_ylabel("norm of the gradient", color=INK)
    _title(ax, f"Gradient through depth, {len(layers)} layers", pad=42)
    _legend(ax, ncols=2)
    return ax


def plot_four_cells(found: FourCells, *, ax: Axes | None = None) -> Axes:
    """Draw how much of its last gradient each of the four cells carries back, untrained and trained, and its error.

    Args:
        found: what memory.four_cells returned.
        ax: the place that the two panels share; None makes a new figure.

    Returns:
        The axes that hold the two panels, which are its child_axes.
    """
    ax, panels = _panels(ax, [0.43, 0.43])
    for panel, trained in zip(panels, (False, True), strict=True):
        for (name, trial), hue, dash in zip(found.trials.items(), HUES, DASHES, strict=True):
            carried = np.array([trial.carried(lag, trained=trained) for lag in range(found.T)])
            loss = trial.loss_trained if trained else trial.loss_untrained
            panel.plot(
                np.arange(found.T),
                _above_zero(carried),
                color=hue,
                linestyle=dash,
                linewidth=1.8,
                label=f"{name}  {loss:.2g}",
            )
        _logarithmic(panel)
        _back_in_time(
            panel, "steps back from the end", "part of the gradient that is left", ncols=2, title="mean squared error"
        )
        _title(panel, f"After {found.steps} steps of training" if trained else "Untrained", pad=52)
    lowest, highest = zip(*(panel.get_ylim() for panel in panels), strict=True)
    for panel in panels:
        panel.set_ylim(min(lowest), max(highest))
    panels[1].set_ylabel("")
    return ax


def _axes(ax: Axes | None) -> Axes:
    ax = Figure(figsize=(7.5, 4.2), layout="constrained").subplots() if ax is None else ax
    quiet_axes(ax)
    return ax


def _panels(ax: Axes | None, widths: Sequence[float]) -> tuple[Axes, list[Axes]]:
    """Panels side by side in the place of one axes, the first at its left edge and the last at its right."""
    if ax is None:
        ax = Figure(figsize=(9.5, 4.4), layout="constrained").subplots()
    ax.set_axis_off()
    gap = (1 - sum(widths)) / (len(widths) - 1)
    lefts = [k * gap + sum(widths[:k]) for k in range(len(widths))]
    panels = [ax.inset_axes((left, 0, width, 1)) for left, width in zip(lefts, widths, strict=True)]
    for panel in panels:
        quiet_axes(panel)
    return ax, panels


def _back(ax: Axes, norms: np.ndarray, label: str, hue: str, **look: Any) -> None:
    """A line over the steps back from the end."""
    look = {"linewidth": 1.8, **look}
    ax.plot(np.arange(len(norms)), _above_zero(norms[::-1]), color=hue, label=label, **look)


def _back_in_time(ax: Axes, x: str, y: str, ncols: int = 3, title: str | None = None) -> None:
    ax.xaxis.set_inverted(True)  # time runs to the right, as everywhere
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    ax.set_xlabel(x, color=INK)
    ax.set_ylabel(y, color=INK)
    _legend(ax, ncols, title)


def _above_zero(norms: np.ndarray) -> np.ndarray:
    """A logarithmic scale has no place for zero: leave a gap there."""
    return np.where(norms > 0, norms, np.nan)


def _logarithmic(ax: Axes) -> None:
    """A logarithmic scale over two powers of ten at least, so that a gradient that does not change looks flat."""
    ax.set_yscale("log")
    ax.minorticks_off()
    low, high = ax.get_ylim()
    if high < 100 * low:
        middle = np.sqrt(low * high)
        ax.set_ylim(middle / 10, middle * 10)


def _repeat(kinds: Sequence, over: Sequence) -> list:
    return [kinds[k % len(kinds)] for k in range(len(over))]


def _title(ax: Axes, words: str, pad: float = 26) -> None:
    ax.set_title(words, loc="left", fontsize=11, color=INK, pad=pad)


def _legend(ax: Axes, ncols: int = 4, title: str | None = None) -> None:
    """Between title and axes, where it can hide no line."""
    ax.legend(
        loc="lower left", bbox_to_anchor=(0, 1), ncols=ncols, borderaxespad=0.2, frameon=False, fontsize=9, title=title,
        alignment="left", title_fontsize=9,
    )  # fmt: skip


def plot_growth(growth: Growth, *, ax: Axes | None = None) -> Axes:
    """Draw what becomes of a change of the state after so many steps: the largest growth and the typical one.

    Above the line at 1 a change has grown, below it has died; a straight line is a geometric one.

    Args:
        growth: one of what memory.growth returned.
        ax: where to draw; None makes a new figure.

    Returns:
        The axes.
    """
    ax = _axes(ax)
    ax.axhline(1, color=QUIET, linewidth=0.8, linestyle=":")
    ax.plot(growth.lags, _above_zero(growth.largest), color=MODEL, linewidth=1.8, marker="o", label="largest")
    typical = _above_zero(growth.typical)
    ax.plot(growth.lags, typical, color=TRUTH, linewidth=1.8, linestyle=DASHES[1], marker="s", label="typical")
    _logarithmic(ax)
    quiet_axes(ax)
    ax.set_xlabel("steps from the change to the end", color=INK, fontsize=9)
    ax.set_ylabel("|ds_T/ds_t|", color=INK, fontsize=9)
    _title(ax, f"What is left of a change of the state, {growth.name}")
    _legend(ax)
    return ax
