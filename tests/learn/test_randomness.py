from __future__ import annotations

import numpy as np
import pytest
import torch

from recuerdo.errors import OptionError
from recuerdo.learn import seeded
from recuerdo.learn.randomness import usable_device


def test_the_users_own_stream_is_left_as_it_was():
    torch.manual_seed(0)
    expected = torch.rand(4)
    torch.manual_seed(0)
    with seeded(5):
        torch.rand(100)
    assert torch.equal(torch.rand(4), expected)


def test_the_users_own_stream_comes_back_after_an_error():
    before = torch.get_rng_state()
    with pytest.raises(ZeroDivisionError), seeded(5):
        assert torch.rand(1) < 1 / 0
    assert torch.equal(torch.get_rng_state(), before)


def test_a_seed_gives_the_numbers_that_torch_gives_for_it():
    expected = torch.rand(3, generator=torch.Generator().manual_seed(42))
    with seeded(np.int64(42)) as seed:
        assert torch.equal(torch.rand(3), expected)
    assert seed == 42
    assert type(seed) is int


def test_a_drawn_seed_is_told_and_repeats():
    with seeded(None) as seed:
        first = torch.rand(5)
    with seeded(seed):
        assert torch.equal(torch.rand(5), first)
    with seeded(None) as other:
        assert other != seed


@pytest.mark.parametrize("value", [-1, 2**32, 1.5, True, "7"])
def test_a_seed_that_is_none_is_refused(value):
    with (
        pytest.raises(OptionError, match=r"random_state must be None or a whole number from 0 to 2\*\*32 - 1"),
        seeded(value),
    ):
        pass


def test_devices_are_the_cpu_and_cuda():
    assert usable_device("cpu") == torch.device("cpu")
    with pytest.raises(OptionError, match="'cpu' or 'cuda', not on 'meta'"):
        usable_device("meta")
    with pytest.raises(OptionError, match="Device 'gpu' is unknown"):
        usable_device("gpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what happens where there is no CUDA device")
def test_cuda_that_is_not_there_is_said():
    with pytest.raises(OptionError, match="torch finds no CUDA device here"):
        usable_device("cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_users_stream_on_cuda_is_left_as_it_was():
    before = torch.cuda.get_rng_state()
    with seeded(5, "cuda"):
        first = torch.rand(3, device="cuda")
    assert torch.equal(torch.cuda.get_rng_state(), before)
    with seeded(5, "cuda"):
        assert torch.equal(torch.rand(3, device="cuda"), first)
