"""The unfolded cell as plain text: what a reader of a terminal sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recuerdo.errors import OptionError
from recuerdo.memory.written import Line, number

if TYPE_CHECKING:
    from recuerdo.memory.unfold import Moment, Unfolded

NARROWEST = 80
"""Columns that the longest line of any cell needs."""

MOST_INPUTS = 6
"""Numbers of x_t that are shown; there are always all of them in the sums."""

INDENT = " " * 4

WORDS = {
    "lstm": {
        "f": "forget gate f: how much of the old c is kept (0 nothing, 1 all of it)",
        "f * c_{t-1}": "so this much of the old c is kept",
        "i": "input gate i: how much of the candidate is let in",
        "g": "candidate g: what this input proposes to write",
        "i * g": "so this is what this input adds",
        "c_t": "cell state c: what was kept, and what was added",
        "o": "output gate o: how much of c is shown",
        "h_t": "hidden state h, the unit's output: what is shown of c",
    },
    "gru": {
        "r": "reset gate r: how much the candidate hears of the old h",
        "z": "update gate z: how much of the old h is kept (0 nothing, 1 all of it)",
        "n": "candidate n: what this step proposes to write",
        "(1 - z) * n": "so this is what this step adds",
        "z * h_{t-1}": "so this much of the old h is kept",
        "h_t": "hidden state h, the unit's output: what was added, and what was kept",
    },
    "frnn": {"h_t": "hidden state h, the unit's output: what input and past say together"},
    "indrnn": {"h_t": "hidden state h, the unit's output: what input and own past say together"},
}
WORDS["gru_reset_before"] = WORDS["gru"]
"""cell -> line -> what it means. A line without words is on the way to the next that has some."""

ZONEOUT = "zoneout: the share k keeps its old value"


def meaning(cell: str, line: Line) -> str:
    """Return what a line of a cell means, in words; empty where it is on the way to one that says it."""
    if line.formula.startswith("k * "):
        return ZONEOUT
    return WORDS.get(cell, {}).get(line.name.replace("t+1", "t-1").replace("_new", "_t"), "")


def as_text(unfolded: Unfolded, width: int) -> str:
    """Write an unfolded cell as text, `width` columns wide."""
    if width < NARROWEST:
        raise OptionError(f"width={width}: a line of the cell needs {NARROWEST} columns or more.")
    first, last = unfolded.steps[0].t, unfolded.steps[-1].t
    which = f"steps {first} to {last}" if last > first else f"step {first}"
    order = ", run from the last to the first" if unfolded.reverse else ""
    head = [
        f"{unfolded.cell.name} {unfolded.layer}, unit {unfolded.unit}, sample {unfolded.sample}",
        f"{which}{order}; numbers to three decimals",
        "",
        *_overview(unfolded),
    ]
    return "\n".join([*head, *(row for step in unfolded.steps for row in _step(unfolded, step, width))])


def _overview(unfolded: Unfolded) -> list[str]:
    """The lines that mean something, a column for each step."""
    cell = unfolded.cell
    shown = [
        line.name
        for line in unfolded.steps[0].lines
        if meaning(cell.name, line) or line.name in cell.gates or line.name.endswith("_t")
    ]
    label = max(len(name) for name in (*shown, "x_t[0]")) + 2
    rows = ["t".rjust(label) + "".join(f"{step.t:>9}" for step in unfolded.steps)]
    D = len(unfolded.steps[0].x)
    for d in range(D if D <= MOST_INPUTS else 0):
        name = "x_t" if D == 1 else f"x_t[{d}]"
        rows.append(name.rjust(label) + "".join(f"{_value(step.x[d]):>9}" for step in unfolded.steps))
    rows += [name.rjust(label) + "".join(f"{_value(step[name]):>9}" for step in unfolded.steps) for name in shown]
    return rows


def _step(unfolded: Unfolded, step: Moment, width: int) -> list[str]:
    x = ", ".join(number(value, 3) for value in step.x[:MOST_INPUTS])
    rest = f", and {len(step.x) - MOST_INPUTS} more" if len(step.x) > MOST_INPUTS else ""
    earlier = step.t + 1 if unfolded.reverse else step.t - 1
    before = ", ".join(f"{name}_{{{earlier}}} = {number(value, 3)}" for name, value in step.before.items())
    rows = ["", f"t = {step.t}", f"  comes in: x_{{{step.t}}} = {x}{rest}", f"  from before: {before}"]
    if step.restarted:
        rows.append("  a new sequence begins here, so the state starts anew")
    columns = _Columns(unfolded, width)
    waiting: list[Line] = []
    for line in step.lines:
        waiting.append(line)
        words = meaning(unfolded.cell.name, line)
        if words:
            rows += [f"  {words}", *(row for each in waiting for row in columns.rows(each))]
            waiting = []
    return rows + [row for each in waiting for row in columns.rows(each)]


class _Columns:
    """Name, formula, numbers and value below one another, the same in all steps."""

    def __init__(self, unfolded: Unfolded, width: int) -> None:
        lines = [line for step in unfolded.steps for line in step.lines]
        self.name = max(len(line.name) for line in lines)
        self.formula = max(len(line.formula) for line in lines if self._one_row(line))
        self.long = width - len(INDENT) - self.name - 3 - 11  # room for numbers in a row of their own
        self.numbers = min(self.long - self.formula - 3, max(len(line.numbers) for line in lines))

    @staticmethod
    def _one_row(line: Line) -> bool:
        return line.formula == line.name or len(line.formula) <= 20

    def rows(self, line: Line) -> list[str]:
        """A line as one row, or as two where the formula or the numbers are long."""
        name, value = line.name.ljust(self.name), f"= {_value(line.value)}"
        numbers = line.numbers
        if self._one_row(line) and not self.numbers < len(numbers) <= self.long:
            fitted = _fitting(numbers, self.numbers)
            if len(fitted) <= self.numbers:
                formula = "" if line.formula == line.name else f"= {line.formula}"
                return [f"{INDENT}{name} {formula:{self.formula + 2}} = {fitted:{self.numbers}} {value}"]
        fitted = _fitting(numbers, self.long)
        below = f"{INDENT}{'':{self.name}} = {fitted:{self.formula + self.numbers + 3}} {value}"
        return [f"{INDENT}{name} = {line.formula}", below]


def _value(value: float) -> str:
    """Eight columns; with an exponent where three decimals would show a zero that is none, or not fit."""
    return f"{value:8.1e}" if 0 < abs(value) < 0.0005 or abs(value) >= 1000 else f"{value:8.3f}"


def _fitting(numbers: str, room: int) -> str:
    """The numbers, a long sum shortened to what there is room for."""
    summands = numbers.split(" + ")
    kept = len(summands)
    while len(numbers) > room and kept > 1:
        kept -= 1
        numbers = f"{' + '.join(summands[:kept])} + ... {len(summands) - kept} more"
    return numbers
