"""The native recurrence as an operator of torch: one call for a layer, a direction and a whole batch of sequences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from recuerdo.errors import BackendError
from recuerdo.kernels import calling
from recuerdo.kernels.adjoint import recurrence_backward, walked_back
from recuerdo.kernels.calling import (
    BLOCKS,
    FRNN,
    GIVEN,
    GRU,
    INDRNN,
    KEPT,
    LSTM,
    TRAINED,
    Given,
    Numbers,
    captured,
    fresh,
)

Kept = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]
"""The tensors of KEPT; what a call does without is empty."""


def walked(given: Given, numbers: Numbers, keep: bool) -> list[Tensor | None]:
    """Run the walk of csrc/forward.h and return the tensors of KEPT, None for what there is not.

    With keep=False nothing is kept that only a gradient or a trace needs.
    """
    if calling.carry_tangents(*given[:TRAINED]):
        raise BackendError(  # a compiled graph gets here without having asked the door again
            "The native kernels have no forward mode, and the tangent would be lost: run the layers inside "
            "`with recuerdo.kernels.only('reference'):`, whose recurrence carries it."
        )
    kept = [fresh(given.h0, *shape) if shape else None for shape in _shapes(given, numbers, keep)]
    calling.run(given, numbers, False, {}, dict(zip(KEPT, kept, strict=True)))
    return kept


def _shapes(given: Given, numbers: Numbers, keep: bool) -> tuple[tuple[int, ...], ...]:
    """The shape of each tensor of KEPT, () where there is none."""
    cell = numbers.cell
    T, (N, H), G = given.x.shape[0], given.h0.shape, BLOCKS[cell]
    zoned = given.zoneout is not None or numbers.zone_share != 0
    normed_x, normed = keep and given.norm_ih is not None, keep and given.norm_hh is not None and cell != INDRNN
    return (
        (T, N, H),
        (N, H),
        (N, H) if cell == LSTM else (),
        (T, N, G, H) if keep and (cell not in (FRNN, INDRNN) or zoned) else (),  # else the candidate is the output
        (T, N, H) if keep and cell == LSTM else (),
        (T, N, H) if keep and cell == GRU else (),
        (T, N, G, H) if normed_x else (),
        (T, N, G) if normed_x else (),
        (T, N, G, H) if normed else (),
        (T, N, G) if normed else (),
    )


@torch.library.custom_op("recuerdo::recurrence", mutates_args=(), device_types="cpu")
def recurrence(
    x: Tensor,
    W: Tensor,
    U: Tensor,
    bias_ih: Tensor | None,
    bias_hh: Tensor | None,
    norm_ih: Tensor | None,
    norm_hh: Tensor | None,
    norm_c: Tensor | None,
    norm_c_bias: Tensor | None,
    h0: Tensor,
    c0: Tensor | None,
    restart_h: Tensor | None,
    restart_c: Tensor | None,
    mask: Tensor | None,
    zoneout: Tensor | None,
    lengths: Tensor | None,
    reset: Tensor | None,
    zone_share: float,
    cell: int,
    activation: int,
    reverse: bool,
    bf16: bool,
    keep: bool,
) -> Kept:
    """Run the walk where torch captures the program: see :func:`walked`."""
    given = Given(
        x, W, U, bias_ih, bias_hh, norm_ih, norm_hh, norm_c, norm_c_bias, h0, c0, restart_h, restart_c, mask, zoneout,
        lengths, reset,
    )  # fmt: skip
    return _filled(h0, walked(given, Numbers(zone_share, cell, activation, reverse, bf16), keep))


@recurrence.register_fake
def _(
    x: Tensor,
    W: Tensor,
    U: Tensor,
    bias_ih: Tensor | None,
    bias_hh: Tensor | None,
    norm_ih: Tensor | None,
    norm_hh: Tensor | None,
    norm_c: Tensor | None,
    norm_c_bias: Tensor | None,
    h0: Tensor,
    c0: Tensor | None,
    restart_h: Tensor | None,
    restart_c: Tensor | None,
    mask: Tensor | None,
    zoneout: Tensor | None,
    lengths: Tensor | None,
    reset: Tensor | None,
    zone_share: float,
    cell: int,
    activation: int,
    reverse: bool,
    bf16: bool,
    keep: bool,
) -> Kept:
    given = Given(
        x, W, U, bias_ih, bias_hh, norm_ih, norm_hh, norm_c, norm_c_bias, h0, c0, restart_h, restart_c, mask, zoneout,
        lengths, reset,
    )  # fmt: skip
    shapes = _shapes(given, Numbers(zone_share, cell, activation, reverse, bf16), keep)
    return _filled(h0, [h0.new_empty(shape) if shape else None for shape in shapes])


def _filled(like: Tensor, found: Sequence[Tensor | None]) -> Kept:
    a, b, c, d, e, f, g, h, i, j = (like.new_empty(0) if each is None else each for each in found)
    return a, b, c, d, e, f, g, h, i, j


def _remember(ctx: Any, inputs: tuple[Any, ...], output: Sequence[Tensor | None]) -> None:
    ctx.set_materialize_grads(False)  # a gradient of zeros is as large as what it is the gradient of
    ctx.mark_non_differentiable(*(each for each in output[5:] if each is not None))
    out, _, _, *kept = output
    ctx.save_for_backward(*inputs[:GIVEN], out, *kept)
    *ctx.numbers, ctx.keep = inputs[GIVEN:]


def _differentiate(ctx: Any, *by: Tensor | None) -> tuple[Tensor | None, ...]:
    if not ctx.keep:
        raise BackendError(
            "A gradient goes back through a program that was captured without one, and what it needs was not kept: "
            "capture the program outside of torch.no_grad(), and when a parameter or the input requires a gradient."
        )
    needs = list(ctx.needs_input_grad[:TRAINED])
    saved = ctx.saved_tensors
    # With create_graph the operator's own derivative says in words that there is none.
    if torch.is_grad_enabled() or captured(*by, *saved):
        found = recurrence_backward(*by[:5], *saved, *ctx.numbers, needs)
    else:
        found = walked_back(by[:5], Given(*saved[:GIVEN]), saved[GIVEN:], Numbers(*ctx.numbers), needs)
    beside = GIVEN - TRAINED + len(Numbers._fields) + 1
    return *(each if need else None for each, need in zip(found, needs, strict=True)), *(None,) * beside


recurrence.register_autograd(_differentiate, setup_context=_remember)


class Eager(torch.autograd.Function):
    """The same without the operator around it, which takes longer than a short sequence does."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> tuple[Tensor | None, ...]:
        """Run the walk."""
        output = walked(Given(*inputs[:GIVEN]), Numbers(*inputs[GIVEN:-1]), inputs[-1])
        _remember(ctx, inputs, output)
        return tuple(output)

    backward = staticmethod(_differentiate)


def run(given: Given, numbers: Numbers, keep: bool) -> Sequence[Tensor | None]:
    """Run the walk in the shortest way that torch's state allows; return the tensors of KEPT, or none of them."""
    if captured(*given):
        return recurrence(*given, *numbers, keep)
    if torch.is_grad_enabled() and keep:
        return Eager.apply(*given, *numbers, keep)  # type: ignore[no-any-return]
    return walked(given, numbers, keep)
