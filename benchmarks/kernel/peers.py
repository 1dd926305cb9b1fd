"""Who stands beside rc.nn: torch.nn where it has the layer, and loops of torch operators where it has not."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from recuerdo.cells import Weights
from recuerdo.kernels.drawing import bernoulli
from recuerdo.nn.recurrent import RecurrentLayer

from .cases import SEED, TRAINING, Cell, Shape

EPS = 1e-5  # of every layer norm, as in torch.nn.LayerNorm


@dataclass(frozen=True)
class Contestant:
    """Something that computes the outputs (T, N, H) of one layer from x (T, N, D), and the parameters that it uses."""

    run: Callable[[Tensor], Tensor]
    parameters: list[Tensor]

    def training(self, x: Tensor, by_output: Tensor) -> tuple[Tensor, ...]:
        """Forward and backward: return the output, and the gradients by x and by every parameter."""
        output = self.run(x)
        return output.detach(), *torch.autograd.grad(output, [x, *self.parameters], by_output)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output, and keep nothing for a backward pass."""
        with torch.no_grad():
            return self.run(x)


def inputs(shape: Shape, mode: str) -> tuple[Tensor, Tensor]:
    """x, and the gradient that arrives at the output."""
    T, N, D, H = shape
    return torch.randn(T, N, D).requires_grad_(mode == TRAINING), torch.randn(T, N, H)


def ours(layer: RecurrentLayer) -> Contestant:
    """The layer of rc.nn."""
    return Contestant(lambda x: layer(x)[0], list(layer.parameters()))


def torch_nn(cell: Cell, shape: Shape, mode: str, layer: RecurrentLayer) -> Contestant | None:
    """The layer of torch.nn with the same weights, under autocast if the cell is in bfloat16; None if there is none."""
    kind = cell.peer_in(mode)
    if kind is None:
        return None
    peer = kind(shape.D, shape.H)
    peer.load_state_dict(layer.state_dict())

    def run(x: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16) if cell.bf16 else nullcontext():
            return peer(x)[0].float()

    return Contestant(run, list(peer.parameters()))


def loop(layer: RecurrentLayer, compiled: bool = False) -> Contestant | None:
    """The Python loop that one writes where torch.nn has no such layer, as fast as one writes it; None if not needed.

    Everything that can be done for all steps at once is: x W, and the draw of all masks. These are drawn in the same
    order as rc.nn draws them, so that one seed gives the same numbers.
    """
    name = layer.cell.name
    if name not in ("lstm", "indrnn"):
        return None
    pure: Callable[..., Tensor] = lstm if name == "lstm" else indrnn
    if compiled:
        torch.compiler.reset()
        pure = torch.compile(pure, dynamic=False)
    weights = next(layer.weights())

    def run(x: Tensor) -> Tensor:
        if name == "indrnn":
            return pure(x, weights)
        T, N, H = *x.shape[:2], layer.hidden_size
        mask = zoneout = None
        if layer.training and layer.recurrent_dropout:
            kept = 1 - layer.recurrent_dropout
            mask = torch.empty(N, H).bernoulli_(kept) / kept
        if layer.zoneout and layer.training:
            zoneout = bernoulli(x, (2, T, N, H), layer.zoneout)
        elif layer.zoneout:
            zoneout = torch.full((2, T, 1, 1), layer.zoneout)
        return pure(x, weights, mask, zoneout)

    return Contestant(run, list(layer.parameters()))


def lstm(x: Tensor, weights: Weights, mask: Tensor | None, zoneout: Tensor | None) -> Tensor:
    """Return the outputs of an LSTM, with recurrent dropout, zoneout and layer norm where they are given."""
    W, U, b, b_hh, norm_ih, norm_hh, norm_c, norm_c_bias = weights
    assert b is not None
    assert b_hh is not None
    wx = F.linear(x, W, b + b_hh) if norm_ih is None else normed(F.linear(x, W), norm_ih) + (b + b_hh)
    turned = U.t()
    h = c = x.new_zeros(x.shape[1], U.shape[1])
    outputs = []
    for t, each in enumerate(wx.unbind(0)):
        seen = h if mask is None else h * mask
        pre = torch.addmm(each, seen, turned) if norm_hh is None else each + normed(seen @ turned, norm_hh)
        i, f, g, o = pre.chunk(4, 1)
        new_c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        read = new_c if norm_c is None else F.layer_norm(new_c, new_c.shape[-1:], norm_c, norm_c_bias, EPS)
        new_h = o.sigmoid() * read.tanh()
        if zoneout is not None:
            new_h, new_c = torch.lerp(new_h, h, zoneout[0, t]), torch.lerp(new_c, c, zoneout[1, t])
        h, c = new_h, new_c
        outputs.append(h)
    return torch.stack(outputs)


def normed(product: Tensor, gain: Tensor) -> Tensor:
    """Normalise each of the four blocks over its units."""
    blocks = product.unflatten(-1, (4, -1))
    return F.layer_norm(blocks, blocks.shape[-1:], eps=EPS).flatten(-2) * gain


def indrnn(x: Tensor, weights: Weights) -> Tensor:
    """Return the outputs of an IndRNN with relu."""
    u = weights.weight_hh
    h = x.new_zeros(x.shape[1], u.shape[0])
    outputs = []
    for each in F.linear(x, weights.weight_ih, weights.bias_ih).unbind(0):
        h = torch.addcmul(each, u, h).relu()
        outputs.append(h)
    return torch.stack(outputs)


def difference(one: Contestant, other: Contestant, shape: Shape, mode: str, steps: int) -> float:
    """How far two contestants are apart, in units of the other's size: the largest over output and gradients.

    They run over the whole of x, since a compiled loop knows no other length; the output is compared over its first
    steps, and the gradient enters there alone.
    """
    x, by_output = inputs(shape, mode)
    by_output[steps:] = 0
    found = []
    for each in (one, other):
        torch.manual_seed(SEED)
        output, *gradients = each.training(x, by_output) if mode == TRAINING else (each.forward(x),)
        found.append((output[:steps], *gradients))
    apart = [float((a - b).norm() / (b.norm() + 1e-12)) for a, b in zip(*found, strict=True)]
    return max(apart) if all(value == value for value in apart) else float("inf")
