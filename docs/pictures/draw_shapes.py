"""Draws the pictures of docs/shapes.md: run `python docs/pictures/draw_shapes.py`."""

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

INK, SOFT, PAPER = "#1f2933", "#5f6b78", "#ffffff"
FEATURES = ["#cfe3f5", "#fbe0c3", "#d5ecd4"]
STEP, PADDED = "#d1495b", "#eceff2"

STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "text.color": INK,
    "figure.facecolor": PAPER,
    "svg.hashsalt": "recuerdo",  # the same picture is the same file
}


def canvas(width: float, height: float) -> tuple[Figure, Axes]:
    """An empty sheet with one unit to an inch, y pointing down."""
    figure = plt.figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    return figure, axes


def grid(axes: Axes, x: float, y: float, cells: list[list[str]], colours: list[str], wide: float = 0.62) -> None:
    """A table whose columns have their own colours; a cell "·" is a padded zero."""
    for i, row in enumerate(cells):
        for j, cell in enumerate(row):
            left, top = x + j * wide, y + i * 0.34
            fill = PADDED if cell == "·" else colours[j % len(colours)]
            axes.add_patch(Rectangle((left, top), wide, 0.34, facecolor=fill, edgecolor=INK, linewidth=0.9))
            colour = SOFT if cell == "·" else INK
            axes.text(left + wide / 2, top + 0.18, "0" if cell == "·" else cell, ha="center", va="center", color=colour)


def say(axes: Axes, x: float, y: float, text: str, **style: object) -> None:
    """Text that begins at x, its middle at y."""
    axes.text(x, y, text, **({"ha": "left", "va": "center"} | style))  # pyright: ignore[reportArgumentType]


def arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], colour: str = INK) -> None:
    """An arrow from start to end."""
    axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 1.4})


def cube() -> Figure:
    """Three samples as sheets, one behind the other: rows are time steps, columns are features."""
    figure, axes = canvas(8.6, 3.6)
    rows = [["20.1", "55", "3"], ["20.4", "53", "4"], ["21.0", "50", "4"], ["21.7", "47", "2"]]
    for sheet in (2, 1, 0):
        x, y = 1.9 + 0.42 * sheet, 1.22 - 0.36 * sheet
        axes.add_patch(Rectangle((x - 0.06, y - 0.06), 1.98, 1.48, facecolor=PAPER, edgecolor=INK, linewidth=0.9))
        grid(axes, x, y, rows if sheet == 0 else [["", "", ""]] * 4, FEATURES)
    axes.add_patch(Rectangle((1.9, 1.22 + 2 * 0.34), 1.86, 0.34, fill=False, edgecolor=STEP, linewidth=2.4))
    arrow(axes, (1.55, 1.22), (1.55, 2.58))
    say(axes, 1.43, 1.9, "T\ntime steps", ha="right")
    arrow(axes, (1.9, 2.9), (3.76, 2.9))
    say(axes, 2.83, 3.16, "D features", ha="center")
    arrow(axes, (1.68, 0.95), (2.42, 0.31))
    say(axes, 1.93, 0.48, "N samples", ha="right")
    right = 5.35
    say(axes, right, 0.45, "one sample", weight="bold")
    say(axes, right, 0.7, "is a sheet: one room's day", color=SOFT)
    say(axes, right, 1.27, "one time step", weight="bold", color=STEP)
    say(axes, right, 1.52, "is a row: all sensors at 3 o'clock", color=SOFT)
    say(axes, right, 2.09, "one feature", weight="bold")
    say(axes, right, 2.34, "is a column: one sensor all day", color=SOFT)
    say(axes, right, 3.0, "shape (3, 4, 3)", family="DejaVu Sans Mono")
    arrow(axes, (5.22, 1.3), (3.82, 2.07), STEP)
    return figure


def arrivals() -> Figure:
    """What a person has, and what it is read as."""
    figure, axes = canvas(9.3, 4.35)
    say(axes, 0.3, 0.3, "what you have", color=SOFT)
    say(axes, 3.9, 0.3, "how it is read", color=SOFT)
    say(axes, 6.75, 0.3, "samples, time steps, features", color=SOFT)
    cases = [
        ([["1", "2", "3", "4"]], FEATURES[:1], "a list or vector", "one sample,\none feature", "(1, 4, 1)", 0.48),
        (
            [["1", "2", "3", "4"], ["5", "6", "7", "8"]],
            FEATURES[:1],
            "a 2-D array",
            "each row is\na sample",
            "(2, 4, 1)",
            0.48,
        ),
        (
            [["1", "5"], ["2", "6"], ["3", "7"], ["4", "8"]],
            FEATURES[:2],
            "a table",
            "each row is a time step,\neach column a feature",
            "(1, 4, 2)",
            0.6,
        ),
    ]
    top = 0.72
    for cells, colours, name, reading, shape, wide in cases:
        height = 0.34 * len(cells)
        if name == "a table":
            for j, header in enumerate("ab"):
                say(axes, 1.7 + (j + 0.5) * wide, top - 0.02, header, ha="center", weight="bold")
            top += 0.14
        grid(axes, 1.7, top, cells, colours, wide)
        middle = top + height / 2
        say(axes, 0.3, middle, name, weight="bold")
        say(axes, 3.9, middle, reading)
        arrow(axes, (6.05, middle), (6.6, middle))
        say(axes, 6.75, middle, shape, family="DejaVu Sans Mono", size=13)
        top += height + 0.48
    return figure


def ragged() -> Figure:
    """Samples of different lengths, and the one array that holds them."""
    figure, axes = canvas(8.6, 2.7)
    samples = [["3", "1", "4", "1", "5"], ["9", "2"], ["6", "5", "3"]]
    say(axes, 0.3, 0.3, "samples of different lengths", color=SOFT)
    say(axes, 4.3, 0.3, "one array", color=SOFT)
    say(axes, 7.3, 0.3, "lengths", color=SOFT)
    for i, sample in enumerate(samples):
        y = 0.62 + 0.5 * i
        grid(axes, 0.3, y, [sample], FEATURES[:1], 0.48)
        grid(axes, 4.3, y, [sample + ["·"] * (5 - len(sample))], FEATURES[:1], 0.48)
        say(axes, 7.55, y + 0.18, str(len(sample)))
    arrow(axes, (3.1, 1.3), (3.9, 1.3))
    say(axes, 4.3, 2.4, "(3, 5, 1)", family="DejaVu Sans Mono", size=13)
    say(axes, 5.6, 2.4, "grey zeros come after the end", color=SOFT)
    return figure


def main(folder: Path) -> None:
    """Write the three pictures into folder."""
    with mpl.rc_context(STYLE):
        for draw in (cube, arrivals, ragged):
            figure = draw()
            figure.savefig(folder / f"shapes_{draw.__name__}.svg", metadata={"Date": None})
            plt.close(figure)


if __name__ == "__main__":
    main(Path(__file__).parent)
