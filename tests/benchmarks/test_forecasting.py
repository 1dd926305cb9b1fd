"""What benchmarks/forecasting.py counts, judges and writes about figures that are given; never a time."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from math import isclose
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from benchmarks.forecast import judging, report
from benchmarks.forecast.judging import Row
from benchmarks.forecast.measuring import BACKTEST, FIT, START
from benchmarks.forecast.rows import MissingDataError, air_passengers, m4_hourly
from benchmarks.forecast.stepping import Steps, watched
from benchmarks.forecast.work import AIR, HOURLY, ORIGINS, Rows, mase, names, scored_rows
from benchmarks.kernel.child import NoAnswerError, answered
from rich.console import Console

from benchmarks import environments
from recuerdo.learn.adamw import AdamW

MIB = 2**20


def run(fit: float, *networks: float, peak: int = 100, **seconds: float) -> dict[str, Any]:
    steps = [{"steps": 300, "seconds": each} for each in networks]
    pieces = {"fit": fit, "predict": 0.5, **seconds}
    known = {"seconds": pieces, "networks": steps, "peak": peak * MIB, "before": 50 * MIB}
    return {**known, "mase": 0.7, "others_busy": 0.0}


def row(who: str, *runs: dict[str, Any], part: str = FIT, work: str = AIR.name, reason: str | None = None) -> Row:
    return {"part": part, "work": work, "who": who, "runs": list(runs), "reason": reason}


def words(rows: list[Row]) -> dict[str, str]:
    return {name: verdict.words for name, verdict in judging.judged(rows)}


def test_the_same_work_is_the_fit_without_the_steps_of_other_networks() -> None:
    assert judging.same_work(run(10.0, 4.0, 5.0)) == 6.0
    assert judging.same_work(run(10.0, 9.0)) == 10.0


def test_a_fit_is_judged_whole_on_a_short_series_and_by_its_steps_on_many() -> None:
    both = run(10.0, 4.0, 5.0)
    assert judging.judged_seconds(FIT, AIR.name, both) == 6.0
    assert judging.judged_seconds(FIT, HOURLY.name, both) == 5.0
    assert judging.judged_seconds(BACKTEST, HOURLY.name, run(10.0, 5.0, backtest=2.0)) == 2.0


def test_each_peer_is_judged_by_its_own_target() -> None:
    ours = row("recuerdo", *(run(each, 0.4, 0.5) for each in (1.3, 1.4, 9.0)))  # 1.0 in the middle without the trial
    rows = [ours, row("neuralforecast", run(4.9, 4.8)), row("darts", run(3.1, 3.0), peak := run(3.1, 3.0, peak=99))]
    verdicts = dict(judging.judged(rows))
    assert isclose(verdicts["AirPassengers GRU, fit, recuerdo beside neuralforecast, times as fast"].value, 4.9)
    assert words(rows) == {
        "AirPassengers GRU, fit, recuerdo beside neuralforecast, times as fast": "missed",  # 5 are asked for
        "AirPassengers GRU, fit, recuerdo beside neuralforecast, memory": "met",
        "AirPassengers GRU, fit, recuerdo beside darts, times as fast": "met",  # 3
        "AirPassengers GRU, fit, recuerdo beside darts, memory": "missed",  # our highest by their lowest
    }
    assert peak["peak"] == 99 * MIB


def test_the_segment_encoder_and_the_start_are_shown_and_not_judged() -> None:
    rows = [
        row("recuerdo_segments", run(1.0, 0.9), work=HOURLY.name),
        row("darts", run(9.0, 8.0), work=HOURLY.name),
        row("recuerdo", run(0.1, start=1.0), part=START),
        row("darts", run(0.1, start=6.0), part=START),
    ]
    rows[2]["runs"][0]["networks"] = rows[3]["runs"][0]["networks"] = [{"steps": 1, "seconds": None}]
    assert set(words(rows).values()) == {"no target"}
    assert len(words(rows)) == 4


def test_without_a_run_or_a_known_peak_nothing_is_judged() -> None:
    unknown = run(1.0, 0.9)
    unknown["peak"] = None
    rows = [row("recuerdo", unknown), row("darts", run(9.0, 8.0)), row("neuralforecast", reason="took over 9 s")]
    assert list(words(rows)) == ["AirPassengers GRU, fit, recuerdo beside darts, times as fast"]
    assert report.missing(rows) == ["neuralforecast, AirPassengers GRU, fit: took over 9 s"]


def test_a_table_has_a_line_for_everybody_asked_and_what_is_judged_below() -> None:
    ours = row("recuerdo", run(1.2, 0.3, 0.6), run(1.4, 0.3, 0.6))
    rows = [row("neuralforecast", reason="failed"), ours, row("darts", run(1.0, 0.9))]
    out = Console(file=io.StringIO(), width=120)
    out.print(report.table(rows, ["recuerdo", "neuralforecast", "darts"]))
    lines = [line.split() for line in out.file.getvalue().splitlines() if line.strip()]  # type: ignore[attr-defined]
    (mine,) = [line for line in lines if line[0] == "recuerdo" and line[1] != "beside"]
    assert mine == [
        "recuerdo",
        "1.3",
        "(1.2–1.4)",
        "0.5",
        "(0.5–0.5)",
        "2",
        "(2–2)",
        "100",
        "50",
        "0.700",
    ]
    assert ["neuralforecast", *["–"] * 6] in lines
    assert ["recuerdo", "beside", "darts:", "1.00", "(at", "least", "3:", "missed)", "times", "as", "fast"] in lines
    assert ["2", "targets:", "1", "met,", "1", "missed"] in lines


def test_disturbed_runs_are_counted() -> None:
    busy = run(1.0) | {"others_busy": 0.4}
    assert report.busy([row("darts", run(1.0)), row("recuerdo", busy, run(1.0))], 0.1) == (
        "Other processes used over 10% of the processors, at most 40%, during 1 of 3 runs: their times say little."
    )
    assert report.busy([row("darts", run(1.0))], 0.1) is None


def test_steps_are_counted_for_each_optimiser_and_no_longer_after_the_block() -> None:
    first, second = (torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))]) for _ in range(2))
    with watched() as steps:
        for optimiser in (first, first, first, second):
            optimiser.step()
    first.step()
    assert [each["steps"] for each in steps.networks()] == [3, 1]
    assert steps.networks()[0]["seconds"] > 0
    assert steps.networks()[1]["seconds"] is None


def test_steps_of_an_optimiser_that_is_not_torchs_are_counted_too() -> None:
    one = AdamW([torch.nn.Parameter(torch.zeros(1))], 0.1)
    with watched(AdamW) as steps:
        one.step()
        one.step()
    one.step()
    assert [each["steps"] for each in steps.networks()] == [2]


def test_the_seconds_of_steps_are_their_pace_after_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = iter([100.0, 101.0, 102.0, 103.0])  # when the first began is not known
    monkeypatch.setattr("time.perf_counter", lambda: next(ends))
    steps, optimiser = Steps(), object()
    for _ in range(4):
        steps.seen(optimiser)
    assert steps.networks() == [{"steps": 4, "seconds": 4.0}]


def test_rows_are_read_as_they_were_written(tmp_path: Path) -> None:
    rows = Rows([np.arange(5, dtype=np.float32), np.arange(3, dtype=np.float32)], "2020-01-01", "h")
    rows.save(tmp_path / "in" / "rows.npz")
    again = Rows.load(tmp_path / "in" / "rows.npz")
    assert [each.tolist() for each in again.values] == [[0, 1, 2, 3, 4], [0, 1, 2]]
    assert (again.start, again.freq) == ("2020-01-01", "h")
    assert sorted(names(Rows([np.zeros(1, np.float32)] * 12, "", "h"))) == names(Rows([np.zeros(1)] * 12, "", "h"))


def test_the_origins_of_a_backtest_end_where_the_rows_do() -> None:
    rows = Rows([np.zeros(1000, np.float32)], "2020-01-01", "h")
    (ends,) = rows.origins(HOURLY)
    assert len(ends) == ORIGINS
    assert (ends[0], ends[-1]) == (1000 - scored_rows(HOURLY), 1000 - HOURLY.horizon)


def test_mase_of_a_seasonal_naive_forecast_on_a_season_with_a_step_is_its_closed_form() -> None:
    values = np.array([1, 2, 3, 2, 3, 4, 3, 4, 5, 4, 5, 6], np.float32)  # season 3, up by 1 each season
    rows = Rows([values], "2020-01-01", "MS")
    forecasts = np.array([[[2, 3, 4], [3, 4, 5]]], np.float32)  # from 6 and 9 rows: the season before, 1 too low
    assert mase(forecasts, rows, [[6, 9]], season=3) == 1.0
    assert mase(forecasts + 1, rows, [[6, 9]], season=3) == 0.0


def test_the_months_that_come_with_recuerdo_are_the_airline_passengers() -> None:
    rows = air_passengers()
    assert [len(each) for each in rows.values] == [144]
    assert rows.values[0][[0, -1]].tolist() == [112.0, 432.0]


def test_a_data_set_that_is_not_there_is_named_with_its_source(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=r"Hourly-train\.csv\.gz is in .*Mcompetitions/M4-methods.*--m4 FOLDER"):
        m4_hourly(tmp_path)


def test_training_and_test_part_of_m4_are_one_series(tmp_path: Path) -> None:
    (tmp_path / "Hourly-train.csv").write_text('"V1","V2","V3","V4"\n"H1",1,2,3\n"H2",4,5,\n')
    (tmp_path / "Hourly-test.csv").write_text('"V1","V2"\n"H1",6\n"H2",7\n')
    assert [each.tolist() for each in m4_hourly(tmp_path).values] == [[1, 2, 3, 6], [4, 5, 7]]


def test_a_peer_that_cannot_be_installed_is_reported_in_pips_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pip(*_: object) -> list[str]:
        return [sys.executable, "-c", "import sys; sys.exit('no such version')"]

    monkeypatch.setattr(environments, "pip", pip)
    with pytest.raises(environments.NotInstalledError, match="darts could not be installed: no such version"):
        environments.python("darts", tmp_path)
    assert not (tmp_path / "darts" / "requirements.txt").exists()  # so it is tried anew


def test_an_environment_that_stands_is_used_again_and_our_constraints_are_not_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, str]] = []

    def ran(command: list[Any], *, env: dict[str, str], **_: object) -> subprocess.CompletedProcess[str]:
        asked.append(env)
        (tmp_path / "darts").mkdir(exist_ok=True)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setenv("PIP_CONSTRAINT", "constraints.txt")
    monkeypatch.setattr(subprocess, "run", ran)
    for _ in range(2):
        environments.python("darts", tmp_path)
    assert len(asked) == 3  # venv, torch, darts: once
    assert all("PIP_CONSTRAINT" not in each for each in asked)


def test_a_command_that_fails_says_its_last_line() -> None:
    with pytest.raises(NoAnswerError, match="failed: no luck"):
        answered([sys.executable, "-c", "import sys; sys.exit('no luck')"], os.environ, 60)
