"""What benchmarks/layers.py says about figures that are given: verdicts, notes, progress and numbers in words."""

from __future__ import annotations

import io
from typing import Any

import pytest
from benchmarks.kernel import judging, notes, report
from benchmarks.kernel.cases import FORWARD, TRAINING
from benchmarks.kernel.judging import Verdict
from benchmarks.kernel.memory import LENGTHENED
from benchmarks.kernel.progress import Progress, spoken

MIB = 2**20


def row(cell: str, mode: str, T: int, *said: str) -> dict[str, Any]:
    return {"cell": cell, "mode": mode, "shape": [T, 1, 2, 3], "notes": list(said)}


def test_a_note_is_said_once_with_all_that_it_is_about() -> None:
    rows = [row(cell, mode, T, "slow") for cell in ("lstm", "gru") for mode in (TRAINING, FORWARD) for T in (5, 6)]
    rows += [row("frnn", TRAINING, 5), row("frnn", TRAINING, 6, "slow", "refused"), row("frnn", TRAINING, 7, "slow")]
    assert notes.compressed(rows) == [
        "slow – 10 of 11 rows (lstm, gru: training and forward, all shapes; frnn: training, 6,1,2,3 7,1,2,3)",
        "refused – 1 of 11 rows (frnn: training, 6,1,2,3)",
    ]
    assert notes.compressed(rows[8:9]) == []


def test_reasons_from_other_tables_are_said_once() -> None:
    found = {
        "streaming": [{"notes": ["onnxruntime: onnx is not installed"]}] * 2,
        "memory": [{"cell": "gru", "shape": [1, 2, 3, 4], "ours": 5, "peer": "took over 120 s"}],
        "long": [{"shape": [9, 1, 1, 8], "peak": "took over 300 s"}],
    }
    assert notes.elsewhere(found) == [
        "onnxruntime: onnx is not installed",
        "memory of gru 1,2,3,4, peer: took over 120 s",
        "memory of lstm 9,1,1,8, peak: took over 300 s",
    ]


def test_a_busy_machine_is_said_with_how_many_rows_it_disturbed() -> None:
    found = {"grid": [{"others_busy": 0.01}, {"others_busy": 0.4}], "growth": [{"others_busy": None}]}
    said = notes.disturbed(found)
    assert said == (
        "Other processes used over 10% of the processors, at most 40%, during 1 of 3 rows: their times say little."
    )
    assert notes.disturbed({"grid": [{"others_busy": 0.1}]}) is None


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (Verdict(2.0, 2.0), "met"),
        (Verdict(1.99, 2.0), "missed"),
        (Verdict(2.0, 2.0, "at most"), "met"),
        (Verdict(2.01, 2.0, "at most"), "missed"),
        (Verdict(2.0, None), "no target"),
        (Verdict(9.0, 2.0, shapes=3, wanted=9), "not judged, 3 of 9 shapes ran"),
    ],
)
def test_a_bound_holds_on_its_own_side(verdict: Verdict, words: str) -> None:
    assert verdict.words == words


def test_targets_are_counted() -> None:
    verdicts = [Verdict(2.0, 1.0), Verdict(0.5, 1.0), Verdict(0.4, 1.0), Verdict(0.4, None), Verdict(9, 2, shapes=0)]
    assert report.tally(verdicts) == "4 targets: 1 met, 2 missed, 1 not judged"
    assert report.tally([]) == "no targets"


def peaks(cell: str, *ours: int) -> list[dict[str, Any]]:
    return [
        {"cell": cell, "shape": list(s), "ours": each * MIB, "peer": 100 * MIB}
        for s, each in zip(LENGTHENED, ours, strict=True)
    ]


def test_memory_is_judged_beside_torch_and_over_longer_sequences() -> None:
    rows = [*peaks("lstm", 20, 35, 65), *peaks("gru", 20, 35, 101), *peaks("lstm+zoneout", 20, 35, 65)]
    assert [each.words for each in map(judging.beside_peer, rows) if each] == [
        *("met", "met", "met"),
        *("met", "met", "missed"),
        *("no target",) * 3,  # torch.nn has no such layer
    ]
    found = {name: judging.linear(each) for name, each in judging.lengthened(rows).items()}
    assert {name: (each.value, each.words) for name, each in found.items()} == {
        "lstm": (1.0, "met"),  # a constant part is no fault
        "gru": (2.2, "missed"),
        "lstm+zoneout": (1.0, "met"),
    }
    unknown = [rows[0] | {"ours": "took over 120 s"}, *rows[1:3]]
    assert judging.beside_peer(unknown[0]) is None
    assert judging.lengthened(unknown) == {}


def test_many_streams_may_cost_as_much_as_one_after_the_other() -> None:
    def at(streams: int, seconds: float) -> dict[str, Any]:
        return {"streams": streams, "seconds": {"stepper": {"median": seconds}}}

    words = {n: each.words for n, each in judging.streamed([at(1, 2.2e-6), at(1000, 2.3e-3)]).items()}
    assert words == {1: "met", 1000: "missed"}
    assert judging.streamed([at(1000, 2e-3)])[1000].words == "no target"


def test_every_verdict_of_a_run_goes_into_its_file() -> None:
    found = {
        "memory": peaks("lstm", 20, 35, 65),
        "long": [{"shape": [10, 1, 1, 8], "seconds": 1.0, "peak": 2**30 + 1}],
        "growth": [{"cell": "frnn", "letter": "T", "from": 5, "to": 10, "excess": 1.16}],
        "streaming": [{"streams": 1, "seconds": {"stepper": {"median": 2e-6}}}],
    }
    said = {each["figure"]: each["verdict"] for each in judging.as_json(judging.judged(found))}
    assert said == {
        "lstm, 200,32,64,128, memory beside the peer's": "met",
        "lstm, 400,32,64,128, memory beside the peer's": "met",
        "lstm, 800,32,64,128, memory beside the peer's": "met",
        "lstm, memory linear in T": "met",
        "lstm, 10,1,1,8, memory in pieces": "missed",
        "frnn, T 5 to 10, excess": "missed",
        "lstm, streams 1, seconds": "met",
    }


def test_a_median_and_its_spread_have_the_same_digits() -> None:
    def seconds(median: float, half: float) -> dict[str, float]:
        return {"median": median, "q1": median - half, "q3": median + half}

    assert report.spread(seconds(1.4962, 0.0514)) == "1496 ± 51"
    assert report.spread(seconds(0.0284, 0.0012)) == "28.4 ± 1.2"
    assert report.spread(seconds(0.00059, 0.00004)) == "0.590 ± 0.040"


def test_progress_says_what_and_how_much_is_left() -> None:
    out = io.StringIO()
    progress = Progress([10.0, 50.0], out)
    progress.began -= 20  # the first one takes twice as long as was thought
    progress.begin("one")
    progress.begin("two")
    progress.end()
    assert out.getvalue() == (
        "[1/2] one; 20 s spent, about 1 min 0 s left\n[2/2] two; 20 s spent, about 1 min 40 s left\n"
    )


@pytest.mark.parametrize(("seconds", "words"), [(0.4, "0 s"), (59.6, "1 min 0 s"), (3725, "1 h 2 min")])
def test_a_length_of_time_is_spoken(seconds: float, words: str) -> None:
    assert spoken(seconds) == words
