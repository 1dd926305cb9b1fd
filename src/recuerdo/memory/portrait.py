"""One sample seen step by step: what goes in, and every number of every unit behind it; the same untrained."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from recuerdo.cells import CellSpec, Walk
from recuerdo.learn import seeded
from recuerdo.memory.flow import GradientFlow
from recuerdo.memory.gates import GateActivity
from recuerdo.memory.recording import Recorded
from recuerdo.memory.steps import Steps, arguments_of
from recuerdo.memory.terms import Term
from recuerdo.memory.unfold import kept_by_zoneout
from recuerdo.memory.written import Page

Code = str | float | list[Any]
"""How a line is computed: the name of another line or of what is given, a number, or [operation, parts ...]."""

OTHERS = 1_234_567
"""Added to a seed, since the network's own weights were often drawn by the same."""

SUMMED = ("Wx", "Uh", "norm_c")
"""Names of lines that are sums over many numbers, whose values are given rather than their code."""


@dataclass(frozen=True)
class Shown:
    """The sample that portraits are of.

    Attributes:
        sample: its number.
        values: (T, D), where it is numbers.
        names: D names of its features; "feature 0" and so on where they have none.
        words: T tokens, where it is tokens; their numbers where they have no names.
    """

    sample: int
    values: NDArray[np.float64] | None
    names: tuple[str, ...]
    words: tuple[str, ...] | None


@dataclass(frozen=True)
class Untrained:
    """The same network with weights as its layers draw them.

    Attributes:
        gradient_flow: as of the audit.
        layers: its gates and states on the same sample.
    """

    gradient_flow: list[GradientFlow]
    layers: list[LayerPortrait]


@dataclass(frozen=True)
class LineOf:
    """A line of a cell, the same at every step and for every unit.

    Attributes:
        name: the symbol that it defines, such as "f" or "c_t".
        formula: how it is computed, in symbols.
        code: the same for a machine; None where the values are given.
    """

    name: str
    formula: str
    code: Code | None


@dataclass(frozen=True)
class LayerPortrait:
    """One layer in one direction over the steps of one sample.

    Attributes:
        name: the layer and direction.
        cell: its equations.
        reverse: whether it runs from the last step to the first.
        gates, states: name -> (T, H), after each step.
        start: state name -> (H,), before the first step of the walk.
        given: name -> (T, H), of what the lines follow from besides gates and states; with resets also the states
            before each step, such as "h_{t-1}", which otherwise are those after the step before.
        lines: of a step, in an order in which they can be computed.
        order: (H,) units, by their time constants where these are known, the longest first.
        time_constants: (H,), in steps; None where the units have none of their own.
    """

    name: str
    cell: CellSpec
    reverse: bool
    gates: Mapping[str, NDArray[np.float32]]
    states: Mapping[str, NDArray[np.float32]]
    start: Mapping[str, NDArray[np.float32]]
    given: Mapping[str, NDArray[np.float32]]
    lines: tuple[LineOf, ...]
    order: NDArray[np.int64]
    time_constants: NDArray[np.float64] | None

    @property
    def steps(self) -> int:
        """T."""
        return len(next(iter(self.states.values())))


@torch.no_grad()
def portraits(recorded: Sequence[Recorded], gates: Sequence[GateActivity], sample: int) -> list[LayerPortrait]:
    """Look at one sample of every recorded layer and direction.

    Args:
        recorded: what :func:`recuerdo.memory.record` returned.
        gates: what :func:`recuerdo.memory.gate_activity` says of them.
        sample: which, from 0.

    Example:
        >>> import recuerdo as rc
        >>> _, recorded = rc.memory.record(rc.nn.LSTM(2, 3), {"x": torch.randn(1, 5, 2)})
        >>> (one,) = portraits(recorded, rc.memory.gate_activity(recorded), 0)
        >>> one.states["c"].shape, [line.formula for line in one.lines][-1], [line.code for line in one.lines][-1]
        ((5, 3), 'o * tanh(c_t)', ['*', 'o', ['tanh', 'c_t']])
    """
    return [_of_one(each, activity, sample) for each, activity in zip(recorded, gates, strict=True)]


def untrained(module: nn.Module, seed: int = 0) -> nn.Module:
    """Return a copy whose layers have drawn their weights anew; parameters that no layer draws stay as they are.

    Example:
        >>> layer = nn.Linear(3, 2)
        >>> [torch.equal(untrained(layer, 1).weight, other.weight) for other in (layer, untrained(layer, 1))]
        [False, True]
    """
    twin = copy.deepcopy(module)
    with seeded(OTHERS + seed):
        for part in twin.modules():
            draw = getattr(part, "reset_parameters", None)
            if callable(draw):
                draw()
    return twin


def _of_one(recorded: Recorded, activity: GateActivity, sample: int) -> LayerPortrait:
    job, cell = recorded.job, recorded.job.cell
    length = int(recorded.inside[:, sample].sum())
    taken = arguments_of(job)
    walk = Walk(**taken)
    before = tuple(each[:length, sample] for each in Steps(recorded).before)
    if walk.reset is not None:
        anew = walk.restart or tuple(torch.zeros_like(each) for each in job.state)
        begins = walk.reset[:length, sample].unsqueeze(-1)
        before = tuple(torch.where(begins, s[sample].to(b), b) for b, s in zip(before, anew, strict=True))
    mask = None if job.recurrent_mask is None else taken["recurrent_mask"][sample]
    page = Page(cell, taken["weights"], 0, mask=mask, earlier="{t+1}" if job.reverse else "{t-1}")
    kept = kept_by_zoneout(walk.zoneout, slice(length), sample, before)
    terms = page.take(taken["x"][:length, sample], before, kept)
    lines = [LineOf(name, page.formula(term), _code(term, page, name)) for term, name in terms.items()]
    given = {name: _plain(term.value) for term, name in terms.items() if _summed(name)}
    for term in _leaves(terms, page):
        if walk.reset is not None or not str(term.symbol).endswith(page.earlier):  # else it follows from the states
            given.setdefault(str(term.symbol), _plain(term.value.expand(length, before[0].shape[-1])))
    states = {name: _plain(each[:length, sample]) for name, each in recorded.states.items()}
    start = {name: _plain(each[sample]) for name, each in zip(cell.states, job.state, strict=True)}
    constants = activity.time_constants
    order = np.arange(before[0].shape[-1]) if constants is None else np.argsort(-constants, kind="stable")
    gates = {name: _plain(each[:length, sample]) for name, each in recorded.gates.items()}
    return LayerPortrait(recorded.name, cell, job.reverse, gates, states, start, given, tuple(lines), order, constants)


def _plain(values: Tensor) -> NDArray[np.float32]:
    return values.detach().float().cpu().numpy()


def _summed(name: str) -> bool:
    return name.removeprefix("raw ").startswith(SUMMED)


def _code(term: Term, page: Page, name: str) -> Code | None:
    return None if _summed(name) else _operation(term, page)


def _operation(term: Term, page: Page) -> Code:
    if not term.made:
        number = _number(term)
        return str(term.symbol) if number is None else number
    parts = [page.names.get(part) or _operation(part, page) for part in term.parts()]
    word = next(piece for piece in term.made if isinstance(piece, str)).strip(" (")
    return [word, *parts]


def _number(term: Term) -> float | None:
    """The number that a symbol is, such as the 1 of 1 - z."""
    try:
        return float(str(term.symbol))
    except ValueError:
        return None


def _leaves(terms: Mapping[Term, str], page: Page) -> list[Term]:
    """What is given and no number: the states before the step, and shares that zoneout keeps."""
    found: list[Term] = []

    def collect(term: Term) -> None:
        for part in term.parts():
            if not part.made and _number(part) is None:
                found.append(part)
            elif part.made and part not in page.names:
                collect(part)

    for term, name in terms.items():
        if not _summed(name):
            collect(term)
    return found
