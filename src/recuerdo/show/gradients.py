"""Where gradients go, and what becomes of a change of the state, as pictures of what memory/ computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm

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
    line,
    logarithmic,
    looks,
    one_axes,
    say,
)

if TYPE_CHECKING:
    from recuerdo.memory import DepthFlow, GradientFlow, Growth, ItemisedFlow, Lyapunov

WAYS = (("", {"linewidth": 1.8}), (", in reverse", {"linewidth": 1.0, "alpha": 0.7, "marker": "<", "markersize": 4}))
"""How the lines of the two directions of a stack are named and drawn."""

WIDEST = 45
"""Letters of a name with which two stand side by side above a picture."""

FAINTEST = 1e-6
"""Share of the largest norm that the matrix still tells apart."""


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
    ax = one_axes(ax)
    if len(flows) == 1:
        (flow,) = flows
        _back(ax, flow.total, "total", QUIET, linewidth=4.5, alpha=0.45)
        _back(ax, flow.recurrent, "through the recurrence", TRUTH, linestyle=DASHES[1])
        _back(ax, flow.direct, "direct, from this step's output", MODEL, marker="o", linestyle="none", markersize=4)
    else:
        names = [flow.name if flow.total.any() else f"{flow.name}, 0 everywhere" for flow in flows]
        for flow, look in zip(flows, looks(names), strict=True):
            _back(ax, flow.total, **look)
    if not any(flow.total.any() for flow in flows):
        say(ax, "the loss does not read " + ("this layer" if len(flows) == 1 else "these layers"))
    logarithmic(ax)
    back_in_time(ax, "steps back from the end", "|dL/ds|")
    headline(ax, f"Gradient through time{f', {flows[0].name}' if len(flows) == 1 else ''}", ncols=3)
    return ax


def plot_itemised(flow: ItemisedFlow, *, ax: Axes | None = None) -> Axes:
    """Draw the matrix |dL_k/ds_t|: a row for each step of the answer, dark where much of its gradient arrives.

    A network with a long memory has wide rows, one that forgets a narrow band along the diagonal.

    Args:
        flow: one of what memory.itemised_flow returned.
        ax: where to draw; None makes a new figure.

    Returns:
        The axes.
    """
    ax = one_axes(ax)
    largest = float(flow.norms.max())
    headline(ax, f"Which step of the answer asks for which state, {flow.name}")
    counted(ax, "step t of the state", "step k of the output")
    ax.grid(visible=False)
    if not largest:
        ax.set(xlim=(-0.5, flow.norms.shape[1] - 0.5), yticks=())
        say(ax, "the loss does not read this layer")
        return ax
    shown = np.ma.masked_less_equal(flow.norms, 0)
    faintest = max(float(shown.min()), FAINTEST * largest)
    scale = LogNorm(vmin=faintest, vmax=largest, clip=True)
    rows = np.arange(len(flow.losses))
    image = ax.pcolormesh(np.arange(flow.norms.shape[1]), rows, shown, norm=scale, cmap="Blues", shading="nearest")
    ticks = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), 7)).round().astype(int))
    ax.set_yticks(rows[ticks], [str(k) for k in flow.losses[ticks]])
    ax.invert_yaxis()
    bar = ax.figure.colorbar(image, ax=ax, extend="min" if shown.min() < faintest else "neither", pad=0.02)
    bar.set_label("|dL_k/ds_t|", color=INK)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, labelsize=9)
    return ax


def plot_depth(flows: DepthFlow | Sequence[DepthFlow], *, ax: Axes | None = None) -> Axes:
    """Draw how much gradient reaches each layer of a stack, on a logarithmic scale, the top layer at the right.

    A direction is a line of its own: layers that read in reverse stand on the same places as those that read forwards.

    Args:
        flows: what memory.gradient_by_layer or memory.gradient_by_depth returned. Of several stacks the deepest is
            drawn in full, with the gradients of those weights that have one, and of the others the outputs alone.
        ax: where to draw; None makes a new figure.

    Returns:
        The axes.
    """
    flows = sorted(flows if isinstance(flows, Sequence) else [flows], key=lambda flow: flow.layers)
    ax = one_axes(ax)
    for k, flow in enumerate(flows[:-1]):
        for way, rows in enumerate(flow.ways):
            label = "the same, shallower stacks" if k == way == 0 else None
            outputs = above_zero(flow.outputs[rows])
            line(ax, _places(rows), outputs, color=QUIET, linewidth=1, alpha=0.6, label=label)
            ax.plot([1], outputs[:1], color=QUIET, marker=".", linestyle="none")
    deepest = flows[-1]
    lines = (
        (deepest.outputs, "by the layer's output, |dL/dy|", MODEL, DASHES[0]),
        (deepest.weight_ih, "by its input weights, |dL/dW|", TRUTH, DASHES[1]),
        (deepest.weight_hh, "by its recurrent weights, |dL/dU|", HUES[2], DASHES[2]),
    )
    for rows, (words, look) in zip(deepest.ways, WAYS, strict=False):
        for values, label, hue, dash in lines:
            if np.any(values[rows] > 0):  # not frozen, nor a single step, in which recurrent weights have no part
                shown = above_zero(values[rows])
                line(ax, _places(rows), shown, color=hue, linestyle=dash, label=label + words, **look)
    if not any(np.any(values > 0) for values, *_ in lines):
        say(ax, "the loss reads no layer")
    logarithmic(ax)
    counted(ax, "layer, from the input (left) to the loss (right)", "norm of the gradient")
    layers = f"{deepest.layers} layer{'s' * (deepest.layers != 1)}"
    both = " in two directions" if len(deepest.ways) > 1 else ""
    headline(ax, f"Gradient through depth, {layers}{both}", ncols=2)
    return ax


def plot_growth(growth: Growth, *, ax: Axes | None = None) -> Axes:
    """Draw what becomes of a change of the state after so many steps: the largest growth and the typical one.

    Above the line at 1 a change has grown, below it has died; a straight line is a geometric one.

    Args:
        growth: one of what memory.growth returned.
        ax: where to draw; None makes a new figure.

    Returns:
        The axes.
    """
    ax = one_axes(ax)
    ax.axhline(1, color=QUIET, linewidth=0.8, linestyle=":")
    ax.plot(growth.lags, above_zero(growth.largest), color=MODEL, linewidth=1.8, marker="o", label="largest")
    typical = above_zero(growth.typical)
    ax.plot(growth.lags, typical, color=TRUTH, linewidth=1.8, linestyle=DASHES[1], marker="s", label="typical")
    logarithmic(ax)
    gone = growth.lags[growth.largest == 0]
    words = "steps from the change to the end"
    counted(ax, f"{words}; nothing at all is left from {gone[0]} on" if len(gone) else words, "|ds_T/ds_t|")
    reach = 0.03 * growth.lags[-1]
    ax.set_xlim(growth.lags[0] - reach, growth.lags[-1] + reach)
    headline(ax, f"What is left of a change of the state, {growth.name}")
    return ax


def plot_lyapunov(found: Lyapunov | Sequence[Lyapunov], *, ax: Axes | None = None) -> Axes:
    """Draw the largest Lyapunov exponents of each layer: the mean over samples, and from the least to the most.

    Args:
        found: what memory.lyapunov returned, of one layer or of several.
        ax: where to draw; None makes a new figure.

    Returns:
        The axes.
    """
    found = found if isinstance(found, Sequence) else [found]
    ax = one_axes(ax)
    ax.axhline(0, color=QUIET, linewidth=0.8, linestyle=":")
    count = len(found)
    names = [f"{each.name} {each.fate}{_left_out(each)}" for each in found]
    for n, (each, look) in enumerate(zip(found, looks(names), strict=True)):
        order = np.arange(1, each.exponents.shape[1] + 1) + 0.3 * (n - (count - 1) / 2) / count
        finite = np.ma.masked_invalid(each.exponents)
        mean = np.where(np.isfinite(each.mean), each.mean, np.nan)
        reach = np.abs(np.stack([finite.min(axis=0).filled(np.nan), finite.max(axis=0).filled(np.nan)]) - mean)
        ax.errorbar(order, mean, yerr=reach, marker="o", markersize=4, linewidth=1.2, elinewidth=1, **look)
    counted(ax, "exponent, the largest first", "growth per step (natural logarithm)")
    columns = 2 if max(map(len, names)) <= WIDEST else 1
    headline(ax, "Lyapunov exponents: below 0 a change dies, above 0 it grows", ncols=columns)
    return ax


def _left_out(found: Lyapunov) -> str:
    """A word for the exponents that have no place on an axis."""
    infinite = np.isinf(found.exponents)
    return f" ({infinite.sum()} of {infinite.size} exponents are −∞)" if infinite.any() else ""


def _places(rows: Sequence[int]) -> np.ndarray:
    """The layers of one direction, counted from 1."""
    return np.arange(1, len(rows) + 1)


def _back(ax: Axes, norms: np.ndarray, label: str, color: Any, **look: Any) -> None:
    """A line over the steps back from the end."""
    look = {"linewidth": 1.8, **look}
    line(ax, np.arange(len(norms)), above_zero(norms[::-1]), color=color, label=label, **look)
