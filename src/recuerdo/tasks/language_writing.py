"""Texts that a language model writes, token by token; what is kept of them never grows."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self, TypedDict

import numpy as np
from numpy.typing import NDArray

from recuerdo.data.texts import END, PADDING, UNKNOWN, Tokens
from recuerdo.errors import ModelFileError, OptionError
from recuerdo.tasks.language_nets import LanguageNet
from recuerdo.tasks.language_streams import TokenStream
from recuerdo.tasks.sampling import Sampler


class Wishes(TypedDict, total=False):
    """How a text is to be written; each as in :meth:`recuerdo.LanguageModel.generate`."""

    max_tokens: int
    temperature: float
    top_k: int | None
    top_p: float
    repetition_penalty: float
    stop: str | Sequence[str]
    random_state: int | None


class Writer(Iterator[str]):
    """A text that is being written: each `next` gives a piece of it. :meth:`recuerdo.LanguageModel.stream` makes it.

    Between two pieces it can be copied by `fork`, or kept by `state_dict` and gone on with later, in another process
    too. All that it keeps is the network's state, which tokens were said, and a few characters.

    Args:
        net, tokens: the model's.
        read: (n,) ids that every stream goes on from.
        prompt: the text that they were.
        streams: S, texts side by side.
        sampler: how tokens are drawn.
        stops: texts at the first of which a stream ends.
        max_tokens: tokens of each at most; None without end.
        random_state: seed; None draws one.

    Raises:
        OptionError: a stop is empty, or max_tokens is below 0.
    """

    def __init__(
        self,
        net: LanguageNet,
        tokens: Tokens,
        read: NDArray[np.int64],
        prompt: str,
        streams: int,
        sampler: Sampler,
        stops: Sequence[str],
        max_tokens: int | None,
        random_state: int | None,
    ) -> None:
        if any(not each for each in stops):
            raise OptionError("stop holds an empty text, at which writing would end before it begins: leave it out.")
        if max_tokens is not None and max_tokens < 0:
            raise OptionError(f"max_tokens={max_tokens}: it is how many are written at most, a whole number from 0.")
        self._net, self._tokens, self._sampler, self._stops = net, tokens, sampler, tuple(stops)
        self._room = max((len(each) - 1 for each in stops), default=0)  # may begin a stop, so it is held back
        self._random = np.random.default_rng(random_state)
        self._stream = TokenStream(net, streams)
        self._logits = self._stream.read(net, read)
        self._said, self._rows = np.zeros((streams, tokens.size), bool), np.arange(streams)
        self._said[:, read] = True
        last = prompt[-1:] if tokens.level in ("word", "given") else ""
        self._kept, self._held = [last] * streams, [""] * streams
        self._done = [False] * streams
        self._left = max_tokens
        self._ended = False

    def __next__(self) -> str:
        """The next piece of the first stream; it may be empty, while what could be a stop is held back."""
        return self._round()[0]

    def rounds(self) -> Iterator[list[str]]:
        """Yield a piece of each stream, again and again, until all have ended."""
        while True:
            try:
                yield self._round()
            except StopIteration:
                return

    def fork(self, random_state: int | None = None) -> Self:
        """Return a copy that goes on from here by itself.

        Args:
            random_state: seed of what it draws; None goes on as this one does.
        """
        other = copy.copy(self)
        other._stream = TokenStream(self._net, self._stream.streams)
        other._stream.state = self._stream.state
        other._random = copy.deepcopy(self._random) if random_state is None else np.random.default_rng(random_state)
        other._logits, other._said = self._logits.copy(), self._said.copy()
        other._kept, other._held, other._done = list(self._kept), list(self._held), list(self._done)
        return other

    def state_dict(self) -> dict[str, Any]:
        """Return what is kept, as arrays, texts and numbers that pickle can write."""
        return {
            "state": self._stream.state,
            "logits": self._logits.copy(),
            "said": np.packbits(self._said, axis=1),
            "kept": list(self._kept),
            "held": list(self._held),
            "done": np.array(self._done),
            "left": self._left,
            "ended": self._ended,
            "random": self._random.bit_generator.state,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was taken, from a writer of the same model.

        Raises:
            ModelFileError: it was taken from another model, or from other streams.
        """
        if np.shape(state["logits"]) != self._logits.shape:
            raise ModelFileError(
                f"The saved state is of logits {np.shape(state['logits'])}, and here they are {self._logits.shape}: it "
                f"belongs to another model, or to another number of streams."
            )
        self._stream.state = state["state"]
        self._logits = state["logits"].copy()
        self._said = np.unpackbits(state["said"], axis=1, count=self._said.shape[1]).astype(bool)
        self._kept, self._held, self._done = list(state["kept"]), list(state["held"]), state["done"].tolist()
        self._left, self._ended = state["left"], state["ended"]
        self._random.bit_generator.state = state["random"]

    def _round(self) -> list[str]:
        """Write a token of each stream; return the piece of text that it made sure."""
        if self._ended or all(self._done):
            raise StopIteration
        if self._left == 0:
            self._ended = True
            return [self._end(k) for k in range(len(self._held))]
        chosen = self._sampler.choose(spelt(self._tokens, self._logits), self._random, self._said)
        self._said[self._rows, chosen] = True
        pieces = [self._put(k, token) for k, token in enumerate(chosen.tolist())]
        self._left = None if self._left is None else self._left - 1
        if not all(self._done):
            self._logits = self._stream.step(chosen)
        return pieces

    def _put(self, k: int, token: int) -> str:
        if self._done[k]:
            return ""
        new, self._kept[k] = self._tokens.spell(token, self._kept[k])
        if not self._stops:
            return new
        held = self._held[k] + new
        ends = [place for place in map(held.find, self._stops) if place >= 0]
        if ends:
            self._done[k] = True
            return held[: min(ends)]
        sure = max(len(held) - self._room, 0)
        self._held[k] = held[sure:]
        return held[:sure]

    def _end(self, k: int) -> str:
        return "" if self._done[k] else self._held[k] + self._tokens.spell(None, self._kept[k])[0]


def spelt(tokens: Tokens, logits: NDArray[np.floating], *, unknown: bool = False) -> NDArray[np.float64]:
    """Return logits (S, V) without what no text spells: padding, and unless it is asked for the unknown token."""
    made = np.array(logits, np.float64)
    made[:, PADDING] = -np.inf
    if not unknown:
        made[:, UNKNOWN] = -np.inf
    if tokens.level in ("char", "bpe"):
        made[:, END] = -np.inf
    return made
