"""One look for all pictures: few colours with fixed meanings, light grids, no frames."""

from __future__ import annotations

from matplotlib.axes import Axes

INK = "#222222"
QUIET = "#8a8f98"
MODEL = "#c8452f"
TRUTH = "#1f4e79"


def quiet_axes(ax: Axes) -> None:
    """Take the frame away and leave a light horizontal grid."""
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.spines["bottom"].set_color(QUIET)
    ax.tick_params(colors=INK, length=0, labelsize=9)
    ax.grid(axis="y", color="#e6e8eb", linewidth=0.8)
    ax.set_axisbelow(True)
