"""The results' file: one entry for each part, written when it is done, so that a long run can be cut."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .figures import Figure


def record(path: Path, part: str, figures: Sequence[Figure], about: Mapping[str, Any]) -> None:
    """Put a part's figures into the file, in place of those of an earlier run; the other parts stay as they are.

    Args:
        path: a JSON file, made with its folder if it is not there.
        part: its key.
        figures: in the order of the table.
        about: machine, commit, versions, and whatever else a reader needs to judge them.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = json.loads(path.read_text()) if path.exists() else {}
    whole[part] = {**about, "figures": [each.as_json() for each in figures]}
    written = path.with_suffix(".part")
    written.write_text(json.dumps(whole, indent=1) + "\n")
    os.replace(written, path)  # a run that is cut here leaves the old file
