"""Results go where they are asked for, and what is there already is never lost unasked."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from pathlib import Path

import pytest

import recuerdo as rc
from recuerdo.cli import results
from recuerdo.errors import OutputError


def contents(folder="."):
    return {str(path): path.read_bytes() for path in sorted(Path(folder).rglob("*")) if path.is_file()}


def test_results_go_into_numbered_folders_and_nothing_is_overwritten(forecast, sales):
    assert forecast(sales).code == 0
    before = contents("forecast-sales")
    assert [forecast(sales).code for _ in range(2)] == [0, 0]
    names = ["forecast-sales", "forecast-sales-2", "forecast-sales-3"]
    assert sorted(path.name for path in Path().iterdir() if path.is_dir()) == names
    assert contents("forecast-sales") == before
    assert {path.name for path in Path("forecast-sales-2").iterdir()} == set(results.names())


def test_the_name_of_the_folder_comes_from_the_name_of_the_table_without_its_endings(forecast, sales):
    sales.rename("sales.csv.gz")  # gzip is told by its first bytes, not by its name
    assert "forecast-sales/forecast.csv" in forecast("sales.csv.gz").out


def test_results_that_are_there_are_refused_before_any_training(forecast, sales):
    forecast(sales, "--out", "out")
    before = contents()
    done = forecast(sales, "--out", "out", seed=8)
    assert (done.code, done.out) == (2, "")
    assert "out already holds forecast.csv, forecast.png, report.html, model" in done.err
    assert "choose another --out, or add --overwrite" in done.err
    assert contents() == before


def test_results_that_are_there_are_replaced_if_that_is_asked_for(forecast, sales):
    forecast(sales, "--out", "out")
    before = contents("out")
    assert forecast(sales, "--out", "out", "--overwrite", seed=8).code == 0
    after = contents("out")
    assert before.keys() == after.keys()
    assert all(before[name] != after[name] for name in before)
    assert rc.load("out/model").report_.random_state == 8


@pytest.mark.parametrize("foreign", ["model/weights.bin", "model/model.json", "forecast.png/photo.png", "model"])
def test_what_is_not_recuerdo_s_is_not_replaced_and_then_nothing_else_is(forecast, sales, foreign):
    forecast(sales, "--out", "out")
    path, result = Path("out", foreign), Path("out", foreign.split("/")[0])
    shutil.rmtree(result) if result.is_dir() else result.unlink()
    path.parent.mkdir(exist_ok=True)
    path.write_text("{}")
    before = contents()
    done = forecast(sales, "--out", "out", "--overwrite", seed=8)
    assert (done.code, done.out) == (2, "")
    assert f"{result} is not what recuerdo wrote under this name" in done.err
    assert "move it away, or choose another --out" in done.err
    assert contents() == before


def test_other_files_in_the_folder_stay(forecast, sales):
    Path("out").mkdir()
    Path("out/notes.txt").write_text("mine")
    assert forecast(sales, "--out", "out", "--overwrite").code == 0
    assert Path("out/notes.txt").read_text() == "mine"


@pytest.mark.parametrize("out", ["sales.csv", "sales.csv/results"])
def test_a_folder_that_cannot_be_made_is_refused_before_any_training(forecast, sales, out):
    before = contents()
    done = forecast(sales, "--out", out)
    assert (done.code, done.out) == (2, "")
    assert f"{out} cannot be written to" in done.err
    assert "choose another --out" in done.err
    assert contents() == before


def test_a_folder_that_is_read_only_is_refused_before_any_training(forecast, sales, monkeypatch):
    def refuse(*arguments, **options):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)  # the superuser, who may run this, may write anywhere
    done = forecast(sales, "--out", "out")
    assert (done.code, done.out) == (2, "")
    assert "out cannot be written to (Permission denied): choose another --out." in done.err


def test_a_write_that_fails_leaves_the_older_results_as_they_were(forecast, sales, monkeypatch):
    forecast(sales, "--out", "out")
    before = contents()

    def full_disk(*arguments, **options):
        raise OutputError("No space is left.")

    monkeypatch.setattr(rc.Forecaster, "save", full_disk)
    done = forecast(sales, "--out", "out", "--overwrite", seed=8)
    assert done.code == 2
    assert "No space is left." in done.err
    assert contents() == before


def test_an_empty_folder_of_that_name_is_used(here):
    Path("results").mkdir()
    assert results.fresh_directory("results") == Path("results")
    Path("results/anything").touch()
    assert results.fresh_directory("results") == Path("results-2")
    Path("results-2").touch()
    assert results.fresh_directory("results") == Path("results-3")
