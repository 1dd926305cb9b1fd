"""The cross-entropy of a linear layer over many classes, without ever holding all of its logits."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from recuerdo.errors import ShapeError
from recuerdo.kernels import calling
from recuerdo.kernels.calling import fresh
from recuerdo.kernels.job import Precision

LOGITS = 4_000_000
"""Logits that are held at a time, by half more at most: 16 MB, of which a third cache keeps most."""

LEAST_ROWS, MOST_ROWS = 128, 4096
"""Rows at a time: with fewer, W would be read from memory too often."""


def linear_cross_entropy(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    target: Tensor,
    share: Tensor | None = None,
    *,
    precision: Precision = "float32",
) -> tuple[Tensor, Tensor]:
    """Return the cross-entropy of softmax(x W^T + b) against the classes that were right.

    The gradients are formed together with the loss, which costs no product more than a gradient does anyway, some rows
    at a time: of M x V logits no more than a few hundred rows ever exist.

    Args:
        x: (M, K).
        weight: (V, K).
        bias: (V,), or None.
        target: (M,) int64, the class that was right; where it is below 0 the row counts for nothing.
        share: (M,) how much each row counts; None for the mean over the rows with a target.
        precision: "bf16" multiplies in bfloat16 where the processor can, with sums in float32; see
            :class:`recuerdo.nn.LSTM`.

    Returns:
        The sum of share times loss, differentiable by x, weight and bias, and the losses (M,) in nats, which are not.

    Raises:
        ShapeError: the shapes do not go together, or a target is no class.

    Source:
        The gradients of a mean that are formed on the way forwards: Wijmans et al. 2024, Cut your losses in
        large-vocabulary language models, section 4, of which it is the case without a filter.

    Example:
        >>> x, weight = torch.zeros(3, 2), torch.zeros(4, 2, requires_grad=True)
        >>> loss, losses = linear_cross_entropy(x, weight, None, torch.tensor([0, 3, -1]))
        >>> round(loss.item(), 4), losses.tolist()
        (1.3863, [1.386..., 1.386..., 0.0])
    """
    _check(x, weight, bias, target, share)
    known = target >= 0
    if share is None:
        share = known.to(x.dtype) / known.sum().clamp_min(1)
    tensors = [each for each in (x, weight, bias) if each is not None]
    if calling.native is None or calling.captured(*tensors) or any(each.device.type != "cpu" for each in tensors):
        logits = nn.functional.linear(x, weight, bias)
        losses = nn.functional.cross_entropy(logits, target.where(known, -1), reduction="none", ignore_index=-1)
        return (losses * share).sum(), losses.detach()
    bf16 = precision == "bf16" and x.dtype == torch.float32
    if bf16 and calling.native.bf16_path() is None:
        calling.tell()
        bf16 = False
    return _Fused.apply(x, weight, bias, target, share, bf16)  # type: ignore[no-any-return]


class _Fused(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, target: Tensor, share: Tensor, bf16: bool
    ) -> tuple[Tensor, Tensor]:
        wanted = any(ctx.needs_input_grad[:3])
        compute = _core if bf16 else _by_rows
        losses, *gradients = compute(x.contiguous(), weight.contiguous(), bias, target, share, wanted)
        ctx.save_for_backward(*gradients)
        ctx.mark_non_differentiable(losses)
        return (losses * share).sum(), losses

    @staticmethod
    def backward(ctx: Any, *by: Tensor | None) -> tuple[Tensor | None, ...]:
        by_total, _ = by
        assert by_total is not None
        found = ctx.saved_tensors
        if by_total.item() != 1:
            found = [None if each is None else each * by_total for each in found]
        needed = (each if need else None for each, need in zip(found, ctx.needs_input_grad[:3], strict=True))
        return (*needed, None, None, None)


Found = tuple[Tensor, Tensor | None, Tensor | None, Tensor | None]


def _by_rows(x: Tensor, weight: Tensor, bias: Tensor | None, target: Tensor, share: Tensor, wanted: bool) -> Found:
    """Some rows at a time: the products by torch, whose library is the fastest there is, and the rest by the core."""
    (M, _), V = x.shape, len(weight)
    rows = _rows_at_a_time(M, V)
    losses, held = x.new_empty(M), fresh(x, rows, V)
    by_x = fresh(x, *x.shape) if wanted else None
    by_weight = fresh(weight, *weight.shape) if wanted else None
    by_bias = None if bias is None or not wanted else torch.empty_like(bias)
    ones = torch.ones(rows, dtype=x.dtype)
    for first in range(0, M, rows):
        some = slice(first, min(first + rows, M))
        logits = held[: some.stop - first]
        torch.mm(x[some], weight.t(), out=logits)
        losses[some] = _settled(logits, bias, target[some], share[some] if wanted else None)
        if by_x is None or by_weight is None:
            continue
        torch.mm(logits, weight, out=by_x[some])
        # The first rows' sums are written, and so nothing has to be zero before.
        torch.addmm(by_weight, logits.t(), x[some], beta=float(first > 0), out=by_weight)
        if by_bias is not None:
            torch.addmv(by_bias, logits.t(), ones[: len(logits)], beta=float(first > 0), out=by_bias)
    for each in (by_weight, by_bias):
        if not M and each is not None:
            each.zero_()
    return losses, by_x, by_weight, by_bias


def _rows_at_a_time(M: int, V: int) -> int:
    """As many as are held at a time, or by half more: a last piece of few rows would cost as much as a whole one."""
    most = max(LEAST_ROWS, min(MOST_ROWS, LOGITS // V))
    return math.ceil(M / max(1, round(M / most)))


def _settled(products: Tensor, bias: Tensor | None, target: Tensor, share: Tensor | None) -> Tensor:
    """Return the losses of x W^T + b; what was x W^T becomes the gradients by it where there are shares."""
    M, V = products.shape
    fields = {"M": M, "K": 0, "V": V, "given": products.data_ptr()}
    if bias is not None:
        bias = bias.contiguous()
        fields["bias"] = bias.data_ptr()
    return _run(products, fields, target, share)


def _core(x: Tensor, weight: Tensor, bias: Tensor | None, target: Tensor, share: Tensor, wanted: bool) -> Found:
    """All of it in one call of the core, with products in bfloat16."""
    (M, K), V = x.shape, len(weight)
    fields = {"M": M, "K": K, "V": V, "bf16": True, "h": x.data_ptr(), "W": weight.data_ptr()}
    by_x = by_weight = by_bias = None
    if bias is not None:
        bias = bias.contiguous()
        fields["bias"] = bias.data_ptr()
    if wanted:
        by_x, by_weight = fresh(x, M, K), fresh(weight, V, K)
        fields |= {"d_h": by_x.data_ptr(), "d_W": by_weight.data_ptr()}
        if bias is not None:
            by_bias = torch.empty_like(bias)
            fields["d_bias"] = by_bias.data_ptr()
    return _run(x, fields, target, share if wanted else None), by_x, by_weight, by_bias


def _run(like: Tensor, fields: dict[str, Any], target: Tensor, share: Tensor | None) -> Tensor:
    assert calling.native is not None
    target, total, shift = target.contiguous(), like.new_empty(len(target)), like.new_empty(len(target))
    fields |= {"target": target.data_ptr(), "sum": total.data_ptr(), "shift": shift.data_ptr()}
    if share is not None:
        share = share.contiguous()
        fields["share"] = share.data_ptr()
    calling.native.softmax(like.dtype == torch.float64, torch.get_num_threads(), fields)
    return total.log_().add_(shift)


def _check(x: Tensor, weight: Tensor, bias: Tensor | None, target: Tensor, share: Tensor | None) -> None:
    if x.ndim != 2 or weight.ndim != 2 or x.shape[1] != weight.shape[1]:
        raise ShapeError(
            f"x is (rows, features) and weight (classes, features), of the same features; got {tuple(x.shape)} and "
            f"{tuple(weight.shape)}."
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ShapeError(f"bias is one number for each of {len(weight)} classes; got {tuple(bias.shape)}.")
    for name, each in (("target", target), ("share", share)):
        if each is not None and each.shape != x.shape[:1]:
            raise ShapeError(f"{name} is one number for each of {len(x)} rows; got {tuple(each.shape)}.")
    if target.dtype != torch.int64:
        raise ShapeError(f"target is int64, the number of a class; got {target.dtype}.")
    if len(target) and int(target.max()) >= len(weight):
        raise ShapeError(f"target holds {int(target.max())}, and there are {len(weight)} classes, from 0.")
