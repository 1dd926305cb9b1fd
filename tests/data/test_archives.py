"""The archives' files are read as their own sources describe them, and a damaged file is named with its line."""

import gzip
import re
from pathlib import Path

import numpy as np
import pytest

from recuerdo.data import is_archive, read_archive
from recuerdo.errors import DataError

SETS = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "classification"
needs_sets = pytest.mark.skipif(not SETS.is_dir(), reason="shared/data/classification is not on this machine")

# Name -> training rows, test rows, classes, dimensions, shortest, longest, and the error of a 1-NN with Euclidean
# distance that the archive's DataSummary gives: all as written in the SOURCE.md of each set.
SIZES = {
    "ArrowHead": (36, 175, 3, 1, 251, 251, 0.2000),
    "BasicMotions": (40, 40, 4, 6, 100, 100, 1 - 0.600),
    "DodgerLoopDay": (78, 80, 7, 1, 288, 288, 0.4125),
    "ECG200": (100, 100, 2, 1, 96, 96, 0.1200),
    "GunPoint": (50, 150, 2, 1, 150, 150, 0.0867),
    "ItalyPowerDemand": (67, 1029, 2, 1, 24, 24, 0.0447),
    "JapaneseVowels": (270, 370, 9, 12, 7, 29, None),
    "SwedishLeaf": (500, 625, 15, 1, 128, 128, 0.2112),
    "SyntheticControl": (300, 300, 6, 1, 60, 60, 0.1200),
    "Trace": (100, 100, 4, 1, 275, 275, 0.2400),
    "TwoLeadECG": (23, 1139, 2, 1, 82, 82, 0.2529),
    "UnitTest": (20, 22, 2, 1, 24, 24, None),
}
HEADER = "@problemName Waves\n@timeStamps false\n@univariate false\n@classLabel true up down\n@data\n"


@pytest.fixture
def write(tmp_path):
    def to_file(content, name="Waves_TRAIN.ts"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return to_file


def part(name, which):
    return read_archive(next((SETS / name).glob(f"{name}_{which}.ts*")))


@needs_sets
@pytest.mark.parametrize("name", SIZES)
def test_sizes_and_the_published_error_of_one_nearest_neighbour_are_found(name):
    *rows, classes, dimensions, shortest, longest, error = SIZES[name]
    train, test = part(name, "TRAIN"), part(name, "TEST")
    assert [len(train), len(test)] == rows
    lengths = np.concatenate([train.sequences.lengths, test.sequences.lengths])
    assert (lengths.min(), lengths.max()) == (shortest, longest)
    for archive in (train, test):
        assert archive.problem == name
        assert archive.sequences.values.shape[1] == len(archive.dimensions) == dimensions
        assert archive.classes == train.classes
        assert set(archive.labels) == set(train.classes)
        assert len(archive.classes) == classes
        assert not np.isnan(archive.sequences.values).any()
    if error is not None:
        known, asked = (archive.sequences.padded()[0].reshape(len(archive), -1) for archive in (train, test))
        distances = (asked**2).sum(1)[:, None] - 2 * asked @ known.T + (known**2).sum(1)
        assert (train.labels[distances.argmin(1)] != test.labels).mean() == pytest.approx(error, abs=5e-5)


@needs_sets
def test_the_first_values_are_those_of_the_file():
    vowels = part("JapaneseVowels", "TRAIN")
    np.testing.assert_array_equal(vowels.sequences[0][:3, 0], [1.860936, 1.891651, 1.939205])
    np.testing.assert_array_equal(part("UnitTest", "TEST").sequences[0][:3], [[501], [328], [195]])
    assert part("ECG200", "TRAIN").sequences[0][0, 0] == 0.50205548
    assert part("BasicMotions", "TEST").classes == ("Standing", "Running", "Walking", "Badminton")


@needs_sets
@pytest.mark.parametrize("which", ["TRAIN", "TEST"])
def test_the_ts_file_holds_what_the_arff_file_holds(which):
    archive = part("BasicMotions", which)
    text = (SETS / "BasicMotions" / f"BasicMotions_{which}.arff").read_text()
    rows = re.findall(r"^'?\"?(.*?)[\"']+,'?(\w+)", text.partition("@data")[2].strip(), flags=re.MULTILINE)
    theirs = np.array([[line.split(",") for line in row.split("\\n")] for row, _ in rows], dtype=float)
    np.testing.assert_allclose(archive.sequences.padded()[0].transpose(0, 2, 1), theirs, atol=1e-12)
    assert [label.lower() for label in archive.labels] == [label.lower() for _, label in rows]


def test_dimensions_lengths_missing_values_and_comments_are_read(write):
    head = "#about\n%more\n\n" + HEADER.replace("univariate", "UNIVARIATE").replace("@data", "@missing true\n@Data")
    waves = read_archive(write(head + "1,2,?:4,NaN,6:up\n\n# one of two\n7:8: down \r\n"))
    assert waves.problem == "Waves"
    assert waves.dimensions == ("dim_0", "dim_1")
    assert waves.classes == ("up", "down")
    assert waves.labels.tolist() == ["up", "down"]
    np.testing.assert_array_equal(waves.sequences[0], [[1, 4], [2, np.nan], [np.nan, 6]])
    np.testing.assert_array_equal(waves.sequences[1], [[7, 8]])


def test_targets_are_numbers_and_sequences_may_have_no_label(write):
    targets = read_archive(write("@targetlabel true\n@data\n1,2:0.5\n3,4:-2e1\n"))
    assert targets.labels.tolist() == [0.5, -20.0]
    assert targets.classes is None
    none = read_archive(write("@classLabel false\n@targetLabel false\n@data\n1,2:3,4\n"))
    assert none.labels is None
    assert none.sequences[0].tolist() == [[1, 3], [2, 4]]


def test_classes_that_the_header_leaves_out_are_those_found(write):
    assert read_archive(write("@classLabel true\n@data\n1:b\n2:a\n3:b\n")).classes == ("a", "b")


def test_nan_at_the_end_of_a_tsv_row_is_padding_and_within_it_is_missing(write):
    archive = read_archive(write("1\t0.5\tNaN\t2\tNaN\n2\tNaN\t1\tNaN\tNaN\n\n", "Waves_TEST.tsv"))
    assert archive.problem == "Waves"
    assert archive.labels.tolist() == ["1", "2"]
    assert archive.sequences.lengths.tolist() == [3, 2]
    np.testing.assert_array_equal(archive.sequences.values[:, 0], [0.5, np.nan, 2, np.nan, 1])


@pytest.mark.parametrize(("name", "rows"), [("a.ts.gz", "@classLabel true\n@data\n1,2:a\n"), ("a.TSV.gz", "a\t1\t2\n")])
def test_a_file_may_be_packed(write, name, rows):
    archive = read_archive(str(write(gzip.compress(rows.encode()), name)))
    assert archive.sequences.values.tolist() == [[1], [2]]
    assert archive.labels.tolist() == ["a"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (HEADER + "1,2:3,4:up\n1,2:3,", r"line 7 ends in '3,', which is no class of @classLabel \(up, down\)"),
        (HEADER + "1,2:3,4:up\n1,2", "line 7 has no label behind a colon. Is it cut off"),
        (HEADER + "1,2:3,4:up\n1,2:down\n", "line 7 has 1 dimensions and the first row 2. Colons stand between"),
        (HEADER + "1,2:3,4:up\n1,2:3:down\n", "line 7: dimension 1 has 1 values and dimension 0 has 2"),
        (HEADER + "1,2:3,4:sideways\n", "line 6 ends in 'sideways', which is no class"),
        (HEADER + "1,2:3,x:up\n", "line 6, dimension 1, value 1 is 'x' and no number. Write"),
        (HEADER + "1,,2:3,4,5:up\n", "line 6, dimension 0, value 1 is '' and no number"),
        (HEADER + "1,inf:3,4:up\n", "line 6, dimension 0, value 1 is 'inf' and no number"),
        (HEADER + "(0,1),(1,2):up\n", r"line 6, dimension 0, value 0 is '\(0' and no number.*Time stamps are not read"),
        (HEADER, "has no sequences below @data"),
        ("@univariate true\n@classLabel true a\n@data\n1:2:a\n", "line 4 has 2 dimensions, and the header says 1"),
        ("@dimensions 3\n@data\n1:2\n", "line 3 has 2 dimensions, and the header says 3"),
        ("@equalLength true\n@data\n1,2,3\n1,2\n", "line 4 has 2 time steps, and all have 3"),
        ("@equalLength true\n@seriesLength 4\n@data\n1,2,3\n", "line 4 has 3 time steps, and all have 4"),
        ("@seriesLength some\n@data\n1\n", "line 1 says 'some' where a number of 1 or more belongs"),
        ("@univariate\n@data\n1\n", "line 1 says 'nothing' where true or false belongs"),
        ("@timeStamps true\n@data\n(0,1)\n", "line 1: the values have time stamps .* Keep the values alone"),
        ("@classLabel true a\n@targetLabel true\n@data\n1:a\n", "both @classLabel true and @targetLabel true"),
        ("@targetLabel true\n@data\n1,2:3\n1,2:much\n", "line 4 ends in 'much' where a number is the target"),
        ("@targetLabel true\n@data\n1,2:NaN\n", "line 3 ends in 'NaN' where a number is the target"),
        ("@classLabel true\n@data\n1,2:\n", "line 3 ends in '', which is no class of @classLabel. Is the row cut off"),
        ("@univariate true\n1,2:up\n", "line 2 stands above @data"),
        ("@univariate true\n", "Waves_TRAIN.ts has no line @data"),
        ("", "Waves_TRAIN.ts has no line @data"),
        (b"\x00\x01\x02", "Waves_TRAIN.ts is no text: .* Files of the UCR and UEA archives are .ts or .tsv text"),
    ],
)
def test_a_ts_file_that_breaks_its_format_is_named_with_the_line(write, content, said):
    with pytest.raises(DataError, match=said):
        read_archive(write(content))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("1\t2\t3\n1\t2\n", "line 2 has 1 values and the first row 2: is it cut off"),
        ("1\t2\t3\n1 2 3\n", "line 2 has no tab in it"),
        ("1\t2\t3\n\t2\t3\n", "line 2 begins with '' and has no label"),
        ("1\t2\t3\nNaN\t2\t3\n", "line 2 begins with 'NaN' and has no label"),
        ("1\t2\t3\n1\tNaN\tNaN\n", "line 2 has not a single value"),
        ("label\ttext\n1\tgood\n", "line 1, value 0 is 'text' and no number"),
        ("\n", "Waves.tsv is empty"),
        (b"1\t2\x00", "Waves.tsv is no text"),
    ],
)
def test_a_tsv_file_that_breaks_its_format_is_named_with_the_line(write, content, said):
    with pytest.raises(DataError, match=said):
        read_archive(write(content, "Waves.tsv"))


def test_another_file_is_refused(write, tmp_path):
    with pytest.raises(DataError, match=r"Waves.arff is neither .ts nor .tsv"):
        read_archive(write("@data\n", "Waves.arff"))
    with pytest.raises(DataError, match="There is no file"):
        read_archive(tmp_path / "nowhere.ts")
    (tmp_path / "folder.ts").mkdir()
    with pytest.raises(DataError, match=r"folder.ts cannot be read"):
        read_archive(tmp_path / "folder.ts")
    with pytest.raises(DataError, match="cut off or damaged"):
        read_archive(write(gzip.compress(b"1\t2\n" * 999)[:-9], "Waves.tsv.gz"))


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.ts", "@data", True),
        ("a_TRAIN.tsv", "1\t0.5\t-1e3\tNaN\n", True),
        ("a.tsv", "\n up\t1\t2\r\n", True),
        ("a.tsv", "label\ttext\n1\tgood\n", False),
        ("a.tsv", "1\tgood\n", False),
        ("a.tsv", "alone\n", False),
        ("a.tsv", "", False),
        ("a.csv", "1,2", False),
        ("a.parquet", "PAR1", False),
    ],
)
def test_a_file_of_an_archive_is_told_from_a_table(tmp_path, name, content, expected):
    (tmp_path / name).write_bytes(content.encode())
    assert is_archive(tmp_path / name) is expected
    (tmp_path / f"{name}.gz").write_bytes(gzip.compress(content.encode()))
    assert is_archive(str(tmp_path / f"{name}.gz")) is expected


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere\.tsv"):
        is_archive(tmp_path / "nowhere.tsv")
