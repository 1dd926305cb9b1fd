"""How far two computations of the same thing may lie apart, by dtype: one table for all tests."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

VALUES = {torch.float32: 1e-6, torch.float64: 1e-12}
"""dtype -> largest difference of a value, as a share of the larger of 1 and the tensor's largest magnitude."""

GRADIENTS = {torch.float32: 1e-5, torch.float64: 1e-12}
"""dtype -> largest difference in a gradient, as a share of that gradient's largest magnitude, or of CANCELLED."""

CANCELLED = 0.05
"""A gradient sums terms of a size around 1 in an order of each kernel's own: where they cancel to less than this share,
what is left is no more exact than they were."""

KERAS = 1e-5
"""Largest difference of a float32 value from Keras, which sums in another order and with fused activations."""

BFLOAT16 = 0.05
"""Largest difference of a value near 1 that was computed over a few steps with bfloat16's 8 bits of mantissa."""

BFLOAT16_TIES = 0.01
"""Largest difference between two runs over a few steps that round the same factors to bfloat16, as a share of the
tensor's largest magnitude: where two sums lie on either side of a tie, the factors are 2^-8 apart, and what follows."""


def assert_values(actual: Tensor, expected: Tensor, what: str = "value", tolerance: float | None = None) -> None:
    """Assert equal shapes and values within VALUES of the expected tensor's dtype, or within the tolerance given."""
    _assert_near(actual, expected, what, tolerance or VALUES[expected.dtype], least=1.0)


def assert_gradients(actual: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Assert equal names, and gradients within GRADIENTS of the expected tensor's dtype."""
    assert actual.keys() == expected.keys()
    for name, gradient in expected.items():
        _assert_near(actual[name], gradient, f"gradient of {name}", GRADIENTS[gradient.dtype], least=CANCELLED)


def _assert_near(actual: Tensor, expected: Tensor, what: str, tolerance: float, least: float) -> None:
    assert actual.shape == expected.shape, f"{what}: {tuple(actual.shape)} is not {tuple(expected.shape)}"
    if expected.numel():
        apart = (actual - expected).abs().max().item()
        allowed = tolerance * max(expected.abs().max().item(), least)
        assert apart <= allowed, f"{what}: {apart:.3g} apart, {allowed:.3g} allowed"
