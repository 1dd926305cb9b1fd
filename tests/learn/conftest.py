from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor

from recuerdo.learn import ArrayBatches, Batch, Problem

GRU_TRAINING = Path(__file__).parent / "gru_training.py"


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def gru_training() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gru_training", GRU_TRAINING)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["gru_training"] = module
    spec.loader.exec_module(module)
    return module


def squared_error(output: Tensor, batch: Batch) -> Tensor:
    return ((output - batch.target) ** 2).mean()


@pytest.fixture
def line():
    """Makes a linear regression: 24 training samples in batches of 8, 12 validation samples, always the same."""

    def make(**changes) -> tuple[Problem, ArrayBatches]:
        numbers = torch.Generator().manual_seed(0)
        x = torch.randn(36, 3, generator=numbers)
        y = x @ torch.tensor([[1.0], [-2.0], [0.5]]) + 0.1 * torch.randn(36, 1, generator=numbers)
        module = torch.nn.Linear(3, 1)
        with torch.no_grad():
            module.weight.fill_(0.1)
            module.bias.fill_(0.0)
        train = ArrayBatches({"input": x[:24]}, y[:24], batch_size=8, seed=4)
        valid = ArrayBatches({"input": x[24:]}, y[24:], batch_size=5, shuffle=False)
        parts = {"module": module, "batches": train, "loss": squared_error, **changes}
        return Problem(**parts), valid

    return make
