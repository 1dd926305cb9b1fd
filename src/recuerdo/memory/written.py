"""A cell's step written out for one unit: the cell's own equations, line by line, with their numbers.

Nothing here knows a cell: `CellSpec.step` is run on terms, and what it did is read off. So the lines cannot differ from
the equations, and a new cell is written out as soon as it runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from recuerdo.cells import CellSpec, State, Weights
from recuerdo.cells.spec import ALL
from recuerdo.cells.walk import NORM_EPS
from recuerdo.memory.terms import ATOM, PRODUCT, SUM, Blocks, Pieces, Term


@dataclass(frozen=True)
class Line:
    """One line of a cell, for one unit at one step.

    Attributes:
        name: the symbol that the line defines, such as "f", "c_t"; for a part of a formula the part itself, "i * g".
        formula: how it is computed, in symbols.
        pieces: the formula with the numbers put in, as text and floats in turn.
        value: what comes out.
    """

    name: str
    formula: str
    pieces: Pieces
    value: float

    @property
    def numbers(self) -> str:
        """The formula with the numbers put in, to three decimals."""
        return self.written(3)

    def written(self, decimals: int | None) -> str:
        """Return the formula with the numbers put in, to so many decimals; None writes every digit."""
        text = ""
        for piece in self.pieces:
            word = piece if isinstance(piece, str) else number(piece, decimals)
            text += f"({word})" if word.startswith("-") and text.endswith(("+ ", "- ", "* ", "/ ")) else word
        return text


def number(value: float, decimals: int | None) -> str:
    """Write a number to so many decimals: shorter where it is exact, with an exponent where it is tiny or huge."""
    if decimals is None:
        return repr(value)
    text = f"{value:.{decimals}f}"
    if (float(text) == 0 and value != 0) or abs(value) >= 1e5:
        return f"{value:.1e}"
    return text.rstrip("0").rstrip(".") if abs(float(text) - value) < 1e-7 else text


@dataclass
class Page:
    """One step of one layer for one sample, being written out for one unit.

    Attributes:
        cell: which equations.
        weights: the layer's parameters, float64.
        unit: whose line is written.
        mask: factor on h_{t-1} inside the recurrent product, (H,), or None.
        earlier: the index of the state before the step, "{t-1}", or "{t+1}" in reverse.
        names: terms that later formulas call by a name.
        asides: parts of a formula that get a line of their own and are still written out where they stand.
    """

    cell: CellSpec
    weights: Weights
    unit: int
    mask: Tensor | None
    earlier: str
    names: dict[Term, str] = field(default_factory=dict)
    asides: list[Term] = field(default_factory=list)

    def write(self, x: Tensor, state: State, zoneout: State | None) -> list[Line]:
        """Take the step and return its lines; arguments as of `take`, of one step."""
        return [
            Line(name, self.formula(term), tuple(self._pieces(term)), float(term.value[self.unit]))
            for term, name in self.take(x, state, zoneout).items()
        ]

    def take(self, x: Tensor, state: State, zoneout: State | None) -> dict[Term, str]:
        """Take the step, or several at once, and return the term of each line with its name, as they can be computed.

        Args:
            x: (D,), or (T, D).
            state: the state before the step, (H,) each, or (T, H).
            zoneout: for each state the share of the old one that stays, (H,), or (T, H); or None.
        """
        old = tuple(Term(s, symbol=f"{name}_{self.earlier}") for s, name in zip(state, self.cell.states, strict=True))
        step: Any = self.cell.step  # written for tensors; terms and blocks answer to what it asks of them
        new, gates = step(self._inputs(x), old, self)
        for name, gate in zip(self.cell.gates, gates, strict=True):
            self._name(gate, name, f"a_{name}")
        if zoneout is not None:
            after = []
            for name, was, term, share in zip(self.cell.states, old, new, zoneout, strict=True):
                self._name(term, f"{name}_new", "a")
                k = Term(share, symbol="k")
                after.append(k * was + (1 - k) * term)
        else:
            after = list(new)
        for name, term in zip(self.cell.states, after, strict=True):
            self._name(term, f"{name}_t", "a")
        for term in new:
            self.asides += [part for part in term.parts() if term.tight == SUM and part.tight == PRODUCT]
        lines: dict[Term, str] = {}
        for term in reversed(after):  # the LSTM's c before the h that is read from it
            self._collect(term, lines)
        return lines

    def __call__(self, h: Term, blocks: slice = ALL) -> Blocks:
        """U h + b for the named blocks: with `normed`, what a step sees of the past (cells.spec.Recurrent)."""
        if self.mask is not None:
            h = h * Term(self.mask, symbol="m")
        if h.made:
            self.asides.append(h)
        W = self.weights
        terms = []
        for k in range(self.cell.blocks)[blocks]:
            if self.cell.recurrent == "diagonal":
                product = Term(self._block(W.weight_hh, k), symbol="u") * h
            else:
                product = self._product("U", k, self._block(W.weight_hh, k), h)
            terms.append(self._finished(product, "Uh", k, W.norm_hh, W.bias_hh, "b_hh"))
        return Blocks(terms)

    def normed(self, c: Term) -> Term:
        """The cell state as the output sees it: layer-normalised if the layer asks for it."""
        if self.weights.norm_c is None:
            return c
        normed = _normed(c, self.weights.norm_c)
        if self.weights.norm_c_bias is not None:
            normed = normed + Term(self.weights.norm_c_bias, symbol="shift")
        self.names[normed] = "norm_c"
        return normed

    def _inputs(self, x: Tensor) -> Blocks:
        """W x + b for all blocks."""
        W, given = self.weights, Term(x, symbol="x_t")
        return Blocks(
            [
                self._finished(
                    self._product("W", k, self._block(W.weight_ih, k), given), "Wx", k, W.norm_ih, W.bias_ih, "b_ih"
                )
                for k in range(self.cell.blocks)
            ]
        )

    def _product(self, letter: str, k: int, matrix: Tensor, vector: Term) -> Term:
        spelled: list[str | float] = []
        if vector.value.ndim == 1:
            for weight, value in zip(matrix[self.unit].tolist(), vector.value.tolist(), strict=True):
                spelled += [" + "] * bool(spelled) + [weight, " * ", value]
        made = (f"{letter}{self._index(k)} ", (vector, ATOM))
        return Term(vector.value @ matrix.T, made, tight=PRODUCT, spelled=tuple(spelled))

    def _finished(self, product: Term, name: str, k: int, gain: Tensor | None, bias: Tensor | None, b: str) -> Term:
        """Norm and bias around a product, and its name."""
        if gain is not None:
            self.names[product] = f"raw {name}{self._index(k)}"
            product = _normed(product, self._block(gain, k))
        if bias is not None:
            product = product + Term(self._block(bias, k), symbol=b)
        self.names[product] = f"{name}{self._index(k)}"
        return product

    def _block(self, rows: Tensor, k: int) -> Tensor:
        return rows.unflatten(0, (self.cell.blocks, -1))[k]

    def _index(self, k: int) -> str:
        return f"_{self.cell.gates[k]}" if self.cell.gates else ""

    def _name(self, term: Term, name: str, inner: str) -> None:
        """Name a term, and the sum inside it where it is an activation of one."""
        self.names[term] = name
        if term.tight == ATOM:
            self.names.update({part: inner for part in term.parts() if part.tight == SUM and part not in self.names})

    def _collect(self, term: Term, lines: dict[Term, str]) -> None:
        if term in lines or not term.made:
            return
        for part in sorted(term.parts(), key=self._needs_no_gate):  # a gate's own lines are not split by another gate's
            self._collect(part, lines)
        name = self.names.get(term)
        if name is None and term in self.asides:
            name = self.formula(term)
        if name is not None:
            lines[term] = name

    def _needs_no_gate(self, term: Term) -> bool:
        is_gate = self.names.get(term) in self.cell.gates
        return not is_gate and all(self._needs_no_gate(part) for part in term.parts())

    def formula(self, term: Term) -> str:
        """Return how a term is computed, in symbols."""
        text = ""
        for piece in term.made:
            if isinstance(piece, str):
                text += piece
            else:
                part, tight = piece
                inside = part.symbol or self.names.get(part) or self.formula(part)
                bare = part.symbol or part in self.names or part.tight >= tight
                text += inside if bare else f"({inside})"
        return text

    def _pieces(self, term: Term) -> Iterator[str | float]:
        if term.spelled:
            yield from term.spelled
            return
        for piece in term.made:
            if isinstance(piece, str):
                yield piece
                continue
            part, tight = piece
            if not part.made or part in self.names:
                yield float(part.value[self.unit])
            elif part.tight >= tight:
                yield from self._pieces(part)
            else:
                yield from ("(", *self._pieces(part), ")")


def _normed(term: Term, gain: Tensor) -> Term:
    """Layer norm over the H units, with its gain; mean and std are those of all units."""
    mean = term.value.mean(dim=-1, keepdim=True).expand_as(term.value)
    std = (term.value.var(dim=-1, correction=0, keepdim=True) + NORM_EPS).sqrt().expand_as(term.value)
    return (term - Term(mean, symbol="mean")) / Term(std, symbol="std") * Term(gain, symbol="gain")
