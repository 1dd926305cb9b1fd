"""What a person hands to a classifier as X becomes ragged sequences, or a sentence that says why it cannot."""

from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from recuerdo.data.columns import numbers, written_numbers
from recuerdo.data.frames import opened
from recuerdo.data.ragged import Ragged
from recuerdo.data.stamps import text_of
from recuerdo.data.text_checks import quoted
from recuerdo.errors import DataError, OptionError, ShapeError
from recuerdo.shapes import as_numbers, is_table

__all__ = ["fixed_steps", "read_sequences", "require_like"]

_SAMPLES = " Its first axis seems to be samples: give each of them by itself, or concatenate such arrays first."
_OFFERED = "an array (samples, time steps, features), a table, or a list of (time steps, features) arrays"


def read_sequences(X: Any, *, who: str = "SequenceClassifier", dtype: type[np.floating] = np.float32) -> Ragged:
    """Read numbers in any form that scikit-learn or a person has them in as sequences.

    Args:
        X: an array or tensor (N, T, D); an array (N, T) or a table of numbers, in which each row is a sequence of one
            feature; a list of N arrays or lists (T_i,) or (T_i, D) of any lengths; or Ragged. NaN is a missing value.
        who: what reads them, for messages.
        dtype: np.float32 or np.float64, of the result.

    Returns:
        The sequences, values (sum of T_i, D). They may share the memory of X.

    Raises:
        ShapeError: an axis is missing, too many or empty, or a sequence has other features than the first.
        DataError: something in it is no number, or is infinite in this dtype; the message says where.
        OptionError: another dtype.

    Example:
        >>> read_sequences([[1, 2, 3], [4, 5]]).lengths.tolist()
        [3, 2]
        >>> read_sequences(np.zeros((10, 50, 3))).values.shape
        (500, 3)
        >>> read_sequences([np.zeros((4, 2)), np.zeros((4, 3))])
        Traceback (most recent call last):
        ...
        recuerdo.errors.ShapeError: Sequence 1 has 3 features and sequence 0 has 2. Give all the same features, in the
        last axis.
    """
    if dtype not in (np.float32, np.float64):
        raise OptionError(f"read_sequences(dtype={dtype!r}): choose np.float32 or np.float64.")
    if isinstance(X, Ragged):
        ragged = _of_ragged(X, who)
    elif is_table(X):
        ragged = _of_array(_of_table(X, who), who)
    elif _is_sparse(X):
        raise DataError(f"{who} got a sparse matrix, and sparse input is not read as sequences. Call X.toarray().")
    elif isinstance(X, list | tuple) or (_is_array(X) and _holds_sequences(X)):
        ragged = _of_list(list(X), who)
    elif _is_array(X):
        _not_complex(X, who)
        ragged = _of_array(as_numbers(X, layout="NTD"), who)
    else:
        raise DataError(f"{who} expects {_OFFERED}, got {_called(X)}.{_hint(X)}")
    return Ragged(_finite(ragged, who, dtype), ragged.starts)


def fixed_steps(X: Any) -> int | None:
    """How many time steps each sequence has by the form of X, which scikit-learn takes for the number of features.

    Args:
        X: what `read_sequences` takes.

    Returns:
        T for an array (N, T) or a table, else None: lists and arrays (N, T, D) may come with other lengths later.

    Example:
        >>> fixed_steps(np.zeros((10, 24))), fixed_steps(np.zeros((10, 24, 1)))
        (24, None)
    """
    if isinstance(X, Ragged | list | tuple) or not (is_table(X) or _is_array(X)):
        return None
    shape = X.shape if hasattr(X, "shape") else np.asarray(X).shape
    return int(shape[1]) if len(shape) == 2 else None


def require_like(sequences: Ragged, features: int, steps: int | None = None, who: str = "SequenceClassifier") -> None:
    """Make sure that sequences are like those of fit.

    Args:
        sequences: values (sum of T_i, D).
        features: D at fit.
        steps: T at fit where it is fixed (see `fixed_steps`), else None.
        who: what expects it, for the message.

    Raises:
        ShapeError: the features, or fixed time steps, are others.

    Example:
        >>> require_like(read_sequences(np.zeros((2, 5, 3))), features=4)
        Traceback (most recent call last):
        ...
        recuerdo.errors.ShapeError: X has 3 features, but SequenceClassifier is expecting 4 features as input. Give the
        features that it was fitted on, in the same order.
    """
    found = sequences.values.shape[1]
    if found != features:
        mend = "Give the features that it was fitted on, in the same order."
        if sequences.lengths.size and (sequences.lengths == features).all():
            alone = "One sequence (time steps, features) is X[None]. " if found == 1 else ""
            mend = f"{alone}The last axis is features: did you mean X.transpose(0, 2, 1)?"
        raise ShapeError(f"X has {found} features, but {who} is expecting {features} features as input. {mend}")
    other = np.flatnonzero(sequences.lengths != steps) if steps is not None else np.array([])
    if other.size:
        mend = "They are the time steps of a table of one feature: fit on a list of arrays where lengths differ."
        length = sequences.lengths[other[0]]
        raise ShapeError(f"X has {length} features, but {who} is expecting {steps} features as input. {mend}")


def _of_ragged(X: Ragged, who: str) -> Ragged:
    if X.values.ndim != 2 or X.values.dtype.kind != "f":
        raise ShapeError(
            f"{who} expects ragged sequences of (time steps, features) floats, got {X.values.dtype} steps of shape "
            f"{X.values.shape[1:]}. Token ids are for an embedding: give texts as a list of strings."
        )
    if not len(X) or not X.values.shape[1]:
        _of_array(np.zeros((len(X), 1, X.values.shape[1])), who)
    _none_empty(X.lengths)
    return X


def _of_table(X: Any, who: str) -> NDArray[np.floating]:
    if not len(X) or not X.shape[1]:
        return np.zeros(X.shape)
    if nw.dependencies.is_pandas_dataframe(X) and not all(isinstance(name, str) for name in X.columns):
        X = X.set_axis([str(name) for name in X.columns], axis=1)  # pandas numbers columns that have no names
    frame, rows, _, _ = opened(X, each="sequence")
    for name, kind in frame.schema.items():
        if not (kind.is_numeric() or kind in (nw.Boolean, nw.String, nw.Object)):
            raise DataError(f"{who} takes tables of numbers, and column {name!r} is of type {kind}. Leave it out.")
        if kind == nw.String and not written_numbers(text_of(frame[name])):
            raise DataError(f"{who} takes tables of numbers, and column {name!r} is of text. Leave it out.")
    frame = frame.with_columns(nw.col(name).cast(nw.Int8) for name, kind in frame.schema.items() if kind == nw.Boolean)
    return np.stack([numbers(frame[name], rows, f"The table for {who}") for name in frame.columns], axis=1)


def _of_array(array: NDArray[np.floating], who: str) -> Ragged:
    shape = array.shape
    if array.ndim < 2:
        raise ShapeError(
            f"{who}: Expected 2D array, got {array.ndim}D array instead, of shape {shape}. Reshape your data: "
            "X.reshape(1, -1) is one sequence, X.reshape(-1, 1) is sequences of one time step each."
        )
    if array.ndim > 3:
        raise ShapeError(f"{who} expects (samples, time steps, features), and X is of shape {shape}: drop an axis.")
    for axis, size in zip(("sample", "feature" if array.ndim == 2 else "time step", "feature"), shape, strict=False):
        if not size:  # in the words of scikit-learn
            raise ShapeError(
                f"{who}: Found array with 0 {axis}(s) (shape={shape}) while a minimum of 1 is required. Give at least "
                "one time step of one sequence."
            )
    starts = np.arange(shape[0] + 1, dtype=np.int64) * shape[1]
    return Ragged(array.reshape(-1, 1 if array.ndim == 2 else shape[2]), starts)


def _of_list(items: list[Any], who: str) -> Ragged:
    if not items:
        raise ShapeError(f"{who}: there are no sequences: Found array with 0 sample(s), the list is empty.")
    words = next((i for i, item in enumerate(items) if isinstance(item, str | bytes)), None)
    if words is not None:
        mixed = any(not isinstance(item, str) for item in items)
        raise DataError(
            f"{who}: sequence {words} is text ({quoted(items[words])}) where numbers belong. "
            + ("Give numbers only, or strings only." if mixed else "Turn it into numbers first.")
        )
    arrays = [_numbers_of(item, i, who) for i, item in enumerate(items)]
    axes = np.array([array.ndim for array in arrays])
    if not axes.any():
        return _of_array(np.array(arrays), who)
    wrong = np.flatnonzero((axes < 1) | (axes > 2))
    if wrong.size:
        i = int(wrong[0])
        raise ShapeError(
            f"{who}: sequence {i} of the list has shape {arrays[i].shape}, and each has to be (time steps,) or (time "
            f"steps, features).{_SAMPLES if axes[i] == 3 else ''}"
        )
    _none_empty(np.array([len(array) for array in arrays]))
    arrays = [array[:, None] if array.ndim == 1 else array for array in arrays]
    widths = np.array([array.shape[1] for array in arrays])
    other = np.flatnonzero(widths != widths[0])
    if other.size:
        i = int(other[0])
        raise ShapeError(
            f"Sequence {i} has {widths[i]} features and sequence 0 has {widths[0]}. Give all the same features, in the "
            "last axis."
        )
    if not widths[0]:
        return _of_array(arrays[0][None], who)
    return Ragged.of(arrays)


def _numbers_of(item: Any, i: int, who: str) -> NDArray[np.floating]:
    if isinstance(item, np.ndarray) and item.dtype in (np.float32, np.float64) and type(item) is np.ndarray:
        return item
    if _is_sparse(item):
        raise DataError(f"{who}: sequence {i} is a sparse matrix, which is not read. Call .toarray() on it.")
    _not_complex(item, who)
    return as_numbers(item, f"sequence {i}", "TD")


def _none_empty(lengths: NDArray[np.integer]) -> None:
    empty = np.flatnonzero(lengths == 0)
    if empty.size:
        more = f", and so are {empty.size - 1} others" if empty.size > 1 else ""
        raise ShapeError(f"Sequence {empty[0]} is empty{more}: there is nothing to judge. Leave it out.")


def _finite(ragged: Ragged, who: str, dtype: type[np.floating]) -> NDArray[Any]:
    with np.errstate(over="ignore"):
        values = ragged.values.astype(dtype, copy=False)
    infinite = np.isinf(values)
    if infinite.any():
        place, feature = np.argwhere(infinite)[0]
        i, step = ragged.where(place)
        raise DataError(
            f"{who} got infinity or a value too large for {np.dtype(dtype)}: {ragged.values[place, feature]:g} in "
            f"sequence {i}, time step {step}, feature {feature}. Write NaN where one is missing."
        )
    return values


def _not_complex(X: Any, who: str) -> None:
    if getattr(getattr(X, "dtype", None), "kind", "") == "c" or "complex" in str(getattr(X, "dtype", "")):
        raise DataError(f"{who}: Complex data not supported. Give the real and imaginary parts as two features.")


def _is_sparse(X: Any) -> bool:
    return hasattr(X, "toarray") and hasattr(X, "nnz")


def _is_array(X: Any) -> bool:
    """Whether X is an array, a tensor, or something that turns into one by itself."""
    return hasattr(X, "__array__") and not isinstance(X, type)


def _holds_sequences(X: Any) -> bool:
    """Whether X is a vector of arrays or lists, which is how numpy keeps those of different lengths."""
    return (
        isinstance(X, np.ndarray)
        and X.dtype == object
        and X.ndim == 1
        and any(isinstance(item, str | bytes | list | tuple) or np.ndim(item) for item in X[:1])
    )


def _called(X: Any) -> str:
    return "None" if X is None else f"a {type(X).__module__}.{type(X).__qualname__}".replace("builtins.", "")


def _hint(X: Any) -> str:
    if isinstance(X, str):
        return " Of a file, give what recuerdo.data.read_archive or sequences_from_table read from it."
    if hasattr(X, "collect"):
        return " Call .collect() first."
    return " Make a list of it first." if hasattr(X, "__iter__") else ""
