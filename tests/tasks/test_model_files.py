"""A model directory is written whole or not at all, and read only if it is what was written."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from recuerdo import __version__
from recuerdo.errors import ModelFileError, OutputError
from recuerdo.tasks.model_files import CARD, SCHEMA, WEIGHTS, read_model, write_model

TENSORS = {"a": torch.arange(6.0).reshape(2, 3), "b.c": torch.tensor([1.0, 2.0], dtype=torch.float64)}


def write(path, overwrite=False, **card):
    return write_model(path, "test", card or {"size": 1}, TENSORS, overwrite=overwrite)


def files(path):
    return sorted(str(one.relative_to(path)) for one in path.rglob("*"))


def rewrite(path, **changes):
    """Change what model.json says; None takes an entry out."""
    card = json.loads((path / CARD).read_text()) | changes
    (path / CARD).write_text(json.dumps({key: value for key, value in card.items() if value is not None}))


@pytest.fixture
def model(tmp_path):
    return write(tmp_path / "model")


def test_what_was_written_is_read(model):
    card, tensors = read_model(str(model))
    assert card["size"] == 1
    assert (card["recuerdo"], card["schema"], card["task"]) == (__version__, SCHEMA, "test")
    assert tensors.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert torch.equal(tensors[name], tensor)
        assert tensors[name].dtype == tensor.dtype
        assert tensors[name].device.type == "cpu"


def test_a_model_is_json_and_safetensors_and_nothing_else(model):
    assert files(model.parent) == ["model", f"model/{CARD}", f"model/{WEIGHTS}"]
    assert (
        json.loads((model / CARD).read_text())["sha256"] == hashlib.sha256((model / WEIGHTS).read_bytes()).hexdigest()
    )
    assert load_file(model / WEIGHTS).keys() == TENSORS.keys()


def test_the_directories_above_are_made_and_others_may_read(tmp_path):
    made = write(tmp_path / "a" / "b" / "model")
    assert made.stat().st_mode & 0o777 == 0o755
    assert read_model(made)[0]["task"] == "test"


def test_any_layout_and_gradient_of_a_tensor_is_written(tmp_path):
    turned = torch.arange(6.0).reshape(2, 3).T.requires_grad_()
    write_model(tmp_path / "model", "test", {}, {"a": turned, "b": turned[0]}, overwrite=False)
    assert torch.equal(read_model(tmp_path / "model")[1]["a"], turned)


def test_numbers_of_numpy_become_plain_ones(tmp_path):
    path = write(tmp_path / "model", seed=np.int64(3), rate=np.float32(0.5), log=np.bool_(True))
    card = read_model(path)[0]
    assert (card["seed"], card["rate"], card["log"]) == (3, 0.5, True)


@pytest.mark.parametrize("card", [{"a": float("nan")}, {"a": object()}])
def test_what_json_cannot_hold_is_an_error_and_leaves_nothing(tmp_path, card):
    with pytest.raises((ValueError, TypeError)):
        write(tmp_path / "model", **card)
    assert files(tmp_path) == []


def test_nothing_is_overwritten_unasked(model):
    before = (model / CARD).read_bytes()
    with pytest.raises(OutputError, match=r"model is there already, .* \(overwrite=True replaces a model\)"):
        write(model, size=2)
    assert (model / CARD).read_bytes() == before


def test_a_model_is_replaced_when_asked(model):
    write(model, overwrite=True, size=2)
    assert read_model(model)[0]["size"] == 2
    assert files(model.parent) == ["model", f"model/{CARD}", f"model/{WEIGHTS}"]


def test_a_place_that_is_free_needs_no_permission(tmp_path):
    assert read_model(write(tmp_path / "model", overwrite=True))[0]["size"] == 1


@pytest.mark.parametrize(
    "contents",
    [
        {"notes.txt": "mine"},
        {},
        {CARD: "{}"},  # other programs call their files model.json too
        {CARD: '{"format": "layers-model", "weightsManifest": []}', "weights.bin": "x"},
        {CARD: "not json"},
        {CARD: json.dumps({"recuerdo": "0.1", "schema": 1}), "thesis.tex": "years of work"},
    ],
)
def test_a_directory_that_is_no_model_is_never_replaced(tmp_path, contents):
    place = tmp_path / "place"
    place.mkdir()
    for name, text in contents.items():
        (place / name).write_text(text)
    with pytest.raises(OutputError, match=r"place is there already, .*it is no model of recuerdo's"):
        write(place, overwrite=True)
    assert {one.name: one.read_text() for one in place.iterdir()} == contents


def test_a_file_is_never_replaced(tmp_path):
    (tmp_path / "model").write_text("mine")
    with pytest.raises(OutputError, match="it is no model of recuerdo's"):
        write(tmp_path / "model", overwrite=True)
    assert (tmp_path / "model").read_text() == "mine"


def test_a_place_below_a_file_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match=r"The model cannot be written to .*model: .*\. Choose another path"):
        write(tmp_path / "file" / "model")


def full_disk(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("step", ["write_bytes", "write_text"])
def test_a_write_that_fails_leaves_nothing_behind_and_the_old_model_whole(tmp_path, monkeypatch, there, step):
    if there:
        write(tmp_path / "model", size="old")
    before = files(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(Path, step, full_disk)
        with pytest.raises(OutputError, match=r"cannot be written to .*: No space left on device. Choose another path"):
            write(tmp_path / "model", overwrite=True, size="new")
    assert files(tmp_path) == before
    if there:
        assert read_model(tmp_path / "model")[0]["size"] == "old"


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("failing", [1, 2])
def test_a_replacement_that_fails_half_way_puts_the_old_model_back(model, monkeypatch, failing, error):
    before = files(model.parent)
    calls = []
    replace = os.replace

    def fails_once(source, target):
        calls.append(source)
        if len(calls) == failing:
            raise error
        replace(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", fails_once)
        with pytest.raises((OutputError, KeyboardInterrupt)):
            write(model, overwrite=True, size="new")
    assert read_model(model)[0]["size"] == 1
    assert files(model.parent) == before


def test_there_has_to_be_something(tmp_path):
    with pytest.raises(ModelFileError, match=r"There is no model at .*nothing: no such file or directory"):
        read_model(tmp_path / "nothing")


def test_another_directory_or_file_is_no_model(tmp_path):
    with pytest.raises(ModelFileError, match=r"is no model of recuerdo's: it has no model.json. Name the directory"):
        read_model(tmp_path)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ModelFileError, match=r"it has no model.json"):
        read_model(tmp_path / "file")


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe\x00"])
def test_a_card_that_is_no_json_is_damaged(model, text):
    (model / CARD).write_bytes(text)
    with pytest.raises(ModelFileError, match=r"model.json is damaged \(.*\): copy the model again, or fit it anew"):
        read_model(model)


def test_a_card_that_was_cut_off_is_damaged(model):
    text = (model / CARD).read_text()
    for length in range(len(text) - 1):
        (model / CARD).write_text(text[:length])
        with pytest.raises(ModelFileError, match="is damaged"):
            read_model(model)


@pytest.mark.parametrize("key", ["recuerdo", "schema", "task", "sha256"])
def test_a_card_without_its_header_is_another_programs(model, key):
    rewrite(model, **{key: None})
    with pytest.raises(ModelFileError, match=rf"model.json is not recuerdo's: it lacks {key}. Name a directory that"):
        read_model(model)


def test_a_card_that_is_no_object_is_another_programs(model):
    (model / CARD).write_text("[1, 2]")
    with pytest.raises(ModelFileError, match="it lacks recuerdo, schema, task, sha256"):
        read_model(model)


@pytest.mark.parametrize("schema", [SCHEMA + 1, 99])
def test_a_newer_schema_is_refused_with_the_version_that_wrote_it(model, schema):
    rewrite(model, schema=schema, recuerdo="9.9")
    with pytest.raises(
        ModelFileError, match=rf"written by recuerdo 9.9 in schema {schema}, and this version reads up to {SCHEMA}: upd"
    ):
        read_model(model)


@pytest.mark.parametrize("schema", ["2", 1.5])
def test_a_schema_that_is_no_number_is_called_damage(model, schema):
    rewrite(model, schema=schema)
    with pytest.raises(ModelFileError, match=r"model.json is damaged: its schema is .* and no whole number. Fit"):
        read_model(model)


def test_weights_that_cannot_be_read_are_said_to_be_so(model):
    (model / WEIGHTS).unlink()
    (model / WEIGHTS).mkdir()
    with pytest.raises(ModelFileError, match=r"weights.safetensors cannot be read: Is a directory. Look at its"):
        read_model(model)


def test_missing_weights_are_named(model):
    (model / WEIGHTS).unlink()
    with pytest.raises(ModelFileError, match=r"has no weights.safetensors: the model is incomplete. Copy it again"):
        read_model(model)


@pytest.mark.parametrize("length", [0, 7, 60, -1])
def test_weights_that_were_cut_off_are_found(model, length):
    data = (model / WEIGHTS).read_bytes()[:length]
    (model / WEIGHTS).write_bytes(data)
    with pytest.raises(ModelFileError, match=rf"not the file that was saved \({len(data)} bytes, another checksum\)"):
        read_model(model)


def test_a_single_flipped_bit_of_the_weights_is_found(model):
    data = bytearray((model / WEIGHTS).read_bytes())
    data[-3] ^= 1
    (model / WEIGHTS).write_bytes(data)
    with pytest.raises(ModelFileError, match=r"it is truncated or changed. Copy the model again, or fit it anew"):
        read_model(model)


def test_weights_of_another_model_are_found(model):
    save_file({"a": torch.zeros(2, 3)}, model / WEIGHTS)
    with pytest.raises(ModelFileError, match="is not the file that was saved"):
        read_model(model)


def test_weights_with_a_right_checksum_still_have_to_be_safetensors(model):
    (model / WEIGHTS).write_bytes(b"\x80\x04 a pickle, say")
    rewrite(model, sha256=hashlib.sha256((model / WEIGHTS).read_bytes()).hexdigest())
    with pytest.raises(ModelFileError, match=r"weights.safetensors cannot be read \(.*\): fit the model anew"):
        read_model(model)
