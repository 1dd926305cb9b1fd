"""Plain networks without an input, whose gradients are known powers of a factor."""

from __future__ import annotations

import torch

import recuerdo as rc
from recuerdo.memory import record

F64 = torch.float64


def turned(H, factor):
    """An orthogonal matrix times a factor."""
    return factor * torch.linalg.qr(torch.randn(H, H, dtype=F64, generator=torch.Generator().manual_seed(0)))[0]


def frnn(U, nonlinearity="tanh", **options):
    layer = rc.nn.FRNN(1, len(U), nonlinearity=nonlinearity, bias=False, dtype=F64, **options)
    layer.weight_hh_l0.data.copy_(torch.as_tensor(U))
    return layer


def last(layer, x, check):
    """The check of the top layer, with a loss on the last step."""
    (output, _), recorded = record(layer, {"x": x})
    return check(recorded[-1], output[:, -1].sum())


def still(T=40, N=3):
    return torch.zeros(N, T, 1, dtype=F64)
