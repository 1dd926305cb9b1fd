"""How the tests read a picture."""

from __future__ import annotations

from matplotlib.figure import Figure


def lines_of(ax):
    return {line.get_label(): line for line in ax.get_lines()}


def legend_of(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def assert_drawn_where_it_is_told(plot, measured, folder):
    """On the axes that are given and on no other, or on a new figure; and it can be written to a file."""
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert plot(measured, ax=left) is left
    assert not right.get_lines()
    assert not right.child_axes
    ax = plot(measured)
    assert ax.figure is not figure
    for name, drawn in (("given", figure), ("own", ax.figure)):
        drawn.savefig(folder / f"{name}.png")
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
