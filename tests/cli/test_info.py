"""`recuerdo info` says what a report of a fault needs."""

from __future__ import annotations

from importlib.metadata import version

import torch
from tests.native_core import needs_native

import recuerdo as rc
from recuerdo.kernels import calling

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
    "native",
    "bfloat16",
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


@needs_native
def test_the_native_core_names_its_instruction_set_or_why_it_is_missing(call, monkeypatch):
    def said():
        return dict(line.split(maxsplit=1) for line in call("info").out.splitlines())["native"]

    assert said().split()[0] in ("avx512", "avx2", "portable")
    monkeypatch.setattr(calling, "native", None)
    monkeypatch.setattr(calling, "missing", "No module named '_native'")
    assert said() == "not built (No module named '_native'): install a C++ compiler, then recuerdo again"


@needs_native
def test_it_says_what_multiplies_in_bfloat16_or_why_nothing_does(call, monkeypatch):
    def said():
        return dict(line.split(maxsplit=1) for line in call("info").out.splitlines())["bfloat16"]

    native = calling.native
    assert native is not None
    before = native.bf16_path()
    try:
        native.use_bf16_path("emulated")
        assert said() == "emulated (for tests)"
    finally:
        native.use_bf16_path(before)
    if before is None:
        assert said() == f"none: {native.no_bf16()}"
    else:
        assert said() == f"{before} (of {', '.join(native.bf16_paths())})"
    monkeypatch.setattr(calling, "native", None)
    assert said() == "none: the native core is not built"


def test_a_package_that_is_missing_is_said_to_be(call, monkeypatch):
    from importlib import metadata

    def none(package):
        raise metadata.PackageNotFoundError(package)

    monkeypatch.setattr(metadata, "version", none)
    assert "not installed" in call("info").out
