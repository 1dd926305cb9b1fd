"""A recorded pass: which recurrences ran, under which names, with the numbers of an ordinary pass."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.memory.cases import Deaf, fastest, flat
from tests.nn.cases import CELLS, OPTIONS, build, parts, randn
from tests.tolerances import assert_values
from torch import Tensor, nn

from recuerdo.errors import OptionError
from recuerdo.kernels.watching import watcher
from recuerdo.memory import Recorded, record
from recuerdo.memory.recording import joined
from recuerdo.nn import FRNN, GRU, LSTM, RecurrentLayer, Stack

N, T, D, H = 3, 5, 2, 3

cells = pytest.mark.parametrize("cell", CELLS)


class Model(nn.Module):
    """Someone's own module, with its recurrent layers inside; it runs the later-named one first and one twice."""

    def __init__(self) -> None:
        super().__init__()
        self.decoder = LSTM(H, H)
        self.inner = nn.ModuleDict({"encoder": GRU(D, H, 2), "mixer": FRNN(H, H)})

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.inner["encoder"](x)
        y, _ = self.inner["mixer"](y)
        y, _ = self.decoder(y)
        return self.inner["mixer"](y)[0]


class Failing(nn.Module):
    """A module whose layer runs and which then fails, or whose layer fails itself."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = GRU(D, H)

    def forward(self, x: Tensor, fail: bool) -> Tensor:
        y, _ = self.layer(x)
        if fail:
            raise KeyError("something of the module's own")
        return y


def names(recorded: list[Recorded]) -> list[str]:
    return [each.name for each in recorded]


def hooks(module: nn.Module) -> int:
    return sum(len(each._forward_hooks) + len(each._forward_pre_hooks) for each in module.modules())


@cells
@pytest.mark.parametrize("option", OPTIONS)
def test_the_output_is_that_of_an_ordinary_pass(cell: str, option: str) -> None:
    layer = build(cell, D, H, 2, bidirectional=True, **OPTIONS[option])
    inputs = {"x": randn(N, T, D), "lengths": [4, 0, 5], "reset": randn(N, T, seed=1) > 0.5}
    (output, final), _ = record(layer, inputs)
    expected, expected_final = layer(**inputs)
    assert_values(output, expected)
    assert_values(flat(parts(final)), flat(parts(expected_final)))


@cells
def test_states_and_gates_are_those_of_the_layers_own_trace(cell: str) -> None:
    layer = build(cell, D, H, 2, bidirectional=True)
    inputs = {"x": randn(N, T, D), "lengths": [4, 0, 5]}
    _, recorded = record(layer, inputs)
    *_, trace = layer(**inputs, trace=True)
    for k, one in enumerate(recorded):
        for mine, theirs in ((one.states, trace.states), (one.gates, trace.gates)):
            assert mine.keys() == theirs.keys()
            for name, values in mine.items():
                assert_values(values.transpose(0, 1), theirs[name][k])


def test_a_caller_who_asks_for_the_trace_gets_it_too() -> None:
    layer = build("gru", D, H)
    (_, _, trace), _ = record(layer, {"x": randn(N, T, D), "trace": True})
    assert trace.gates["z"][0].shape == (N, T, H)


def test_layers_and_directions_are_named_in_the_order_in_which_they_run() -> None:
    _, recorded = record(build("lstm", D, H, 2, bidirectional=True), {"x": randn(N, T, D)})
    assert names(recorded) == ["l0", "l0_reverse", "l1", "l1_reverse"]
    assert [each.job.reverse for each in recorded] == [False, True, False, True]


def test_layers_inside_of_a_module_are_named_by_their_path_in_any_order_and_as_often_as_they_run() -> None:
    _, recorded = record(Model(), {"x": torch.zeros(N, T, D)})
    assert names(recorded) == [
        "inner.encoder.l0",
        "inner.encoder.l1",
        "inner.mixer.l0",
        "decoder.l0",
        "inner.mixer.l0 (call 2)",
    ]
    assert [each.job.cell.name for each in recorded] == ["gru", "gru", "frnn", "lstm", "frnn"]


def test_a_layer_that_stands_in_two_places_goes_by_the_first() -> None:
    layer = FRNN(H, H)
    _, recorded = record(
        nn.Sequential(Stack(layer, nn.Linear(H, H), read="each"), Stack(layer, nn.Identity())),
        {"input": torch.zeros(N, T, H)},
    )
    assert names(recorded) == ["0.encoder.l0", "0.encoder.l0 (call 2)"]


def test_both_runs_of_a_layer_that_is_called_twice_have_gradients_of_their_own() -> None:
    output, recorded = record(Model(), {"x": torch.randn(N, T, D)})
    nudges = [recorded[k].nudge[0] for k in (2, 4)]
    first, second = torch.autograd.grad(output.square().sum(), nudges)
    assert second.abs().max() > 0
    assert not torch.equal(first, second)


@pytest.mark.parametrize(("lengths", "steps"), [(None, [5, 5, 5]), ([4, 0, 5], [4, 0, 5])])
def test_inside_is_true_where_a_step_counts(lengths: list[int] | None, steps: list[int]) -> None:
    _, (one,) = record(build("gru", D, H), {"x": randn(N, T, D), "lengths": lengths})
    expected = [[t < length for length in steps] for t in range(T)]
    assert one.inside.dtype == torch.bool
    assert one.inside.tolist() == expected


def test_the_module_runs_in_the_mode_that_it_is_in_with_the_masks_of_an_ordinary_pass() -> None:
    layer = LSTM(D, H, 2, dropout=0.5, recurrent_dropout=0.5, zoneout=0.5).train()
    x = torch.randn(N, T, D)
    torch.manual_seed(3)
    (output, _), recorded = record(layer, {"x": x})
    torch.manual_seed(3)
    assert_values(layer(x)[0], output)
    assert layer.training
    assert all(isinstance(each.job.zoneout, Tensor) and each.job.recurrent_mask is not None for each in recorded)
    _, (quiet, _) = record(layer.eval(), {"x": x})
    assert quiet.job.recurrent_mask is None
    assert quiet.job.zoneout == 0.5


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_a_pass_is_differentiable_inside_of_no_grad_and_twice(context: Any) -> None:
    layer, x = build("gru", D, H), randn(N, T, D)
    with context():
        (output, _), (one,) = record(layer, {"x": x})
    (first,) = torch.autograd.grad(output.sin().sum(), one.nudge, create_graph=True)
    (second,) = torch.autograd.grad(first.square().sum(), one.nudge)
    assert second.abs().max() > 0


def test_recording_leaves_no_gradient_in_the_parameters() -> None:
    layer = build("gru", D, H)
    record(layer, {"x": randn(N, T, D)})
    assert all(parameter.grad is None for parameter in layer.parameters())


def test_a_fast_backend_that_cannot_be_differentiated_is_not_used() -> None:
    layer, deaf = build("gru", D, H), Deaf()
    with fastest(deaf):
        layer(randn(N, T, D))
        assert deaf.taken == 1
        (output, _), (one,) = record(layer, {"x": randn(N, T, D)})
        assert deaf.taken == 1
    assert torch.autograd.grad(output.sum(), one.nudge)[0].abs().min() > 0


@pytest.mark.parametrize(
    ("module", "name"),
    [(nn.Sequential(nn.Linear(D, D)), "Sequential"), (nn.Sequential(nn.GRU(D, H)), "Sequential")],
    ids=["nothing_recurrent", "torch_nn"],
)
def test_a_module_without_recurrent_layers_is_refused(module: nn.Module, name: str) -> None:
    with pytest.raises(OptionError, match=rf"Nothing recurrent ran in this {name}: give a module with FRNN, IndRNN"):
        record(module, {"input": torch.zeros(N, T, D)})


class Bypassing(nn.Module):
    """A module that calls forward itself, past everything that torch hooks onto a call."""

    def __init__(self, layer: RecurrentLayer) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer.forward(x)[0]


def test_a_layer_that_is_run_without_being_called_is_refused() -> None:
    with pytest.raises(OptionError, match=r"of this Bypassing ran outside its layers.*call them as layer\(x\)"):
        record(Bypassing(GRU(D, H)), {"x": torch.zeros(N, T, D)})


def test_nothing_stays_on_a_module_after_a_pass() -> None:
    model = Model()
    record(model, {"x": torch.zeros(N, T, D)})
    assert hooks(model) == 0
    assert watcher() is None


@pytest.mark.parametrize(
    ("inputs", "error"),
    [
        ({"x": torch.zeros(N, T, D), "fail": True}, KeyError),
        ({"x": torch.zeros(N, T, D + 1), "fail": False}, ValueError),
    ],
    ids=["module_fails", "layer_fails"],
)
def test_nothing_stays_on_a_module_after_an_exception(inputs: dict[str, object], error: type[Exception]) -> None:
    model = Failing()
    with pytest.raises(error):
        record(model, inputs)
    assert hooks(model) == 0
    assert watcher() is None
    _, recorded = record(model, {"x": torch.zeros(N, T, D), "fail": False})
    assert names(recorded) == ["layer.l0"]


class Retrying(nn.Module):
    """A module that catches the failure of one of its layers and goes on with the other."""

    def __init__(self, *, call: bool) -> None:
        super().__init__()
        self.narrow, self.wide, self.call = GRU(D, H), GRU(D + 1, H), call

    def forward(self, x: Tensor) -> Tensor:
        try:
            return self.narrow(x)[0]
        except ValueError:
            return (self.wide if self.call else self.wide.forward)(x)[0]


def test_a_layer_that_failed_lends_its_name_to_no_other() -> None:
    x = torch.zeros(N, T, D + 1)
    _, recorded = record(Retrying(call=True), {"x": x})
    assert names(recorded) == ["wide.l0"]
    with pytest.raises(OptionError, match="ran outside its layers"):
        record(Retrying(call=False), {"x": x})


@cells
def test_values_alone_are_recorded_by_the_fastest_backend_without_a_graph(cell: str) -> None:
    layer, x = build(cell, 2, 4, 2, bidirectional=True), randn(3, 5, 2)
    output, recorded = record(layer, {"x": x})
    fast, alone = record(layer, {"x": x}, differentiable=False)
    assert not fast[0].requires_grad
    torch.testing.assert_close(fast[0], output[0].detach(), rtol=1e-12, atol=1e-12)
    for one, other in zip(alone, recorded, strict=True):
        assert one.name == other.name
        assert one.job.nudge is None
        for mine, theirs in zip(
            one.result.states + one.result.gates, other.result.states + other.result.gates, strict=True
        ):
            torch.testing.assert_close(mine, theirs.detach(), rtol=1e-12, atol=1e-12)


def test_batches_of_one_module_are_put_side_by_side() -> None:
    layer = LSTM(2, 3, bidirectional=True).eval()
    x, lengths = torch.randn(7, 5, 2), torch.tensor([5, 3, 5, 1, 2, 5, 4])
    batches = [
        record(layer, {"x": x[part], "lengths": lengths[part]}, differentiable=False)[1]
        for part in (slice(4), slice(4, 7))
    ]
    _, whole = record(layer, {"x": x, "lengths": lengths}, differentiable=False)
    for one, other in zip(joined(batches), whole, strict=True):
        assert one.name == other.name
        assert one.job.reverse == other.job.reverse
        torch.testing.assert_close(one.inside, other.inside)
        for name in ("states", "gates"):
            for mine, theirs in zip(getattr(one, name).values(), getattr(other, name).values(), strict=True):
                torch.testing.assert_close(mine, theirs)
