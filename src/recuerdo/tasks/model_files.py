"""A saved model is a directory: model.json says what it is, weights.safetensors holds its numbers. Neither is a pickle.

model.json has `recuerdo` (version that wrote it), `schema`, `task`, `sha256` of the weights file, and what
the task needs. A newer schema is refused in words; older ones stay loadable.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from recuerdo._version import __version__
from recuerdo.errors import ModelFileError, OutputError

SCHEMA = 2
CARD, WEIGHTS = "model.json", "weights.safetensors"


def write_model(
    path: str | Path, task: str, card: Mapping[str, Any], tensors: Mapping[str, Tensor], *, overwrite: bool
) -> Path:
    """Write a model directory, whole or not at all.

    Args:
        path: the directory to make.
        task: which estimator it holds.
        card: what it needs besides its tensors; plain JSON.
        tensors: its numbers.
        overwrite: whether a model that is there is replaced; anything else that is there never is.

    Returns:
        The directory.

    Raises:
        OutputError: something is there already, or the place cannot be written.
    """
    path = Path(path)
    if path.exists() and not (overwrite and is_model(path)):
        hint = "overwrite=True replaces a model" if is_model(path) else "it is no model of recuerdo's"
        raise OutputError(f"{path} is there already, and nothing is overwritten unasked: choose another path ({hint}).")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    except OSError as error:
        raise OutputError(f"The model cannot be written to {path}: {error.strerror}. Choose another path.") from error
    try:
        made.chmod(0o755)
        data = save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})
        (made / WEIGHTS).write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        header = {"recuerdo": __version__, "schema": SCHEMA, "task": task, "sha256": digest}
        text = json.dumps({**header, **card}, indent=1, allow_nan=False, default=np.generic.item)
        (made / CARD).write_text(text, encoding="utf-8")
        if path.exists():
            with tempfile.TemporaryDirectory(prefix=f".{path.name}-old-", dir=path.parent) as aside:
                old = Path(aside) / path.name
                os.replace(path, old)
                try:
                    os.replace(made, path)
                finally:
                    if not path.exists():
                        os.replace(old, path)
        else:
            os.replace(made, path)
    except OSError as error:
        raise OutputError(f"The model cannot be written to {path}: {error.strerror}. Choose another path.") from error
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return path


def is_model(path: Path) -> bool:
    """Whether a directory holds a model of recuerdo's and nothing else."""
    try:
        card = json.loads((path / CARD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(card, dict) and "recuerdo" in card and {one.name for one in path.iterdir()} <= {CARD, WEIGHTS}


def read_model(path: str | Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read a model directory; its tensors come to the CPU, wherever they were trained.

    Returns:
        What model.json says, and the tensors by name.

    Raises:
        ModelFileError: there is no such directory, it is no model, it is damaged, or it is of a newer schema.
    """
    path = Path(path)
    if not path.exists():
        raise ModelFileError(f"There is no model at {path}: no such file or directory.")
    if not (path / CARD).is_file():
        raise ModelFileError(
            f"{path} is no model of recuerdo's: it has no {CARD}. Name the directory that save() made."
        )
    try:
        card = json.loads((path / CARD).read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelFileError(f"{path / CARD} cannot be read: {error.strerror}. Look at its permissions.") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ModelFileError(f"{path / CARD} is damaged ({error}): copy the model again, or fit it anew.") from error
    missing = [key for key in ("recuerdo", "schema", "task", "sha256") if not isinstance(card, dict) or key not in card]
    if missing:
        raise ModelFileError(
            f"{path / CARD} is not recuerdo's: it lacks {', '.join(missing)}. Name a directory that save() made."
        )
    if not isinstance(card["schema"], int):
        raise ModelFileError(
            f"{path / CARD} is damaged: its schema is {card['schema']!r} and no whole number. Fit the model anew."
        )
    if card["schema"] > SCHEMA:
        raise ModelFileError(
            f"{path} was written by recuerdo {card['recuerdo']} in schema {card['schema']}, and this version reads "
            f"up to {SCHEMA}: update recuerdo (pip install -U recuerdo)."
        )
    try:
        data = (path / WEIGHTS).read_bytes()
    except FileNotFoundError as error:
        raise ModelFileError(
            f"{path} has no {WEIGHTS}: the model is incomplete. Copy it again, or fit it anew."
        ) from error
    except OSError as error:
        raise ModelFileError(f"{path / WEIGHTS} cannot be read: {error.strerror}. Look at its permissions.") from error
    if hashlib.sha256(data).hexdigest() != card["sha256"]:
        raise ModelFileError(
            f"{path / WEIGHTS} is not the file that was saved ({len(data)} bytes, another checksum): it is truncated "
            f"or changed. Copy the model again, or fit it anew."
        )
    try:
        return card, load(data)
    except SafetensorError as error:
        raise ModelFileError(f"{path / WEIGHTS} cannot be read ({error}): fit the model anew.") from error
