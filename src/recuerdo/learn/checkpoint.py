"""The checkpoint file: tensors and facts in one safetensors file that is either whole or not there."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from recuerdo.errors import ModelFileError, OutputError

SCHEMA = 1
KEY = "recuerdo.checkpoint"


def write_checkpoint(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Writes a checkpoint: first beside `path`, then onto it in one move, so that no moment leaves half a file.

    Args:
        path: the file; its folder must be there.
        tensors: by name.
        facts: anything that JSON holds; written into the file's header.

    Raises:
        OutputError: the folder is missing or full, or may not be written to.
    """
    header = {KEY: json.dumps({"schema": SCHEMA, **facts})}
    content = save({name: value.detach().cpu().contiguous() for name, value in tensors.items()}, header)
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # the content must be on the disk before the name is
        os.replace(partial, path)
    except OSError as error:
        raise OutputError(
            f"The checkpoint cannot be written to {path}: {error.strerror or error}. "
            "Name a file in a folder that exists and may be written to."
        ) from error


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Reads what `write_checkpoint` wrote.

    Returns:
        The tensors by name, on the CPU, and the facts.

    Raises:
        ModelFileError: the file is truncated, is not a checkpoint, or was written by a newer version.
    """
    if not path.is_file():
        raise ModelFileError(f"{path} is not a file: a checkpoint is one file, so name one.")
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 - not a mapping
    except SafetensorError as error:
        raise ModelFileError(
            f"{path} cannot be read as a checkpoint: it is truncated, or another kind of file ({error}). "
            "Delete it to start over, or name another file."
        ) from error
    if KEY not in metadata:
        raise ModelFileError(
            f"{path} is a safetensors file but not a checkpoint of a training: name another file for the checkpoint."
        )
    try:
        facts = json.loads(metadata[KEY])
        schema = int(facts.pop("schema"))
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise ModelFileError(
            f"{path} has a damaged header ({type(error).__name__}: {error}): "
            "delete it to start over, or name another file."
        ) from error
    if schema > SCHEMA:
        raise ModelFileError(
            f"{path} has checkpoint schema {schema} and this version of recuerdo reads up to {SCHEMA}: "
            "it was written by a newer version. Upgrade recuerdo to go on with it."
        )
    return tensors, facts
