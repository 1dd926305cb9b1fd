"""The tables that a reader sees in the terminal, each with what is asked of it and whether that is met."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from math import floor, log10
from typing import Any

from rich.box import SIMPLE
from rich.table import Table

from . import judging
from .judging import GROWTH, LINEAR, LONG_BYTES, MEASURES, MEMORY, STREAMING_SECONDS, Measure, Summed, Verdict
from .measuring import LOOP, OURS, TORCH, Row
from .memory import LENGTHENED, PEER
from .streaming import STEPPER

HEADINGS: dict[Measure, str] = {
    "all": "all shapes",
    "wide": "H >= 200",
    "lowest": "lowest shape",
    "of_floor": "of the floor",
}
MIB = 2**20


def made(title: str, *columns: str, left: int = 1) -> Table:
    """An empty table: the first columns are words, the others numbers."""
    table = Table(title=title, title_justify="left", title_style="bold", caption_justify="left", box=SIMPLE)
    for k, column in enumerate(columns):
        table.add_column(column, justify="left" if k < left else "right", no_wrap=True)
    return table


def spread(seconds: dict[str, float], unit: float = 1e3) -> str:
    """Median to three digits ± half the distance of the quartiles, in milliseconds."""
    median, half = unit * seconds["median"], unit * (seconds["q3"] - seconds["q1"]) / 2
    digits = max(0, 2 - floor(log10(median)))
    return f"{median:.{digits}f} ± {half:.{digits}f}"


def coloured(words: str, verdict: Verdict | None) -> str:
    """The words in green or red, where the target is met or missed."""
    colour = {"met": "green", "missed": "red"}.get(verdict.words if verdict else "")
    return f"[{colour}]{words}[/]" if colour else words


def beside(verdict: Verdict, digits: int = 2) -> str:
    """The value, and where something is asked of it, what and whether it is met."""
    value = f"{verdict.value:.{digits}f}"
    if verdict.target is None:
        return value
    return coloured(f"{value} ({verdict.bound} {verdict.target:g}: {verdict.words})", verdict)


def tally(verdicts: Iterable[Verdict]) -> str:
    """How many targets are met."""
    words = [each.words.partition(",")[0] for each in verdicts if each.target is not None]
    count = Counter(words)
    parts = [f"{count[word]} {word}" for word in ("met", "missed", "not judged") if count[word]]
    return f"{len(words)} targets: {', '.join(parts)}" if words else "no targets"


def closing(verdicts: Iterable[Verdict]) -> str:
    """The last line of a table, and an empty one."""
    return tally(verdicts) + "\n"


def measured(cell: str, mode: str, rows: list[Row], verdicts: dict[Measure, Verdict]) -> Table:
    """All shapes of one cell in one mode; ± is half the distance of the quartiles."""
    columns = ("T,N,D,H", "peer", "served by", "ours, ms", "peer, ms", "peer / ours", "GFLOP/s", "floor / ours")
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
    said = [f"{HEADINGS[name]} {beside(each)}" for name, each in verdicts.items()]
    table.caption = "; ".join(said[:2]) + "\n" + "; ".join(said[2:]) + "\n"
    return table


def summary(found: Summed) -> Table:
    """Geometric means of the ratios and of the fractions of the floor, and the lowest ratio; targets in brackets."""
    title = "Peer time / our time, and the floor's / ours: geometric means (the least that is asked: met or missed)"
    table = made(title, "cell", "mode", *HEADINGS.values(), left=2)
    verdicts = [each for measures in found.values() for each in measures.values()]
    pad = max(len(asked(each)) for each in verdicts)  # so that the values stand below one another
    for (cell, mode), measures in found.items():
        those = [measures.get(each) for each in MEASURES]
        said = [coloured(f"{each.value:.2f} {asked(each):<{pad}}", each) if each else "–" for each in those]
        table.add_row(cell, mode, *said)
    partly = any(each.target is not None and each.shapes < each.wanted for each in verdicts)
    table.caption = f"{tally(verdicts)}{' (?: over the whole grid alone)' if partly else ''}\n"
    return table


def asked(verdict: Verdict) -> str:
    """The target in as few words as will do; a question mark where it is not judged."""
    word = verdict.words if verdict.shapes >= verdict.wanted else "?"
    return "" if verdict.target is None else f"({verdict.target:g} {word})"


def memory(rows: list[dict[str, Any]]) -> Table:
    """Peak memory of a training step."""
    title = f"Peak memory of a training step (ours / torch.nn's at most {MEMORY:g})"
    table = made(title, "cell", "T,N,D,H", "peer", "ours, MiB", "peer, MiB", "ours / peer", "", left=3)
    verdicts = []
    for row in rows:
        verdict = judging.beside_peer(row)
        peer = TORCH if row["cell"] in judging.PLAIN else LOOP
        share = f"{verdict.value:.3f}" if verdict else "–"
        words = "not judged" if verdict is None else verdict.words if verdict.target else ""
        said = [f"{each / MIB:.1f}" if isinstance(each, int) else "–" for each in (row[OURS], row[PEER])]
        table.add_row(row["cell"], ",".join(map(str, row["shape"])), peer, *said, share, coloured(words, verdict))
        verdicts += [verdict] if verdict else []
    table.caption = closing(verdicts)
    return table


def lengthened(peaks: dict[str, list[int]]) -> Table:
    """Peak memory over T, 2T and 4T steps."""
    _, N, D, H = LENGTHENED[0]
    title = (
        f"Our peak memory over T, 2T and 4T steps, N,D,H = {N},{D},{H}\n"
        f"(linear: the rise from 2T to 4T is at most {LINEAR} times twice the rise from T to 2T)"
    )
    table = made(title, "cell", *(f"T = {shape.T}, MiB" for shape in LENGTHENED), "rise / linear", "")
    verdicts = {name: judging.linear(each) for name, each in peaks.items()}
    for name, verdict in verdicts.items():
        said = [f"{each / MIB:.1f}" for each in peaks[name]]
        table.add_row(name, *said, f"{verdict.value:.3f}", coloured(verdict.words, verdict))
    table.caption = closing(verdicts.values())
    return table


def long(rows: list[dict[str, Any]]) -> Table:
    """A training step over very many steps in pieces."""
    title = (
        f'LSTM with checkpoint_every="auto", a gradient by every output (at most {LONG_BYTES // MIB} MiB,\n'
        "the outputs and their gradients among them)"
    )
    table = made(title, "T,N,D,H", "seconds", "peak, MiB", "")
    for row in rows:
        verdict = judging.kept_small(row)
        said = f"{row['peak'] / MIB:.1f}" if verdict else "–"
        seconds = "–" if row["seconds"] is None else f"{row['seconds']:.1f}"
        words = coloured(verdict.words, verdict) if verdict else "not judged"
        table.add_row(",".join(map(str, row["shape"])), seconds, said, words)
    return table


def growth(rows: list[dict[str, Any]]) -> Table:
    """What doubling costs."""
    title = (
        "Doubling T, N or H: growth of a training step beside the floor's\n"
        f"(excess, ± its standard error: at most {GROWTH})"
    )
    table = made(title, "cell", "doubled", "ours, times", "floor, times", "excess", "", left=2)
    for row in rows:
        verdict = judging.excess(row)
        factors = [f"{row['ours']:.2f}", f"{row['floor']:.2f}", f"{row['excess']:.2f} ± {row['error']:.2f}"]
        doubled = f"{row['letter']} {row['from']:>3} to {row['to']:>3}"
        table.add_row(row["cell"], doubled, *factors, coloured(verdict.words, verdict))
    table.caption = closing(map(judging.excess, rows))
    return table


def streaming(rows: list[dict[str, Any]]) -> Table:
    """One step, in microseconds."""
    title = (
        "One LSTM step from Python, D = 8, H = 32\n"
        f"(of one stream at most {1e6 * STREAMING_SECONDS:g} us, of n streams at most n times that of one)"
    )
    table = made(title, "streams", "who", "a step, us", "a stream, us", "theirs / ours", "", left=2)
    verdicts = judging.streamed(rows)
    for row in rows:
        mine = row["seconds"].get(STEPPER)
        for name, seconds in row["seconds"].items():
            verdict = verdicts.get(row["streams"]) if name == STEPPER else None
            by_stream = f"{1e6 * seconds['median'] / row['streams']:.3g}"
            ratio = f"{seconds['median'] / mine['median']:.2f}" if mine and name != STEPPER else ""
            words = coloured(verdict.words, verdict) if verdict else ""
            table.add_row(str(row["streams"]), name, spread(seconds, 1e6), by_stream, ratio, words)
    table.caption = closing(verdicts.values())
    return table
