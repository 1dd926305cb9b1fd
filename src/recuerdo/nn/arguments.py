"""What a layer is built with and called with, checked before anything is computed."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Literal, TypedDict, get_args

import torch
from torch import Tensor

from recuerdo.cells import State
from recuerdo.errors import OptionError, ShapeError
from recuerdo.kernels.job import Precision

PRECISIONS = get_args(Precision)


class Options(TypedDict, total=False):
    """The keyword arguments that all four layers take; :class:`recuerdo.nn.RecurrentLayer` says what each does."""

    bias: bool
    batch_first: bool
    dropout: float
    bidirectional: bool
    recurrent_dropout: float
    zoneout: float
    layer_norm: bool
    residual: bool
    learn_state: bool
    init: str
    max_lag: int | None
    precision: Precision
    checkpoint_every: int | Literal["auto"] | None
    deterministic: bool
    proj_size: int
    device: torch.device | str | None
    dtype: torch.dtype | None


def check_options(who: str, sizes: dict[str, int], shares: dict[str, float]) -> None:
    """Raise OptionError for a size below 1, a share outside [0, 1), or dropout with a single layer."""
    for argument, size in sizes.items():
        if isinstance(size, bool) or not isinstance(size, Integral) or size < 1:
            raise OptionError(f"{who}({argument}={size!r}): it counts, so it has to be a whole number of 1 or more.")
    for argument, share in shares.items():
        if not (isinstance(share, Real) and 0 <= share < 1):
            raise OptionError(f"{who}({argument}={share!r}): it is a share, so it has to be in [0, 1).")
    if shares["dropout"] and sizes["num_layers"] == 1:
        raise OptionError(
            f"{who}(dropout={shares['dropout']}) acts between layers, and there is one: set num_layers=2 or more, use "
            f"recurrent_dropout, or put a torch.nn.Dropout behind the layer."
        )


def check_max_lag(who: str, max_lag: int, *, used: bool) -> None:
    """Raise OptionError for a lag that is no count of steps, or that nothing in the layer would use."""
    if isinstance(max_lag, bool) or not isinstance(max_lag, Integral) or max_lag < 1:
        raise OptionError(
            f"{who}(max_lag={max_lag!r}): it counts time steps, so it has to be a whole number of 1 or more."
        )
    if not used:
        raise OptionError(
            f"{who}(max_lag={max_lag}) would change nothing: it is for init='chrono' (LSTM, GRU) and for "
            f"IndRNN's bound."
        )


def check_checkpoint(who: str, every: object) -> None:
    """Raise OptionError for what is neither a number of steps nor "auto"."""
    if every != "auto" and (isinstance(every, bool) or not isinstance(every, Integral) or every < 1):
        raise OptionError(
            f"{who}(checkpoint_every={every!r}): it counts time steps, so it has to be a whole number of 1 or more, or "
            f"'auto'."
        )


def check_precision(who: str, precision: object) -> None:
    """Raise OptionError for a precision that is not offered."""
    if precision not in PRECISIONS:
        raise OptionError(f"{who}(precision={precision!r}) is not offered; there are {', '.join(PRECISIONS)}.")


def check_multiplied(who: str, precision: str, dtype: torch.dtype) -> None:
    """Raise OptionError where products in bfloat16 are asked of parameters that are not float32."""
    if precision == "bf16" and dtype != torch.float32:
        raise OptionError(
            f"{who}(precision='bf16') keeps its states and sums in float32, and its parameters are {dtype}: call "
            f".float() on it, or build it with precision='float32'."
        )


def split_state(
    who: str, names: tuple[str, ...], state: Tensor | tuple[Tensor, ...], expected: tuple[int, int, int]
) -> list[State]:
    """Split a state as users hold it, (L * directions, N, H) each, into one (N, H) each per layer and direction."""
    given = (state,) if isinstance(state, Tensor) else tuple(state)
    if len(given) != len(names) or (len(names) > 1 and isinstance(state, Tensor)):
        form = "one tensor h" if len(names) == 1 else f"a tuple ({', '.join(names)})"
        raise ShapeError(f"{who}'s state is {form}, got {len(given)} tensor{'s' * (len(given) != 1)}.")
    for part, tensor in zip(names, given, strict=True):
        if tuple(tensor.shape) != expected:
            raise ShapeError(
                f"{who}'s state {part} has the shape (layers * directions, samples, hidden units) = {expected}, "
                f"got {tuple(tensor.shape)}."
            )
    return list(zip(*(tensor.unbind(0) for tensor in given), strict=True))


def as_lengths(lengths: Tensor | Sequence[int], T: int, N: int, device: torch.device) -> Tensor:
    """Return lengths as a tensor (N,) of whole numbers from 0 to T."""
    lengths = torch.as_tensor(lengths, device=device)
    whole = lengths.dtype != torch.bool and not lengths.is_floating_point() and not lengths.is_complex()
    if lengths.shape != (N,) or not whole:
        raise ShapeError(
            f"lengths counts the steps of each of the {N} samples, so it is {N} whole numbers; "
            f"got {lengths.dtype} of shape {tuple(lengths.shape)}."
        )
    # Values cannot be looked at while a graph is being captured; the recurrence is safe with any.
    if not torch.compiler.is_compiling() and N and not bool(((lengths >= 0) & (lengths <= T)).all()):
        raise ShapeError(
            f"lengths must lie between 0 and the {T} time steps of x; got {int(lengths.min())} to {int(lengths.max())}."
        )
    return lengths


def as_reset(
    reset: Tensor | Sequence[Sequence[bool]], T: int, N: int, batch_first: bool, device: torch.device
) -> Tensor:
    """Return reset as (T, N) bool."""
    reset = torch.as_tensor(reset, device=device)
    axes, expected = ("samples, time steps", (N, T)) if batch_first else ("time steps, samples", (T, N))
    if tuple(reset.shape) != expected or reset.dtype != torch.bool:
        raise ShapeError(
            f"reset is a bool tensor of ({axes}) = {expected}, True where a new sequence begins; "
            f"got {reset.dtype} of shape {tuple(reset.shape)}."
        )
    return reset.transpose(0, 1) if batch_first else reset
