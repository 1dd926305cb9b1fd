"""Forecasters whose options were chosen before, as opposed to the default call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

import recuerdo as rc

from .figures import Effort


def fitted(
    horizon: int, table: pl.DataFrame, options: Mapping[str, Any], effort: Effort, seed: int, **columns: Any
) -> rc.Forecaster:
    """Return a forecaster that has learned a table by some options, among them max_steps, and without baselines."""
    steps = effort.steps(options["max_steps"])
    model = rc.Forecaster(horizon, **{**options, "max_steps": steps}, baselines=None, random_state=seed, verbose=False)
    return model.fit(table, **columns)
