"""The same data by recuerdo's segment encoder: another model, which reads a season as one step; shown apart."""

from __future__ import annotations

from .by_recuerdo import OPTIMISERS, PACKAGES
from .by_recuerdo import Contestant as StepWise

__all__ = ["OPTIMISERS", "PACKAGES", "Contestant"]


class Contestant(StepWise):
    """rc.Forecaster with a segment encoder."""

    encoder = "segments"
