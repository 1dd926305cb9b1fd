"""An encoder and the head that reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from recuerdo.errors import OptionError
from recuerdo.nn.recurrent import RecurrentLayer


class Stack(nn.Module):
    """A recurrent encoder and a head: one answer after the last step, or one at every step.

    Args:
        encoder: FRNN, IndRNN, LSTM or GRU.
        head: any module on features; it gets (N, output_size) with read="last", (N, T, output_size) with read="each".
        read: "last" reads the final hidden state of the top layer, each sample's own; "each" reads every output.

    Example:
        >>> import torch, recuerdo as rc
        >>> encoder = rc.nn.GRU(1, 32)
        >>> net = rc.nn.Stack(encoder, torch.nn.Linear(32, 12), read="last")
        >>> net(torch.randn(5, 24, 1)).shape
        torch.Size([5, 12])
    """

    def __init__(self, encoder: RecurrentLayer, head: nn.Module, *, read: Literal["last", "each"] = "last") -> None:
        super().__init__()
        if read not in ("last", "each"):
            raise OptionError(f"Stack(read={read!r}) is not offered: 'last' or 'each'.")
        self.encoder, self.head, self.read = encoder, head, read

    def forward(
        self,
        x: Tensor,
        state: Tensor | tuple[Tensor, ...] | None = None,
        *,
        lengths: Tensor | Sequence[int] | None = None,
        reset: Tensor | None = None,
    ) -> Tensor:
        """Encode x, (N, T, D), and return the head's answer."""
        output, final = self.encoder(x, state, lengths=lengths, reset=reset)
        if self.read == "each":
            return self.head(output)
        h = final if isinstance(final, Tensor) else final[0]
        return self.head(torch.cat(h[-self.encoder.directions :].unbind(0), dim=-1))
