"""Memory that the core keeps for its next call: it comes back, it is bounded, and it can be released."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from tests.kernels.native_cases import job, without_gradients
from tests.native_core import needs_native
from torch import Tensor

import recuerdo as rc
from recuerdo.kernels import calling, recurrence, release_memory

pytestmark = needs_native

MIB = 2**20


def empty(numbers: int) -> Tensor:
    return calling.fresh(torch.empty(0), numbers)


def idle() -> int:
    assert calling.native is not None
    return calling.native.idle_bytes()


def test_a_block_comes_back_to_the_next_call_that_fits() -> None:
    release_memory()
    block = empty(MIB)
    address = block.data_ptr()
    view = block[10:20]
    del block
    assert idle() == 0  # the view still holds it
    del view
    assert idle() >= 4 * MIB
    assert empty(MIB - 1000).data_ptr() == address


def test_a_call_does_not_take_a_block_that_is_much_too_large() -> None:
    release_memory()
    large = empty(16 * MIB)
    address = large.data_ptr()
    del large
    small = empty(MIB)
    assert small.data_ptr() != address


def test_what_is_kept_is_bounded_and_released() -> None:
    release_memory()
    blocks = [empty(16 * MIB) for _ in range(20)]  # 1280 MiB that nothing is written to
    del blocks
    assert 0 < idle() <= 1024 * MIB
    release_memory()
    assert idle() == 0


def test_small_tensors_are_torch_s_own() -> None:
    release_memory()
    small = empty(1000)
    del small
    assert idle() == 0


@pytest.mark.parametrize("how", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each)), Tensor.clone])
def test_an_output_is_a_tensor_like_any_other(how) -> None:
    with torch.no_grad():
        output, _ = rc.nn.FRNN(2, 64)(torch.randn(20, 100, 2))
    assert output.numel() * 4 >= calling.LARGE
    again = how(output)
    wanted = output.sum().item()
    del output
    with torch.no_grad():
        _ = rc.nn.FRNN(2, 64)(torch.randn(20, 100, 2))  # writes to the memory of the first
    assert again.sum().item() == pytest.approx(wanted)
    again.resize_(2, 3)


def test_an_output_that_was_changed_in_place_raises_on_the_way_back() -> None:
    output, _ = rc.nn.LSTM(2, 64)(torch.randn(20, 100, 2))
    loss = output.square().sum()
    with torch.no_grad():
        output.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize("shape", [(2**62, 2), (2**31, 2**31, 2**31), (2**64 - 1, 3)])
def test_more_bytes_than_can_be_counted_are_an_error(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="has more bytes than can be counted"):
        calling.fresh(torch.empty(0), *shape)


def test_memory_that_there_is_not_is_answered_with_a_way_out() -> None:
    asked = job("lstm", "plain", (1, 1, 1, 32), torch.float32, layer_norm=False)
    steps = samples = 2**21  # 2^49 bytes of output, more than a processor has addresses for
    large = replace(
        without_gradients(asked),
        x=torch.zeros(1, 1, 1).expand(steps, samples, 1),
        state=tuple(torch.zeros(1, 32).expand(samples, 32) for _ in range(2)),
    )
    message = r"no memory for 562949953421312 bytes of states and gates: take a smaller batch .* checkpoint_every="
    with pytest.raises(MemoryError, match=message):
        recurrence(large, "native")
    assert recurrence(asked, "native").output.isfinite().all()


SCARCE = """
import resource, torch
from recuerdo.nn import LSTM

torch.set_num_threads(1)
layer, x = LSTM(4, 1024), torch.zeros(1, 2, 4)
with torch.no_grad():
    held = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (held + 4 * 2**20, most))  # less than the packed weights, which are 16 MiB
    try:
        layer(x)
    except MemoryError as error:
        print(error)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    assert layer(x)[0].isfinite().all()
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads from /proc how much memory is held")
def test_memory_that_there_is_not_beside_the_tensors_is_answered_too() -> None:
    done = subprocess.run([sys.executable, "-c", SCARCE], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "found no memory for what it needs besides the tensors: take a smaller batch" in done.stdout
