"""The ratios of one run as a picture."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("agg")

from matplotlib import pyplot as plt
from matplotlib.ticker import FuncFormatter, NullFormatter

from .cases import CELLS, MODES
from .measuring import Row


def draw(rows: list[Row], machine: dict[str, object], path: Path) -> None:
    """Draw the ratio of every shape, one line for each cell, one panel for each mode that ran."""
    modes = [mode for mode in MODES if any(row["mode"] == mode for row in rows)]
    shapes = list(dict.fromkeys(tuple(row["shape"]) for row in rows))
    figure, axes = plt.subplots(1, len(modes), figsize=(1.5 + 5.5 * len(modes), 5), sharey=True, squeeze=False)
    colours = {name: f"C{k}" for k, name in enumerate(CELLS)}
    for panel, mode in zip(axes[0], modes, strict=True):
        for name in CELLS:
            mine = {tuple(row["shape"]): row["ratio"] for row in rows if (row["cell"], row["mode"]) == (name, mode)}
            if mine:
                places = [shapes.index(shape) for shape in mine]
                panel.plot(places, list(mine.values()), "o-", color=colours[name], lw=1.2, ms=4, label=name)
        panel.axhline(1, color="0.3", lw=1, ls="--")
        panel.set_yscale("log")
        panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        panel.yaxis.set_minor_formatter(NullFormatter())
        panel.set_xticks(range(len(shapes)), [",".join(map(str, shape)) for shape in shapes], rotation=45, ha="right")
        panel.set_xlabel("T,N,D,H")
        panel.set_title("training step" if mode == "training" else "forward")
        panel.grid(axis="y", which="both", color="0.9", lw=0.6)
    axes[0][0].set_ylabel("fastest peer's time / ours (above 1: rc.nn is faster)")
    handles = {label: line for panel in axes[0] for line, label in zip(*panel.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    figure.suptitle(f"{machine['machine']}; {machine['threads']} threads; commit {machine['commit']}", fontsize=9)
    figure.tight_layout()
    figure.savefig(path, dpi=120, bbox_inches="tight")
    plt.close(figure)
