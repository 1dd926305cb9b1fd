"""The ratios of one run as a picture."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from .cases import CELLS, MODES, TRAINING
from .judging import Verdict, summed
from .measuring import Row

TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200)
COLOURS = dict(zip(CELLS, plt.get_cmap("tab10").colors, strict=False))  # pyright: ignore[reportAttributeAccessIssue]
APART = 0.05  # points of one shape stand beside each other, so that none hides another


def draw(rows: list[Row], machine: dict[str, object], path: Path) -> None:
    """Draw the ratio of every shape and their geometric means, one panel for each mode that ran."""
    modes = [mode for mode in MODES if any(row["mode"] == mode for row in rows)]
    shapes = list(dict.fromkeys(tuple(row["shape"]) for row in rows))
    cells = [name for name in CELLS if any(row["cell"] == name for row in rows)]
    size = (2 + len(modes) * (1.6 + 0.6 * len(shapes)), 5.5)
    figure, axes = plt.subplots(1, len(modes), figsize=size, sharey=True, squeeze=False, layout="constrained")
    means = summed(rows)
    for panel, mode in zip(axes[0], modes, strict=True):
        for k, name in enumerate(cells):
            mine = {tuple(row["shape"]): row["ratio"] for row in rows if (row["cell"], row["mode"]) == (name, mode)}
            if mine:
                aside = APART * (k - (len(cells) - 1) / 2)
                places = [shapes.index(shape) + aside for shape in mine]
                panel.plot(places, list(mine.values()), "o-", color=COLOURS[name], lw=0.8, ms=4.5)
                mean(panel, len(shapes) + 0.5 + 4 * aside, means[name, mode]["all"], COLOURS[name])
        panel.axhline(1, color="0.3", lw=1, ls="--", zorder=0)
        panel.axvline(len(shapes) - 0.4, color="0.8", lw=0.8)
        panel.set_yscale("log")
        panel.yaxis.set_major_locator(FixedLocator(TICKS))
        panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        panel.yaxis.set_minor_locator(NullLocator())
        names = [*(",".join(map(str, shape)) for shape in shapes), "geometric mean"]
        panel.set_xticks(
            [*range(len(shapes)), len(shapes) + 0.5], names, rotation=45, ha="right", rotation_mode="anchor"
        )
        panel.set_xlim(-0.6, len(shapes) + 1.4)
        panel.set_xlabel("shape T,N,D,H")
        panel.set_title("training step" if mode == TRAINING else "forward")
        panel.grid(axis="y", color="0.9", lw=0.6)
        panel.set_axisbelow(True)
        panel.spines[["top", "right"]].set_visible(False)
    axes[0][0].set_ylabel("fastest peer's time / ours\nabove 1: rc.nn is faster")
    handles = [Line2D([], [], color=COLOURS[name], marker="o", lw=0.8, ms=4.5, label=name) for name in cells]
    handles.append(Line2D([], [], color="0.3", marker="D", ls="", ms=5, label="geometric mean"))
    handles.append(Line2D([], [], color="0.3", marker="_", ls="", ms=9, mew=2, label="its target"))
    figure.legend(handles=handles, loc="outside right center", frameon=False)
    figure.suptitle(f"{machine['machine']}; {machine['threads']} threads; commit {machine['commit']}", fontsize=9)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def mean(panel: Axes, place: float, verdict: Verdict, colour: tuple[float, float, float]) -> None:
    """Mark a geometric mean, and what is asked of it by a bar, joined where it falls short."""
    panel.plot([place], [verdict.value], "D", color=colour, ms=5)
    if verdict.target is not None:
        panel.plot([place], [verdict.target], "_", color=colour, ms=9, mew=2)
        if verdict.value < verdict.target:
            panel.plot([place] * 2, [verdict.value, verdict.target], ":", color=colour, lw=1)
