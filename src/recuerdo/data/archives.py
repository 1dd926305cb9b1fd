"""The files of the UCR and UEA archives of time series: .ts and .tsv, as one array of sequences and their labels."""

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recuerdo.data.ragged import Ragged
from recuerdo.data.reading import decoded, unpacked
from recuerdo.errors import DataError

__all__ = ["Archive", "is_archive", "read_archive"]

_MEND = "Files of the UCR and UEA archives are .ts or .tsv text."


@dataclass(frozen=True, eq=False)
class Archive:
    """The sequences of one file of an archive, with what the file says of them.

    Attributes:
        sequences: N sequences, values (sum of T_i, D) float64, NaN where one is missing.
        labels: (N,) str, the classes as they are written; (N,) float64, the targets of a regression; None where the
            file has none.
        classes: the classes of the header of a .ts file in its order, or those found, sorted; None for other labels.
        dimensions: the names of the D features, dim_0, dim_1, ... since the files name none.
        problem: the name of the problem, from the header or else from the name of the file.
    """

    sequences: Ragged
    labels: NDArray[Any] | None
    classes: tuple[str, ...] | None
    dimensions: tuple[str, ...]
    problem: str

    def __len__(self) -> int:
        return len(self.sequences)


def read_archive(path: str | Path) -> Archive:
    """Read a file of the UCR or UEA archive.

    Args:
        path: a .ts file (one or several dimensions, of equal or unequal lengths, ? or NaN where a value is missing,
            @classLabel or @targetLabel; no time stamps) or a .tsv file (the label first, tabs between values; NaN at
            the end fills up shorter series and is cut off, NaN within is a missing value); either may be packed by
            gzip.

    Returns:
        The sequences and their labels.

    Raises:
        DataError: there is no such file, it is of another kind, or a line of it does not keep to the format; the
            message names the line.

    Source:
        Dau et al. 2019, The UCR time series archive (.tsv); Bagnall et al. 2018, The UEA multivariate time series
        classification archive, and Tan et al. 2021, Time series extrinsic regression (.ts).

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "Waves_TRAIN.ts")
        ...     _ = path.write_text("@univariate true\\n@classLabel true up down\\n@data\\n1,2,?,4:up\\n4,3:down\\n")
        ...     waves = read_archive(path)
        >>> waves.problem, waves.sequences.lengths.tolist(), waves.labels.tolist()
        ('Waves', [4, 2], ['up', 'down'])
    """
    path = Path(path)
    kind = path.name.lower().removesuffix(".gz").rpartition(".")[2]
    if kind not in ("ts", "tsv"):
        raise DataError(f"{path.name} is neither .ts nor .tsv. {_MEND} Read other tables by sequences_from_table.")
    text, _ = decoded(unpacked(path), path.name, _MEND)
    lines = [line.strip("\r ") for line in text.split("\n")]
    problem = re.sub(r"_(?:TRAIN|TEST)$", "", path.name.split(".")[0])
    return (_of_ts if kind == "ts" else _of_tsv)(lines, path.name, problem)


def is_archive(path: str | Path) -> bool:
    """Whether a file is one of an archive by its name, .ts, or by a first row of numbers between tabs, in a .tsv.

    Args:
        path: the file; a .tsv file with a header, or with texts, is a table and no archive.

    Raises:
        DataError: a .tsv file cannot be read.
    """
    name = Path(path).name.lower().removesuffix(".gz")
    if not name.endswith(".tsv"):
        return name.endswith(".ts")
    text, _ = decoded(unpacked(Path(path)), Path(path).name, _MEND)
    first = next((line for line in text.split("\n") if line.strip()), "")
    _, *cells = first.strip("\r ").split("\t")
    return bool(cells) and all(map(_finite, cells))


def _of_tsv(lines: list[str], name: str, problem: str) -> Archive:
    sequences, labels, width = [], [], None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{name}, line {number}"
        label, *cells = line.split("\t")
        if not cells:
            raise DataError(f"{where} has no tab in it. A row is a label and values, with tabs between them.")
        if label.strip() in ("", "?", "NaN"):
            raise DataError(f"{where} begins with {label!r} and has no label. Write the label first.")
        if len(cells) != (width := width or len(cells)):
            raise DataError(
                f"{where} has {len(cells)} values and the first row {width}: is it cut off? Fill up shorter series "
                "with NaN."
            )
        values = _numbers(cells, where)
        known = np.flatnonzero(~np.isnan(values))
        if not known.size:
            raise DataError(f"{where} has not a single value. Take the row out.")
        sequences.append(values[: known[-1] + 1, None])
        labels.append(label.strip())
    if not sequences:
        raise DataError(f"{name} is empty. A row is a label and values, with tabs between them.")
    classes = np.array(labels)
    return Archive(Ragged.of(sequences), classes, tuple(np.unique(classes).tolist()), ("dim_0",), problem)


@dataclass
class _Header:
    """What the lines above @data say; None where they say nothing."""

    labelled: bool = False
    classes: tuple[str, ...] | None = None
    targets: bool = False
    dimensions: int | None = None
    length: int | None = None
    equal: bool = False
    seen: set[str] = field(default_factory=set)

    def read(self, line: str, name: str, where: str) -> str | None:
        """Take in a line; gives the name of the problem where the line is the first to say it."""
        tag, *words = line[1:].split()
        tag = tag.lower().replace("dimensions", "dimension")
        first = tag not in self.seen
        self.seen.add(tag)
        match tag:
            case "problemname":
                return " ".join(words) if first and words else None
            case "timestamps" if _true(words, where):
                raise DataError(
                    f"{where}: the values have time stamps (@timeStamps true), which are not read. Keep the values "
                    "alone, one for each step, and write @timeStamps false."
                )
            case "univariate" if _true(words, where):
                self.dimensions = 1
            case "dimension":
                self.dimensions = _count(words, where)
            case "equallength":
                self.equal = _true(words, where)
            case "serieslength":
                self.length = _count(words, where)
            case "classlabel" if _true(words, where):
                self.labelled, self.classes = True, tuple(words[1:]) or None
            case "targetlabel":
                self.targets = _true(words, where)
        return None


def _of_ts(lines: list[str], name: str, problem: str) -> Archive:
    header, number = _Header(), 0
    for number, line in enumerate(lines, 1):
        where = f"{name}, line {number}"
        if not line or line[0] in "#%":
            continue
        if line[0] != "@" or len(line) == 1:
            raise DataError(f"{where} stands above @data and is neither a comment (#) nor a tag (@). Add @data.")
        if line.split()[0].lower() == "@data":
            break
        problem = header.read(line, name, where) or problem
    else:
        raise DataError(f"{name} has no line @data, so nothing in it is a sequence. Is it cut off?")
    if header.labelled and header.targets:
        raise DataError(f"{name} has both @classLabel true and @targetLabel true. Set one of them to false.")
    sequences, labels, first = [], [], None
    for below, line in enumerate(lines[number:], number + 1):
        if not line or line[0] in "#%":
            continue
        where = f"{name}, line {below}"
        cells = line.split(":")
        if header.labelled or header.targets:
            if len(cells) == 1:
                raise DataError(f"{where} has no label behind a colon. Is it cut off?")
            labels.append(_label(cells.pop().strip(), header, where))
        values = _dimensions(cells, header, where)
        if first is not None and values.shape[1] != first:
            raise DataError(f"{where} has {values.shape[1]} dimensions and the first row {first}. {_COLONS}")
        first = values.shape[1]
        if header.length is None and header.equal:
            header.length = len(values)
        sequences.append(values)
    if not sequences:
        raise DataError(f"{name} has no sequences below @data. Is it cut off?")
    classes = None
    if header.labelled:
        classes = header.classes or tuple(np.unique(labels).tolist())
    dimensions = tuple(f"dim_{i}" for i in range(first or 0))
    return Archive(Ragged.of(sequences), np.array(labels) if labels else None, classes, dimensions, problem)


_COLONS = "Colons stand between dimensions and before the label; without @classLabel true there is no label."


def _label(cell: str, header: _Header, where: str) -> str | float:
    if header.targets:
        try:
            target = float(cell)
        except ValueError:
            target = math.nan
        if not math.isfinite(target):
            raise DataError(f"{where} ends in {cell!r} where a number is the target. Is the row cut off?")
        return target
    if not cell or (header.classes is not None and cell not in header.classes):
        known = f" ({', '.join(header.classes)})" if header.classes else ""
        raise DataError(f"{where} ends in {cell!r}, which is no class of @classLabel{known}. Is the row cut off?")
    return cell


def _dimensions(cells: list[str], header: _Header, where: str) -> NDArray[np.float64]:
    """The values (T, D) of one sequence."""
    if header.dimensions not in (None, len(cells)):
        raise DataError(f"{where} has {len(cells)} dimensions, and the header says {header.dimensions}. {_COLONS}")
    columns = [_numbers(cell.split(","), f"{where}, dimension {i}") for i, cell in enumerate(cells)]
    for i, column in enumerate(columns):
        if len(column) != len(columns[0]):
            raise DataError(
                f"{where}: dimension {i} has {len(column)} values and dimension 0 has {len(columns[0])}. All have the "
                f"same time steps; write ? where a value is missing. {_COLONS}"
            )
    if header.length is not None and header.length != len(columns[0]):
        raise DataError(
            f"{where} has {len(columns[0])} time steps, and all have {header.length} (@equalLength, @seriesLength). Is "
            "the row cut off?"
        )
    return np.stack(columns, axis=1)


def _numbers(cells: list[str], where: str) -> NDArray[np.float64]:
    try:
        values = np.array([math.nan if cell == "?" else float(cell) for cell in cells])
    except ValueError:
        values = None
    if values is None or np.isinf(values).any():
        i = next(i for i, cell in enumerate(cells) if not _finite(cell))
        stamped = " Time stamps are not read." if "(" in cells[i] else ""
        raise DataError(f"{where}, value {i} is {cells[i]!r} and no number. Write ? or NaN for a missing one.{stamped}")
    return values


def _finite(cell: str) -> bool:
    try:
        return cell == "?" or not math.isinf(float(cell))
    except ValueError:
        return False


def _true(words: list[str], where: str) -> bool:
    if not words or words[0].lower() not in ("true", "false"):
        raise DataError(f"{where} says {words[0] if words else 'nothing'!r} where true or false belongs.")
    return words[0].lower() == "true"


def _count(words: list[str], where: str) -> int:
    if len(words) != 1 or not words[0].isdecimal() or not int(words[0]):
        raise DataError(f"{where} says {' '.join(words)!r} where a number of 1 or more belongs.")
    return int(words[0])
