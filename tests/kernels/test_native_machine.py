"""The native core on the machine: accuracy of its activations, threads, forks, and its operators as torch sees them."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest
import torch
from tests.cells.cases import flat
from tests.kernels.native_cases import OPTIONS, PATHS, SPECS, job, on_path, outcome
from tests.native_core import needs_native
from tests.nn.cases import CELLS, build, cotangent_loss, gradients, randn
from tests.tolerances import assert_gradients, assert_values
from torch import Tensor

from recuerdo.kernels import adjoint, calling, ops, recurrence

ULPS = 4
pytestmark = needs_native

SIZES = (7, 9, 3, 19)

FUNCTIONS = {"tanh": torch.tanh, "relu": torch.relu, "linear": lambda x: x, "sigmoid": torch.sigmoid}


def applied(name: str, values: Tensor) -> Tensor:
    native = calling.native
    assert native is not None
    out = values.clone()
    native.activate(out.dtype == torch.float64, calling.ACTIVATIONS.index(name), out.data_ptr(), out.numel())
    return out


def everywhere(dtype: torch.dtype) -> Tensor:
    """Numbers of every magnitude and both signs, and the neighbourhood of where a formula changes."""
    sizes = torch.logspace(-300 if dtype == torch.float64 else -37, 38, 20_001, dtype=torch.float64)
    near = torch.linspace(-110, 110, 40_001, dtype=torch.float64)
    far = torch.linspace(-760, 760, 20_001, dtype=torch.float64)
    return torch.cat([sizes, -sizes, near, far, torch.zeros(3)]).to(dtype)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_activation_is_right_to_a_few_ulp_over_the_whole_range(path: str, dtype: torch.dtype, name: str) -> None:
    x = everywhere(dtype)
    with on_path(path):
        found = applied(name, x)
    wanted, info = FUNCTIONS[name](x.double()), torch.finfo(dtype)
    # what is not a normal number any more may as well be zero
    allowed = ULPS * info.eps * wanted.abs() + info.tiny
    assert ((found.double() - wanted).abs() <= allowed).all()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_infinities_saturate_and_nan_stays(path: str, dtype: torch.dtype, name: str) -> None:
    for count in (3, 64, 67):  # within a vector, and beyond
        x = torch.tensor([math.inf, -math.inf, math.nan], dtype=dtype).repeat(count)[:count]
        with on_path(path):
            assert torch.equal(applied(name, x).nan_to_num(nan=-7), FUNCTIONS[name](x).nan_to_num(nan=-7))


def test_an_unknown_instruction_set_is_answered_with_those_that_there_are() -> None:
    native = calling.native
    assert native is not None
    with pytest.raises(ValueError, match=r"no instruction path 'mmx'; it has: .*portable"):
        native.use_path("mmx")
    assert native.path() in native.paths()


def test_a_field_that_a_task_does_not_have_is_an_error() -> None:
    native = calling.native
    assert native is not None
    with pytest.raises(ValueError, match="There is no field 'gats' in a task"):
        native.run(False, False, 1, {"gats": 0})


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("option", ["plain", "all"])
def test_torch_finds_no_fault_in_the_operators(name: str, option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple] = []
    forward, backward = ops.recurrence, adjoint.recurrence_backward

    def run(given: calling.Given, numbers: calling.Numbers, keep: bool) -> object:
        calls.append((forward, (*given, *numbers, keep)))
        return forward(*given, *numbers, keep)

    def walked_back(
        by: tuple, given: calling.Given, kept: tuple, numbers: calling.Numbers, needs: list[bool]
    ) -> object:
        calls.append((backward, (*by, *given, *kept, *numbers, needs)))
        return backward(*by, *given, *kept, *numbers, needs)

    monkeypatch.setattr(ops, "run", run)
    monkeypatch.setattr(ops, "walked_back", walked_back)
    outcome(job(name, option, (3, 2, 2, 4), torch.float64, layer_norm=True), "native")
    assert len(calls) == 2
    for operator, given in calls:
        trained = operator is forward  # the backward operator has no derivative of its own, and says so
        leaves = [each.detach().requires_grad_(each.requires_grad and trained) if isinstance(each, Tensor) else each
                  for each in given]  # fmt: skip
        torch.library.opcheck(operator, tuple(leaves))


@pytest.mark.parametrize("cell", CELLS)
def test_a_compiled_layer_keeps_its_call_and_equals_the_eager_one(cell: str) -> None:
    layer, x = build(cell, 3, 5, bidirectional=True), randn(2, 4, 3).requires_grad_()
    graphs: list[torch.fx.GraphModule] = []

    def keep(graph: torch.fx.GraphModule, inputs: list[Tensor]) -> torch.fx.GraphModule:
        graphs.append(graph)
        return graph

    torch.compiler.reset()
    compiled = torch.compile(layer, backend=keep, fullgraph=True)
    actual, expected = compiled(x)[0], layer(x)[0]
    assert sum("recuerdo" in str(node.target) for graph in graphs for node in graph.graph.nodes) == 2
    assert_values(actual, expected)
    leaves = {"x": x, **dict(layer.named_parameters())}
    assert_gradients(gradients(cotangent_loss(actual), leaves), gradients(cotangent_loss(expected), leaves))


def large(name: str = "lstm", layer_norm: bool = False) -> dict[str, Tensor]:
    """Everything that comes of a job that is large enough to be shared out."""
    results, found = outcome(job(name, "plain", (20, 24, 16, 40), torch.float32, layer_norm=layer_norm), "native")
    return results | found


def assert_the_same_on_any_number_of_threads(results: Callable[[], dict[str, Tensor]]) -> None:
    before = torch.get_num_threads()
    try:
        found = []
        for threads in (1, 2, 5):
            torch.set_num_threads(threads)
            found.append(results())
    finally:
        torch.set_num_threads(before)
    for other in found[1:]:
        for field, value in found[0].items():
            assert torch.equal(other[field], value), field


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("layer_norm", [False, True])
def test_results_do_not_depend_on_the_number_of_threads(name: str, layer_norm: bool) -> None:
    assert_the_same_on_any_number_of_threads(lambda: large(name, layer_norm))


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("option", ["plain", "all"])
@pytest.mark.parametrize("layer_norm", [False, True])
@pytest.mark.parametrize("N", [1, 3])
def test_threads_share_the_units_of_few_samples(name: str, option: str, layer_norm: bool, N: int) -> None:
    def results() -> dict[str, Tensor]:
        found, by = outcome(job(name, option, (5, N, 16, 520), torch.float32, layer_norm=layer_norm), "native")
        return found | by

    assert_the_same_on_any_number_of_threads(results)


def test_python_threads_may_call_at_once() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        wanted, wrong = large(), []

        def call() -> None:
            for _ in range(10):
                found = large()
                wrong.extend(field for field, value in wanted.items() if not torch.equal(found[field], value))

        threads = [threading.Thread(target=call) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    finally:
        torch.set_num_threads(before)
    assert not any(thread.is_alive() for thread in threads)
    assert not wrong


LIMITED = """
import torch
from recuerdo.kernels import calling
from recuerdo.nn import LSTM

layer, x = LSTM(16, 40), torch.randn(24, 20, 16)

def step():
    output = layer(x)[0]
    return output.detach(), *torch.autograd.grad(output.square().sum(), list(layer.parameters()))

torch.set_num_threads(1)
wanted = step()
assert not calling.native.openmp_was_used()
torch.set_num_threads(2)
assert torch.get_num_threads() == 2
found = step()
assert calling.native.openmp_was_used()
assert all(torch.equal(each, other) for each, other in zip(found, wanted, strict=True))
"""


@pytest.mark.parametrize("limit", ["OMP_MAX_ACTIVE_LEVELS=0", "OMP_THREAD_LIMIT=1"])
def test_fewer_threads_than_were_asked_for_compute_the_same(limit: str) -> None:
    name, value = limit.split("=")
    done = subprocess.run(
        [sys.executable, "-c", LIMITED],
        env={**os.environ, name: value},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def test_the_lock_of_the_interpreter_is_released() -> None:
    ticks, stop = [0], threading.Event()

    def tick() -> None:
        while not stop.is_set():
            ticks[0] += 1
            time.sleep(1e-5)  # lets go of the lock

    asked = job("lstm", "plain", (200, 64, 16, 64), torch.float32, layer_norm=False)
    thread = threading.Thread(target=tick)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(60)  # nobody takes the lock from who holds it: it has to be let go
    try:
        thread.start()
        before = ticks[0]
        recurrence(asked, "native")
        after = ticks[0]
    finally:
        stop.set()
        sys.setswitchinterval(interval)
        thread.join()
    assert after > before


def test_every_option_has_a_case() -> None:
    fields = {"reverse", "lengths", "reset", "restart", "recurrent_mask", "zoneout", "trace"}
    assert set(OPTIONS["all"](SPECS["lstm"], 3, 2, 4)) == fields
    assert flat(recurrence(job("lstm", "all", (3, 2, 2, 4), torch.float64, layer_norm=True)))
