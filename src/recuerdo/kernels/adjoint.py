"""The gradient of the native recurrence: the walk back in C++, and where its results go."""

from __future__ import annotations

from typing import Any, NoReturn

import torch
from torch import Tensor

from recuerdo.errors import BackendError
from recuerdo.kernels import calling
from recuerdo.kernels.calling import BLOCKS, GRU, LSTM, dense, fresh, row_by_row

By = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]
"""By x, W, U, bias_ih, bias_hh, norm_hh, norm_c, norm_c_bias, h0, c0, restart_h, restart_c; empty if not needed."""


@torch.library.custom_op("recuerdo::recurrence_backward", mutates_args=(), device_types="cpu")
def recurrence_backward(
    d_out: Tensor | None,
    d_h_last: Tensor | None,
    d_c_last: Tensor | None,
    d_gates: Tensor | None,
    d_c: Tensor | None,
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
    out: Tensor,
    gates: Tensor,
    c: Tensor,
    hidden: Tensor,
    normed: Tensor,
    norm_scale: Tensor,
    zone_share: float,
    cell: int,
    activation: int,
    reverse: bool,
    needs: list[bool],
) -> By:
    """Return the gradients that `needs` names, from those by out, h_last, c_last, gates and c."""
    T, N, H = out.shape
    G = BLOCKS[cell]
    x = row_by_row(x)

    by_pre = fresh(x, T, N, 4 if cell == GRU else G, H) if W is None and needs[0] else None
    like = (x if W is not None else None, W, U, bias_ih, bias_hh, norm_hh, norm_c, norm_c_bias)
    by = [None if each is None or not need else fresh(x, *each.shape) for each, need in zip(like, needs, strict=False)]
    by_state = fresh(x, N, H), fresh(x, N, H) if cell == LSTM else None
    by_restart = [None if each is None else x.new_zeros(N, H) for each in (restart_h, restart_c)]
    given = {
        "d_out": d_out,
        "d_h_last": d_h_last,
        "d_c_last": d_c_last,
        "d_gates": d_gates,
        "d_c": d_c,
        "W": W,
        "U": U,
        "norm_hh": norm_hh,
        "norm_c": norm_c,
        "norm_c_bias": norm_c_bias,
        "h0": h0,
        "c0": c0,
        "restart_h": restart_h,
        "restart_c": restart_c,
        "mask": mask,
        "zoneout": zoneout,
        "lengths": lengths,
        "reset": reset,
    }
    calling.run(
        h0,
        True,
        calling.sizes(x, W, h0, zone_share, cell, activation, reverse),
        **{name: dense(each) for name, each in given.items()},
        x=None if W is None else x,
        out=out,
        gates=gates,
        c=c,
        hidden=hidden,
        normed=normed,
        norm_scale=norm_scale,
        d_pre=by_pre,
        **{"d_" + name: each for name, each in zip(WEIGHTS, by, strict=True)},
        d_h0=by_state[0],
        d_c0=by_state[1],
        d_restart_h=by_restart[0],
        d_restart_c=by_restart[1],
    )
    if by_pre is not None:
        by[0] = torch.cat([by_pre[:, :, 1:3], by_pre[:, :, :1]], dim=2) if cell == GRU else by_pre  # as csrc/cells.h has it
    found = (*by, *by_state, *by_restart)
    return _twelve(
        [each if need and each is not None else x.new_empty(0) for each, need in zip(found, needs, strict=True)]
    )


WEIGHTS = ("x", "W", "U", "bias_ih", "bias_hh", "norm_hh", "norm_c", "norm_c_bias")
"""What has a gradient besides the states, as csrc/task.h calls it."""


def _twelve(found: list[Tensor]) -> By:
    a, b, c, d, e, f, g, h, i, j, k, m = found
    return a, b, c, d, e, f, g, h, i, j, k, m


@recurrence_backward.register_fake
def _(
    d_out: Tensor | None,
    d_h_last: Tensor | None,
    d_c_last: Tensor | None,
    d_gates: Tensor | None,
    d_c: Tensor | None,
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
    out: Tensor,
    gates: Tensor,
    c: Tensor,
    hidden: Tensor,
    normed: Tensor,
    norm_scale: Tensor,
    zone_share: float,
    cell: int,
    activation: int,
    reverse: bool,
    needs: list[bool],
) -> By:
    like = (x, W, U, bias_ih, bias_hh, norm_hh, norm_c, norm_c_bias, h0, c0, restart_h, restart_c)
    shapes = [each.shape if need and each is not None else (0,) for each, need in zip(like, needs, strict=True)]
    return _twelve([x.new_empty(shape) for shape in shapes])


def _no_second(ctx: Any, *by: Tensor | None) -> NoReturn:
    raise BackendError(
        "The native kernels have no second derivatives (create_graph=True): run the layers inside "
        "`with recuerdo.kernels.only('reference'):`, whose recurrence differentiates to any order."
    )


recurrence_backward.register_autograd(_no_second)
