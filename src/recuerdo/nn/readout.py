"""What recurrent layers say of a whole sequence: one vector from the outputs of all its steps."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from recuerdo.errors import OptionError
from recuerdo.nn.recurrent import RecurrentLayer

READOUTS = ("last", "mean", "max", "attention")
"""The parts that a readout can have."""


class Readout(nn.Module):
    """The last state, the mean and the maximum of the outputs, a mean with learned weights, or several side by side.

    Each looks at a sample's own steps alone, so a sample is read in the same way however far it is padded. Of a sample
    without any step, "last" is the layer's initial state and the others are zero.

    Args:
        encoder: what made the outputs; it tells their size O and the directions.
        parts: "last", the final hidden state of the top layer in each direction; "mean" and "max" over the steps of
            each unit; "attention", the mean with weights softmax_t(v · y_t), v learned.

    Raises:
        OptionError: no part, one that is not offered, or one named twice.

    Source:
        Concatenation of the three: Howard and Ruder 2018, section 3.3 ("concat pooling"). Attention: Raffel and Ellis
        2015, equations 1 to 3, with a linear score.

    Example:
        >>> import recuerdo as rc
        >>> encoder = rc.nn.GRU(2, 16, bidirectional=True)
        >>> read = Readout(encoder, ("last", "mean", "max"))
        >>> lengths = torch.tensor([5, 3])
        >>> output, final = encoder(torch.randn(2, 5, 2), lengths=lengths)
        >>> read(output, final, lengths).shape, read.output_size
        (torch.Size([2, 96]), 96)
    """

    def __init__(self, encoder: RecurrentLayer, parts: Sequence[str] = ("last",)) -> None:
        super().__init__()
        if isinstance(parts, str) or not parts or len(set(parts)) < len(parts) or not set(parts) <= set(READOUTS):
            raise OptionError(f"Readout(parts={parts!r}): give one or more of {READOUTS}, each once, in a list.")
        self.parts, self.directions = tuple(parts), encoder.directions
        self.output_size = len(self.parts) * encoder.output_size
        self.score = nn.Linear(encoder.output_size, 1, bias=False) if "attention" in self.parts else None

    def forward(
        self,
        output: Tensor,
        final: Tensor | tuple[Tensor, ...],
        lengths: Tensor | None = None,
        *,
        dtype: torch.dtype | None = None,
    ) -> Tensor:
        """Read a batch.

        Args:
            output: what the layer answered at each step, (N, T, O).
            final: its final state: h (L * directions, N, H), or the LSTM's (h, c).
            lengths: steps of each sample, (N,); None for T each.
            dtype: in which sums over steps are taken, and the result is; None for the outputs' own. The rounding of a
                sum depends on how far its batch is padded, and that of torch.float64 is below anything that shows.

        Returns:
            (N, O times the number of parts), the parts in the order in which they were named.
        """
        N, T = output.shape[:2]
        lengths = torch.full((N,), T, device=output.device) if lengths is None else lengths.to(output.device)
        known = torch.arange(T, device=output.device) < lengths[:, None]  # (N, T)
        dtype = dtype or output.dtype
        made = {part: getattr(self, f"_{part}") for part in self.parts}
        return torch.cat([read(output, final, known, dtype).to(dtype) for read in made.values()], dim=-1)

    def _last(self, output: Tensor, final: Tensor | tuple[Tensor, ...], known: Tensor, dtype: torch.dtype) -> Tensor:
        h = final if isinstance(final, Tensor) else final[0]
        return torch.cat(h[-self.directions :].unbind(0), dim=-1)

    def _mean(self, output: Tensor, final: object, known: Tensor, dtype: torch.dtype) -> Tensor:
        total = output.sum(dim=1, dtype=dtype)  # outputs beyond the end are zero
        return total / known.sum(dim=1, keepdim=True).clamp_min(1)

    def _max(self, output: Tensor, final: object, known: Tensor, dtype: torch.dtype) -> Tensor:
        if not output.shape[1]:
            return output.new_zeros(output.shape[0], output.shape[2])
        with torch.no_grad():  # first where it is, then what: its gradient is one number a unit, not a pass over all
            beyond = torch.where(known, 0.0, -math.inf).to(output.dtype)[..., None]
            place = (output + beyond).max(dim=1, keepdim=True).indices
        highest = output.gather(1, place)[:, 0]
        return highest.masked_fill(~known.any(dim=1, keepdim=True), 0.0)

    def _attention(self, output: Tensor, final: object, known: Tensor, dtype: torch.dtype) -> Tensor:
        assert self.score is not None
        output = output.to(dtype)
        scores = (output @ self.score.weight[0].to(dtype)).masked_fill(~known, -math.inf)
        weights = scores.masked_fill(~known.any(dim=1, keepdim=True), 0.0).softmax(dim=1)  # no NaN where no step is
        return (weights[..., None] * output).sum(dim=1)
