"""Samples, time steps, features: every array of recuerdo is (N, T, D), and here is what makes it so.

`check` guards the door of a layer, `as_sequences` turns what a person has into (N, T, D) and says how, `pad` and
`unpad` go between ragged samples and one array, and `describe` puts a shape into words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from recuerdo.errors import DataError, NotANumberError, ShapeError

__all__ = ["Sequences", "as_numbers", "as_sequences", "check", "describe", "is_table", "pad", "unpad"]

_AXES = {"N": "samples", "T": "time steps", "D": "features"}
# By the number of axes: the layouts that can be named. The first one is what is taken when none is named.
_LAYOUTS = {1: ("T",), 2: ("NT", "TN", "TD", "DT"), 3: ("NTD", "NDT", "TND", "TDN", "DNT", "DTN")}


def check(x: Any, features: int, who: str = "LSTM", time_first: bool = False) -> None:
    """Make sure that x is (samples, time steps, features), by its shape alone.

    Args:
        x: array or tensor (N, T, D), or (T, N, D) with time_first.
        features: the D that is expected.
        who: the name of what expects it, for the message.
        time_first: x is (T, N, D).

    Raises:
        ShapeError: the axes are others; the message shows the likely mend where there is one.

    Example:
        >>> check(np.zeros((32, 100, 8)), features=8)
        >>> check(np.zeros((32, 8, 100)), features=8)
        Traceback (most recent call last):
        ...
        recuerdo.errors.ShapeError: LSTM expects (samples, time steps, 8 features), got (32, 8, 100). The
        last axis is features: did you mean x.swapaxes(1, 2)?
    """
    if getattr(x, "ndim", None) != 3 or x.shape[2] != features:
        _refuse(x, features, who, time_first)


def _refuse(x: Any, features: int, who: str, time_first: bool) -> NoReturn:
    order = "time steps, samples" if time_first else "samples, time steps"
    if not hasattr(x, "shape"):
        mend = "Try recuerdo.shapes.as_sequences(x).values."
        raise ShapeError(f"{who} expects an array or tensor, got a {type(x).__name__}. {mend}")
    shape = tuple(int(size) for size in x.shape)
    raise ShapeError(f"{who} expects ({order}, {_count(features, 'D')}), got {shape}. {_mend(x, features, time_first)}")


def _mend(x: Any, features: int, time_first: bool) -> str:
    """The sentence that says how x can be made right, or that nothing fits."""
    shape, numpy = tuple(x.shape), isinstance(x, np.ndarray)
    one_sample = "x[:, None]" if time_first else "x[None]"
    match shape:
        case (_, size) if size == features:
            return f"The samples axis is missing: for one sample, did you mean {one_sample}?"
        case (_, _) if features == 1:
            return "The features axis is missing: did you mean x[..., None]?"
        case (size, _) if size == features:
            return f"The last axis is features: for one sample, did you mean x.T{one_sample[1:]}?"
        case (_,) if features == 1:
            whole = "x[:, None, None]" if time_first else "x[None, :, None]"
            return f"Two axes are missing: for one sample of one feature, did you mean {whole}?"
        case (size,) if size == features:
            return "Two axes are missing: for one time step of one sample, did you mean x[None, None]?"
        case (_, size, _) if size == features:
            return f"The last axis is features: did you mean x.{'swapaxes' if numpy else 'transpose'}(1, 2)?"
        case (size, _, _) if size == features:
            return f"The last axis is features: did you mean x.{'transpose' if numpy else 'permute'}(1, 2, 0)?"
        case (_, _, _, size) if size == features and 1 in shape[:3]:
            return f"There is one axis too many: did you mean x.squeeze({shape.index(1)})?"
        case (_, _, size, 1) if size == features:
            return "There is one axis too many: did you mean x.squeeze(3)?"
        case (_, _, _):
            return f"No axis holds {_count(features, 'D')}: choose other columns, or a network for {shape[2]}."
        case _:
            return f"There should be three axes and there are {len(shape)}."


def _count(size: int, letter: str) -> str:
    return f"{size} {_AXES[letter][: -1 if size == 1 else None]}"


@dataclass(frozen=True)
class Sequences:
    """Samples as one array, and a sentence that says how they were read.

    Attributes:
        values: (N, T, D) float; the steps after the end of a shorter sample are 0.
        lengths: (N,) int64, how many time steps each sample really has.
        note: what arrived and what it was read as.
    """

    values: NDArray[np.floating]
    lengths: NDArray[np.int64]
    note: str


def as_sequences(data: Any, layout: str | None = None) -> Sequences:
    """Read numbers in any common arrangement as samples, time steps and features.

    Args:
        data: a flat list or vector (T,): one sample of one feature; a 2-D array (N, T): a sample in each row; a
            table of pandas, polars or arrow (T, D): one sample with a feature in each column; a 3-D array
            (N, T, D); or a list of samples (T_i,) or (T_i, D) of any lengths.
        layout: the letters N (samples), T (time steps), D (features) in the order of the axes as they arrive,
            such as "TD", "NT" or "TND"; it takes the place of the guess.

    Returns:
        The values (N, T, D), float32 if they came so and float64 otherwise, with their lengths and a note.

    Raises:
        ShapeError: the axes cannot be read so.
        DataError: there is something else than numbers; the message says where.

    Example:
        >>> read = as_sequences([[1, 2, 3], [4, 5]])
        >>> read.values.shape, read.lengths.tolist()
        ((2, 3, 1), [3, 2])
        >>> as_sequences(np.zeros((12, 4)), layout="TD").note
        'an array of shape (12, 4), read as 1 sample x 12 time steps x 4 features'
    """
    if is_table(data):
        array, arrived, layout = _columns(data), "a table", layout or "TD"
    elif isinstance(data, list | tuple) and any(
        isinstance(item, list | tuple) or hasattr(item, "to_numpy") or getattr(item, "ndim", 0) for item in data
    ):
        samples = [as_numbers(item, f"sample {i}", "TD") for i, item in enumerate(data)]
        if len({sample.shape for sample in samples}) > 1:
            return _ragged(samples, layout)
        array, arrived = np.stack(samples), f"a list of {_count(len(samples), 'N')}"
    else:
        array = as_numbers(data, "", layout or "")
        arrived = "a list" if isinstance(data, list | tuple) else "an array"
    if array.ndim not in _LAYOUTS:
        raise ShapeError(f"Got {arrived} of shape {array.shape}; sequences have one, two or three axes.")
    values = _arrange(array, layout or _LAYOUTS[array.ndim][0], _LAYOUTS[array.ndim])
    if 0 in values.shape:
        raise ShapeError(f"Got {arrived} of shape {array.shape}, which is empty; give at least one time step.")
    lengths = np.full(len(values), values.shape[1], dtype=np.int64)
    other = "; layout='TD' reads the rows as time steps" if layout is None and array.ndim == 2 else ""
    return Sequences(values, lengths, f"{arrived} of shape {array.shape}, read as {_axes(values, lengths)}{other}")


def pad(sequences: Sequence[Any]) -> tuple[NDArray[np.floating], NDArray[np.int64]]:
    """Put samples of different lengths into one array, with 0 after the end of the shorter ones.

    Args:
        sequences: N samples, each (T_i,) or (T_i, D).

    Returns:
        The values (N, T, D), T being the longest T_i, and the lengths (N,).

    Raises:
        ShapeError: a sample is empty, or has other features than the first.
        DataError: a sample holds something else than numbers.

    Example:
        >>> values, lengths = pad([[1.0, 2.0, 3.0], [4.0]])
        >>> values[:, :, 0].tolist(), lengths.tolist()
        ([[1.0, 2.0, 3.0], [4.0, 0.0, 0.0]], [3, 1])
    """
    samples = [as_numbers(item, f"sample {i}", "TD") for i, item in enumerate(sequences)]
    if not samples:
        raise ShapeError("There are no samples: the list is empty.")
    for i, sample in enumerate(samples):
        if sample.ndim not in (1, 2) or sample.size == 0:
            raise ShapeError(
                f"Sample {i} has shape {sample.shape}: it must be (time steps,) or (time steps, features)."
            )
        if sample.shape[1:] != samples[0].shape[1:]:
            shapes = f"{sample.shape} and sample 0 {samples[0].shape}"
            raise ShapeError(f"Sample {i} has shape {shapes}: give all samples the same features, in the last axis.")
    samples = [sample.reshape(len(sample), -1) for sample in samples]
    lengths = np.array([len(sample) for sample in samples], dtype=np.int64)
    values = np.zeros((len(samples), int(lengths.max()), samples[0].shape[1]), dtype=np.result_type(*samples))
    for row, sample in zip(values, samples, strict=True):
        row[: len(sample)] = sample
    return values, lengths


def unpad(values: NDArray[Any], lengths: Sequence[int] | NDArray[np.integer]) -> list[NDArray[Any]]:
    """Cut padded samples back to their own lengths.

    Args:
        values: (N, T, D).
        lengths: (N,), each from 1 to T.

    Returns:
        N arrays (T_i, D), which are copies.

    Raises:
        ShapeError: the lengths do not go with the values.

    Example:
        >>> [sample.shape for sample in unpad(np.zeros((2, 3, 1)), [3, 1])]
        [(3, 1), (1, 1)]
    """
    if values.ndim != 3 or len(values) != len(lengths):
        got = f"{values.shape} and {len(lengths)} lengths"
        raise ShapeError(f"unpad expects (samples, time steps, features) and a length for each sample, got {got}.")
    for i, length in enumerate(lengths):
        if not 1 <= length <= values.shape[1]:
            raise ShapeError(f"Sample {i} has {values.shape[1]} time steps, so its length cannot be {length}.")
    return [row[: int(length)].copy() for row, length in zip(values, lengths, strict=True)]


def describe(x: Any) -> str:
    """Say in one line how many samples, time steps and features there are, and how the first sample begins.

    Args:
        x: a Sequences, or anything that `as_sequences` takes.

    Returns:
        The line.

    Raises:
        ShapeError, DataError: as `as_sequences`.

    Example:
        >>> describe([[[1, 2], [3, 4]], [[5, 6], [7, 8]]])
        '2 samples x 2 time steps x 2 features; sample 0 has steps [1, 2], [3, 4]'
    """
    read = x if isinstance(x, Sequences) else as_sequences(x)
    sample = read.values[0, : read.lengths[0]]
    steps = [", ".join(f"{value:g}" for value in step[:4]) + (", ..." if len(step) > 4 else "") for step in sample[:3]]
    shown = ", ".join(steps if sample.shape[1] == 1 else [f"[{step}]" for step in steps])
    return f"{_axes(read.values, read.lengths)}; sample 0 has steps {shown}{', ...' if len(sample) > 3 else ''}"


def is_table(data: Any) -> bool:
    """Whether data is a table, such as a frame of pandas, polars or arrow.

    Example:
        >>> is_table(np.zeros((2, 3)))
        False
    """
    return hasattr(data, "column_names") or (hasattr(data, "to_numpy") and hasattr(data, "columns"))


def as_numbers(data: Any, where: str = "", layout: str = "") -> NDArray[np.floating]:
    """Turn what holds numbers into an array of floats, and name what is no number by where it stands.

    Args:
        data: an array, a tensor, a column or lists of any shape; None is refused, a masked value becomes NaN.
        where: what to call the data in messages.
        layout: the letters of its axes (N samples, T time steps, D features), for messages.

    Returns:
        The numbers, float32 if they came in 16 or 32 bits and float64 otherwise.

    Raises:
        ShapeError: lists inside lists have different lengths.
        DataError: there is something else than numbers; a NotANumberError where it cannot even be read as one.

    Example:
        >>> as_numbers([1, 2.5]).tolist()
        [1.0, 2.5]
        >>> as_numbers([[1, "x"]], layout="NT")
        Traceback (most recent call last):
        ...
        recuerdo.errors.DataError: 'x' (sample 0, time step 1) is no number: make it one or leave it out.
    """
    if hasattr(data, "detach"):  # a torch tensor; numpy has no bfloat16
        data = data.detach().cpu()
        data = data.float() if str(data.dtype) == "torch.bfloat16" else data
    if isinstance(data, np.ma.MaskedArray):
        data = np.ma.filled(data.astype(np.float64), np.nan)
    try:
        array = np.asarray(data)
    except ValueError as error:  # numpy's word for lists of lists of different lengths
        message = f"In {where or 'the data'} the rows have different lengths, so there is no features axis."
        raise ShapeError(message) from error
    if array.dtype.kind in "fiub":
        return array.astype(np.float32 if array.dtype in (np.float16, np.float32) else np.float64, copy=False)
    # Dates in nanoseconds would become integers here, in microseconds they stay what they are.
    array = np.asarray(array.astype(f"{array.dtype.kind}8[us]") if array.dtype.kind in "mM" else data, dtype=object)
    for place, value in np.ndenumerate(array):
        if not isinstance(value, Real | Decimal):
            letters = layout if len(layout) >= len(place) else _LAYOUTS.get(len(place), ("",))[0]
            steps = [f"{_AXES[letter][:-1]} {i}" for letter, i in zip(letters, place, strict=False)]
            spot = ", ".join([where] * bool(where) + steps)
            mend = "write float('nan') where one is missing" if value is None else "make it one or leave it out"
            said = f"{value!r}{f' ({spot})' if spot else ''} is no number: {mend}"
            if value is None or isinstance(value, str):
                raise DataError(f"{said}.")
            raise NotANumberError(f"{said} ({_of_float(value)}).")
    return array.astype(np.float64)


def _columns(table: Any) -> NDArray[np.floating]:
    names = list(getattr(table, "column_names", None) or table.columns)
    if len(set(names)) < len(names):
        raise DataError(f"The table has two columns of one name, among {names}: rename one.")
    columns = [as_numbers(table[name], f"column {name!r}", "T") for name in names]
    return np.stack(columns, axis=1) if columns else np.zeros((len(table), 0))


def _ragged(samples: list[NDArray[np.floating]], layout: str | None) -> Sequences:
    offered = ("NT",) if samples[0].ndim == 1 else ("NTD", "NDT")
    if layout is not None and layout not in offered:
        raise ShapeError(_no_layout(layout, "samples of different lengths", offered))
    values, lengths = pad([sample.T if layout == "NDT" else sample for sample in samples])
    note = f"a list of {_count(len(samples), 'N')}, read as {_axes(values, lengths)}"
    return Sequences(values, lengths, f"{note} (shorter samples padded with 0)")


def _arrange(array: NDArray[np.floating], layout: str, offered: tuple[str, ...]) -> NDArray[np.floating]:
    """Move the axes of array, named by layout, to (N, T, D); a missing one gets length 1."""
    if layout not in offered:
        raise ShapeError(_no_layout(layout, f"shape {array.shape}", offered))
    present = [letter for letter in "NTD" if letter in layout]
    array = array.transpose([layout.index(letter) for letter in present])
    return np.expand_dims(array, tuple(i for i, letter in enumerate("NTD") if letter not in layout))


def _no_layout(layout: str, what: str, offered: tuple[str, ...]) -> str:
    letters = "N is samples, T time steps, D features"
    return f"layout={layout!r} does not go with {what}: {letters}; choose from {', '.join(offered)}."


def _axes(values: NDArray[Any], lengths: NDArray[np.int64]) -> str:
    samples, longest, features = values.shape
    shortest = f"{lengths.min()} to " if lengths.min() < longest else ""
    return f"{_count(samples, 'N')} x {shortest}{_count(longest, 'T')} x {_count(features, 'D')}"


def _of_float(value: Any) -> str:
    """What Python says of a value that it cannot turn into a number, which scikit-learn's checks look for."""
    try:
        return f"a {type(value).__name__}, though float() gives {float(value)}"
    except (TypeError, ValueError) as error:
        return str(error)
