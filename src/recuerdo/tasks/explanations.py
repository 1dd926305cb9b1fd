"""Which steps of a sequence moved the verdict: what a model would have said, had the sequence ended after each step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recuerdo.data.ragged import Ragged
from recuerdo.data.sentences import Sentences
from recuerdo.data.texts import TextToken, Tokens
from recuerdo.errors import DataError, ShapeError
from recuerdo.shapes import is_table
from recuerdo.tasks.column_names import names_of, require_names
from recuerdo.tasks.sequence_models import SequenceModel, Source, texts_of
from recuerdo.tasks.sequence_sources import read_source, read_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_PLACES = 512
"""Places after which the verdict is asked for at most; in a longer sequence they are spread evenly."""

MOST_PRINTED = 12
"""Steps that print shows."""

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Explanation:
    """The running verdict over one sequence.

    Attributes:
        places: (P,) the steps, from 1 to T, after which the model was asked; all of them up to 512.
        running: (P, C) probabilities of the classes, or numbers, had the sequence ended there.
        before: (C,) what the model says of no step at all.
        moved: (P,) by how much the probability of the verdict rose since the place before, or its first number.
        classes: (C,) labels; None for numbers.
        verdict: index of the most probable class at the end; 0 for numbers.
        values: (T, D) the sequence, where it is one of numbers.
        text: the text, where it is one; of given words these with a space between them.
        tokens: (T,) of the text, with the characters that each stands for.
        features: (D,) names of the columns of values, where they have names.
        each: whether it is the last step's verdict, one of those at every step.
        subject: which sequence it is, in words such as "row 3"; "" where nobody has said.
        truth: its label, where that is known.
    """

    places: NDArray[np.int64]
    running: Values
    before: Values
    moved: Values
    classes: NDArray[Any] | None
    verdict: int
    values: NDArray[np.floating] | None
    text: str | None
    tokens: tuple[TextToken, ...]
    features: tuple[str, ...] = ()
    each: bool = False
    subject: str = ""
    truth: Any = None

    @property
    def answer(self) -> Any:
        """What the model says of the whole sequence: the class, or the number."""
        return float(self.running[-1, 0]) if self.classes is None else self.classes.tolist()[self.verdict]

    def token_at(self, k: int) -> str:
        """Return the last token before place k, as the text has it; "" of numbers, and before any token."""
        t = int(self.places[k])
        return "" if self.text is None or not t else self.text[self.tokens[t - 1].start : self.tokens[t - 1].end]

    def __str__(self) -> str:
        """The verdict, and the steps that moved it most, in their order."""
        number = "{:.4g}".format if self.classes is None else "{:.3f}".format
        last, first = float(self.running[-1, self.verdict]), float(self.before[self.verdict])
        says = number(last) if self.classes is None else f"{self.answer}, with a probability of {number(last)}"
        lines = [f"{self.heading}: {says}; of nothing at all it would say {number(first)}"]
        if self.truth is not None:
            lines[0] += f" (label: {self.truth})"
        least = 0.0 if self.classes is None else 0.0005  # what is printed as no move is none
        most = np.argsort(-np.abs(self.moved), kind="stable")[:MOST_PRINTED]
        most = np.sort(most[np.abs(self.moved[most]) > least])
        if not len(most):
            return lines[0]
        if len(most) < len(self.places):
            lines.append(f"the {len(most)} of {len(self.places)} steps that moved it most:")
        moved = "{:+.4g}".format if self.classes is None else "{:+.3f}".format
        rows = [("step", "token", "moved by", "to")]
        for k in most:
            to = number(float(self.running[k, self.verdict]))
            rows.append((str(int(self.places[k])), " ".join(self.token_at(k).split()), moved(self.moved[k]), to))
        wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for step, token, by, to in rows:
            word = "" if self.text is None else f"  {token:<{wide[1]}}"
            lines.append(f"{step:>{wide[0]}}{word}  {by:>{wide[2]}}  {to:>{wide[3]}}")
        return "\n".join(lines)

    @property
    def heading(self) -> str:
        """What is explained: the verdict, and on which sequence."""
        at = " at the last step" if self.each else ""
        return f"Verdict{at}{f' on {self.subject}' if self.subject else ''}"

    def to_frame(self) -> Any:
        """Return a polars frame with a row for each place: step, token, what it moved, and the running verdict.

        Classes are columns by their names; those called step, token or moved are p_step, p_token and p_moved.
        """
        import polars as pl

        named = [str(one) for one in self.classes] if self.classes is not None else _numbered(self.running.shape[1])
        columns: dict[str, Any] = {"step": self.places}
        if self.text is not None:
            columns["token"] = [self.token_at(k) for k in range(len(self.places))]
        columns["moved"] = self.moved
        for k, name in enumerate(named):
            columns[f"p_{name}" if name in ("step", "token", "moved") else name] = self.running[:, k]
        return pl.DataFrame(columns)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw it: the series with the running verdict under it, or the text with its words coloured.

        Args:
            ax: where to draw; None makes a figure, which pyplot does not know: in a script,
                `axes.figure.savefig("why.png")` keeps it.
        """
        from recuerdo.show import plot_explanation

        return plot_explanation(self, ax)

    def to_html(self, path: str | Path) -> Path:
        """Write it as a page that needs no network.

        Args:
            path: the file, which is replaced if it is there; it ends in .html.

        Raises:
            OutputError: it cannot be written.
        """
        from recuerdo.show import save_explanation

        return save_explanation(self, path)


def explain(model: SequenceModel, x: Any, who: str) -> Explanation:
    """Ask a model after each step of one sequence; see :meth:`recuerdo.SequenceClassifier.explain`."""
    source, tokens = _one(model, x, who)
    inputs = model.encode(source, who)
    T = int(inputs.lengths[0])
    places = np.unique(np.linspace(1, max(T, 1), min(max(T, 1), MOST_PLACES)).astype(np.int64))
    ends = np.concatenate([[0], places[places <= T]])
    anywhere = replace(model, steps=None)  # one of rows of a table takes their beginnings here, and nowhere else
    made = _ask(anywhere, _beginnings(source, tokens, ends), ends, who)
    before, running = made[0], made[1:] if T else made
    if model.classes is not None:
        before, running = np.exp(before), np.exp(running)
    verdict = int(running[-1].argmax()) if model.classes is not None else 0
    moved = np.diff(running[:, verdict], prepend=before[verdict])
    return Explanation(
        places=places if T else np.zeros(1, np.int64),
        running=running,
        before=before,
        moved=moved,
        classes=model.classes,
        verdict=verdict,
        values=source[0] if isinstance(source, Ragged) else None,
        text=None if isinstance(source, Ragged) else texts_of(source)[0],
        tokens=tuple(tokens),
        features=names_of([x], source) or (),
        each=model.each,
    )


def _one(model: SequenceModel, x: Any, who: str) -> tuple[Source, list[TextToken]]:
    """Read one sequence, and cut it into tokens where it is a text."""
    if isinstance(model.encoding, Tokens) and model.encoding.given:
        words = read_words([x], f"{who}.explain")
        return words, model.encoding.tokens(words.words[0])
    if isinstance(x, str):
        if not isinstance(model.encoding, Tokens):
            raise DataError(
                f"This {who} was fitted on numbers, and explain was given a text: give (time steps, features)."
            )
        return [x], model.encoding.tokens(x)
    if isinstance(model.encoding, Tokens):
        raise DataError(f"This {who} was fitted on texts: explain takes one text, got a {type(x).__name__}.")
    source, _ = read_source([x], who)
    if model.steps is not None and np.shape(x) == (1, model.steps):
        raise ShapeError(f"{who}.explain takes one row of {model.steps} steps, got a table of one: give X[0] alone.")
    if is_table(x):
        require_names([x], source, model.names, who)
    return source, []


def _beginnings(source: Source, tokens: list[TextToken], ends: NDArray[np.int64]) -> Source:
    """Return the sequence up to each of its steps in `ends`, the first of them 0."""
    if isinstance(source, Ragged):
        values = source.values
        return Ragged.of([values[:end] for end in ends])
    if isinstance(source, Sentences):
        return Sentences([source.words[0][:end] for end in ends])
    return [source[0][: tokens[end - 1].end] if end else "" for end in ends]


def _ask(model: SequenceModel, beginnings: Source, ends: NDArray[np.int64], who: str) -> Values:
    """Return what the model says at the end of each beginning: logarithms of probabilities, or numbers, (P, C)."""
    made, inputs = model.numbers(beginnings, who) if model.classes is None else model.logits(beginnings, who)
    if not model.each:
        return made
    # At every step only a step is answered: what was said before the first one is what is said at it.
    last = np.maximum(inputs.starts[1:] - 1, inputs.starts[:-1])
    return made[np.minimum(last, len(made) - 1)]


def _numbered(count: int) -> list[str]:
    return ["number"] if count == 1 else [f"number {k}" for k in range(count)]
