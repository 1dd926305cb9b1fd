"""The tables that a reader sees in the terminal."""

from __future__ import annotations

from statistics import median

from rich.console import Group
from rich.text import Text

from ..kernel.judging import Verdict
from ..kernel.report import closing, coloured, made
from . import judging
from .judging import PACED, Row
from .measuring import BACKTEST, FIT, START
from .work import ORIGINS

MIB = 2**20
TITLES = {
    FIT: "{work}: fit, and forecast the rows held out",
    BACKTEST: f"{{work}}: {ORIGINS} origins with the network of one fit, the fit not counted",
    START: "{work}: from the start of the process to the first forecast, one optimiser step",
}


def spread(values: list[float], digits: int = 3) -> str:
    """Median (least–most), to so many digits."""
    if not values:
        return "–"
    middle = f"{median(values):.{digits}g}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.{digits}g}–{max(values):.{digits}g})"


def table(rows: list[Row], asked: list[str]) -> Group:
    """One work and part: a line for each contestant, and below how ours stands beside each peer.

    Args:
        rows: of one part and work.
        asked: the contestants in the order of the lines.
    """
    part, work = judging.key(rows[0])
    pieces = {FIT: ("fit", "predict"), BACKTEST: ("backtest",), START: ("start", "fit")}[part]
    columns = [f"{piece}, s" for piece in pieces]
    columns += ["a step, ms"] if part == FIT else []
    shown = made("", "who", *columns, "peak, MiB", "before", "MASE")
    by_name = {row["who"]: row for row in rows}
    for who in asked:
        row = by_name.get(who)
        if row is None:
            continue
        if not row["runs"]:
            shown.add_row(who, *["–"] * (len(columns) + 3))
            continue
        shown.add_row(who, *cells(row, pieces))
    verdicts = beside(rows)
    judged_by = {FIT: "the steps of one network" if work in PACED else "the fit of one network"}.get(
        part, f"the {part}"
    )
    lines = [f"{who} beside {peer}: {value(each)} {words}" for who, peer, words, each in verdicts]
    lines += [closing([each for *_, each in verdicts])]
    # Around the table and not in it, where rich breaks lines at the table's own width.
    title = Text(TITLES[part].format(work=work), style="bold")
    return Group(title, shown, f"Judged by {judged_by}.", *map(Text.from_markup, lines))


def cells(row: Row, pieces: tuple[str, ...]) -> list[str]:
    """The numbers of a line."""
    runs = row["runs"]
    said = [spread([run["seconds"][piece] for run in runs]) for piece in pieces]
    if row["part"] == FIT:
        steps = [(run["networks"][-1]["steps"], seconds) for run in runs if (seconds := judging.one_network(run))]
        said.append(spread([1e3 * seconds / count for count, seconds in steps]))
    for name in ("peak", "before"):
        known = [run[name] / MIB for run in runs if run[name]]
        said.append(f"{max(known):.0f}" if known else "–")
    return [*said, f"{runs[-1]['mase']:.3f}"]


def beside(rows: list[Row]) -> list[tuple[str, str, str, Verdict]]:
    """(who of ours, peer, words, verdict)."""
    found = []
    for mine in [row for row in rows if row["who"] not in judging.PEERS]:
        for other in [row for row in rows if row["who"] in judging.PEERS]:
            named = ("times as fast", judging.ratio(mine, other)), ("of its memory", judging.memory(mine, other))
            found += [(mine["who"], other["who"], words, verdict) for words, verdict in named if verdict]
    return found


def value(verdict: Verdict) -> str:
    """The value, and in brackets what is asked of it."""
    asked = "" if verdict.target is None else f" ({verdict.bound} {verdict.target:g}: {verdict.words})"
    return coloured(f"{verdict.value:.2f}{asked}", verdict)


def busy(rows: list[Row], most: float) -> str | None:
    """Say so if other processes were busy during runs: threads then wait for one another."""
    shares = [run["others_busy"] or 0.0 for row in rows for run in row["runs"]]
    many = sum(share > most for share in shares)
    if not many:
        return None
    return (
        f"Other processes used over {most:.0%} of the processors, at most {max(shares):.0%}, during {many} of "
        f"{len(shares)} runs: their times say little."
    )


def missing(rows: list[Row]) -> list[str]:
    """Why contestants have no figures, each reason once."""
    said = [f"{row['who']}, {row['work']}, {row['part']}: {row['reason']}" for row in rows if row["reason"]]
    return list(dict.fromkeys(said))
