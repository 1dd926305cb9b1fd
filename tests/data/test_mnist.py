"""MNIST's files become sequences, and files that are no such are named."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from recuerdo.data import mnist_pixels, mnist_rows
from recuerdo.errors import DataError, OptionError

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "classification" / "mnist"
IMAGES, LABELS = "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"


def write_idx(path: Path, array: np.ndarray) -> None:
    """Write as the format's page describes it, http://yann.lecun.com/exdb/mnist: 0, 0, type, axes, lengths, numbers."""
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    path.write_bytes(gzip.compress(head + array.astype(np.uint8).tobytes()))


@pytest.fixture
def folder(tmp_path):
    """Five pictures as files of the test part."""
    random = np.random.default_rng(0)
    write_idx(tmp_path / IMAGES, random.integers(0, 256, (5, 28, 28)))
    write_idx(tmp_path / LABELS, np.array([3, 1, 4, 1, 9]))
    return tmp_path


def test_pictures_come_row_by_row_and_pixel_by_pixel(folder):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 28, 28))
    x, y = mnist_rows(folder, "test")
    assert (x.dtype, y.dtype) == (np.float32, np.int64)
    np.testing.assert_allclose(x, pixels / 255, rtol=1e-6)
    assert y.tolist() == [3, 1, 4, 1, 9]
    flat, same = mnist_pixels(str(folder), "test")
    np.testing.assert_array_equal(flat, x.reshape(5, 784, 1))
    np.testing.assert_array_equal(same, y)


def test_a_permutation_is_the_same_for_all_pictures_and_a_seed_decides_it(folder):
    x = mnist_pixels(folder, "test")[0][..., 0]
    shuffled, again, other = (mnist_pixels(folder, "test", seed)[0][..., 0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(shuffled, again)
    assert not np.array_equal(shuffled, other)
    order = np.random.default_rng(1).permutation(784)
    for picture, mixed in zip(x, shuffled, strict=True):
        np.testing.assert_array_equal(picture[order], mixed)


@pytest.mark.skipif(not SHARED.is_dir(), reason="MNIST is not here: it lies in shared/data/classification/mnist")
def test_mnist_has_the_digits_and_the_ink_that_it_is_known_for():
    x, y = mnist_rows(SHARED, "test")
    assert x.shape == (10_000, 28, 28)
    assert np.bincount(y).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert y[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    x, y = mnist_rows(SHARED, "train")
    assert np.bincount(y).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert (x.mean(), x.std()) == pytest.approx((0.1307, 0.3081), abs=1e-4)
    assert (x.min(), x.max()) == (0, 1)


def test_another_part_or_seed_is_not_offered(folder):
    with pytest.raises(OptionError, match=r"part='valid' of MNIST is not offered: 'train' or 'test'"):
        mnist_rows(folder, "valid")  # pyright: ignore[reportArgumentType]
    with pytest.raises(OptionError, match=r"permutation_seed=-1: it has to be 0 or more, or None"):
        mnist_pixels(folder, "test", -1)


def test_a_file_that_is_not_there_is_named(folder):
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz is not there: name the folder that holds"):
        mnist_rows(folder, "train")


def test_a_folder_in_place_of_a_file_is_named(folder):
    (folder / IMAGES).unlink()
    (folder / IMAGES).mkdir()
    with pytest.raises(DataError, match=r"t10k-images.* cannot be read \(Is a directory\): see that it is a file"):
        mnist_rows(folder, "test")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda packed: packed[:-2000], "t10k-images.* is cut short: get the file anew"),
        (lambda packed: packed[:100] + bytes(50) + packed[150:], "is damaged or no gzip file .*: get the file anew"),
        (lambda packed: b"no gzip at all", "is damaged or no gzip file .*: get the file anew"),
        (lambda packed: b"", r"is no IDX file of bytes with 3 axes"),
        (lambda packed: gzip.compress(b"\0\0\x08\x03\0\0"), r"is no IDX file of bytes with 3 axes: put MNIST's own"),
        (lambda packed: gzip.compress(b"P5 28 28 255" + bytes(99)), r"is no IDX file of bytes with 3 axes"),
        (
            lambda packed: gzip.compress(gzip.decompress(packed)[:-1]),
            r"says that it holds 5 x 28 x 28 numbers, and holds 3919: get the file anew",
        ),
    ],
)
def test_a_file_that_is_cut_short_or_foreign_is_named(folder, change, said):
    path = folder / IMAGES
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DataError, match=said):
        mnist_rows(folder, "test")


@pytest.mark.parametrize(
    ("name", "array", "said"),
    [
        (IMAGES, np.zeros((5, 14, 14)), r"holds pictures of 14 x 14 pixels, and MNIST's have 28 x 28"),
        (IMAGES, np.zeros((4, 28, 28)), r"holds 4 pictures and t10k-labels-idx1-ubyte\.gz 5 labels"),
        (LABELS, np.array([1, 2, 3, 4, 26]), r"holds the label 26, which is no digit: put MNIST's own file there"),
    ],
)
def test_files_that_are_not_mnist_s_are_named(folder, name, array, said):
    write_idx(folder / name, array)
    with pytest.raises(DataError, match=said):
        mnist_rows(folder, "test")
