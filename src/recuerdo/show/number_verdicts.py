"""Numbers that a model answered against the true ones, as a picture of what tasks/ kept."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from recuerdo.show.style import INK, MODEL, QUIET, headline, one_axes


def plot_numbers(points: NDArray[np.float64], *, title: str = "Answers", ax: Axes | None = None) -> Axes:
    """Draw a dot for each row, its truth across and its answer up; on the line both are the same.

    Args:
        points: (n, 2), truth and answer.
        title: above it.
        ax: where to draw; None makes a new figure.

    Returns:
        The axes.
    """
    ax = one_axes(ax)
    ends = np.array([points.min(), points.max()])
    ends += np.array([-0.04, 0.04]) * (np.ptp(ends) or 1.0)
    ax.plot(ends, ends, color=QUIET, linewidth=1.0)
    faint = float(np.clip(60 / len(points), 0.2, 0.8))
    ax.plot(points[:, 0], points[:, 1], "o", color=MODEL, markersize=4, alpha=faint, markeredgewidth=0)
    ax.set(xlim=ends, ylim=ends)
    ax.set_xlabel("truth", color=INK)
    ax.set_ylabel("answer", color=INK)
    headline(ax, f"{title} to {len(points):,} rows")
    return ax
