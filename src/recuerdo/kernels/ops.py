"""The native recurrence as an operator of torch: one call for a layer, a direction and a whole batch of sequences."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from recuerdo.errors import BackendError
from recuerdo.kernels import calling
from recuerdo.kernels.adjoint import recurrence_backward
from recuerdo.kernels.calling import BLOCKS, FRNN, GRU, INDRNN, LSTM, dense, fresh, row_by_row

Kept = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]
"""out, h_last, c_last, gates, c, hidden, normed, norm_scale; see csrc/task.h. What a call does without is empty."""


def _shapes(
    x: Tensor, h0: Tensor, norm_hh: Tensor | None, zoned: bool, cell: int, keep: bool
) -> tuple[tuple[int, ...], ...]:
    """The shape of each tensor of Kept, () where there is none."""
    T, (N, H), G = x.shape[0], h0.shape, BLOCKS[cell]
    normed = keep and norm_hh is not None and cell != INDRNN
    return (
        (T, N, H),
        (N, H),
        (N, H) if cell == LSTM else (),
        (T, N, G, H) if keep and (cell not in (FRNN, INDRNN) or zoned) else (),  # else the candidate is the output
        (T, N, H) if keep and cell == LSTM else (),
        (T, N, H) if keep and cell == GRU else (),
        (T, N, G, H) if normed else (),
        (T, N, G) if normed else (),
    )


@torch.library.custom_op("recuerdo::recurrence", mutates_args=(), device_types="cpu")
def recurrence(
    x: Tensor,
    W: Tensor | None,
    U: Tensor,
    bias_ih: Tensor | None,
    bias_hh: Tensor | None,
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
    keep: bool,
) -> Kept:
    """Run the walk of csrc/forward.h; without W, x is W x + b itself, (T, N, G, H).

    With keep=False nothing is kept that only a gradient or a trace needs.
    """
    if calling.carry_tangents(x, W, U, bias_ih, bias_hh, norm_hh, norm_c, norm_c_bias, h0, c0, restart_h, restart_c):
        raise BackendError(  # a compiled graph gets here without having asked the door again
            "The native kernels have no forward mode, and the tangent would be lost: run the layers inside "
            "`with recuerdo.kernels.only('reference'):`, whose recurrence carries it."
        )
    zoned = zoneout is not None or zone_share != 0
    kept = [fresh(h0, *shape) if shape else None for shape in _shapes(x, h0, norm_hh, zoned, cell, keep)]
    out, h_last, c_last, gates, c, hidden, normed, norm_scale = kept
    if W is None:
        gates = x.clone(memory_format=torch.contiguous_format) if gates is None else gates.copy_(x)
    else:
        x = row_by_row(x)
    tensors = {
        "x": None if W is None else x,
        "W": dense(W),
        "U": dense(U),
        "bias_ih": dense(bias_ih),
        "bias_hh": dense(bias_hh),
        "norm_hh": dense(norm_hh),
        "norm_c": dense(norm_c),
        "norm_c_bias": dense(norm_c_bias),
        "h0": dense(h0),
        "c0": dense(c0),
        "restart_h": dense(restart_h),
        "restart_c": dense(restart_c),
        "mask": dense(mask),
        "zoneout": dense(zoneout),
        "lengths": dense(lengths),
        "reset": dense(reset),
        "out": out,
        "h_last": h_last,
        "c_last": c_last,
        "gates": gates,
        "c": c,
        "hidden": hidden,
        "normed": normed,
        "norm_scale": norm_scale,
    }
    fields = calling.sizes(x, W, h0, zone_share, cell, activation, reverse)
    calling.run(h0, False, fields, **tensors)
    return _eight([h0.new_empty(0) if each is None else each for each in kept])


def _eight(found: list[Tensor]) -> Kept:
    a, b, c, d, e, f, g, h = found
    return a, b, c, d, e, f, g, h


@recurrence.register_fake
def _(
    x: Tensor,
    W: Tensor | None,
    U: Tensor,
    bias_ih: Tensor | None,
    bias_hh: Tensor | None,
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
    keep: bool,
) -> Kept:
    zoned = zoneout is not None or zone_share != 0
    return _eight([h0.new_empty(shape or (0,)) for shape in _shapes(x, h0, norm_hh, zoned, cell, keep)])


def _remember(ctx: Any, inputs: tuple[Any, ...], output: Kept) -> None:
    ctx.set_materialize_grads(False)  # a gradient of zeros is as large as what it is the gradient of
    ctx.mark_non_differentiable(*output[5:])
    tensors, numbers = inputs[:16], inputs[16:]
    out, _, _, gates, c, hidden, normed, norm_scale = output
    ctx.save_for_backward(*tensors, out, gates, c, hidden, normed, norm_scale)
    ctx.numbers = numbers[:-1]


def _differentiate(ctx: Any, *by: Tensor | None) -> tuple[Tensor | None, ...]:
    needs = list(ctx.needs_input_grad)
    found = recurrence_backward(*by[:5], *ctx.saved_tensors, *ctx.numbers, needs[:12])
    return *(each if need else None for each, need in zip(found, needs[:12], strict=True)), *(None,) * 9


recurrence.register_autograd(_differentiate, setup_context=_remember)
