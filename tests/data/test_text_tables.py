"""Texts come out of a table as they were written, each with its label, whatever marks stand in them."""

import csv
import gzip
import io
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recuerdo.data import read_text_table, texts_from_table
from recuerdo.errors import DataError, OptionError

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "sentiment"
TEXTS = ["Málaga, ¡qué playa!", "", '"bad" is the word', "None", "it's 5\u20445 \U0001f600"]
LABELS = [1, 0, 0, 1, 1]

# Any letters but those that no line of a table holds; strip() is what reading a text file does to a cell.
cells = st.text(
    st.characters(codec="utf-8", exclude_characters="\t\n\r\0", exclude_categories=("Cc", "Cs")), max_size=12
)
texts = st.lists(cells.map(str.strip), min_size=2, max_size=8)


@pytest.fixture
def write(tmp_path):
    def to_file(content, name="reviews.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return to_file


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
@pytest.mark.parametrize("labels", [LABELS, ["up", "no", "no", "up", "up"], [True, False, False, True, True]])
def test_a_frame_gives_its_texts_and_labels(make, labels):
    found, answers = texts_from_table(make({"label": labels, "text": TEXTS}))
    assert found == TEXTS
    assert answers.tolist() == labels


@pytest.mark.parametrize("name", ["reviews.csv", "reviews.tsv", "reviews.csv.gz"])
def test_a_file_gives_the_texts_as_they_are_written(write, name):
    content = io.StringIO()
    separator = "\t" if "tsv" in name else ","
    pd.DataFrame({"label": LABELS, "text": TEXTS}).to_csv(content, sep=separator, index=False)
    packed = content.getvalue().encode()
    found, labels = texts_from_table(str(write(gzip.compress(packed) if "gz" in name else packed, name)))
    assert found == TEXTS
    assert labels.tolist() == LABELS


def test_a_parquet_file_gives_its_texts(tmp_path):
    pl.DataFrame({"label": LABELS, "text": TEXTS}).write_parquet(tmp_path / "reviews.parquet")
    assert texts_from_table(tmp_path / "reviews.parquet")[0] == TEXTS


@given(texts)
def test_any_text_between_tabs_without_enclosing_marks_comes_back(tmp_path_factory, written):
    path = tmp_path_factory.mktemp("texts") / "t.tsv"
    rows = ["label\ttext", '0\t" is no enclosing mark', *(f"{i}\t{one}" for i, one in enumerate(written, 1))]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8", newline="")
    found, labels = texts_from_table(path)
    assert found[1:] == written
    assert labels.tolist() == list(range(len(written) + 1))


@given(texts, st.sampled_from(["\t", ",", ";"]))
def test_any_text_that_a_writer_enclosed_comes_back(tmp_path_factory, written, separator):
    path = tmp_path_factory.mktemp("texts") / "t.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=separator, quoting=csv.QUOTE_ALL)
        writer.writerows([("label", "text"), *enumerate(written)])
    found, labels = texts_from_table(path)
    assert found == written
    assert labels.tolist() == list(range(len(written)))


def test_an_enclosed_text_may_have_lines_tabs_and_marks(write):
    found, _ = texts_from_table(write('label\ttext\n1\t"a ""b""\n\tc"\n0\td\n', "reviews.tsv"))
    assert found == ['a "b"\n\tc', "d"]


SIZES = {
    "mr/rt-polarity.tsv.gz": [5331, 5331],
    "restmex2021_es/restmex2021_train.csv.gz": [80, 145, 686, 1596, 2690],
    "review_polarity/review_polarity.tsv.gz": [1000, 1000],
    "sst2/train.tsv": [3310, 3610],
    "sst2/dev.tsv": [428, 444],
    "sst2/test.tsv": [912, 909],
}


@pytest.mark.skipif(not SHARED.is_dir(), reason="shared/data/sentiment is not on this machine")
@pytest.mark.parametrize("name", SIZES)
def test_shared_texts_are_read_without_an_argument(name):
    found, labels = texts_from_table(SHARED / name)
    assert np.unique(labels, return_counts=True)[1].tolist() == SIZES[name]
    assert min(map(len, found)) > 1
    if ".tsv" in name:
        opened = gzip.open if name.endswith("gz") else open
        with opened(SHARED / name, "rt", encoding="utf-8", newline="\n") as file:
            lines = [line.rstrip("\n").split("\t") for line in file]
        assert found == [line[lines[0].index("text")] for line in lines[1:]]


@pytest.mark.parametrize(
    ("columns", "named", "text", "label"),
    [
        ({"Sentence": ["x", "y"], "Class": ["a", "b"]}, {}, ["x", "y"], ["a", "b"]),
        ({"stars": [5, 1], "words": ["x", "y"]}, {}, ["x", "y"], [5, 1]),
        ({"sentiment": ["a", "b"], "words": ["x", "y"]}, {}, ["x", "y"], ["a", "b"]),
        ({"kind": ["a", "a"], "words": ["long", "longer"]}, {}, ["long", "longer"], ["a", "a"]),
        ({"Unnamed: 0": [0, 1], "text": ["x", "y"], "stars": [5, 1]}, {}, ["x", "y"], [5, 1]),
        ({"id": [7, 8], "title": ["t", "u"], "text": ["x", "y"], "label": [5, 1]}, {}, ["x", "y"], [5, 1]),
        ({"id": [7, 8], "title": ["t", "u"], "text": ["x", "y"]}, {"text": "title", "label": "id"}, ["t", "u"], [7, 8]),
        ({"a": ["x", "y"], "b": ["u", "v"]}, {"label": "a"}, ["u", "v"], ["x", "y"]),
    ],
)
@pytest.mark.parametrize("make", [pl.DataFrame, "csv"])
def test_the_columns_are_found_by_name_or_by_type(make, columns, named, text, label, tmp_path):
    table = pl.DataFrame(columns)
    if make == "csv":
        table.write_csv(tmp_path / "t.csv")
        table = tmp_path / "t.csv"
    found, labels = texts_from_table(table, **named)
    assert found == text
    assert labels.tolist() == label


def test_labels_may_be_left_out(write):
    table = pl.DataFrame({"id": [1, 2], "text": ["x", "y"]})
    assert texts_from_table(table, labelled=False) == (["x", "y"], None)
    assert texts_from_table(write("text\nx\ny\n"), labelled=False) == (["x", "y"], None)
    with pytest.raises(OptionError, match="label='id' names labels, and labelled=False"):
        texts_from_table(table, label="id", labelled=False)


def test_a_number_in_a_file_of_texts_is_a_text(write):
    assert texts_from_table(write("label,text\n1,007\n0,3.50\n"))[0] == ["007", "3.50"]


@pytest.mark.parametrize(
    ("table", "named", "said"),
    [
        ({"label": [1, 2], "text": ["x", None]}, {}, "column 'text', row 1 has no text. Write '' for an empty one"),
        ({"label": [1, None], "text": ["x", ""]}, {}, "column 'label', row 1 has no label"),
        ({"label": [1, 2], "text": [3, 4]}, {}, "'text' is of type Int64, and texts are needed"),
        ({"label": [1, 2], "x": [3, 4]}, {}, r"no column of texts; the columns are label, x. Name one with text="),
        ({"text": ["x"], "review": ["y"], "label": [1]}, {}, r"may hold the texts \(text, review\); the columns are"),
        ({"a": ["x", "y"], "b": ["u", "v"]}, {}, r"may hold the texts \(a, b\)"),
        ({"text": ["x"], "label": [1], "class": [1]}, {}, r"may hold the labels \(label, class\) beside the texts in"),
        ({"text": ["x"], "a": [1], "b": [1]}, {}, r"may hold the labels \(a, b\) .*Name one with label= \(--label\)"),
        ({"text": ["x"]}, {}, "no column of labels beside the texts in 'text'"),
        ({"text": ["x"], "label": [1]}, {"text": "txt"}, r"no column 'txt' \(text=, --text\).*Did you mean 'text'"),
        ({"text": ["x"], "label": [1]}, {"label": "lab"}, r"no column 'lab' \(label=, --label\)"),
        ({"text": ["x"], "label": [1]}, {"label": "text", "text": "text"}, "'text' of The table is named twice"),
        ({"text": [], "label": []}, {}, "has no rows. It should have one for each text"),
        ("label,text\n,good\n1,bad\n", {}, "reviews.csv, column 'label', row 2 has no label"),
        ("1,good film\n0,bad film\n1,fine\n", {}, "seems to have no header: '1' stands where the name of the labels"),
    ],
)
def test_what_is_missing_or_doubtful_is_named(table, named, said, write):
    table = write(table) if isinstance(table, str) else pl.DataFrame(table)
    with pytest.raises(DataError, match=said):
        texts_from_table(table, **named)


def test_a_cell_that_is_no_text_is_named():
    with pytest.raises(DataError, match="column 'text', row 1 is 3 and no text"):
        texts_from_table(pd.DataFrame({"text": ["x", 3], "label": [1, 0]}))


def test_the_columns_that_were_taken_are_told():
    found = read_text_table(pl.DataFrame({"label": LABELS, "text": TEXTS}))
    assert (found.text, found.label, found.texts) == ("text", "label", TEXTS)


@pytest.mark.parametrize(
    ("columns", "named", "expected"),
    [
        (["text"], None, None),
        (["text"], "label", None),
        (["text", "label"], None, "label"),
        (["text", "mark"], None, "mark"),
        (["text", "mark"], "label", None),
        (["text", "mark", "other"], None, None),
        (["text", "mark", "label"], "mark", "mark"),
    ],
)
def test_labels_that_may_be_missing_are_taken_where_they_are(columns, named, expected):
    table = pl.DataFrame({name: TEXTS if name == "text" else LABELS for name in columns})
    found = read_text_table(table, text="text", label=named, labelled=None)
    assert found.label == expected
    assert (found.labels is None) == (expected is None)


def test_a_number_of_the_row_is_neither_text_nor_label():
    table = pl.DataFrame(
        {"id": [11, 12, 13], "texto": ["Muy buena.", "Muy mala.", "Nada mal."], "clase": ["sí", "no", "sí"]}
    )
    found = read_text_table(table)
    assert (found.text, found.label) == ("texto", "clase")
    with pytest.raises(DataError, match=r"several columns that may hold the labels \(id, clase, otra\)"):
        read_text_table(table.with_columns(otra=pl.Series([1, 1, 2])), text="texto")
