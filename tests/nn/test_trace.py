"""What trace=True shows, and that a run in pieces is the same run."""

from __future__ import annotations

import pytest
import torch
from tests.native_core import needs_native
from tests.nn.cases import (
    CELLS,
    OPTIONS,
    build,
    cotangent_loss,
    gradients,
    leaves,
    parts,
    randn,
    trace_tensors,
    whole,
)
from tests.tolerances import assert_gradients, assert_values

N, T, D, H, L = 2, 5, 3, 4, 2

cells = pytest.mark.parametrize("cell", CELLS)
GATES = {
    "frnn": (),
    "indrnn": (),
    "lstm": ("i", "f", "g", "o"),
    "gru": ("r", "z", "n"),
    "gru_reset_before": ("r", "z", "n"),
}


@cells
@pytest.mark.parametrize("bidirectional", [False, True], ids=["forward", "bidirectional"])
@pytest.mark.parametrize("batch_first", [True, False], ids=["batch_first", "time_first"])
def test_a_trace_names_every_gate_and_state_of_every_layer(cell: str, bidirectional: bool, batch_first: bool) -> None:
    layer = build(cell, D, H, L, bidirectional=bidirectional, batch_first=batch_first)
    lead = (N, T) if batch_first else (T, N)
    *_, trace = layer(randn(*lead, D), trace=True)
    assert tuple(trace.gates) == GATES[cell]
    assert tuple(trace.states) == (("h", "c") if cell == "lstm" else ("h",))
    for tensors in (*trace.gates.values(), *trace.states.values()):
        assert [tuple(tensor.shape) for tensor in tensors] == [(*lead, H)] * (L * layer.directions)


@cells
@pytest.mark.parametrize("batch_first", [True, False], ids=["batch_first", "time_first"])
def test_the_top_layers_h_is_the_output_and_its_last_step_the_final_state(cell: str, batch_first: bool) -> None:
    layer = build(cell, D, H, L, bidirectional=True, batch_first=batch_first)
    output, final, trace = layer(randn(*((N, T) if batch_first else (T, N)), D), trace=True)
    assert torch.equal(torch.cat(trace.states["h"][-2:], dim=-1), output)
    for name, ended in zip(layer.cell.states, parts(final), strict=True):
        for k, states in enumerate(trace.states[name]):
            steps = states if batch_first else states.transpose(0, 1)
            assert torch.equal(steps[:, 0 if k % 2 else -1], ended[k])


@cells
def test_tracing_changes_nothing_else(cell: str) -> None:
    layer, x = build(cell, D, H, L, bidirectional=True), randn(N, T, D)
    plain, traced = layer(x), layer(x, trace=True)[:2]
    assert torch.equal(plain[0], traced[0])
    for before, after in zip(parts(plain[1]), parts(traced[1]), strict=True):
        assert torch.equal(before, after)


@needs_native
@cells
def test_the_output_and_the_traced_h_share_memory_as_the_docstring_says(cell: str) -> None:
    output, _, trace = build(cell, D, H)(randn(N, T, D), trace=True)
    assert trace.states["h"][0].data_ptr() == output.data_ptr()


@cells
def test_a_trace_without_time_steps_is_empty(cell: str) -> None:
    layer = build(cell, D, H, L, bidirectional=True)
    *_, trace = layer(randn(N, 0, D), trace=True)
    assert tuple(trace.gates) == GATES[cell]
    assert {tensor.shape for tensor in trace_tensors(trace)} == {(N, 0, H)}


def test_the_lstms_states_follow_from_its_traced_gates() -> None:
    layer = build("lstm", D, H)
    *_, trace = layer(randn(N, T, D), trace=True)
    i, f, g, o = (trace.gates[name][0] for name in "ifgo")
    c = torch.zeros(N, H, dtype=torch.float64)
    for t in range(T):
        c = f[:, t] * c + i[:, t] * g[:, t]
        assert_values(trace.states["c"][0][:, t], c, "c")
        assert_values(trace.states["h"][0][:, t], o[:, t] * c.tanh(), "h")


@pytest.mark.parametrize("cell", ["gru", "gru_reset_before"])
def test_the_grus_state_follows_from_its_traced_gates(cell: str) -> None:
    layer = build(cell, D, H)
    *_, trace = layer(randn(N, T, D), trace=True)
    _, z, n = (trace.gates[name][0] for name in "rzn")
    h = torch.zeros(N, H, dtype=torch.float64)
    for t in range(T):
        h = h + (1 - z[:, t]) * (n[:, t] - h)
        assert_values(trace.states["h"][0][:, t], h, "h")


@cells
@pytest.mark.parametrize("option", ["plain", "layer_norm", "all"])
def test_a_gradient_flows_through_every_tensor_of_a_trace(cell: str, option: str) -> None:
    layer = build(cell, D, H, 2, **OPTIONS[option])
    x = randn(N, T, D).requires_grad_()
    for tensor in trace_tensors(layer(x, trace=True)[2]):
        assert gradients(cotangent_loss(tensor), {"x": x})["x"].abs().max() > 0


@cells
def test_the_gradient_of_traced_states_is_that_of_the_output(cell: str) -> None:
    layer, x = build(cell, D, H), randn(N, T, D)
    named = leaves(layer, x)
    output, _, trace = layer(x, trace=True)
    traced = gradients(cotangent_loss(trace.states["h"][0]), named)
    assert_gradients(traced, gradients(cotangent_loss(output), named))


@cells
@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("chunk", [1, 2, 5])
def test_chunks_with_the_state_carried_equal_the_whole(cell: str, option: str, chunk: int) -> None:
    layer, x = build(cell, D, H, L, **OPTIONS[option]), randn(N, T, D)
    named = leaves(layer, x)
    output, final = layer(x)
    pieces, state = [], None
    for piece in x.split(chunk, dim=1):
        y, state = layer(piece, state)
        pieces.append(y)
    assert state is not None
    together, streamed = (output, *parts(final)), (torch.cat(pieces, dim=1), *parts(state))
    for actual, expected in zip(streamed, together, strict=True):
        assert_values(actual, expected)
    assert_gradients(gradients(cotangent_loss(*streamed), named), gradients(cotangent_loss(*together), named))


@cells
def test_a_carried_state_has_the_form_that_is_taken(cell: str) -> None:
    layer, x = build(cell, D, H, L, bidirectional=True), randn(N, T, D)
    _, state = layer(x)
    assert isinstance(state, tuple) is (cell == "lstm")
    assert_values(layer(x, whole(parts(state)))[0], layer(x, state)[0])
