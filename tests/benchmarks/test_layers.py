"""What benchmarks/layers.py counts, sums up and writes: its arithmetic and its form, never a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from itertools import pairwise
from math import isclose
from pathlib import Path

import pytest
import torch
from benchmarks.kernel import growth, judging, long, measuring, memory, peers, picture, report, streaming
from benchmarks.kernel.cases import CELLS, FORWARD, GRID, MODES, TRAINING, Floor, Shape, flops
from benchmarks.kernel.child import NoAnswerError, TooSlowError, ask
from benchmarks.kernel.compiling import Compiler
from benchmarks.kernel.machine import described, no_bf16
from benchmarks.kernel.timing import SWITCH, Timing, interleave
from tests.kernels.native_cases import on_bf16_path
from tests.native_core import needs_native

TINY = Shape(3, 2, 2, 4)
HERE = [name for name, cell in CELLS.items() if not cell.bf16]
SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "layers.py"


@pytest.mark.parametrize(("cell", "blocks"), [("lstm", 4), ("gru", 3), ("frnn", 1), ("lstm+zoneout", 4)])
def test_the_flops_of_a_full_cell_are_the_closed_form(cell: str, blocks: int) -> None:
    for shape in GRID:
        T, N, D, H = shape
        forward = 2 * T * N * blocks * H * (D + H)
        assert flops(CELLS[cell], shape, FORWARD) == forward
        assert flops(CELLS[cell], shape, TRAINING) == 3 * forward


def test_a_diagonal_cell_counts_one_multiplication_and_addition_for_each_unit() -> None:
    T, N, D, H = TINY
    assert flops(CELLS["indrnn"], TINY, FORWARD) == 2 * T * N * H * (D + 1)
    assert flops(CELLS["indrnn"], TINY, TRAINING) == 6 * T * N * H * (D + 1)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("cell", ["lstm", "gru", "frnn"])
def test_the_floor_does_the_products_that_are_counted(cell: str, mode: str) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        Floor(CELLS[cell], TINY, mode)()
    assert counter.get_total_flops() == flops(CELLS[cell], TINY, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("cell", HERE)
def test_a_peer_computes_what_the_layer_computes(cell: str, mode: str) -> None:
    layer = CELLS[cell].ours(TINY, mode)
    others = [peers.torch_nn(CELLS[cell], TINY, mode, layer), peers.loop(layer)]
    found = [each for each in others if each is not None]
    assert found
    for each in found:
        assert peers.difference(peers.ours(layer), each, TINY, mode, steps=3) < 1e-5


def test_a_peer_with_other_weights_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = CELLS["lstm"].ours(TINY)
    with torch.no_grad():
        layer.get_parameter("weight_hh_l0").mul_(1.1)
    other = peers.ours(layer)
    monkeypatch.setattr(peers, "torch_nn", lambda *_: other)
    with pytest.raises(measuring.DisagreementError, match=r"torch\.nn is .* away from rc\.nn"):
        measuring.measure(CELLS["lstm"], TINY, TRAINING, 0.01)


def test_a_layer_whose_backend_is_known_says_which() -> None:
    layer = peers.ours(CELLS["gru"].ours(TINY))
    backend, refused = measuring.served(layer, TINY, FORWARD)
    assert backend in described()["backends"]  # type: ignore[operator]
    assert all(" refuses: " in each for each in refused)


@pytest.mark.parametrize(("seconds", "each"), [(2 * SWITCH, 1), (0.5 * SWITCH, 2)])
def test_calls_are_timed_in_turns_and_a_short_one_once_more_after_each_switch(seconds: float, each: int) -> None:
    order: list[str] = []

    def slowly(name: str) -> None:
        order.append(name)
        time.sleep(seconds)

    found = interleave({"a": lambda: slowly("a"), "b": lambda: slowly("b")}, budget=0.01)
    turns = order[4:]  # after two of each that load and say how long they take
    assert turns == (["a"] * each + ["b"] * each) * (len(turns) // (2 * each))
    assert all(one.samples >= 3 and one.q1 <= one.median <= one.q3 for one in found.values())


def test_a_timing_is_median_and_quartiles() -> None:
    assert Timing.of([3.0, 1.0, 2.0, 5.0, 4.0], 7) == Timing(3.0, 2.0, 4.0, samples=5, calls=7)
    assert Timing.of([2.0], 1) == Timing(2.0, 2.0, 2.0, samples=1, calls=1)


def test_a_row_is_arithmetic_on_medians() -> None:
    at = {"ours": 2.0, "floor": 1.0, "loop": 8.0, "compiled loop": 6.0}
    row = measuring.row(CELLS["lstm"], TINY, FORWARD, {k: Timing(v, v, v, 1, 1) for k, v in at.items()})
    assert (row["peer"], row["ratio"], row["of_floor"]) == ("compiled loop", 3.0, 0.5)
    assert row["gflops"] == row["flops"] / 2.0 / 1e9


def rows(ratio: dict[Shape, float], cell: str = "lstm") -> list[measuring.Row]:
    return [
        {"cell": cell, "mode": TRAINING, "shape": list(shape), "ratio": each, "of_floor": 0.5}
        for shape, each in ratio.items()
    ]


def test_a_geometric_mean_is_the_root_of_the_product() -> None:
    assert isclose(judging.geometric_mean([1.0, 2.0, 4.0]), 2.0)
    assert isclose(judging.geometric_mean([1e-200, 1e200, 8.0]), 2.0)


def test_the_grid_is_judged_over_all_wide_and_lowest() -> None:
    ratio = dict.fromkeys(GRID, 3.0)
    wide = [shape for shape in GRID if shape.H >= 200]
    assert len(wide) == 3
    ratio |= dict.fromkeys(wide, 1.0)
    ratio[GRID[0]] = 0.5
    found = judging.summed(rows(ratio))["lstm", TRAINING]
    assert isclose(found["all"].value, (3.0**5 * 0.5) ** (1 / 9))
    assert isclose(found["wide"].value, 1.0)
    assert (found["lowest"].value, found["of_floor"].value) == (0.5, 0.5)
    assert {name: each.words for name, each in found.items()} == {
        "all": "met",
        "wide": "missed",
        "lowest": "missed",
        "of_floor": "missed",
    }


def test_part_of_the_grid_is_not_judged() -> None:
    found = judging.summed(rows({GRID[0]: 99.0, TINY: 99.0}))["lstm", TRAINING]
    assert found["all"].words == "not judged, 1 of 9 shapes ran"
    assert "wide" not in found


def test_the_json_of_a_run_holds_every_median_and_quartile(tmp_path: Path) -> None:
    found = [measuring.measure(CELLS[cell], TINY, mode, 0.01) for cell in ("lstm", "indrnn") for mode in MODES]
    for row in json.loads(json.dumps(found)):
        assert row.keys() >= {"cell", "shape", "mode", "flops", "backend", "notes", "peer", "ratio"}
        assert {"ours", "floor", row["peer"]} <= row["seconds"].keys()
        for seconds in row["seconds"].values():
            assert seconds.keys() == {"median", "q1", "q3", "samples", "calls"}
    json.dumps(judging.as_json(judging.judged({"grid": found})))
    summed = judging.summed(found)
    report.measured("lstm", TRAINING, found[:1], summed["lstm", TRAINING])
    report.summary(summed)
    picture.draw(found, described(), tmp_path / "ratios.png")
    assert (tmp_path / "ratios.png").read_bytes()[:4] == b"\x89PNG"


def test_the_machine_is_described() -> None:
    wanted = {"machine", "instructions", "threads", "torch", "commit", "date", "backends"}
    assert described().keys() >= wanted
    assert no_bf16() is None or isinstance(no_bf16(), str)


@needs_native
@pytest.mark.parametrize("cell", ["lstm+bf16", "gru+bf16"])
@pytest.mark.parametrize("mode", MODES)
def test_the_rows_of_bf16_run_and_agree_with_torch_under_autocast(cell: str, mode: str) -> None:
    if CELLS[cell].peer is torch.nn.LSTM and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        pytest.skip("torch has no LSTM in bfloat16 for this processor")
    with on_bf16_path("emulated"):
        row = measuring.measure(CELLS[cell], TINY, mode, 0.01)
    assert row["backend"] == "native"
    assert row["peer"] == "torch.nn"


def test_growth_is_the_factor_beside_the_floors() -> None:
    shapes = [TINY, TINY._replace(T=6)]
    (row,) = growth.measure(CELLS["frnn"], "T", shapes, 0.01)
    assert (row["from"], row["to"]) == (3, 6)
    assert isclose(row["excess"], row["ours"] / row["floor"])
    assert row["error"] >= 0
    report.growth([row])
    for letter in growth.RANGES:
        along = growth.shapes(letter)
        assert all(getattr(two, letter) == 2 * getattr(one, letter) for one, two in pairwise(along))
        assert all(sum(b != a for a, b in zip(one, two, strict=True)) == 1 for one, two in pairwise(along))


def test_the_peak_of_a_step_is_at_least_the_gradient_of_x() -> None:
    shape = Shape(200, 32, 64, 64)
    found = memory.measure("lstm", shape, threads=1)
    if memory.UNKNOWN in found.values():
        pytest.skip(memory.UNKNOWN)
    assert min(found["ours"], found["peer"]) >= 4 * shape.T * shape.N * shape.D


def test_the_peak_of_a_step_in_pieces_is_at_least_the_outputs_and_their_gradients() -> None:
    shape = Shape(2000, 4, 1, 128)
    found = long.measure(shape, threads=1)
    if found["peak"] == memory.UNKNOWN:
        pytest.skip(memory.UNKNOWN)
    assert found["peak"] >= 2 * 4 * shape.T * shape.N * shape.H


def test_a_stream_names_who_is_missing_and_why() -> None:
    found = streaming.measure(2, 0.01)
    here, gone = set(found["seconds"]), {note.partition(":")[0] for note in found["notes"]}
    assert here | gone == {"stepper", "torch.nn.LSTMCell", "onnxruntime"}
    assert not here & gone
    report.streaming([found])


def test_what_was_too_long_to_compile_is_not_tried_for_more_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Shape] = []

    def slow(_: str, cell: str, shape: Shape, mode: str, *limits: float, **more: float) -> dict[str, float]:
        asked.append(shape)
        if shape.T == 6:
            raise TooSlowError("ended by its own alarm")
        return {"compile_seconds": 10.0 * shape.T}

    monkeypatch.setattr("benchmarks.kernel.compiling.ask", slow)
    found = [
        Compiler(60, 1, tmp_path / "compile.json").measure("indrnn", TINY._replace(T=T), FORWARD, 0.01)
        for T in (3, 5, 9, 6, 7)
    ]
    assert [shape.T for shape in asked] == [3, 5, 6]
    untried = "torch.compile was not tried: it would take over 60 s, as fewer steps say"
    assert found[2:] == [untried, "torch.compile took over 60 s", untried]


def test_a_compiler_that_fails_is_no_slow_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object, **__: object) -> None:
        raise NoAnswerError("failed: no C++ compiler")

    monkeypatch.setattr("benchmarks.kernel.compiling.ask", failing)
    compiler = Compiler(60, 1, tmp_path / "compile.json")
    assert compiler.measure("indrnn", TINY, FORWARD, 0.01) == "torch.compile failed: no C++ compiler"
    assert compiler.expected("indrnn", TINY, FORWARD) == 0.0
    assert Compiler(0, 1, tmp_path / "compile.json").measure("indrnn", TINY, FORWARD, 0.01) == (
        "torch.compile was not tried (--compile-limit 0)"
    )


def test_a_compiler_over_its_limit_is_ended_wherever_it_hangs() -> None:
    with pytest.raises(TooSlowError, match="ended by its own alarm"):
        ask("compiling", "indrnn", TINY, FORWARD, 0.01, 0.01, limit=60, threads=1)


def test_a_child_that_hangs_is_ended() -> None:
    with pytest.raises(TooSlowError, match=r"took over 0\.01 s"):
        ask("memory", "lstm", TINY, memory.OURS, limit=0.01, threads=1)


def test_nothing_is_timed_on_red() -> None:
    environment = os.environ | {"PYTEST_ADDOPTS": "--no-such-option"}  # pytest ends with an error
    command = [sys.executable, SCRIPT, "--quick"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 1
    assert "Nothing was timed" in done.stderr
    assert "machine" not in done.stdout
