"""The networks of a classifier or scorer: an embedding or frames, recurrent layers, a readout, a head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from recuerdo.cells import CELLS
from recuerdo.data.texts import UNKNOWN
from recuerdo.kernels.drawing import dropout
from recuerdo.nn import LAYERS, Readout

EMBEDDED = 0.1
"""Standard deviation of an embedding that begins at random."""


@dataclass(frozen=True)
class SequenceShape:
    """Which network: all that is needed to build it, but for its numbers.

    Attributes:
        outputs: C, numbers that it answers: one for each class, or for each column of the target.
        each: whether it answers at every step.
        columns: of a step of numbers; 0 for texts.
        noisy: the first so many of them get jitter in training; the others say what is missing.
        vocabulary: V, tokens of a text, special ones counted; 0 for numbers.
        embedding: E, size of a token's vector.
        fold: f, steps that are one frame of the recurrence.
        longest: steps of the longest training sequence, in frames: how far IndRNN's memory may reach.
        cell, hidden_size, num_layers, bidirectional, residual, layer_norm: of the recurrent layers.
        readout: see recuerdo.nn.Readout.
        dropout, jitter, word_dropout, crop: see recuerdo.SequenceClassifier.
    """

    outputs: int
    each: bool
    columns: int
    noisy: int
    vocabulary: int
    embedding: int
    fold: int
    longest: int
    cell: str
    hidden_size: int
    num_layers: int
    bidirectional: bool
    residual: bool
    layer_norm: bool
    readout: tuple[str, ...]
    dropout: float
    jitter: float
    word_dropout: float
    crop: int

    def build(self) -> SequenceNet:
        """Build the network with fresh numbers."""
        return SequenceNet(self)

    @property
    def products(self) -> int:
        """Multiply-adds of the largest product of a step, for one sample."""
        width = self.embedding if self.vocabulary else self.columns * self.fold
        return CELLS[self.cell].blocks * self.hidden_size * max(width, self.hidden_size) * self.longest

    def to_json(self) -> dict[str, Any]:
        """Return it as a plain dict."""
        return asdict(self)

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> SequenceShape:
        """Return the shape that `to_json` wrote."""
        return cls(**{**plain, "readout": tuple(plain["readout"])})


class SequenceNet(nn.Module):
    """From a batch of sequences to the numbers behind a verdict, at the end or at every step.

    Args:
        shape: which network.
    """

    def __init__(self, shape: SequenceShape) -> None:
        super().__init__()
        self.shape = shape
        if shape.vocabulary:
            self.embedding = nn.Embedding(shape.vocabulary, shape.embedding, padding_idx=0)
            nn.init.normal_(self.embedding.weight, 0.0, EMBEDDED)
            with torch.no_grad():
                self.embedding.weight[0] = 0.0
        size = shape.embedding if shape.vocabulary else shape.columns * shape.fold
        bounded = {"max_lag": max(2, shape.longest)} if CELLS[shape.cell].recurrent == "diagonal" else {}
        self.encoder = LAYERS[shape.cell](
            size,
            shape.hidden_size,
            shape.num_layers,
            bidirectional=shape.bidirectional,
            dropout=shape.dropout if shape.num_layers > 1 else 0.0,
            residual=shape.residual,
            layer_norm=shape.layer_norm,
            **bounded,
        )
        self.readout = None if shape.each else Readout(self.encoder, shape.readout)
        self.dropout = nn.Dropout(shape.dropout)
        width = self.encoder.output_size if self.readout is None else self.readout.output_size
        self.head = nn.Linear(width, shape.outputs)

    @torch.no_grad()
    def embed(self, vectors: NDArray[np.floating]) -> None:
        """Begin with vectors (V, E) that something else has learned; tokens with zeros keep their random ones."""
        given = torch.from_numpy(vectors).to(self.embedding.weight)
        told = given.abs().amax(dim=1) > 0
        self.embedding.weight[told] = given[told]

    def forward(self, input: Tensor, lengths: Tensor) -> Tensor:  # noqa: A002 - what torch.nn calls it
        """Answer for a batch.

        Args:
            input: (N, T, columns) numbers, or (N, T) token ids; anything beyond a sample's end is ignored.
            lengths: (N,) steps of each sample.

        Returns:
            (N, C); at every step (N, T, C), where what stands beyond a sample's end means nothing.
        """
        read = _cropped(input, lengths, self.shape.crop) if self.training and self.shape.crop else (input, lengths)
        features = self.features(*read)
        return self.head(self.dropout(features))

    def features(self, input: Tensor, lengths: Tensor, *, dtype: torch.dtype | None = None) -> Tensor:  # noqa: A002
        """Return what the head reads: (N, ·), or (N, T, ·) at every step; arguments are those of `forward`.

        `dtype` is that of the readout's sums over steps; see :meth:`recuerdo.nn.Readout.forward`.
        """
        x, frames = self._embedded(input) if self.shape.vocabulary else self._framed(input, lengths), lengths
        if self.shape.fold > 1:
            frames = -(-lengths // self.shape.fold)
        output, final = self.encoder(x, lengths=frames)
        return output if self.readout is None else self.readout(output, final, frames, dtype=dtype)

    def _embedded(self, ids: Tensor) -> Tensor:
        """Return the tokens' vectors (N, T, E), some tokens taken for unknown ones in training."""
        share = self.shape.word_dropout
        if self.training and share:
            dropped = (torch.rand(ids.shape, device=ids.device) < share) & (ids > 0)
            ids = torch.where(dropped, UNKNOWN, ids)
        vectors = self.embedding(ids)
        return dropout(vectors, self.dropout.p) if self.training else vectors

    def _framed(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Return frames of `fold` steps, (N, ceil(T / fold), columns * fold), with noise in training."""
        shape = self.shape
        if self.training and shape.jitter:
            noise = torch.randn_like(x[..., : shape.noisy]) * shape.jitter
            x = torch.cat([x[..., : shape.noisy] + noise, x[..., shape.noisy :]], dim=-1)
        if shape.fold == 1:
            return x
        N, T, D = x.shape
        x = x * (torch.arange(T, device=x.device) < lengths[:, None])[..., None]  # a last frame that is half empty
        frames = -(-T // shape.fold)
        x = nn.functional.pad(x, (0, 0, 0, frames * shape.fold - T))
        return x.reshape(N, frames, shape.fold * D)


def _cropped(ids: Tensor, lengths: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """Return a piece of each text, from a random place, of `most` tokens or as long as it is."""
    if ids.shape[1] <= most:
        return ids, lengths
    room = (lengths - most).clamp_min(0) + 1
    begin = (torch.rand(len(lengths), device=ids.device) * room).long().clamp_max(room - 1)
    places = (begin[:, None] + torch.arange(most, device=ids.device)).clamp_max(ids.shape[1] - 1)
    return ids.gather(1, places), lengths.clamp_max(most)
