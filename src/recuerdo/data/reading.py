"""Files to tables: what separates the cells, marks the decimals and encodes the letters is found out, and said."""

import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recuerdo.data.times import looks_like_dates
from recuerdo.errors import DataError

__all__ = ["MISSING", "Table", "decoded", "is_parquet", "read", "read_written", "typed", "unpacked"]

_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars", ",": "commas"}
MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "<NA>"]
"""What stands in a text file for a missing cell."""

_NUMBER = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$|^[+-]?(?:inf|Inf|INF)$"
_COMMA_NUMBER = r"^[+-]?\d*,?\d+$"
_COMMA_AND_POINTS = r"^[+-]?\d{1,3}(?:\.\d{3})+,\d+$"
# A comma with any but three digits behind it, or a zero or points before it, marks decimals and not thousands.
_CLEAR_COMMA = rf"^[+-]?(?:\d*,\d{{1,2}}|\d*,\d{{4,}}|0?,\d{{3}})$|{_COMMA_AND_POINTS}"
_POINT_THOUSANDS = r"^[+-]?\d{1,3}(?:\.\d{3})+$"
_LEADING_ZERO = r"^0\d"
_LEAD = re.compile(r"(?:sep=.[ \t]*\r?\n)?(?: *\r?\n)*")  # what tells Excel the separator, and empty lines
_HEADLESS = re.compile(r"^[+-]?[\d.,:/TZ +-]+$")
_ENCLOSED = re.compile(r'(?:^|(?<=[\t\n]))"(?:[^"]|"")*"(?=[\t\r\n]|$)')  # a cell between tabs
_PARQUET = b"PAR1"
_BOMS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


@dataclass(frozen=True)
class Table:
    """A table with what is needed to talk about it.

    Attributes:
        frame: the cells; columns of numbers are numeric, all others are text.
        rows: (T,) the number of each row as messages count it: in a text file the header is row 1.
        name: what to call the table, the name of its file.
        notes: what was found out about the file.
    """

    frame: pl.DataFrame
    rows: NDArray[np.int64]
    name: str
    notes: tuple[str, ...]


def read(path: str | Path) -> Table:
    """Read a table from a CSV, TSV or Parquet file, which may be compressed with gzip, or from a folder of such.

    Args:
        path: the file, or a folder whose files, in all folders below it too, are one table. In a text file the
            separator may be a comma, a semicolon, a tab or a bar; the decimals may be marked by a point or a comma;
            the letters may be UTF-8, UTF-16 with a mark, or Latin-1 (Windows-1252).

    Returns:
        The table.

    Raises:
        DataError: there is no such file, or no table in it.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     _ = Path(folder, "sales.csv").write_text("day;sold\\n2020-01-01;1,5\\n2020-01-02;2,5\\n")
        ...     table = read(Path(folder, "sales.csv"))
        >>> table.frame["sold"].to_list(), table.notes
        ([1.5, 2.5], ('sales.csv is read with semicolons between cells and decimal commas',))
    """
    if not str(path).strip():
        raise DataError(
            "The path of the table is empty: is it of a variable that is not set? For the present folder write '.'."
        )
    path = Path(path)
    if path.is_dir():
        from recuerdo.data.folders import read_folder  # which reads its files by this function

        return read_folder(path)
    try:
        parquet = is_parquet(path)
    except OSError as error:
        raise _unreadable(path, error) from error
    if parquet:
        return _read_parquet(path, path.name)
    content = unpacked(path)
    if content.startswith(_PARQUET):
        return _read_parquet(io.BytesIO(content), path.name)
    text, encoding = decoded(content, path.name)
    return _read_text(text, path.name, encoding)


def read_written(path: Path) -> Table:
    """Read a CSV or TSV file as `read` does, with every cell as it is written: as text, and none of them missing.

    Between tabs a quotation mark may be a plain letter: it is one where cells hold some that do not enclose the cell,
    and every line has as many tabs as the header.

    Args:
        path: the file, which is no Parquet file.

    Returns:
        The table, all columns text, empty cells "".

    Raises:
        DataError: there is no such file, or no table in it.
    """
    text, encoding = decoded(unpacked(path), path.name)
    return _read_text(text, path.name, encoding, written=True)


def is_parquet(path: Path) -> bool:
    """Whether a file begins as Parquet does."""
    with path.open("rb") as file:
        return file.read(len(_PARQUET)) == _PARQUET


def unpacked(path: Path) -> bytes:
    """The bytes of a file, without the gzip around them if there is one.

    Raises:
        DataError: there is no such file, or it cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error
    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path.name} is cut off or damaged: it begins as gzip and does not end so.") from error


def _unreadable(path: Path, error: OSError) -> DataError:
    if isinstance(error, FileNotFoundError):
        return DataError(f"There is no file {path}. Look at the spelling and the folder.")
    return DataError(f"{path} cannot be read: {error.strerror}.")


def _read_parquet(source: Path | io.BytesIO, name: str) -> Table:
    try:
        frame = pl.read_parquet(source, hive_partitioning=False)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{name} is cut off or damaged: it begins as Parquet and is not.") from error
    return Table(frame, np.arange(len(frame)), name, (f"{name} is read as Parquet; rows count from 0",))


def decoded(content: bytes, name: str, mend: str = "Save it as CSV or Parquet.") -> tuple[str, str]:
    """The text that bytes hold, and the encoding that they are in: UTF-8, UTF-16 with a mark, or Latin-1.

    Args:
        content: the bytes of a file.
        name: what to call the file in messages.
        mend: what to do where it is no text.

    Raises:
        DataError: it is no text.
    """
    encoding = next((encoding for mark, encoding in _BOMS.items() if content.startswith(mark)), None)
    if encoding is None and (b"\0" in content or content.startswith(b"PK")):
        raise DataError(f"{name} is no text: it may be a spreadsheet. {mend}")
    for attempt in [encoding] if encoding else ["utf-8", "cp1252", "latin-1"]:
        try:
            return content.decode(attempt), attempt
        except UnicodeDecodeError:
            continue  # the next encoding; the last one without a mark, Latin-1, takes every byte
    raise DataError(f"{name} begins with the mark of {encoding} and is not so encoded. Save it as UTF-8.")


def _read_text(text: str, name: str, encoding: str, *, written: bool = False) -> Table:
    if "\n" not in text:
        text = text.replace("\r", "\n")  # as an old Macintosh ended its lines
    lines = text.count("\n")
    text = _LEAD.sub("", text, count=1)
    lines_before = lines - text.count("\n")
    if not text.strip():
        raise DataError(f"{name} is empty. It should hold a header and one row for each time step.")
    separator = _separator(text)
    plain = written and separator == "\t" and _plain_quotes(text)
    records = (
        (line.rstrip("\r").split(separator) for line in text.split("\n")) if plain else _records(text, separator, name)
    )
    first = next(records)
    second = next((record for record in records if record), [])
    # A header without a name is taken for row numbers in the first column, and for what a spreadsheet left elsewhere.
    header = [cell.strip() or (f"column_{i}" if i else "") for i, cell in enumerate(first)]
    headless = any(header) and (
        all(_HEADLESS.match(cell) for cell in header if cell)
        or any(looks_like_dates(pl.Series(cells)) for cells in zip(header, second, strict=False))
    )
    if not headless and len(set(header)) < len(header):
        twice = next(cell for cell in header if header.count(cell) > 1)
        raise DataError(f"{name} has several columns called {twice!r} in its header. Rename all but one.")
    try:
        frame = pl.read_csv(
            text.encode(),
            separator=separator,
            has_header=not headless,
            infer_schema=False,
            quote_char=None if plain else '"',
        )
    except pl.exceptions.PolarsError as error:
        raise _misfit(text, separator, name, lines_before) from error
    if not headless:
        frame.columns = header
        unnamed = [column for column, cell in zip(header, first, strict=True) if not cell.strip()]
        frame = frame.drop(column for column in unnamed if frame[column].is_null().all())
    rows = np.arange(len(frame), dtype=np.int64) + (1 if headless else 2) + lines_before
    frame = frame.with_columns(pl.all().str.strip_chars())
    filled = frame.select(pl.any_horizontal(pl.all().str.len_chars() > 0).fill_null(False)).to_series()
    if not filled.any():
        raise DataError(f"{name} has a header ({', '.join(header)}) and no rows below it.")
    rows, frame = rows[filled.to_numpy()], frame.filter(filled)
    if written:
        return Table(frame.with_columns(pl.all().fill_null("")), rows, name, ())
    frame = frame.with_columns(pl.when(pl.all().is_in(MISSING)).then(None).otherwise(pl.all()).name.keep())
    clear = [column for column in frame if column.str.contains(_CLEAR_COMMA).any()]
    # One cell such as "12,15" among words makes points doubtful; only a column of numbers makes commas decimal.
    decimal = any(column.drop_nulls().str.contains(f"{_COMMA_NUMBER}|{_COMMA_AND_POINTS}").all() for column in clear)
    frame = frame.select(typed(column, bool(clear), decimal) for column in frame)
    comma = decimal and any(dtype.is_float() for dtype in frame.dtypes)
    plain = frame.width == 1 or (separator == "," and not comma)  # as any table of that kind is
    said = [f"{_SEPARATORS[separator]} between cells"] * (not plain) + ["decimal commas"] * comma
    said += [f"letters in {encoding}"] * (encoding != "utf-8") + ["no header"] * headless
    return Table(frame, rows, name, (f"{name} is read with {' and '.join(said)}",) if said else ())


def _records(text: str, separator: str, name: str, plain: bool = False) -> Iterator[list[str]]:
    quoting = csv.QUOTE_NONE if plain else csv.QUOTE_MINIMAL
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=separator, quoting=quoting)
    except csv.Error as error:  # a cell larger than any that is meant
        raise _open_quote(name) from error


def _separator(text: str) -> str:
    """The mark that stands equally often in all of the first lines; a comma may mark decimals, so it comes last."""
    lines = [re.sub(r'"[^"]*"', "", line) for line in text[:100_000].splitlines() if line.strip()][:50]
    counts = {mark: [line.count(mark) for line in lines] for mark in _SEPARATORS}
    even = {mark: sum(n == count[0] for n in count) for mark, count in counts.items() if count[0]}
    return max(even, key=lambda mark: even[mark], default=",")


def _plain_quotes(text: str) -> bool:
    """Whether the quotation marks in a file of tabs are letters and enclose nothing."""
    tabs = {line.count("\t") for line in text.split("\n") if line.strip("\r")}
    return len(tabs) == 1 and '"' in _ENCLOSED.sub("", text)


def _misfit(text: str, separator: str, name: str, lines_before: int) -> DataError:
    """What polars could not make a table of, in words."""
    records = _records(text, separator, name)
    header = next(records)
    for row, record in enumerate(records, lines_before + 2):
        if len(record) > len(header):
            return DataError(
                f"{name}, row {row} has {len(record)} cells and the header {len(header)}. Quote the cells that hold "
                f"{_SEPARATORS[separator]}, complete the header, or take out the lines above it."
            )
    return _open_quote(name)


def _open_quote(name: str) -> DataError:
    return DataError(f'{name} is no table: a quotation mark is opened and not closed. Look for a single " in it.')


def typed(column: pl.Series, points_doubtful: bool = False, decimal_comma: bool = False) -> pl.Series:
    """The column as integers or floats if all of its cells are so, else as it is."""
    cells = column.drop_nulls()
    if not len(cells) or cells.str.contains(_LEADING_ZERO + r"\d*$").any():  # 007 is a name
        return column
    if points_doubtful and cells.str.contains(_POINT_THOUSANDS).any():
        return column  # 1.234 beside 0,5: it may be 1234
    if cells.str.contains(_NUMBER).all():
        integers = column.cast(pl.Int64, strict=False)
        return integers if integers.null_count() == column.null_count() else column.cast(pl.Float64)
    if decimal_comma and cells.str.contains(_COMMA_NUMBER).all():
        return column.str.replace(",", ".", literal=True).cast(pl.Float64)
    return column
