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
from benchmarks.kernel import growth, judging, measuring, memory, peers, picture, report, streaming
from benchmarks.kernel.cases import CELLS, FORWARD, GRID, MODES, TRAINING, Floor, Shape, flops
from benchmarks.kernel.child import NoAnswerError, ask
from benchmarks.kernel.compiling import Compiler
from benchmarks.kernel.machine import described, no_bf16
from benchmarks.kernel.timing import Timing, interleave

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
    torch.manual_seed(0)
    layer = CELLS[cell].ours(TINY).train(mode != FORWARD)
    others = [peers.torch_nn(CELLS[cell], TINY, mode, layer), peers.loop(layer)]
    found = [each for each in others if each is not None]
    assert found
    for each in found:
        assert peers.difference(peers.ours(layer), each, TINY, mode) < 1e-5


def test_a_peer_with_other_weights_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(1)
    other = peers.ours(CELLS["lstm"].ours(TINY))
    monkeypatch.setattr(peers, "torch_nn", lambda *_: other)
    with pytest.raises(measuring.DisagreementError, match=r"torch\.nn is .* away from rc\.nn"):
        measuring.measure(CELLS["lstm"], TINY, TRAINING, 0.01)


def test_a_layer_whose_backend_is_known_says_which() -> None:
    layer = peers.ours(CELLS["gru"].ours(TINY))
    backend, refused = measuring.served(layer, TINY, FORWARD)
    assert backend in described()["backends"]  # type: ignore[operator]
    assert all(" refuses: " in each for each in refused)


def test_calls_are_timed_in_turns() -> None:
    order: list[str] = []

    def slowly(name: str) -> None:
        order.append(name)
        time.sleep(0.005)

    found = interleave({"a": lambda: slowly("a"), "b": lambda: slowly("b")}, budget=0.01)
    assert all(one != other for one, other in pairwise(order[4:]))
    assert all(each.samples >= 3 and each.q1 <= each.median <= each.q3 for each in found.values())


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
    found = judging.verdicts(rows(ratio))["lstm", TRAINING]
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
    found = judging.verdicts(rows({GRID[0]: 99.0, TINY: 99.0}))["lstm", TRAINING]
    assert found["all"].words == "not judged, 1 of 9 shapes ran"
    assert "wide" not in found


def test_the_json_of_a_run_holds_every_median_and_quartile(tmp_path: Path) -> None:
    found = [measuring.measure(CELLS[cell], TINY, mode, 0.01) for cell in ("lstm", "indrnn") for mode in MODES]
    for row in json.loads(json.dumps(found)):
        assert row.keys() >= {"cell", "shape", "mode", "flops", "backend", "notes", "peer", "ratio"}
        assert {"ours", "floor", row["peer"]} <= row["seconds"].keys()
        for seconds in row["seconds"].values():
            assert seconds.keys() == {"median", "q1", "q3", "samples", "calls"}
    json.dumps(judging.as_json(judging.verdicts(found)))
    report.measured("lstm", TRAINING, found[:1])
    report.summary(judging.verdicts(found))
    report.targets(judging.verdicts(found))
    picture.draw(found, described(), tmp_path / "ratios.png")
    assert (tmp_path / "ratios.png").read_bytes()[:4] == b"\x89PNG"


def test_the_machine_is_described() -> None:
    wanted = {"machine", "instructions", "threads", "torch", "commit", "date", "backends"}
    assert described().keys() >= wanted
    assert no_bf16() is None or isinstance(no_bf16(), str)


def test_growth_is_the_factor_beside_the_floors() -> None:
    shapes = [TINY, TINY._replace(T=6)]
    (row,) = growth.measure(CELLS["frnn"], "T", shapes, 0.01)
    assert (row["from"], row["to"]) == (3, 6)
    assert isclose(row["excess"], row["ours"] / row["floor"])
    for _, along in growth.steps():
        assert all(sum(b != a for a, b in zip(one, two, strict=True)) == 1 for one, two in pairwise(along))


def test_the_peak_of_a_step_is_at_least_the_gradient_of_x() -> None:
    shape = Shape(200, 32, 64, 64)
    found = memory.measure("lstm", shape, memory.OURS, threads=1)
    if isinstance(found, str):
        pytest.skip(found)
    assert found >= 4 * shape.T * shape.N * shape.D


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

    def slow(_: str, cell: str, shape: Shape, mode: str, **limits: float) -> float:
        asked.append(shape)
        return 10.0 * shape.T

    monkeypatch.setattr("benchmarks.kernel.compiling.ask", slow)
    contestant = peers.ours(CELLS["indrnn"].ours(TINY))
    notes = tmp_path / "compile.json"
    for T in (3, 5, 9):
        Compiler(60, 1, notes).compiled("indrnn", TINY._replace(T=T), FORWARD, contestant)
    words = Compiler(60, 1, notes).compiled("indrnn", TINY._replace(T=9), FORWARD, contestant)
    assert [shape.T for shape in asked] == [3, 5]
    assert words == "torch.compile was not tried: it took 50 s for 5 steps, and these are 9"


def test_a_child_that_hangs_is_ended() -> None:
    with pytest.raises(NoAnswerError, match="took over 0 s"):
        ask("memory", "lstm", TINY, memory.OURS, limit=0.01, threads=1)


def test_nothing_is_timed_on_red() -> None:
    environment = os.environ | {"PYTEST_ADDOPTS": "--no-such-option"}  # pytest ends with an error
    command = [sys.executable, SCRIPT, "--quick"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 1
    assert "Nothing was timed" in done.stderr
    assert "machine" not in done.stdout
