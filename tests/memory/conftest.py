"""What holds for all tests of memory/: draws repeat."""

import os

import pytest
import torch

os.environ.setdefault("KERAS_BACKEND", "torch")


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)
