"""A small series and a small text that come with the package, for first steps and tests."""

from __future__ import annotations

from importlib.resources import as_file, files

import polars as pl


def air_passengers() -> pl.DataFrame:
    """Return the monthly airline passengers of 1949 to 1960: month ("1949-01") and passengers (thousands), 144 rows.

    Source:
        Box and Jenkins 1970, Series G; see SOURCE.md beside the file.

    Example:
        >>> air_passengers().tail(1).rows()
        [('1960-12', 432)]
    """
    with as_file(files(__name__) / "air_passengers.csv") as path:
        return pl.read_csv(path)


def quijote() -> str:
    """Return the first eight chapters of Don Quijote de la Mancha, in Spanish, to the windmills and beyond.

    Source:
        Miguel de Cervantes 1605, in modern spelling; see SOURCE.md beside the file.

    Example:
        >>> quijote().index("En un lugar de la Mancha")
        102
    """
    return (files(__name__) / "quijote.txt").read_text(encoding="utf-8")
