"""Small work stays on one thread, and torch's own number comes back whatever happens."""

from __future__ import annotations

import pytest
import torch

from recuerdo.learn.threads import WORTH_SHARING, threads_for


@pytest.fixture
def three_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("products", "threads"), [(0, 1), (WORTH_SHARING - 1, 1), (WORTH_SHARING, 3), (10 * WORTH_SHARING, 3)]
)
def test_only_work_that_is_worth_sharing_is_shared(three_threads, products, threads):
    with threads_for(products):
        assert torch.get_num_threads() == threads
    assert torch.get_num_threads() == 3


def test_the_number_comes_back_after_an_error(three_threads):
    with pytest.raises(KeyError), threads_for(0):
        raise KeyError
    assert torch.get_num_threads() == 3


def test_blocks_nest(three_threads):
    with threads_for(0), threads_for(WORTH_SHARING):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 3
