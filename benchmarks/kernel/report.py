"""The tables that a reader sees in the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.box import SIMPLE
from rich.table import Table

from .judging import GROWTH, MEASURES, STREAMING_SECONDS, Measure, Verdict
from .measuring import OURS, Row
from .streaming import STEPPER

HEADINGS: dict[Measure, str] = {
    "all": "all shapes",
    "wide": "H >= 200",
    "lowest": "lowest shape",
    "of_floor": "of the floor",
}


def made(title: str, *columns: str, left: int = 1) -> Table:
    """An empty table: the first columns are words, the others numbers."""
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE)
    for k, column in enumerate(columns):
        table.add_column(column, justify="left" if k < left else "right", no_wrap=True)
    return table


def spread(seconds: dict[str, float], unit: float = 1e3) -> str:
    """Median and the distance of the quartiles, in milliseconds."""
    return f"{unit * seconds['median']:.3g} ± {unit * (seconds['q3'] - seconds['q1']) / 2:.1g}"


def measured(cell: str, mode: str, rows: list[Row]) -> Table:
    """All shapes of one cell in one mode; ± is half the distance of the quartiles."""
    columns = ("T,N,D,H", "peer", "served by", "ours, ms", "peer, ms", "ratio", "GFLOP/s", "of floor")
    table = made(f"{cell}, {mode}", *columns, left=3)
    for row in rows:
        table.add_row(
            ",".join(map(str, row["shape"])),
            row["peer"],
            row["backend"],
            spread(row["seconds"][OURS]),
            spread(row["seconds"][row["peer"]]),
            f"{row['ratio']:.2f}",
            f"{row['gflops']:.3g}",
            f"{row['of_floor']:.2f}",
        )
    return table


def summary(found: dict[tuple[str, str], dict[Measure, Verdict]]) -> Table:
    """Geometric means of the ratios and of the fractions of the floor."""
    table = made("Peer time / our time, geometric means", "cell", "mode", *HEADINGS.values(), left=2)
    for (cell, mode), measures in found.items():
        values = [f"{measures[each].value:.2f}" if each in measures else "–" for each in MEASURES]
        table.add_row(cell, mode, *values)
    return table


def targets(found: dict[tuple[str, str], dict[Measure, Verdict]]) -> Table:
    """Each figure that has a target, and whether it is met."""
    table = made("Targets", "cell", "mode", "figure", "verdict", "value", "at least", left=4)
    for (cell, mode), measures in found.items():
        for measure, each in measures.items():
            if each.target is not None:
                table.add_row(cell, mode, HEADINGS[measure], each.words, f"{each.value:.2f}", f"{each.target:g}")
    return table


def notes(rows: list[Row]) -> Iterator[str]:
    """Yield what has to be known about single measurements, each once, with the shapes that it is about."""
    about: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        for note in row["notes"]:
            about.setdefault((row["cell"], row["mode"], note), []).append(",".join(map(str, row["shape"])))
    for (cell, mode, note), shapes in about.items():
        yield f"{cell}, {mode}: {note} ({'; '.join(shapes)})"


def memory(rows: list[dict[str, Any]]) -> Table:
    """Peak memory of a training step."""
    table = made("Peak memory of a training step", "cell", "T,N,D,H", "ours, MiB", "peer, MiB", "ours / peer", left=2)
    for row in rows:
        sizes = [row["ours"], row["peer"]]
        share = f"{sizes[0] / sizes[1]:.2f}" if all(isinstance(each, int) for each in sizes) and sizes[1] else "–"
        said = [f"{each / 2**20:.1f}" if isinstance(each, int) else str(each) for each in sizes]
        table.add_row(row["cell"], ",".join(map(str, row["shape"])), *said, share)
    return table


def growth(rows: list[dict[str, Any]]) -> Table:
    """What doubling costs."""
    title = f"Doubling T, N or H: growth of a training step beside the floor's (excess at most {GROWTH})"
    table = made(title, "cell", "doubled", "ours, times", "floor, times", "excess", "", left=2)
    for row in rows:
        factors = [f"{row[name]:.2f}" for name in ("ours", "floor", "excess")]
        word = "met" if row["excess"] <= GROWTH else "missed"
        table.add_row(row["cell"], f"{row['letter']} {row['from']} to {row['to']}", *factors, word)
    return table


def streaming(rows: list[dict[str, Any]]) -> Table:
    """One step, in microseconds."""
    table = made("One LSTM step from Python, D = 8, H = 32", "streams", "who", "us", "", left=2)
    for row in rows:
        for name, seconds in row["seconds"].items():
            asked = name == STEPPER and row["streams"] == 1
            word = "met" if seconds["median"] <= STREAMING_SECONDS else "missed"
            said = f"(at most {1e6 * STREAMING_SECONDS:g}: {word})" if asked else ""
            table.add_row(str(row["streams"]), name, spread(seconds, 1e6), said)
    return table
