"""The four recurrent layers."""

from __future__ import annotations

import math
from typing import Unpack

import torch
from torch.nn import init
from torch.nn.utils.parametrize import is_parametrized

from recuerdo.cells import GRU as GRU_CELL
from recuerdo.cells import GRU_RESET_BEFORE, frnn, indrnn
from recuerdo.cells import LSTM as LSTM_CELL
from recuerdo.errors import OptionError
from recuerdo.nn.arguments import Options
from recuerdo.nn.recurrent import RecurrentLayer


class FRNN(RecurrentLayer):
    """The fully recurrent network: h_t = act(W x_t + b_ih + U h_{t-1} + b_hh), as torch.nn.RNN.

    Args:
        input_size: D, features of each time step.
        hidden_size: H, units.
        num_layers: L, layers on top of each other.
        nonlinearity: "tanh", "relu", or any name in recuerdo.cells.ACTIVATIONS.
        **options: see :class:`RecurrentLayer`.

    Source:
        Elman 1990, Finding structure in time.

    Example:
        >>> import torch, recuerdo as rc
        >>> layer = rc.nn.FRNN(8, 16)
        >>> output, h = layer(torch.randn(32, 100, 8))
        >>> output.shape, h.shape
        (torch.Size([32, 100, 16]), torch.Size([1, 32, 16]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        nonlinearity: str = "tanh",
        **options: Unpack[Options],
    ) -> None:
        super().__init__(frnn(nonlinearity), input_size, hidden_size, num_layers, **options)

    def extra_repr(self) -> str:
        """Name the sizes, the activation, and every option that is not at its default."""
        return f"{super().extra_repr()}, nonlinearity={self.cell.nonlinearity!r}"


class IndRNN(RecurrentLayer):
    """The independently recurrent network: h_t = act(W x_t + u * h_{t-1} + b), each unit seeing only itself.

    Its memory is bounded by |u| <= gamma^(1/max_lag): over max_lag steps a gradient grows at most by the factor
    gamma. The layer is born within the bound; call :meth:`constrain_` after each optimiser step to keep it there
    (recuerdo's own loop does). Recurrent weights are drawn from U(0, bound), in the last layer from
    U(gamma^(-1/max_lag), bound), so that what is read at the end has been kept; all else as in torch.nn.

    Args:
        input_size: D, features of each time step.
        hidden_size: H, units.
        num_layers: L, layers on top of each other.
        nonlinearity: "relu" or "tanh".
        gamma: the largest factor by which a gradient may grow over max_lag steps.
        **options: see :class:`RecurrentLayer`. max_lag is the paper's T; None stands for its limit, |u| <= 1.

    Source:
        Li et al. 2018, Independently recurrent neural network, eq. 2; bound and initialisation: sections 3 and 4.

    Example:
        >>> import torch, recuerdo as rc
        >>> layer = rc.nn.IndRNN(8, 16, max_lag=100)
        >>> round(layer.bound, 4)
        1.007
        >>> output, h = layer(torch.randn(32, 100, 8))
        >>> output.shape
        torch.Size([32, 100, 16])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        nonlinearity: str = "relu",
        gamma: float = 2.0,
        **options: Unpack[Options],
    ) -> None:
        if nonlinearity not in ("relu", "tanh"):
            raise OptionError(f"IndRNN(nonlinearity={nonlinearity!r}) is not offered: its paper has 'relu' and 'tanh'.")
        if not 1 <= gamma < math.inf:
            raise OptionError(
                f"IndRNN(gamma={gamma!r}): the largest growth of a gradient has to be a number of 1 or more."
            )
        self.gamma = float(gamma)
        super().__init__(indrnn(nonlinearity), input_size, hidden_size, num_layers, **options)

    @property
    def bound(self) -> float:
        """The largest |u| allowed: gamma^(1/max_lag), or 1 without max_lag."""
        return 1.0 if self.max_lag is None else self.gamma ** (1 / self.max_lag)

    def reset_parameters(self) -> None:
        """Draw all parameters anew, the recurrent ones within the bound."""
        super().reset_parameters()
        for k in range(self.num_layers * self.directions):
            last = k // self.directions == self.num_layers - 1
            lower = self.gamma ** (-1 / self.max_lag) if last and self.max_lag is not None else 0.0
            init.uniform_(getattr(self, f"weight_hh_{self._suffix(k)}"), lower, self.bound)

    @torch.no_grad()
    def constrain_(self) -> None:
        """Clip every recurrent weight to [-bound, bound], in place.

        Raises:
            OptionError: a recurrent weight is parametrised, so that clipping its value would be undone.
        """
        for k in range(self.num_layers * self.directions):
            name = f"weight_hh_{self._suffix(k)}"
            if is_parametrized(self, name) or name not in self._parameters:
                raise OptionError(
                    f"IndRNN.constrain_() cannot clip {name}, because it is computed from another parameter: "
                    f"put the bound {self.bound:.6g} into that parametrisation."
                )
            getattr(self, name).clamp_(-self.bound, self.bound)

    def extra_repr(self) -> str:
        """Name the sizes, the activation, the bound, and every option that is not at its default."""
        return f"{super().extra_repr()}, nonlinearity={self.cell.nonlinearity!r}, gamma={self.gamma}"


class LSTM(RecurrentLayer):
    """The long short-term memory: gates i, f, o and candidate g around a cell state c; the state is (h, c).

    i, f, o = sigmoid(W x_t + U h_{t-1} + b), g = tanh(W x_t + U h_{t-1} + b), c_t = f * c_{t-1} + i * g, h_t = o *
    tanh(c_t)

    Args:
        input_size: D, features of each time step.
        hidden_size: H, units.
        num_layers: L, layers on top of each other.
        **options: see :class:`RecurrentLayer`.

    Source:
        Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000.

    Example:
        >>> import torch, recuerdo as rc
        >>> layer = rc.nn.LSTM(8, 16)
        >>> output, (h, c), trace = layer(torch.randn(32, 100, 8), trace=True)
        >>> trace.gates["f"][0].shape  # the forget gate of layer 0: (samples, time steps, hidden units)
        torch.Size([32, 100, 16])
    """

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1, **options: Unpack[Options]) -> None:
        super().__init__(LSTM_CELL, input_size, hidden_size, num_layers, **options)


class GRU(RecurrentLayer):
    """The gated recurrent unit: reset gate r, update gate z, candidate n; h_t = (1 - z) * n + z * h_{t-1}.

    Args:
        input_size: D, features of each time step.
        hidden_size: H, units.
        num_layers: L, layers on top of each other.
        reset_after: True as in cuDNN and torch.nn.GRU, n = tanh(W x + b + r * (U h + b)); False as in the original
            paper, n = tanh(W x + U (r * h) + b).
        **options: see :class:`RecurrentLayer`.

    Source:
        Cho et al. 2014, eq. 5-8.

    Example:
        >>> import torch, recuerdo as rc
        >>> layer = rc.nn.GRU(8, 16, num_layers=2, dropout=0.1)
        >>> output, h = layer(torch.randn(32, 100, 8), lengths=[100] * 31 + [7])
        >>> h.shape  # (layers, samples, hidden units)
        torch.Size([2, 32, 16])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        reset_after: bool = True,
        **options: Unpack[Options],
    ) -> None:
        cell = GRU_CELL if reset_after else GRU_RESET_BEFORE
        super().__init__(cell, input_size, hidden_size, num_layers, **options)

    @property
    def reset_after(self) -> bool:
        """Whether the reset gate acts after the recurrent product."""
        return self.cell == GRU_CELL

    def extra_repr(self) -> str:
        """Name the sizes, the variant, and every option that is not at its default."""
        return super().extra_repr() + ("" if self.reset_after else ", reset_after=False")
