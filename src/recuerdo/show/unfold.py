"""The unfolded cell as a picture: one box for each step, side by side, with the states handed from one to the next."""

from __future__ import annotations

from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch, Rectangle

from recuerdo.show.files import save_picture
from recuerdo.show.style import INK, MODEL, PALE, TRUTH

if TYPE_CHECKING:
    from recuerdo.memory import Unfolded
    from recuerdo.memory.unfold import Moment

WIDE, HIGH, GAP = 3.2, 3.7, 1.15
"""A cell's box and the way to the next one; one unit is about 0.8 inches."""

TOP, BUS, LOW = 2.9, 0.72, 0.36
"""Heights of the memory's lane, of the line that feeds the gates, and of the lane of h where it is not the memory."""

GATE = (0.54, 0.78, 1.12)
"""A gate's box: width, height, and where it stands."""

RIM, JOIN = GATE[1] + GATE[2] + 0.33, GATE[1] + GATE[2] + 0.5
"""Where the lines from the gates begin, above their names, and where two of them meet."""

LETTERS = 8
"""Letters of the key that fit into one unit."""

MOST_INPUTS = 3
"""Numbers of x_t for which there is room below a cell."""


def plot_unfolded(unfolded: Unfolded, *, ax: Axes | None = None) -> Axes:
    """Draw the cells of an unfolded unit side by side.

    A gate is a glass, filled to its value between 0 (shut) and 1 (open); a candidate is filled up or down from 0, in
    the middle, to 1 or -1. x_t comes in from below and y_t goes out above.

    Args:
        unfolded: what :func:`recuerdo.memory.unfold` returned.
        ax: where to draw; None makes a new figure.

    Returns:
        The axes.
    """
    if ax is None:
        ax = _new_figure(unfolded).subplots()
    for place, step in enumerate(unfolded.steps):
        _Cell(ax, unfolded, step, GAP + place * (WIDE + GAP)).draw()
    key = fill(_key(unfolded), int(LETTERS * _across(unfolded)))
    below = 1.2 + 0.3 * (1 + key.count("\n"))
    ax.set(xlim=(0, _across(unfolded)), ylim=(-below, HIGH + 0.85), aspect="equal")
    ax.axis("off")
    name = unfolded.cell.name.replace("_", " ")
    zoneout = ", with zoneout" if any(line.formula.startswith("k * ") for line in unfolded.steps[0].lines) else ""
    title = f"{name} {unfolded.layer}, unit {unfolded.unit}, sample {unfolded.sample}{zoneout}"
    ax.set_title(title, loc="left", fontsize=11, color=INK)
    ax.text(GAP / 2, -1.15, key, fontsize=9, color=INK, va="top", linespacing=1.4)
    return ax


def save_unfolded(unfolded: Unfolded, path: str | Path) -> Path:
    """Draw the cells of an unfolded unit into an SVG file; the same numbers give the same file.

    Args:
        unfolded: what :func:`recuerdo.memory.unfold` returned.
        path: the file, ending in .svg.

    Returns:
        The file.

    Raises:
        OptionError: another ending.
        OutputError: the file cannot be written.
    """
    figure = _new_figure(unfolded)
    plot_unfolded(unfolded, ax=figure.subplots())
    return save_picture(figure, path, formats=(".svg",))


def _new_figure(unfolded: Unfolded) -> Figure:
    """An empty figure with room for the cells."""
    return Figure(figsize=(0.72 * _across(unfolded), 4.3), layout="constrained")


def _across(unfolded: Unfolded) -> float:
    return len(unfolded.steps) * (WIDE + GAP) + GAP


def _key(unfolded: Unfolded) -> str:
    """How to read the glasses, in a line."""
    cell = unfolded.cell
    asked = f"Step {unfolded.t} was asked for. " if len(unfolded.steps) > 1 else ""
    if not cell.gates:
        beyond = any(abs(line.value) > 1 for step in unfolded.steps for line in step.lines if line.name == "h_t")
        more = " Where h lies beyond, the glass is full, and the number says how far." if beyond else ""
        return f"{asked}The glass shows h: filled upwards from 0, in the middle, to 1, and downwards to −1.{more}"
    shares = ", ".join(gate for gate in cell.gates if gate not in cell.candidates)
    return (
        f"{asked}{shares} are filled from 0 (shut) to 1 (open); {', '.join(cell.candidates)} upwards from 0, in the "
        f"middle, to 1, and downwards to −1."
    )


def _short(value: float) -> str:
    return f"{value:z.2f}".replace("-", "−")


class _Cell:
    """One step's box and all that is in it; `left` is its left edge."""

    def __init__(self, ax: Axes, unfolded: Unfolded, step: Moment, left: float) -> None:
        self.ax, self.step, self.left = ax, step, left
        self.cell, self.reverse = unfolded.cell, unfolded.reverse
        self.asked = step.t == unfolded.t
        self.first = step is (unfolded.steps[-1] if self.reverse else unfolded.steps[0])
        self.earlier = step.t + 1 if self.reverse else step.t - 1
        self.memory = self.cell.states[-1]
        self.by_name = {line.name: line.value for line in step.lines}

    def draw(self) -> None:
        """Draw the box, what goes in and out, and what happens inside."""
        style = {"edgecolor": INK, "facecolor": "#f7f8f9", "linewidth": 2.4 if self.asked else 1.0}
        box = FancyBboxPatch((self.left, 0), WIDE, HIGH, boxstyle="round,pad=0,rounding_size=0.2", **style)
        self.ax.add_patch(box)
        weight = "bold" if self.asked else "normal"
        self._arrow((WIDE / 2, -0.5), (WIDE / 2, BUS if self.cell.gates else GATE[2]))
        self._text(WIDE / 2, -0.72, f"$x_{{{self.step.t}}}$ {self._input()}", size=10)
        self._text(0.1, HIGH + 0.2, f"t = {self.step.t}", size=10, ha=self._after(), weight=weight)
        middle = self._gates() if self.cell.gates else self._activation()
        self._lanes(middle)

    def _input(self) -> str:
        x = self.step.x
        if len(x) > MOST_INPUTS:
            return f"({len(x)} numbers)"
        numbers = ", ".join(_short(value) for value in x)
        return f"= {numbers}" if len(x) == 1 else f"= ({numbers})"

    def _gates(self) -> float:
        """The gates as glasses over what feeds them, and the lines to where they act; returns where y_t leaves."""
        cell = self.cell
        order = sorted(
            cell.gates, key=lambda gate: gate != cell.forgets
        )  # what keeps stands where the old state comes in
        step = (WIDE - 1.0) / (len(order) - 1)
        at = {gate: 0.45 + k * step for k, gate in enumerate(order)}
        self._line([(min(at.values()), BUS), (max(at.values()), BUS)])
        for gate, x in at.items():
            self._arrow((x, BUS), (x, GATE[2]))
            self._glass(x, gate, self.by_name[gate], signed=gate in cell.candidates)
        candidate = cell.candidates[0]
        if cell.forgets is not None:
            sign = "+" if self.reverse else "-"
            self._line([(at[cell.forgets], RIM), (at[cell.forgets], TOP)])
            kept = self.by_name[f"{cell.forgets} * {self.memory}_{{t{sign}1}}"]
            self._node(at[cell.forgets], TOP, "×", f"kept\n{_short(kept)}")
        writes = cell.writes or cell.forgets
        if writes is not None:
            self._line([(at[writes], RIM), (at[writes], JOIN), (at[candidate], JOIN)])
            self._line([(at[candidate], RIM), (at[candidate], TOP)])
            self._node(at[candidate], JOIN, "×")
            if writes == cell.forgets:
                self._text(at[candidate] - 0.4, JOIN + 0.15, f"1 − {writes}", size=8)
            added = next(line.value for line in self.step.lines if line.name.endswith(f" * {candidate}"))
            self._node(at[candidate], TOP, "+", f"added\n{_short(added)}")
        out = WIDE - 0.13
        for other in set(cell.gates) - {cell.forgets, cell.writes, candidate}:
            x = at[other]
            if len(cell.states) > 1:  # it shows the memory: it multiplies tanh(c) on the way out
                self._line([(x, TOP), (x, RIM)])
                self._line([(x, JOIN), (out, JOIN), (out, LOW), (WIDE, LOW)])
                self._line([(out, JOIN), (out, HIGH)])
                self._node(x, JOIN, "×")
                self._text(x - 0.24, JOIN + 0.3, "tanh", size=7)
            else:  # it decides what the candidate hears of the old h
                middle = GATE[2] + GATE[1] / 2
                self._arrow((x + GATE[0] / 2, middle), (at[candidate] - GATE[0] / 2, middle))
        return out

    def _activation(self) -> float:
        """A cell without gates: its one sum and its activation."""
        x = WIDE / 2
        width = 1.5
        self._bar(x - width / 2, width, self.by_name["h_t"], signed=True)
        a = self.by_name.get("a", self.by_name.get("h_new", self.by_name["h_t"]))
        self._text(x, self._empty(self.by_name["h_t"]), f"{self.cell.nonlinearity}({_short(a)})", size=9)
        self._text(x + 0.15, GATE[2] - 0.5, f"input {_short(self.by_name['Wx'])}", size=9, ha=self._after())
        self._text(0.42, GATE[2] + GATE[1] / 2 + 0.2, f"past\n{_short(self.by_name['Uh'])}", size=9)
        return WIDE - 0.3

    def _lanes(self, leaves: float) -> None:
        """The states from the step before to the next, with their values, and y_t."""
        step, cell = self.step, self.cell
        middle = GATE[2] + GATE[1] / 2
        memory = TOP if cell.gates else middle
        heights = {state: LOW if state != self.memory else memory for state in cell.states}
        for state, y in heights.items():
            if self.first:
                self._arrow((-GAP, y), (0, y))
                self._value(-GAP / 2, y, state, self.earlier, step.before[state])
            self._arrow((WIDE, y), (WIDE + GAP, y))
            self._value(WIDE + GAP / 2, y, state, step.t, self.by_name[f"{state}_t"])
        if not cell.gates:
            self._line([(0, memory), (WIDE / 2 - 0.75, memory)])
            self._line([(WIDE / 2 + 0.75, memory), (WIDE, memory)])
        elif len(heights) == 1:
            self._line([(0.12, memory), (0.12, BUS), (0.45, BUS)])  # the gates hear the old h too
            self._line([(0, memory), (WIDE, memory)])
        else:
            self._line([(0, memory), (WIDE, memory)])
            self._line([(0, LOW), (0.3, LOW), (0.3, BUS), (0.45, BUS)])
        if len(heights) == 1:
            self._line([(leaves, memory), (leaves, HIGH)])
        self._arrow((leaves, HIGH), (leaves, HIGH + 0.4))
        self._text(leaves, HIGH + 0.6, f"$y_{{{step.t}}}=h_{{{step.t}}}$ = {_short(self.by_name['h_t'])}", size=9)

    def _glass(self, x: float, gate: str, value: float, *, signed: bool) -> None:
        width, height, bottom = GATE
        self._bar(x - width / 2, width, value, signed=signed)
        self._text(x, self._empty(value) if signed else bottom + height / 2, _short(value), size=8)
        self._text(x, bottom + height + 0.15, gate, size=10, style="italic")

    @staticmethod
    def _empty(value: float) -> float:
        """The middle of the half that a signed glass leaves empty."""
        return GATE[2] + GATE[1] * (0.25 if value >= 0 else 0.75)

    def _after(self) -> str:
        return "right" if self.reverse else "left"

    def _bar(self, x: float, width: float, value: float, *, signed: bool) -> None:
        _, height, bottom = GATE
        colour, zero = (TRUTH, bottom + height / 2) if signed else (MODEL, bottom)
        filled = max(-1.0, min(1.0, value)) * (height / 2 if signed else height)
        left = self._x(x + width) if self.reverse else self._x(x)
        self.ax.add_patch(Rectangle((left, bottom), width, height, facecolor="white", edgecolor="none", zorder=3))
        self.ax.add_patch(Rectangle((left, zero), width, filled, facecolor=PALE[colour], edgecolor="none", zorder=3))
        if signed:
            self.ax.plot([left, left + width], [zero, zero], color=colour, linewidth=0.8, linestyle=":", zorder=4)
        self.ax.add_patch(Rectangle((left, bottom), width, height, fill=False, edgecolor=INK, linewidth=1, zorder=4))

    def _node(self, x: float, y: float, sign: str, words: str = "") -> None:
        self.ax.add_patch(Circle((self._x(x), y), 0.14, facecolor="white", edgecolor=INK, linewidth=1, zorder=5))
        self._text(x, y, sign, size=11)
        if words:
            self._text(x, y + 0.42, words, size=8)

    def _value(self, x: float, y: float, state: str, t: int, value: float) -> None:
        self._text(x, y + 0.2, f"${state}_{{{t}}}$", size=10)
        self._text(x, y - 0.2, _short(value), size=9)

    def _x(self, x: float) -> float:
        """From the side where the old state comes in to the picture's own axis."""
        return self.left + (WIDE - x if self.reverse else x)

    def _line(self, points: list[tuple[float, float]]) -> None:
        xs, ys = zip(*points, strict=True)
        self.ax.plot([self._x(x) for x in xs], ys, color=INK, linewidth=1.1, solid_capstyle="round", zorder=2)

    def _arrow(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        style = {"arrowstyle": "-|>", "color": INK, "linewidth": 1.1, "shrinkA": 0, "shrinkB": 0}
        self.ax.annotate("", (self._x(end[0]), end[1]), (self._x(start[0]), start[1]), arrowprops=style, zorder=2)

    def _text(self, x: float, y: float, text: str, *, size: float, ha: str = "center", **style: Any) -> None:
        self.ax.text(self._x(x), y, text, ha=ha, va="center", fontsize=size, color=INK, zorder=6, **style)
