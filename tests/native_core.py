"""Where the native core is missing, its tests are skipped and say so; in CI they run, and fail."""

from __future__ import annotations

import os
from collections.abc import Mapping

import pytest

from recuerdo.kernels import calling


def spared(built: bool, environment: Mapping[str, str]) -> bool:
    """Say whether a missing core is no fault here."""
    return not built and not environment.get("CI")


needs_native = pytest.mark.skipif(
    spared(calling.native is not None, os.environ),
    reason=f"the native core is not built ({calling.missing}): install a C++ compiler, then recuerdo again",
)
