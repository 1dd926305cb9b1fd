from __future__ import annotations

import json
import os

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from recuerdo.errors import ModelFileError, OutputError
from recuerdo.learn.checkpoint import KEY, read_checkpoint, write_checkpoint

TENSORS = {"a/b": torch.tensor([1.0, -0.0, 3e-45]), "empty": torch.zeros(0, dtype=torch.float64), "n": torch.tensor(3)}
FACTS = {"step": 3, "nested": {"list": [1.5, None, True]}, "loss": float("inf")}


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "run.safetensors"
    write_checkpoint(path, TENSORS, FACTS)
    tensors, facts = read_checkpoint(path)
    assert facts == FACTS
    assert tensors.keys() == TENSORS.keys()
    for name, value in TENSORS.items():
        assert tensors[name].dtype == value.dtype
        assert tensors[name].numpy().tobytes() == value.numpy().tobytes()
    assert [file.name for file in tmp_path.iterdir()] == ["run.safetensors"]


def test_the_file_is_plain_safetensors_with_json_in_its_header(tmp_path):
    path = tmp_path / "run"
    write_checkpoint(path, TENSORS, FACTS)
    with safe_open(path, framework="numpy") as file:
        assert json.loads(file.metadata()[KEY]) == {"schema": 1, **FACTS}


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_file_of_before(tmp_path, monkeypatch, broken):
    path = tmp_path / "run"
    write_checkpoint(path, TENSORS, {"step": 1})

    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, broken, fail)
    with pytest.raises(OutputError, match=r"cannot be written to .*run: No space left on device"):
        write_checkpoint(path, TENSORS, {"step": 2})
    assert read_checkpoint(path)[1] == {"step": 1}


def test_a_missing_folder_is_said(tmp_path):
    with pytest.raises(OutputError, match=r"cannot be written to .*: No such file or directory\. Name a file in"):
        write_checkpoint(tmp_path / "nowhere" / "run", TENSORS, FACTS)


def test_a_file_cut_anywhere_is_refused(tmp_path):
    path = tmp_path / "run"
    write_checkpoint(path, TENSORS, FACTS)
    content = path.read_bytes()
    for length in range(0, len(content), 11):
        path.write_bytes(content[:length])
        with pytest.raises(ModelFileError, match="truncated, or another kind of file"):
            read_checkpoint(path)


def test_a_foreign_file_is_refused(tmp_path):
    path = tmp_path / "weights"
    path.write_text("these are my notes, not a checkpoint " * 10)
    with pytest.raises(ModelFileError, match="truncated, or another kind of file"):
        read_checkpoint(path)
    save_file({"a": torch.zeros(2)}, path)
    with pytest.raises(ModelFileError, match="a safetensors file but not a checkpoint"):
        read_checkpoint(path)
    with pytest.raises(ModelFileError, match="is not a file"):
        read_checkpoint(tmp_path)


def test_a_newer_schema_is_refused(tmp_path):
    path = tmp_path / "run"
    save_file({"a": torch.zeros(2)}, path, {KEY: json.dumps({"schema": 2})})
    with pytest.raises(ModelFileError, match="checkpoint schema 2 and this version of recuerdo reads up to 1"):
        read_checkpoint(path)


@pytest.mark.parametrize("header", ["{", "[]", "{}", '{"schema": "one"}'])
def test_a_damaged_header_is_refused(tmp_path, header):
    path = tmp_path / "run.safetensors"
    save_file({"a": torch.zeros(1)}, path, {KEY: header})
    with pytest.raises(ModelFileError, match=r"has a damaged header .*: delete it to start over, or name another file"):
        read_checkpoint(path)
