"""Pictures as files."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase

from recuerdo.errors import OptionError, OutputError

FORMATS = (".png", ".svg", ".pdf")
"""How a picture's name may end."""


def save_picture(drawn: Axes | Figure, path: str | Path, *, formats: tuple[str, ...] = FORMATS) -> Path:
    """Write a picture into a file; the same numbers give the same SVG.

    Args:
        drawn: the axes that a plot returned, or a figure.
        path: the file; its ending decides the format.
        formats: the endings that are taken.

    Returns:
        The file.

    Raises:
        OptionError: another ending.
        OutputError: the file cannot be written.
    """
    path = checked_picture(path, formats)
    figure = figure_of(drawn)
    try:
        with mpl.rc_context({"svg.hashsalt": "recuerdo"}):
            figure.savefig(path, dpi=150, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)
    except OSError as error:
        raise OutputError(f"The picture cannot be written to {path}: {error.strerror}. Choose another path.") from error
    return path


def checked_picture(path: str | Path, formats: tuple[str, ...] = FORMATS) -> Path:
    """Return the path of a picture, or raise OptionError where it has another ending."""
    path = Path(path)
    if path.suffix.lower() not in formats:
        raise OptionError(f"A picture ends in {', '.join(formats)}, and {path.name} does not: change the file's name.")
    return path


def figure_of(drawn: Axes | Figure) -> Figure:
    """Return the whole figure: a part of one is written with all of it."""
    figure: FigureBase = drawn if isinstance(drawn, Figure) else drawn.figure
    while not isinstance(figure, Figure):
        figure = figure.figure
    return figure
