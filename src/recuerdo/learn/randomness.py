"""Seeded random numbers for one piece of work, without a trace in the user's own stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from numbers import Integral

import numpy as np
import torch
from torch import Tensor

from recuerdo.errors import OptionError

LARGEST_SEED = 2**32 - 1


@contextmanager
def seeded(random_state: int | None, device: torch.device | str = "cpu") -> Iterator[int]:
    """Seeds torch's global random numbers inside the block, and puts them back as they were after it.

    Args:
        random_state: the seed, 0 to 2**32 - 1; None draws a fresh one.
        device: "cpu", or a CUDA device whose stream is seeded as well.

    Yields:
        The seed, so that a drawn one can be written down.

    Raises:
        OptionError: a seed or a device that is not offered.

    >>> with seeded(7) as seed:
    ...     first = torch.rand(1)
    >>> with seeded(seed):
    ...     again = torch.rand(1)
    >>> torch.equal(first, again)
    True
    """
    device = usable_device(device)
    seed = _seed(random_state)
    before = random_streams(device)
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)
    try:
        yield seed
    finally:
        set_random_streams(before, device)


def random_streams(device: torch.device) -> dict[str, Tensor]:
    """The state of torch's random numbers on the CPU and, where it is one, on the CUDA device."""
    streams = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        streams["cuda"] = torch.cuda.get_rng_state(device)
    return streams


def set_random_streams(streams: Mapping[str, Tensor], device: torch.device) -> None:
    """Puts torch's random numbers into the state that `random_streams` gave for the same device."""
    torch.set_rng_state(streams["cpu"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(streams["cuda"], device)


def usable_device(device: torch.device | str) -> torch.device:
    """The device, if training can be exact on it: the CPU or a CUDA device that is there.

    Raises:
        OptionError: another kind of device, or CUDA where there is none.
    """
    try:
        device = torch.device(device)
    except RuntimeError:
        raise OptionError(f"Device {device!r} is unknown: use 'cpu' or 'cuda'.") from None
    if device.type not in ("cpu", "cuda"):
        raise OptionError(f"Training runs on 'cpu' or 'cuda', not on {str(device)!r}: use one of the two.")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise OptionError("Device 'cuda' was asked for and torch finds no CUDA device here: use device='cpu'.")
    return device


def _seed(random_state: int | None) -> int:
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    if isinstance(random_state, Integral) and not isinstance(random_state, bool) and 0 <= random_state <= LARGEST_SEED:
        return int(random_state)
    raise OptionError(f"random_state must be None or a whole number from 0 to 2**32 - 1; got {random_state!r}.")
