"""Arithmetic that remembers: terms compute as tensors do, and know the formula that they came by.

A cell's step, given terms in place of tensors, writes its own equations down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Pieces = tuple["str | float", ...]
"""A formula with its numbers put in: text and numbers in the order in which they are written."""

SUM, PRODUCT, ATOM = range(3)
"""How tightly a term holds together: what is looser than its surroundings gets brackets."""


@dataclass(frozen=True, eq=False)
class Term:
    """A number for each unit, (H,), that remembers how it was computed.

    Attributes:
        value: (H,).
        made: text, and terms with the tightness that their place asks for; empty for a symbol that is given.
        symbol: the name of what is given.
        tight: SUM, PRODUCT or ATOM.
        spelled: for a long sum, its products and bias with the numbers of one unit.
    """

    value: Tensor
    made: tuple[str | tuple[Term, int], ...] = ()
    symbol: str | None = None
    tight: int = ATOM
    spelled: Pieces = ()

    def __add__(self, other: Term | float) -> Term:
        return self._joined(" + ", other, SUM, SUM, torch.add)

    def __sub__(self, other: Term | float) -> Term:
        return self._joined(" - ", other, SUM, PRODUCT, torch.sub)

    def __rsub__(self, other: float) -> Term:
        return self._constant(other) - self

    def __mul__(self, other: Term | float) -> Term:
        return self._joined(" * ", other, PRODUCT, PRODUCT, torch.mul)

    def __truediv__(self, other: Term | float) -> Term:
        return self._joined(" / ", other, PRODUCT, ATOM, torch.div)

    def sigmoid(self) -> Term:
        """1 / (1 + exp(-x))."""
        return self._through(torch.sigmoid)

    def tanh(self) -> Term:
        """The hyperbolic tangent."""
        return self._through(torch.tanh)

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Term:
        """Take any activation of torch, as cells without gates are given them."""
        return args[0]._through(func, *args[1:], **(kwargs or {}))

    def _through(self, func: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Term:
        made = (f"{func.__name__}(", (self, SUM), ")")
        return Term(func(self.value, *args, **kwargs), made)

    def _joined(self, sign: str, other: Term | float, tight: int, right: int, func: Callable[..., Tensor]) -> Term:
        other = other if isinstance(other, Term) else self._constant(other)
        return Term(func(self.value, other.value), ((self, tight), sign, (other, right)), tight=tight)

    def _constant(self, value: float) -> Term:
        return Term(torch.full_like(self.value, value), symbol=f"{value:g}")

    def parts(self) -> Iterator[Term]:
        """The terms that it was computed from."""
        return (piece[0] for piece in self.made if not isinstance(piece, str))


class Blocks:
    """One term for each block of a cell, where the cell's step expects a tensor (N, G, H)."""

    def __init__(self, terms: list[Term]) -> None:
        self.terms = terms

    def __add__(self, other: Blocks) -> Blocks:
        return Blocks([a + b for a, b in zip(self.terms, other.terms, strict=True)])

    def unbind(self, dim: int) -> list[Term]:
        """The blocks, along the axis -2."""
        return self.terms

    def squeeze(self, dim: int) -> Term:
        """The only block, along the axis -2."""
        (term,) = self.terms
        return term
