"""`recuerdo demo` shows an honest forecast from nothing, and leaves results behind."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest

import recuerdo as rc
from recuerdo.tasks import forecast_training


@pytest.fixture
def short(monkeypatch):
    """The demo with a training of two steps."""
    monkeypatch.setattr(forecast_training, "AUTO_STEPS", (2, 2))


def test_the_table_the_verdict_the_coverage_the_files_and_the_next_step_are_told(call, here, short):
    done = call("demo")
    assert (done.code, done.err) == (0, "")
    assert "144 rows. The last 12 are held out." in done.out
    header = next(line for line in done.out.splitlines() if "MASE" in line and "MAE" in line)
    assert header.split() == ["MAE", "RMSE", "MAPE", "sMAPE", "MASE"]
    for row in ("GRU", "MLP (same size)", "naive", "seasonal naive", "drift"):
        assert re.search(rf"^{re.escape(row)}( +\d+\.\d{{3}}){{5}}$", done.out, re.MULTILINE)
    assert re.search(r"^.+ (wins: MASE \d\.\d{3}, against|are level: MASE \d\.\d{3} and)", done.out, re.MULTILINE)
    assert re.search(r"^\d+ % of the held-out months lie in the 80 % interval\.$", done.out, re.MULTILINE)
    assert "recuerdo forecast sales.csv --horizon 12" in done.out
    assert 'recuerdo.load("recuerdo-demo/model").predict()' in done.out
    for name in ("forecast.csv", "forecast.png", "report.html", "model"):
        assert f"recuerdo-demo/{name}" in done.out
        assert Path("recuerdo-demo", name).exists()
    assert pl.read_csv("recuerdo-demo/forecast.csv")["month"].to_list() == [f"1960-{m:02d}" for m in range(1, 13)]


def test_the_scores_of_seasonal_naive_are_those_of_the_year_before(call, here, short):
    out = call("demo").out
    y = rc.data.air_passengers()["passengers"].to_numpy()
    row = next(line for line in out.splitlines() if line.startswith("seasonal naive"))
    truth, said = y[-12:], y[-24:-12]
    mae, mape = abs(truth - said).mean(), (abs(truth - said) / truth).mean() * 100
    assert [float(cell) for cell in row.split()[2:5:2]] == pytest.approx([mae, mape], abs=5e-4)


def test_a_second_demo_overwrites_nothing(call, here, short):
    call("demo")
    before = Path("recuerdo-demo/forecast.csv").read_bytes()
    done = call("demo", "--seed", 1)
    assert Path("recuerdo-demo/forecast.csv").read_bytes() == before
    assert Path("recuerdo-demo-2/forecast.csv").read_bytes() != before
    assert 'load("recuerdo-demo-2/model")' in done.out


def test_results_that_are_there_are_replaced_only_if_that_is_asked_for(call, here, short):
    call("demo", "--out", "mine")
    done = call("demo", "--out", "mine")
    assert (done.code, done.out) == (2, "")
    assert "mine already holds" in done.err
    assert "choose another --out, or add --overwrite" in done.err
    assert call("demo", "--out", "mine", "--overwrite", "--seed", 1).code == 0
    assert rc.load("mine/model").report_.random_state == 1
