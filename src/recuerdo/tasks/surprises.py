"""Where a language model stumbles: the bits of each token of a text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recuerdo.data.texts import TextToken


@dataclass(frozen=True, eq=False)
class Surprise:
    """The bits of each token, given all before it.

    Attributes:
        text: the text.
        tokens: (n,) its tokens, with the characters text[start:end] that each stands for.
        bits: (n,) -log2 of the probability of each.
    """

    text: str
    tokens: tuple[TextToken, ...]
    bits: NDArray[np.float64]

    def to_frame(self) -> Any:
        """Return a polars frame with a row for each token: token, start, end, bits."""
        import polars as pl

        return pl.DataFrame(
            {
                "token": [self.text[token.start : token.end] for token in self.tokens],
                "start": [token.start for token in self.tokens],
                "end": [token.end for token in self.tokens],
                "bits": self.bits,
            }
        )

    def __str__(self) -> str:
        """Its mean, and the tokens that were least expected."""
        order = np.argsort(-self.bits, kind="stable")[:10]
        lines = [f"{self.bits.mean():.2f} bits a token; least expected:"]
        lines += [
            f"{self.bits[k]:6.1f}  {' '.join(self.text[self.tokens[k].start : self.tokens[k].end].split())!r}"
            for k in order
        ]
        return "\n".join(lines)
