"""Pieces that run again on the way back give what the whole gives, and keep little."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.cells.cases import randn, state, weights
from tests.nn.cases import CELLS, OPTIONS, build

from recuerdo.cells import CELLS as SPECS
from recuerdo.errors import OptionError
from recuerdo.kernels import Job, recurrence
from recuerdo.nn import GRU, LSTM, RecurrentLayer

N, T, D, H = 4, 11, 3, 5
RAGGED: dict[str, dict[str, Any]] = {
    "all": {},
    "lengths": {"lengths": torch.tensor([11, 0, 4, 8])},
    "reset": {"reset": randn(N, T, seed=9) > 0.5},
    "lengths and reset": {"lengths": torch.tensor([11, 0, 4, 8]), "reset": randn(N, T, seed=9) > 0.5},
}


def gradients(layer: RecurrentLayer, **options: Any) -> list[torch.Tensor]:
    """Output, final state, and the gradients by x, by the initial state and by every weight."""
    x = randn(N, T, D).requires_grad_()
    torch.manual_seed(0)
    shape = layer.num_layers * layer.directions, N, H
    start = [randn(*shape, seed=3 + k).requires_grad_() for k in range(len(layer.cell.states))]
    output, final = layer(x, start[0] if len(start) == 1 else tuple(start), **options)
    finals = final if isinstance(final, tuple) else (final,)
    loss = output.sin().sum() + sum((each * randn(*each.shape, seed=5)).sin().sum() for each in finals)
    asked = [x, *start, *layer.parameters()]
    return [output, *finals, *torch.autograd.grad(loss, asked, allow_unused=True, materialize_grads=True)]


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("ragged", RAGGED)
@pytest.mark.parametrize("every", [1, 4, 11, "auto"])
def test_the_gradients_are_those_of_the_whole(cell: str, ragged: str, every: int | str) -> None:
    plain = build(cell, D, H, 2, bidirectional=True, learn_state=True)
    pieces = build(cell, D, H, 2, bidirectional=True, learn_state=True, checkpoint_every=every)
    pieces.load_state_dict(plain.state_dict())
    for found, expected in zip(gradients(pieces, **RAGGED[ragged]), gradients(plain, **RAGGED[ragged]), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("option", OPTIONS)
def test_masks_that_are_drawn_are_those_of_the_whole(cell: str, option: str) -> None:
    plain = build(cell, D, H, 2, **OPTIONS[option]).train()
    pieces = build(cell, D, H, 2, checkpoint_every=3, **OPTIONS[option]).train()
    pieces.load_state_dict(plain.state_dict())
    for found, expected in zip(gradients(pieces), gradients(plain), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_the_final_state_alone_is_enough_of_a_loss() -> None:
    found = []
    for every in (None, 3):
        layer = build("lstm", D, H, 1, checkpoint_every=every)
        _, (h, _) = layer(randn(N, T, D))
        found.append(torch.autograd.grad(h.sum(), list(layer.parameters())))
    for mine, whole in zip(*found, strict=True):
        torch.testing.assert_close(mine, whole, rtol=1e-12, atol=1e-12)


def test_little_is_kept() -> None:
    kept: dict[int | None, int] = {}
    for every in (None, 10):
        layer = GRU(2, 8, checkpoint_every=every)
        sizes: list[int] = []

        def note(tensor: torch.Tensor, sizes: list[int] = sizes) -> torch.Tensor:
            sizes.append(tensor.numel())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            layer(torch.randn(4, 100, 2))
        kept[every] = sum(sizes)
    assert kept[10] < kept[None] / 4


def test_frozen_weights_and_inputs_get_no_gradient() -> None:
    layer = build("gru", D, H, 1, checkpoint_every=4)
    layer.get_parameter("weight_ih_l0").requires_grad_(False)
    output, _ = layer(randn(N, T, D))
    output.sum().backward()
    assert layer.get_parameter("weight_ih_l0").grad is None
    assert layer.get_parameter("weight_hh_l0").grad is not None


def test_without_gradients_or_pieces_nothing_is_wrapped() -> None:
    spec = SPECS["gru"]
    job = Job(spec, randn(T, N, D), weights(spec, D, H), state(spec, N, H))
    with torch.no_grad():
        assert torch.equal(recurrence(job, checkpoint_every=3).output, recurrence(job).output)


def test_what_does_not_go_with_it_is_refused() -> None:
    with pytest.raises(OptionError, match=r"A trace holds every gate of every step.*: drop one of the two"):
        LSTM(D, H, checkpoint_every=3)(torch.randn(1, 9, D), trace=True)
    for every in (0, -1, 2.5, True, "often"):
        with pytest.raises(OptionError, match=r"LSTM\(checkpoint_every=.*\): it counts time steps"):
            LSTM(D, H, checkpoint_every=every)  # pyright: ignore[reportArgumentType]
