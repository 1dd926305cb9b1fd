"""What is to be learned of each row, as an array: classes by name or number, or the targets of a regression."""

from collections.abc import Callable
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from recuerdo.data.stamps import text_of
from recuerdo.errors import DataError

__all__ = ["LABEL_NAMES", "TEXT_NAMES", "holds_text", "labels_of"]

TEXT_NAMES = ("text", "sentence", "review")
"""What a column of texts is called where nobody has said which it is."""

LABEL_NAMES = ("label", "class", "target", "sentiment")
"""What a column of labels is called where nobody has said which it is."""


def holds_text(column: nw.Series[Any]) -> bool:
    """Whether a column is of text by its type, or may hold some because it may hold anything."""
    return column.dtype in (nw.String, nw.Categorical, nw.Object) or isinstance(column.dtype, nw.Enum)


def labels_of(
    column: nw.Series[Any],
    rows: NDArray[np.int64],
    where: str,
    place: Callable[[int], str] = lambda _: "",
    *,
    may_lack: bool = False,
) -> NDArray[Any]:
    """A column of labels (R,) as int64, float64, bool or text, whatever it is in the table.

    Args:
        column: (R,) the labels.
        rows: (R,) the number of each row, for messages.
        where: what to call the table in messages.
        place: what messages say more of the row at a place.
        may_lack: whether rows may have none: where some have, it is a masked array, which hides theirs.

    Raises:
        DataError: a row has no label and may not lack it, or an infinite one, or the column holds neither numbers nor
            text.
    """
    where = f"{where}, column {column.name!r}"
    absent = column.is_null().to_numpy()
    if may_lack and absent.all():
        return np.ma.MaskedArray(np.zeros(len(absent)), absent)
    kind = column.dtype
    is_text = holds_text(column)
    if not (kind.is_numeric() or kind == nw.Boolean or is_text):
        raise DataError(f"{where} is of type {kind}, neither text nor numbers. Name another as label= (--label).")
    if is_text:
        labels = text_of(column).fill_null("")
        absent = absent | (labels.str.strip_chars() == "").to_numpy()
        labels = np.array(labels.to_list(), dtype=np.str_)
    else:
        filled = column.cast(nw.Float64) if not kind.is_integer() and kind != nw.Boolean else column
        labels = (filled.fill_null(0) if kind.is_numeric() else filled.fill_null(False)).to_numpy()
        labels = labels.astype({"b": np.bool_, "f": np.float64}.get(labels.dtype.kind, np.int64))
        absent = absent | np.isnan(labels)
    if absent.any() and not may_lack:
        i = int(absent.argmax())
        more = f" ({absent.sum()} such rows)" if absent.sum() > 1 else ""
        raise DataError(f"{where}, row {rows[i]}{place(i)} has no label{more}. Write it, or take the row out.")
    if labels.dtype.kind == "f" and np.isinf(labels).any():
        i = int(np.isinf(labels).argmax())
        raise DataError(f"{where}, row {rows[i]}{place(i)} is {labels[i]}, which is no label. Correct it.")
    return np.ma.MaskedArray(labels, absent) if absent.any() else labels
