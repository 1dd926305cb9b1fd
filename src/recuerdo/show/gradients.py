"""Where gradients go, and what becomes of a change of the state, as pictures of what memory/ computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.ticker import MaxNLocator

from recuerdo.show.style import (
    DASHES,
    HUES,
    INK,
    MODEL,
    QUIET,
    TRUTH,
    above_zero,
    back_in_time,
    headline,
    logarithmic,
    looks,
    one_axes,
)

if TYPE_CHECKING:
    from recuerdo.memory import DepthFlow, GradientFlow, Growth, ItemisedFlow, Lyapunov

ROUNDING = 1e-5
"""Share of a whole below which a difference is taken for rounding."""

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
        # The direct part is a difference: where there is none, rounding leaves a shadow of the total.
        direct = np.where(flow.direct > ROUNDING * flow.total, flow.direct, 0)
        _back(ax, direct, "direct, from this step's output", MODEL, marker="o", linestyle="none", markersize=4)
    else:
        for flow, look in zip(flows, looks([flow.name for flow in flows]), strict=True):
            _back(ax, flow.total, **look)
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
    shown = np.ma.masked_less_equal(flow.norms, 0)
    faintest = max(float(shown.min()), FAINTEST * largest)
    scale = LogNorm(vmin=faintest, vmax=largest, clip=True)
    rows = np.arange(len(flow.losses))
    image = ax.pcolormesh(np.arange(flow.norms.shape[1]), rows, shown, norm=scale, cmap="Blues", shading="nearest")
    ticks = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), 7)).round().astype(int))
    ax.set_yticks(rows[ticks], [str(k) for k in flow.losses[ticks]])
    ax.invert_yaxis()
    ax.grid(visible=False)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    ax.set_xlabel("step t of the state", color=INK)
    ax.set_ylabel("step k of the output", color=INK)
    bar = ax.figure.colorbar(image, ax=ax, extend="min" if shown.min() < faintest else "neither", pad=0.02)
    bar.set_label("|dL_k/ds_t|", color=INK)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, labelsize=9)
    headline(ax, f"Which step of the answer asks for which state, {flow.name}")
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
    ax = one_axes(ax)
    for k, flow in enumerate(flows[:-1]):
        label = "the same, shallower stacks" if k == 0 else None
        layers = np.arange(1, len(flow.names) + 1)
        ax.plot(layers, above_zero(flow.outputs), color=QUIET, linewidth=1, alpha=0.6, label=label)
        ax.plot(layers[:1], above_zero(flow.outputs[:1]), color=QUIET, marker=".", linestyle="none")
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
        ax.plot(layers, above_zero(values), color=hue, linestyle=dash, linewidth=1.8, label=label)
    logarithmic(ax)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    ax.set_xlabel("layer, from the input (left) to the loss (right)", color=INK)
    ax.set_ylabel("norm of the gradient", color=INK)
    headline(ax, f"Gradient through depth, {len(layers)} layers", ncols=2)
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
    ax.set_xlabel("steps from the change to the end", color=INK)
    ax.set_ylabel("|ds_T/ds_t|", color=INK)
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
    means = [each.exponents.mean(axis=0) for each in found]
    names = [f"{each.name}, {_fate(mean[0])}" for each, mean in zip(found, means, strict=True)]
    for n, (each, mean, look) in enumerate(zip(found, means, looks(names), strict=True)):
        order = np.arange(1, each.exponents.shape[1] + 1) + 0.3 * (n - (count - 1) / 2) / count
        reach = np.abs(np.stack([each.exponents.min(axis=0), each.exponents.max(axis=0)]) - mean)
        ax.errorbar(order, mean, yerr=reach, marker="o", markersize=4, linewidth=1.2, elinewidth=1, **look)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    ax.set_xlabel("exponent, the largest first", color=INK)
    ax.set_ylabel("growth per step (natural logarithm)", color=INK)
    headline(ax, "Lyapunov exponents: below 0 a change dies, above 0 it grows", ncols=3)
    return ax


def _fate(exponent: float) -> str:
    return f"τ = {-1 / exponent:.3g} steps" if exponent < 0 else "changes do not die"


def _back(ax: Axes, norms: np.ndarray, label: str, color: Any, **look: Any) -> None:
    """A line over the steps back from the end."""
    look = {"linewidth": 1.8, **look}
    ax.plot(np.arange(len(norms)), above_zero(norms[::-1]), color=color, label=label, **look)
