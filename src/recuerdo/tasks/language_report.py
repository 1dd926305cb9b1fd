"""How good a language model is: perplexity and bits, beside what counts of words alone would say."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recuerdo.data.texts import UNKNOWN


@dataclass(frozen=True)
class TextScores:
    """How good a model is on a text: each token but the first counted once, given all before it.

    Attributes:
        perplexity: exp of the mean loss of a token: as uncertain as among so many tokens alike.
        nats: the mean loss of a token.
        bits_per_character, bits_per_byte: the sum of losses by the text's characters, and by its bytes in UTF-8, so
            that models of words, characters and byte pairs compare.
        targets: tokens that were predicted.
        unknown: share of tokens that training has not seen, which are all one token.
        vocabulary: V.
    """

    perplexity: float
    nats: float
    bits_per_character: float
    bits_per_byte: float
    targets: int
    unknown: float
    vocabulary: int

    @classmethod
    def of(
        cls, losses: NDArray[np.float64], ids: NDArray[np.integer], vocabulary: int, characters: int, size: int
    ) -> TextScores:
        """Return the scores of some losses, (n - 1,) in nats, of the tokens ids, (n,)."""
        total = float(losses.sum())
        mean = total / max(1, len(losses))
        return cls(
            perplexity=math.exp(min(mean, 700.0)),
            nats=mean,
            bits_per_character=total / math.log(2) / max(1, characters),
            bits_per_byte=total / math.log(2) / max(1, size),
            targets=len(losses),
            unknown=float((np.asarray(ids) == UNKNOWN).mean()),
            vocabulary=vocabulary,
        )

    def __str__(self) -> str:
        return (
            f"perplexity {self.perplexity:.4g} over {self.targets:,} tokens ({self.nats:.4f} nats each), "
            f"{self.bits_per_character:.4f} bits a character, {self.bits_per_byte:.4f} a byte; "
            f"{100 * self.unknown:.2g} % unknown of a vocabulary of {self.vocabulary:,}"
        )


@dataclass(frozen=True)
class LanguageReport:
    """Scores of a language model on what was held out, beside baselines.

    Attributes:
        model: its name in the table.
        nats: name -> mean loss of a token in nats, the model first.
        targets: tokens that were predicted.
        characters: of what was held out; None where words do not tell.
        unknown: share of unknown tokens.
        vocabulary: V.
        parameters: numbers that the model learned.
        steps: optimiser steps.
        seconds: of the whole fit.
        random_state: the seed.
        notes: what is worth knowing, in sentences.
    """

    model: str
    nats: dict[str, float]
    targets: int
    characters: int | None
    unknown: float
    vocabulary: int
    parameters: int
    steps: int
    seconds: float
    random_state: int
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, losses: Mapping[str, NDArray[np.float64]], **others: Any) -> LanguageReport:
        """Return the report of losses, name -> (n,) in nats, the model's first."""
        nats = {name: float(each.mean()) for name, each in losses.items()}
        model = next(iter(losses))
        return cls(model, nats, len(losses[model]), **others)

    @property
    def winner(self) -> str:
        """The name with the lowest loss."""
        return min(self.nats, key=self.nats.__getitem__)

    @property
    def verdict(self) -> str:
        """One sentence: who wins, and by how much."""
        others = {name: value for name, value in self.nats.items() if name != self.model}
        if not others:
            return f"{self.model}: no baseline was asked for, so whether it is any good is not known."
        best = min(others, key=others.__getitem__)
        own, other = math.exp(self.nats[self.model]), math.exp(others[best])
        if self.winner == self.model:
            return f"{self.model} wins: perplexity {own:.4g}, against {other:.4g} for {best}, the best baseline."
        return (
            f"{best} wins: perplexity {other:.4g}, against {own:.4g} for {self.model}. Train longer, or on more text."
        )

    @property
    def decisive(self) -> dict[str, tuple[float, bool]]:
        """The model's score that decides: name -> (value, whether more of it is better)."""
        return {"perplexity": (math.exp(self.nats[self.model]), False)}

    def table(self) -> str:
        """Return the scores as a table in plain text."""
        wide = max(map(len, self.nats))
        lines = [f"{'':<{wide}}  perplexity  nats"]
        lines += [f"{name:<{wide}}  {math.exp(value):>10.4g}  {value:.3f}" for name, value in self.nats.items()]
        return "\n".join(lines)

    def __str__(self) -> str:
        return "\n".join([f"On {self.targets:,} held-out tokens:", self.table(), self.verdict, *self.notes])

    def to_json(self) -> dict[str, Any]:
        """Return it as a plain dict."""
        return asdict(self)

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> LanguageReport:
        """Return the report that `to_json` wrote."""
        return cls(**{**plain, "notes": tuple(plain["notes"])})
