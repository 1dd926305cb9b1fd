"""A text of any size comes piece by piece, the same whatever it lies in; what is no text is said with its place."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from recuerdo.data import text_streams
from recuerdo.data.text_streams import text_source
from recuerdo.errors import DataError, OptionError

TEXT = "Una línea.\nOtra, con ñ y 😀\n\nsin fin"


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(text_streams, "PIECE", 5)  # so that pieces end within characters and lines


@pytest.mark.usefixtures("small")
def test_lines_are_those_of_the_text_whatever_it_lies_in(tmp_path):
    plain, packed = tmp_path / "a.txt", tmp_path / "b.txt.gz"
    plain.write_text(TEXT, encoding="utf-8")
    packed.write_bytes(gzip.compress(TEXT.encode()))
    for given in (TEXT, plain, packed):
        source = text_source(given)
        assert list(source.lines()) == TEXT.splitlines(keepends=True)
        assert "".join(source.pieces()) == TEXT
        assert "".join(source.pieces()) == TEXT  # again


@pytest.mark.usefixtures("small")
def test_texts_and_files_follow_one_another_as_lines(tmp_path):
    assert list(text_source(["one", "two\n", "three"]).lines()) == ["one\n", "two\n", "three"]
    for name, text in (("b.txt", "two\n"), ("a.md", "one"), ("c.log", "three")):
        (tmp_path / name).write_text(text)
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    (tmp_path / ".hidden.txt").write_text("never")
    assert list(text_source(tmp_path).lines()) == ["one\n", "two\n", "three"]
    assert list(text_source([tmp_path / "c.log", tmp_path / "a.md"]).lines()) == ["three\n", "one"]


def test_a_mark_of_the_byte_order_is_no_character(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfhola")
    assert "".join(text_source(path).pieces()) == "hola"


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("packed", [False, True])
def test_bytes_that_are_no_utf_8_are_said_with_their_place_or_replaced(tmp_path, packed):
    path = tmp_path / ("a.txt.gz" if packed else "a.txt")
    content = "línea uno\nma".encode() + b"\xf1" + b"ana\n"
    path.write_bytes(gzip.compress(content) if packed else content)
    place = content.index(b"\xf1")
    with pytest.raises(DataError, match=rf"a.txt.*, line 2: byte {place} \(0xf1\) is no UTF-8.*errors='replace'"):
        list(text_source(path).pieces())
    assert "".join(text_source(path, errors="replace").pieces()) == "línea uno\nma\ufffdana\n"
    cut = tmp_path / "cut.txt"
    cut.write_bytes("ma\u00f1".encode()[:-1])
    with pytest.raises(DataError, match="ends within a character"):
        list(text_source(cut).pieces())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "The text is empty"),
        ([], "There is no text"),
        ([""], "There is no text"),
        (Path("there is none"), "There is no file there is none"),
        (5, "Texts come as a list of str, got int|is no str but int"),
        (b"bytes", "is no str but bytes|Texts come"),
    ],
)
def test_what_is_no_text_is_said(given, said):
    with pytest.raises(DataError, match=said):
        text_source(given)


def test_a_program_a_name_and_an_empty_folder_are_told_from_texts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("program.txt").write_bytes(b"abc\0def")
    with pytest.raises(DataError, match=r"program.txt is no text: byte 3 is zero"):
        list(text_source(Path("program.txt")).pieces())
    with pytest.raises(DataError, match=r"did you mean Path\('program.txt'\)"):
        text_source("program.txt")
    Path("folder").mkdir()
    with pytest.raises(DataError, match="folder holds no file of text"):
        text_source(Path("folder"))
    Path("broken.txt.gz").write_bytes(b"no gzip")
    with pytest.raises(DataError, match=r"broken.txt.gz cannot be read"):
        list(text_source(Path("broken.txt.gz")).pieces())
    with pytest.raises(OptionError, match="errors='ignore' is not offered"):
        text_source("a", errors="ignore")
