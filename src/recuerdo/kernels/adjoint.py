"""The gradient of the native recurrence: the walk back in C++, and what follows from it in single large products."""

from __future__ import annotations

from typing import Any, NoReturn

import torch
from torch import Tensor

from recuerdo.errors import BackendError
from recuerdo.kernels import calling
from recuerdo.kernels.calling import BLOCKS, GRU, GRU_RESET_BEFORE, INDRNN, LSTM, dense

By = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]
"""By x, W, U, bias_ih, bias_hh, norm_hh, norm_c, norm_c_bias, h0, c0, restart_h, restart_c; empty where not asked for."""


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
    G, normed_product = BLOCKS[cell], norm_hh is not None and cell != INDRNN
    # h as the product saw it is the output one step before, unless something came between.
    between = mask is not None or reset is not None or (reverse and lengths is not None)
    d_pre = x.new_empty(T, N, 4 if cell == GRU else G, H)
    d_product = x.new_empty(T, N, G, H) if normed_product else None
    seen = x.new_empty(T, N, H) if between and needs[2] and cell != INDRNN else None
    seen_reset = x.new_empty(T, N, H) if cell == GRU_RESET_BEFORE else None
    by_h0, by_c0 = x.new_empty(N, H), x.new_empty(N, H) if cell == LSTM else None
    by_restart = [None if each is None else x.new_zeros(N, H) for each in (restart_h, restart_c)]
    sums = x.new_zeros(torch.get_num_threads(), G + 2, H)
    given = {
        "d_out": d_out,
        "d_h_last": d_h_last,
        "d_c_last": d_c_last,
        "d_gates": d_gates,
        "d_c": d_c,
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
        {"T": T, "N": N, "H": H, "zone_share": zone_share, "cell": cell, "activation": activation, "reverse": reverse},
        **{name: dense(each) for name, each in given.items()},
        out=out,
        gates=gates,
        c=c,
        hidden=hidden,
        normed=normed,
        norm_scale=norm_scale,
        d_pre=d_pre,
        d_product=d_product,
        seen=seen,
        seen_reset=seen_reset,
        d_h0=by_h0,
        d_c0=by_c0,
        d_restart_h=by_restart[0],
        d_restart_c=by_restart[1],
        sums=sums,
    )

    halves = Halves(d_pre, cell)
    by_norm_hh, by_norm_c, by_norm_c_bias = sums.sum(0).split((G, 1, 1))
    by_U = None
    if needs[2] and cell == INDRNN:
        by_U = by_norm_hh.flatten().clone()
    elif needs[2]:
        by_U = _by_recurrent(d_product, halves, out, h0, seen, seen_reset, reverse)
    by_x = None
    if needs[0]:
        by_x = halves.to_gates() if W is None else halves.to_x(W)
    found = (
        by_x,
        halves.to_W(x.reshape(T * N, -1)) if needs[1] else None,
        by_U,
        halves.to_bias_ih() if needs[3] else None,
        halves.to_bias_hh() if needs[4] else None,
        by_norm_hh.flatten().clone() if needs[5] else None,
        by_norm_c.flatten().clone() if needs[6] else None,
        by_norm_c_bias.flatten().clone() if needs[7] else None,
        *(each if need else None for each, need in zip((by_h0, by_c0, *by_restart), needs[8:], strict=True)),
    )
    return _twelve([x.new_empty(0) if each is None else each for each in found])


def _twelve(found: list[Tensor]) -> By:
    a, b, c, d, e, f, g, h, i, j, k, m = found
    return a, b, c, d, e, f, g, h, i, j, k, m


def _by_recurrent(
    d_product: Tensor | None,
    halves: Halves,
    out: Tensor,
    h0: Tensor,
    seen: Tensor | None,
    seen_reset: Tensor | None,
    reverse: bool,
) -> Tensor:
    """The gradient by U: that by the product, times h as the product saw it."""
    T, _, H = out.shape
    by = halves.hidden if d_product is None else d_product  # (T, N, G, H)
    rest = None
    if seen_reset is not None:
        by, rest = by[:, :, :2], _rows(by[:, :, 2:]).t() @ _rows(seen_reset)
    if seen is not None:
        by_U = _rows(by).t() @ _rows(seen)
    elif T == 0:
        by_U = out.new_zeros(by.shape[2] * H, H)
    else:
        first, others, before = (by[-1], by[:-1], out[1:]) if reverse else (by[0], by[1:], out[:-1])
        by_U = (_rows(others).t() @ _rows(before)).addmm_(first.flatten(1).t(), h0)
    return by_U if rest is None else torch.cat([by_U, rest])


def _rows(each: Tensor) -> Tensor:
    """(T, N, ...) -> (T * N, ...), one row for each sample and step."""
    return each.flatten(2).flatten(0, 1)


class Halves:
    """The gradient by the pre-activations, for the input's half of them and for the hidden state's.

    The two are the same but for the candidate of a GRU whose reset gate stands between them: csrc/cells.h writes its
    blocks as n of the input, r, z, n of the hidden state, so that each half is a range.
    """

    def __init__(self, d_pre: Tensor, cell: int) -> None:
        self.turned = cell == GRU
        self.d_pre = d_pre
        self.input = d_pre[:, :, :3] if self.turned else d_pre
        self.hidden = d_pre[:, :, 1:] if self.turned else d_pre

    def to_gates(self) -> Tensor:
        """By W x + b, (T, N, G, H)."""
        return torch.cat([self.d_pre[:, :, 1:3], self.d_pre[:, :, :1]], dim=2) if self.turned else self.d_pre.clone()

    def to_x(self, W: Tensor) -> Tensor:
        """By x, (T, N, D)."""
        H = self.d_pre.shape[-1]
        W = torch.cat([W[2 * H :], W[: 2 * H]]) if self.turned else W
        return (_rows(self.input) @ W).view(*self.d_pre.shape[:2], -1)

    def to_W(self, x: Tensor) -> Tensor:
        """By W, (G * H, D), from x as (T * N, D)."""
        if not self.turned:
            return _rows(self.input).t() @ x
        blocks = self.d_pre[:, :, 1:3], self.d_pre[:, :, :1]
        return torch.cat([_rows(block).t() @ x for block in blocks])

    def to_bias_ih(self) -> Tensor:
        """By b_ih, (G * H,)."""
        total = self.d_pre.sum((0, 1))
        return (torch.cat([total[1:3], total[:1]]) if self.turned else total).flatten()

    def to_bias_hh(self) -> Tensor:
        """By b_hh, (G * H,)."""
        return self.hidden.sum((0, 1)).flatten()


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
