"""A folder of files as one table, with what the names of its folders say (month=2024-01) as columns."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from recuerdo.data.reading import Table, is_parquet, read, typed
from recuerdo.errors import DataError

__all__ = ["read_folder"]

_TEXT = (".csv", ".tsv", ".txt")
_SHOWN = 3


def read_folder(folder: Path) -> Table:
    """Read all Parquet files, or all CSV files, of a folder and of the folders below it as one table.

    Args:
        folder: the folder. Files and folders whose names begin with . or _ are passed over, and so are files that are
            neither Parquet nor called .csv, .tsv or .txt (or these and .gz).

    Returns:
        The table; its rows count from 0 over the files in the order of their paths.

    Raises:
        DataError: there is no such file, or the files are not of one kind or have not the same columns.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not _hidden(path.relative_to(folder)))
    parquet = [path for path in files if is_parquet(path)]
    text = [path for path in files if path.name.removesuffix(".gz").endswith(_TEXT)]
    if not parquet and not text:
        raise DataError(f"{folder} is a folder without any Parquet or CSV file in it. Name another, or a file.")
    if parquet and text:
        raise DataError(
            f"{folder} holds both Parquet files, such as {parquet[0].relative_to(folder)}, and text files, such as "
            f"{text[0].relative_to(folder)}. Keep one kind in it."
        )
    files = parquet or text
    frame = _of_parquet(folder, files) if parquet else _of_text(folder, files)
    kind = "Parquet" if parquet else "CSV"
    notes = (f"{len(files)} {kind} files of {folder.name} are read as one table; rows count from 0 over all of them",)
    return Table(frame, np.arange(len(frame)), folder.name, notes)


def _of_parquet(folder: Path, files: Sequence[Path]) -> pl.DataFrame:
    try:
        schemas = [dict(pl.read_parquet_schema(path)) for path in files]
        _alike(folder, files, schemas)
        frames = [pl.scan_parquet(path, hive_partitioning=False).select(*schemas[0]) for path in files]
        counts = [int(count.item()) for count in pl.collect_all([frame.select(pl.len()) for frame in frames])]
        frame = pl.concat(frames, how="vertical_relaxed").collect()
    except pl.exceptions.PolarsError as error:
        raise DataError(f"A file of {folder} is cut off or damaged: it begins as Parquet and is not.") from error
    return _with_folders(frame, folder, files, counts)


def _of_text(folder: Path, files: Sequence[Path]) -> pl.DataFrame:
    frames = [read(path).frame for path in files]
    # A column without a cell in one file is of any type.
    frames = [
        frame.with_columns(pl.col(each.name).cast(pl.Null) for each in frame if each.is_null().all())
        for frame in frames
    ]
    _alike(folder, files, [dict(frame.schema) for frame in frames])
    frame = pl.concat([frame.select(frames[0].columns) for frame in frames], how="vertical_relaxed")
    return _with_folders(frame, folder, files, [len(frame) for frame in frames])


def _hidden(path: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.parts)


def _alike(folder: Path, files: Sequence[Path], schemas: Sequence[dict[str, pl.DataType]]) -> None:
    """Raises DataError if the files do not have the same columns, of types that go together."""
    first, expected = files[0].relative_to(folder), dict(schemas[0])
    for path, own in zip(files, schemas, strict=True):
        name = path.relative_to(folder)
        if own.keys() != expected.keys():
            sides = (("has", own.keys() - expected.keys()), ("lacks", expected.keys() - own.keys()))
            said = " and ".join(
                f"{has} {', '.join(map(repr, sorted(names)[:_SHOWN]))}" for has, names in sides if names
            )
            raise DataError(
                f"The files of {folder} have different columns: {name} {said}, unlike {first}. Give them the same, or "
                "leave one out."
            )
        for column, kind in own.items():
            if expected[column] == pl.Null:
                expected[column] = kind
            if kind not in (expected[column], pl.Null) and not (kind.is_numeric() and expected[column].is_numeric()):
                raise DataError(
                    f"The files of {folder} hold different things: column {column!r} is {kind} in {name} and "
                    f"{expected[column]} in {first}. Make them alike."
                )


def _with_folders(frame: pl.DataFrame, folder: Path, files: Sequence[Path], counts: Sequence[int]) -> pl.DataFrame:
    """The table with a column for each name of folders such as store=12."""
    said = [dict(part.split("=", 1) for part in path.relative_to(folder).parts[:-1] if "=" in part) for path in files]
    names = sorted({name for each in said for name in each})
    for name in names:
        lacking = next((path for path, each in zip(files, said, strict=True) if name not in each), None)
        if lacking is not None:
            raise DataError(
                f"Some folders of {folder} are called {name}=..., and {lacking.relative_to(folder)} is in none. Put it "
                "into one."
            )
        if name in frame.columns:
            raise DataError(f"The files of {folder} have a column {name!r}, and its folders too. Rename one of them.")
        cells = typed(pl.Series(name, [each[name] for each in said]))
        frame = frame.with_columns(cells.gather(np.repeat(np.arange(len(files)), counts)))
    return frame
