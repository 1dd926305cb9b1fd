"""The network of a language model: vectors of tokens, recurrent layers whose state goes on, and the next token."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from recuerdo.errors import OptionError
from recuerdo.kernels.drawing import bernoulli
from recuerdo.kernels.job import Precision
from recuerdo.kernels.softmax import linear_cross_entropy
from recuerdo.learn import Batch
from recuerdo.nn import LAYERS
from recuerdo.nn.recurrent import RecurrentLayer

State = tuple[tuple[Tensor, ...], ...]
"""For each layer its states, (1, N, H) each: (h,), or (h, c) of an LSTM."""


@dataclass(frozen=True)
class LanguageShape:
    """What a language model's network is made of.

    Attributes:
        vocabulary: V.
        cell: frnn, indrnn, lstm or gru.
        embedding_size: E, numbers of a token's vector.
        hidden_size: H of each layer; the last one has E where the weights are tied.
        num_layers: L.
        tied: the vectors of the tokens are the rows of the last product as well (Press and Wolf 2017).
        embedding_dropout: share of the tokens of the vocabulary whose vectors are 0 for a window.
        input_dropout, hidden_dropout, output_dropout: share of the numbers of the vectors, between layers, and behind
            the last layer that are 0, the same ones at all steps of a window (Gal and Ghahramani 2016).
        weight_dropout: share of the recurrent matrices' entries that are 0 for a window (Merity et al. 2018).
        activation, change: weights of the mean square of what the last layer gives, and of its changes from step to
            step, in the loss (AR and TAR, Merity et al. 2017).
        precision: "float32", or "bf16" for products in bfloat16 where the processor has them.
        sparse: whether the gradients of vectors hold the window's tokens alone, which plain gradient descent can take
            and is faster with; where weights are tied they hold all.
    """

    vocabulary: int
    cell: str = "lstm"
    embedding_size: int = 200
    hidden_size: int = 200
    num_layers: int = 2
    tied: bool = True
    embedding_dropout: float = 0.0
    input_dropout: float = 0.0
    hidden_dropout: float = 0.0
    output_dropout: float = 0.0
    weight_dropout: float = 0.0
    activation: float = 0.0
    change: float = 0.0
    precision: Precision = "float32"
    sparse: bool = False

    def sizes(self) -> list[tuple[int, int]]:
        """Return what each layer reads and gives."""
        widths = [self.embedding_size, *[self.hidden_size] * self.num_layers]
        if self.tied:
            widths[-1] = self.embedding_size
        return list(pairwise(widths))


class Said(NamedTuple):
    """What the network gives for a window: what the last product reads, (N, T, K), and the same before its dropout."""

    features: Tensor
    raw: Tensor


class LanguageNet(nn.Module):
    """Reads tokens and gives features of the next one; its state goes on from window to window.

    In training the state is kept in buffers, so that a checkpoint holds it; in evaluation aside, so that an evaluation
    in between leaves training as it was.
    """

    def __init__(self, shape: LanguageShape) -> None:
        super().__init__()
        if shape.cell not in LAYERS:
            raise OptionError(f"cell={shape.cell!r} is not offered: choose one of {', '.join(LAYERS)}.")
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocabulary, shape.embedding_size, sparse=shape.sparse and not shape.tied)
        self.layers = nn.ModuleList(LAYERS[shape.cell](D, H, precision=shape.precision) for D, H in shape.sizes())
        features = shape.sizes()[-1][1]
        self.decoder = None if shape.tied else nn.Linear(features, shape.vocabulary, bias=False)
        self.bias = nn.Parameter(torch.zeros(shape.vocabulary))
        nn.init.uniform_(self.embedding.weight, -0.1, 0.1)
        if self.decoder is not None:
            nn.init.uniform_(self.decoder.weight, -0.1, 0.1)
        self._aside: State | None = None

    @property
    def recurrent(self) -> list[RecurrentLayer]:
        """The layers, from the vectors up."""
        return [layer for layer in self.layers if isinstance(layer, RecurrentLayer)]

    @property
    def weight(self) -> Tensor:
        """(V, K): the last product's."""
        return self.embedding.weight if self.decoder is None else self.decoder.weight

    def readout(self) -> nn.Linear:
        """The last product as a layer, K -> V, with the same weights."""
        made = nn.Linear(self.weight.shape[1], self.weight.shape[0], device="meta")
        made.weight, made.bias = nn.Parameter(self.weight), self.bias
        return made

    def carry(self, streams: int) -> None:
        """Make room for the state that training carries on, of so many streams."""
        for k, layer in enumerate(self.recurrent):
            for name in layer.cell.states:
                zeros = self.bias.new_zeros(1, streams, layer.hidden_size)
                self.register_buffer(f"carried_{name}_{k}", zeros, persistent=False)

    def forward(self, input: Tensor, fresh: Tensor) -> Said:  # noqa: A002 - what torch.nn calls it
        """Read the next window.

        Args:
            input: (N, T) token ids.
            fresh: (N,) bool, where the state begins anew.
        """
        state = self._state(len(input), fresh)
        features, raw, state = self.read(input, state)
        self._keep(state)
        return Said(features, raw)

    def read(self, input: Tensor, state: State | None) -> tuple[Tensor, Tensor, State]:  # noqa: A002
        """Read tokens (N, T) from a state on: features (N, T, K), the same before dropout, and the state after."""
        shape = self.shape
        x = self.embedding(input)
        if self.training and shape.embedding_dropout:
            kept = 1 - shape.embedding_dropout
            x = x * bernoulli(x, (shape.vocabulary, 1), kept).div_(kept)[input]
        x = self._locked(x, shape.input_dropout)
        after = []
        raw = x
        for k, layer in enumerate(self.recurrent):
            given = None if state is None else state[k] if len(layer.cell.states) > 1 else state[k][0]
            raw, final = self._layer(layer, x, given)
            after.append((final,) if isinstance(final, Tensor) else tuple(final))
            last = k + 1 == len(self.layers)
            x = self._locked(raw, shape.output_dropout if last else shape.hidden_dropout)
        return x, raw, tuple(after)

    def loss(self, said: Said, batch: Batch) -> Tensor:
        """Return the mean loss of the next tokens, in nats, in training with what regularises."""
        shape = self.shape
        rows = said.features.reshape(-1, said.features.shape[-1])
        total, _ = linear_cross_entropy(
            rows, self.weight, self.bias, batch.target.reshape(-1), precision=shape.precision
        )
        if self.training and shape.activation:
            total = total + shape.activation * said.features.pow(2).mean()
        if self.training and shape.change and said.raw.shape[1] > 1:
            total = total + shape.change * said.raw.diff(dim=1).pow(2).mean()
        return total

    def _layer(self, layer: RecurrentLayer, x: Tensor, state: Tensor | tuple[Tensor, ...] | None) -> tuple:
        share = self.shape.weight_dropout
        if not (self.training and share):
            return layer(x, state)
        recurrent = layer.weight_hh_l0
        assert isinstance(recurrent, Tensor)
        kept = bernoulli(recurrent, tuple(recurrent.shape), 1 - share).div_(1 - share)
        return torch.func.functional_call(layer, {"weight_hh_l0": recurrent * kept}, (x, state))

    def _locked(self, x: Tensor, share: float) -> Tensor:
        if not (self.training and share):
            return x
        return x * bernoulli(x, (len(x), 1, x.shape[2]), 1 - share).div_(1 - share)

    def _state(self, streams: int, fresh: Tensor) -> State | None:
        if not self.training:
            return None if bool(fresh.all()) else self._aside
        keep = ~fresh[None, :, None]
        return tuple(
            tuple(getattr(self, f"carried_{name}_{k}") * keep for name in layer.cell.states)
            for k, layer in enumerate(self.recurrent)
        )

    def _keep(self, state: State) -> None:
        if not self.training:
            self._aside = tuple(tuple(each.detach() for each in layer) for layer in state)
            return
        with torch.no_grad():
            for k, layer in enumerate(self.recurrent):
                for name, value in zip(layer.cell.states, state[k], strict=True):
                    getattr(self, f"carried_{name}_{k}").copy_(value)
