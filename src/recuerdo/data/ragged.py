"""Sequences of any lengths in one array: no padding until a batch needs it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recuerdo.errors import DataError, ShapeError

__all__ = ["Ragged"]

_LARGEST = np.iinfo(np.int32).max


@dataclass(frozen=True, eq=False)
class Ragged:
    """N sequences of any lengths, their steps one after another in one array.

    Args:
        values: (sum of T_i, D) float32 or float64; token ids are (sum of T_i,) int32.
        starts: (N + 1,) where each sequence begins in values, and where the last one ends.

    Raises:
        ShapeError: the starts do not go with the values.

    Example:
        >>> words = Ragged.of([[5, 2, 9], [], [7]])
        >>> len(words), words.lengths.tolist(), words[2].tolist()
        (3, [3, 0, 1], [7])
        >>> words.take([2, 0]).values.tolist()
        [7, 5, 2, 9]
        >>> words.padded()[0].tolist()
        [[5, 2, 9], [0, 0, 0], [7, 0, 0]]
    """

    values: NDArray[Any]
    starts: NDArray[np.int64]

    def __post_init__(self) -> None:
        object.__setattr__(self, "starts", np.asarray(self.starts, dtype=np.int64))
        starts, steps = self.starts, len(self.values)
        if starts.ndim != 1 or not len(starts) or starts[0] or starts[-1] != steps or (np.diff(starts) < 0).any():
            raise ShapeError(
                f"The starts of {steps} steps have to rise from 0 to {steps}, one for each sequence and one for the "
                f"end, and are {_shown(starts)}. Ragged.of(sequences) counts them."
            )

    @classmethod
    def of(cls, sequences: Sequence[ArrayLike]) -> Ragged:
        """Put sequences one after another.

        Args:
            sequences: N arrays or lists, all (T_i, D) numbers or all (T_i,) token ids; T_i may be 0.

        Returns:
            The sequences. Whole numbers become int32, float16 becomes float32.

        Raises:
            ShapeError: there are none, or they have not the same axes behind the steps.
            DataError: they hold something else than numbers, or whole numbers beyond 32 bits.

        Example:
            >>> Ragged.of([np.zeros((3, 2)), np.ones((1, 2))]).starts.tolist()
            [0, 3, 4]
        """
        arrays = [np.asarray(one) for one in sequences]
        if not arrays:
            raise ShapeError("There are no sequences: the list is empty.")
        for i, one in enumerate(arrays):
            if one.ndim == 0 or one.shape[1:] != arrays[0].shape[1:]:
                first = arrays[0].shape
                raise ShapeError(
                    f"Sequence {i} has shape {one.shape} and sequence 0 {first}: all have to be (time steps,), or all "
                    "(time steps, features) with the same features."
                )
        filled = [one for one in arrays if len(one)] or arrays  # an empty list is of floats, whatever the others are
        return cls(_in_type(np.concatenate(filled)), _ends([len(one) for one in arrays]))

    @property
    def lengths(self) -> NDArray[np.int64]:
        """How many time steps each sequence has (N,)."""
        return np.diff(self.starts)

    def where(self, place: int) -> tuple[int, int]:
        """Which sequence values[place] is of, and which of its steps.

        Example:
            >>> Ragged.of([np.zeros(3), np.zeros(2)]).where(4)
            (1, 1)
        """
        i = int(np.searchsorted(self.starts, place, side="right")) - 1
        return i, int(place - self.starts[i])

    def __len__(self) -> int:
        return len(self.starts) - 1

    @overload
    def __getitem__(self, key: int | np.integer) -> NDArray[Any]: ...
    @overload
    def __getitem__(self, key: slice | Sequence[int] | NDArray[Any]) -> Ragged: ...
    def __getitem__(self, key: Any) -> NDArray[Any] | Ragged:
        """One sequence (T_i, ...) as a view of values, or several as `take` gives them."""
        if isinstance(key, slice):
            return self.take(np.arange(len(self))[key])
        if np.ndim(key):
            return self.take(key)
        i = int(self._places(np.array([key]))[0])
        return self.values[self.starts[i] : self.starts[i + 1]]

    def __iter__(self) -> Iterator[NDArray[Any]]:
        bounds = self.starts.tolist()
        return (self.values[start:end] for start, end in pairwise(bounds))

    def take(self, indices: ArrayLike) -> Ragged:
        """Some of the sequences, in the order asked for.

        Args:
            indices: (n,) numbers of sequences, negative ones counted from the end, or (N,) true and false.

        Returns:
            The sequences, as a copy.

        Raises:
            IndexError: there is no sequence of that number.
            ShapeError: there are not as many true and false as sequences.
        """
        found, lengths = self._gathered(self._places(np.asarray(indices)))
        return Ragged(found, _ends(lengths))

    def padded(self, indices: ArrayLike | None = None) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Sequences as one array, with 0 after the end of the shorter ones.

        Args:
            indices: (n,) as `take` has them; None is all of them.

        Returns:
            The values (n, T, D), or (n, T) token ids, T being the longest of these sequences, and the lengths (n,).
        """
        found, lengths = self._gathered(np.arange(len(self)) if indices is None else self._places(np.asarray(indices)))
        longest = int(lengths.max(initial=0))
        shape = (len(lengths), longest, *self.values.shape[1:])
        if len(found) == len(lengths) * longest:
            return found.reshape(shape), lengths
        padded = np.zeros(shape, self.values.dtype)
        padded[np.arange(longest) < lengths[:, None]] = found
        return padded, lengths

    def _gathered(self, places: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """The steps of some sequences one after another, as a copy, and how many each has."""
        firsts = self.starts[places]
        lengths = self.starts[places + 1] - firsts
        if len(places) and (firsts[1:] == firsts[:-1] + lengths[:-1]).all():  # they stand in a row
            return self.values[firsts[0] : firsts[-1] + lengths[-1]].copy(), lengths
        begins = _ends(lengths)[:-1]
        return self.values[np.repeat(firsts - begins, lengths) + np.arange(lengths.sum())], lengths

    def _places(self, indices: NDArray[Any]) -> NDArray[np.int64]:
        """Numbers of sequences from 0 on."""
        if indices.ndim != 1:
            raise ShapeError(f"Sequences are chosen by a list of their numbers, got an array of shape {indices.shape}.")
        if indices.dtype == np.bool_:
            if len(indices) != len(self):
                raise ShapeError(f"There are {len(indices)} true and false to choose among {len(self)} sequences.")
            return np.flatnonzero(indices)
        if indices.dtype.kind not in "iu" and indices.size:
            raise IndexError(f"Sequences are chosen by whole numbers, got {indices.dtype}.")
        places = indices.astype(np.int64)
        outside = (places < -len(self)) | (places >= len(self))
        if outside.any():
            raise IndexError(f"There is no sequence {indices[outside][0]}: there are {len(self)}, counted from 0.")
        return np.where(places < 0, places + len(self), places)


def _ends(lengths: ArrayLike) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])


def _in_type(values: NDArray[Any]) -> NDArray[Any]:
    kind = values.dtype.kind
    if kind == "f":
        return values.astype(np.float64 if values.dtype.itemsize > 4 else np.float32, copy=False)
    if kind not in "iu":
        raise DataError(f"Sequences hold numbers, and these {values.dtype}. recuerdo.data.read_sequences says where.")
    if values.size and (values.max() > _LARGEST or values.min() < -_LARGEST - 1):
        raise DataError("Whole numbers are kept in 32 bits, and one of these is larger. Give them as floats.")
    return values.astype(np.int32, copy=False)


def _shown(starts: NDArray[np.int64]) -> str:
    return str(starts.tolist()) if starts.size <= 8 else f"{starts[:4].tolist()} ... {starts[-3:].tolist()}"
