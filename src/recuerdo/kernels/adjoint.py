"""The gradient of the native recurrence: the walk back in C++, and where its results go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import torch
from torch import Tensor

from recuerdo.errors import BackendError
from recuerdo.kernels import calling
from recuerdo.kernels.calling import KEPT, LSTM, Given, Numbers, fresh

By = tuple[
    Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor
]  # fmt: skip
"""By the first TRAINED tensors of Given; empty where none is wanted."""


def walked_back(
    by: Sequence[Tensor | None], given: Given, kept: Sequence[Tensor | None], numbers: Numbers, needs: list[bool]
) -> list[Tensor | None]:
    """Run the walk of csrc/backward.h.

    Args:
        by: gradients by out, h_last, c_last, gates and c.
        given: the tensors of the walk.
        kept: of its results out, and from gates on.
        numbers: what it was told besides.
        needs: for each of the given tensors that may have a gradient, whether it is wanted.

    Returns:
        The gradients, None where none is wanted.
    """
    h0, lstm = given.h0, numbers.cell == LSTM
    wanted = dict(zip(Given._fields, needs, strict=False))
    found = {
        name: fresh(h0, *each.shape) if need and each is not None else None
        for (name, need), each in zip(wanted.items(), given, strict=False)
    }
    found |= {"h0": fresh(h0, *h0.shape), "c0": fresh(h0, *h0.shape) if lstm else None}
    found |= {
        name: None if getattr(given, name) is None else fresh(h0, *h0.shape).zero_()
        for name in ("restart_h", "restart_c")
    }
    calling.run(
        given,
        numbers,
        True,
        dict(zip((*BY, KEPT[0], *KEPT[3:]), (*by, *kept), strict=True)),
        {"d_" + name: each for name, each in found.items()},
    )
    return [each if need else None for each, need in zip(found.values(), needs, strict=True)]


BY = ("d_out", "d_h_last", "d_c_last", "d_gates", "d_c")
"""What the walk back begins with, as csrc/task.h has it."""


@torch.library.custom_op("recuerdo::recurrence_backward", mutates_args=(), device_types="cpu")
def recurrence_backward(
    d_out: Tensor | None,
    d_h_last: Tensor | None,
    d_c_last: Tensor | None,
    d_gates: Tensor | None,
    d_c: Tensor | None,
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
    out: Tensor,
    gates: Tensor | None,
    c: Tensor | None,
    hidden: Tensor | None,
    normed_x: Tensor | None,
    norm_x_scale: Tensor | None,
    normed: Tensor | None,
    norm_scale: Tensor | None,
    zone_share: float,
    cell: int,
    activation: int,
    reverse: bool,
    bf16: bool,
    needs: list[bool],
) -> By:
    """Walk back where torch captures the program: see :func:`walked_back`."""
    given = Given(
        x, W, U, bias_ih, bias_hh, norm_ih, norm_hh, norm_c, norm_c_bias, h0, c0, restart_h, restart_c, mask, zoneout,
        lengths, reset,
    )  # fmt: skip
    kept = (out, gates, c, hidden, normed_x, norm_x_scale, normed, norm_scale)
    by, numbers = (d_out, d_h_last, d_c_last, d_gates, d_c), Numbers(zone_share, cell, activation, reverse, bf16)
    return _filled(x, walked_back(by, given, kept, numbers, needs))


def _filled(like: Tensor, found: list[Tensor | None]) -> By:
    a, b, c, d, e, f, g, h, i, j, k, m, n = (like.new_empty(0) if each is None else each for each in found)
    return a, b, c, d, e, f, g, h, i, j, k, m, n


@recurrence_backward.register_fake
def _(
    d_out: Tensor | None,
    d_h_last: Tensor | None,
    d_c_last: Tensor | None,
    d_gates: Tensor | None,
    d_c: Tensor | None,
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
    out: Tensor,
    gates: Tensor | None,
    c: Tensor | None,
    hidden: Tensor | None,
    normed_x: Tensor | None,
    norm_x_scale: Tensor | None,
    normed: Tensor | None,
    norm_scale: Tensor | None,
    zone_share: float,
    cell: int,
    activation: int,
    reverse: bool,
    bf16: bool,
    needs: list[bool],
) -> By:
    like = (x, W, U, bias_ih, bias_hh, norm_ih, norm_hh, norm_c, norm_c_bias, h0, c0, restart_h, restart_c)
    return _filled(
        x,
        [
            x.new_empty(each.shape) if need and each is not None else None
            for each, need in zip(like, needs, strict=True)
        ],
    )


def _no_second(ctx: Any, *by: Tensor | None) -> NoReturn:
    raise BackendError(
        "The native kernels have no second derivatives (create_graph=True): run the layers inside "
        "`with recuerdo.kernels.only('reference'):`, whose recurrence differentiates to any order."
    )


recurrence_backward.register_autograd(_no_second)
