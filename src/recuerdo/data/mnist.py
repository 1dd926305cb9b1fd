"""MNIST's digits as sequences: row by row, or pixel by pixel."""

from __future__ import annotations

import gzip
import math
import zlib
from os import PathLike
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from recuerdo.errors import DataError, OptionError

PARTS = {"train": "train", "test": "t10k"}
"""What the files of each part begin with."""

SIDE = 28
"""Rows of a picture, and pixels of a row."""


def mnist_rows(
    folder: str | PathLike[str], part: Literal["train", "test"]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Read handwritten digits as sequences of 28 rows; the answer is the digit.

    Args:
        folder: where the four files of MNIST are, such as train-images-idx3-ubyte.gz, as they were published.
        part: "train" (60,000 digits) or "test" (10,000).

    Returns:
        x, (N, 28, 28): row by row, from 0 (paper) to 1 (ink); y, (N,): the digits. One answer in about 10 is right by
        chance.

    Raises:
        OptionError: another part.
        DataError: a file is not there, is cut short, or is not what MNIST has under this name.

    Source:
        LeCun et al. 1998, Gradient-based learning applied to document recognition; row by row: Le et al. 2015.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:  # here, two blank pictures in MNIST's format
        ...     for name, shape in (("images-idx3", (2, 28, 28)), ("labels-idx1", (2,))):
        ...         content = bytes((0, 0, 8, len(shape))) + np.array(shape, ">u4").tobytes() + bytes(math.prod(shape))
        ...         _ = Path(folder, f"t10k-{name}-ubyte.gz").write_bytes(gzip.compress(content))
        ...     x, y = mnist_rows(folder, "test")
        >>> x.shape
        (2, 28, 28)
    """
    if part not in PARTS:
        raise OptionError(f"part={part!r} of MNIST is not offered: 'train' or 'test'.")
    images = Path(folder, f"{PARTS[part]}-images-idx3-ubyte.gz")
    labels = Path(folder, f"{PARTS[part]}-labels-idx1-ubyte.gz")
    pixels, digits = _read_idx(images, 3), _read_idx(labels, 1)
    if pixels.shape[1:] != (SIDE, SIDE):
        raise DataError(
            f"{images} holds pictures of {pixels.shape[1]} x {pixels.shape[2]} pixels, and MNIST's have "
            f"{SIDE} x {SIDE}: put MNIST's own file there."
        )
    if len(pixels) != len(digits):
        raise DataError(
            f"{images} holds {len(pixels)} pictures and {labels.name} {len(digits)} labels: they are not of one set. "
            "Put both files of one there."
        )
    if digits.size and digits.max() > 9:
        raise DataError(f"{labels} holds the label {digits.max()}, which is no digit: put MNIST's own file there.")
    return pixels.astype(np.float32) / np.float32(255), digits.astype(np.int64)


def mnist_pixels(
    folder: str | PathLike[str], part: Literal["train", "test"], permutation_seed: int | None = None
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Read handwritten digits as sequences of 784 pixels, row after row or in one shuffled order; see `mnist_rows`.

    Args:
        folder: where the four files of MNIST are.
        part: "train" (60,000 digits) or "test" (10,000).
        permutation_seed: of an order of the pixels that all pictures share; None leaves them as they are read.

    Returns:
        x, (N, 784, 1): pixel by pixel, from 0 (paper) to 1 (ink); y, (N,): the digits.

    Raises:
        OptionError: another part, or a negative seed.
        DataError: a file is not there, is cut short, or is not what MNIST has under this name.

    Source:
        Le, Jaitly and Hinton 2015, A simple way to initialize recurrent networks of rectified linear units.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:  # here, two blank pictures in MNIST's format
        ...     for name, shape in (("images-idx3", (2, 28, 28)), ("labels-idx1", (2,))):
        ...         content = bytes((0, 0, 8, len(shape))) + np.array(shape, ">u4").tobytes() + bytes(math.prod(shape))
        ...         _ = Path(folder, f"t10k-{name}-ubyte.gz").write_bytes(gzip.compress(content))
        ...     x, y = mnist_pixels(folder, "test", permutation_seed=0)
        >>> x.shape
        (2, 784, 1)
    """
    if permutation_seed is not None and permutation_seed < 0:
        raise OptionError(f"permutation_seed={permutation_seed}: it has to be 0 or more, or None.")
    x, y = mnist_rows(folder, part)
    x = x.reshape(len(x), SIDE * SIDE, 1)
    if permutation_seed is not None:
        x = x[:, np.random.default_rng(permutation_seed).permutation(SIDE * SIDE)]
    return x, y


def _read_idx(path: Path, axes: int) -> NDArray[np.uint8]:
    """Read an array of bytes: two zeros, the type 8, the number of axes, their lengths, and the numbers."""
    try:
        with gzip.open(path) as file:
            content = file.read()
    except FileNotFoundError as error:
        raise DataError(f"{path} is not there: name the folder that holds MNIST's four .gz files.") from error
    except EOFError as error:
        raise DataError(f"{path} is cut short: get the file anew.") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is damaged or no gzip file ({error}): get the file anew.") from error
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror}): see that it is a file, and yours to read."
        ) from error
    begin = 4 + 4 * axes
    if content[:4] != bytes((0, 0, 8, axes)) or len(content) < begin:
        raise DataError(f"{path} is no IDX file of bytes with {axes} axes: put MNIST's own file there.")
    shape = tuple(int(length) for length in np.frombuffer(content, ">u4", axes, 4))
    if len(content) - begin != math.prod(shape):
        raise DataError(
            f"{path} says that it holds {' x '.join(map(str, shape))} numbers, and holds {len(content) - begin}: "
            "get the file anew."
        )
    return np.frombuffer(content, np.uint8, offset=begin).reshape(shape)
