"""`recuerdo info` says what a report of a fault needs."""

from __future__ import annotations

from importlib.metadata import version

import torch

import recuerdo as rc

ROWS = [
    "recuerdo",
    "python",
    "torch",
    "numpy",
    "polars",
    "narwhals",
    "scikit-learn",
    "safetensors",
    "matplotlib",
    "backends",
    "threads",
    "instructions",
    "accelerators",
]


def test_every_row_is_there_once_with_a_value(call):
    done = call("info")
    assert (done.code, done.err) == (0, "")
    lines = [line.split(maxsplit=1) for line in done.out.splitlines()]
    assert [name for name, _ in lines] == ROWS
    assert all(value.strip() for _, value in lines)


def test_the_values_are_the_machine_s(call):
    found = dict(line.split(maxsplit=1) for line in call("info").out.splitlines())
    assert found["recuerdo"] == rc.__version__
    assert found["torch"] == torch.__version__
    assert found["polars"] == version("polars")
    assert found["threads"].startswith(f"{torch.get_num_threads()} of ")
    assert found["backends"].startswith(", ".join(rc.kernels.BACKENDS))


def test_a_package_that_is_missing_is_said_to_be(call, monkeypatch):
    from importlib import metadata

    def none(package):
        raise metadata.PackageNotFoundError(package)

    monkeypatch.setattr(metadata, "version", none)
    assert "not installed" in call("info").out
