"""A language model that goes on from token to token: its state can be kept, copied and set, and never grows."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from recuerdo.tasks.language_nets import LanguageNet
from recuerdo.tasks.language_scores import WINDOW

Array = NDArray[np.floating]


class TokenStream:
    """Streams of tokens side by side, one token of each with every step.

    The weights are those of the network when it was made. A step costs the same whatever came before.

    Args:
        net: the network.
        streams: S.
    """

    def __init__(self, net: LanguageNet, streams: int = 1) -> None:
        *below, top = net.recurrent
        self._steppers = [*(layer.stepper(streams) for layer in below), top.stepper(streams, readout=net.readout())]
        self._vectors = net.embedding.weight.detach().numpy()
        self.streams = streams
        self._x = np.zeros((streams, self._vectors.shape[1]), np.float32)

    def step(self, tokens: NDArray[np.integer]) -> Array:
        """Read a token of each stream, (S,), and return the logits of the next ones, (S, V)."""
        np.take(self._vectors, tokens, axis=0, out=self._x)
        y = self._x
        for stepper in self._steppers:
            y = stepper.step(y)
        return y

    def read(self, net: LanguageNet, ids: NDArray[np.integer]) -> Array:
        """Read tokens of one text, (n,), which every stream goes on from; return the logits of the next one, (S, V)."""
        tokens = torch.from_numpy(np.asarray(ids, np.int64))
        raw, state = torch.empty(1, 0, 0), None
        with torch.no_grad():
            for some in tokens.split(WINDOW):  # however long the text is
                _, raw, state = net.eval().read(some[None], state)
            logits = net.readout()(raw[:, -1]).numpy()
        assert state is not None
        self.state = tuple(tuple(each.expand(-1, self.streams, -1).numpy() for each in layer) for layer in state)
        return logits.repeat(self.streams, axis=0)

    @property
    def state(self) -> tuple[tuple[Array, ...], ...]:
        """A copy of the state: for each layer h, (1, S, H), and c of an LSTM. Set it to go on from there."""
        found = (stepper.state for stepper in self._steppers)
        return tuple(each if isinstance(each, tuple) else (each,) for each in found)

    @state.setter
    def state(self, value: tuple[tuple[Array, ...], ...]) -> None:
        for stepper, state in zip(self._steppers, value, strict=True):
            stepper.state = state[0] if len(state) == 1 else state
