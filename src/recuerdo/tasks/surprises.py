"""Where a language model stumbles: the bits of each token of a text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recuerdo.data.texts import TextToken

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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

    def token_at(self, k: int) -> str:
        """Return token k as the text has it."""
        return self.text[self.tokens[k].start : self.tokens[k].end]

    def around(self, k: int, reach: int = 15) -> str:
        """Return token k with what stands on either side of it, so many characters each, in one line."""
        begin, end = self.tokens[k].start, self.tokens[k].end
        before, after = self.text[max(begin - reach, 0) : begin], self.text[end : end + reach]
        left, right = "…" if begin > reach else "", "…" if end + reach < len(self.text) else ""
        return " ".join(f"{left}{before}[{self.token_at(k)}]{after}{right}".split())

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the text with its words on red, the darker the less they were expected; ax=None makes a figure."""
        from recuerdo.show import plot_surprise

        return plot_surprise(self, ax)

    def to_html(self, path: str | Path) -> Path:
        """Write it as a page that needs no network.

        Args:
            path: the file, which is replaced if it is there; it ends in .html.

        Raises:
            OutputError: it cannot be written.
        """
        from recuerdo.show import save_surprise

        return save_surprise(self, path)

    def to_frame(self) -> Any:
        """Return a polars frame with a row for each token: token, start, end, bits."""
        import polars as pl

        return pl.DataFrame(
            {
                "token": [self.token_at(k) for k in range(len(self.tokens))],
                "start": [token.start for token in self.tokens],
                "end": [token.end for token in self.tokens],
                "bits": self.bits,
            }
        )

    def __str__(self) -> str:
        """Its mean, and the tokens that were least expected."""
        order = np.argsort(-self.bits, kind="stable")[:10]
        lines = [f"{self.bits.mean():.2f} bits a token; least expected:"]
        lines += [f"{self.bits[k]:6.1f}  {self.around(int(k))}" for k in order]
        return "\n".join(lines)
