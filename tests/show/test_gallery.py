"""The gallery is built by one command, and says what it leaves out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("bokeh", reason="the extra page is not installed")
BUILD = Path(__file__).resolve().parents[2] / "docs" / "gallery" / "build.py"


def built(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BUILD), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def test_pages_are_written_where_they_are_asked_for(tmp_path):
    done = built("vanishing", "recalling", "--max-steps", 3, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert sorted(each.name for each in tmp_path.iterdir()) == ["recalling.html", "vanishing.html"]
    assert "An LSTM that recalls a symbol from 30 steps before" in (tmp_path / "recalling.html").read_text()


def test_what_is_not_in_it_is_said(tmp_path):
    done = built("mona-lisa", "--out", tmp_path)
    assert done.returncode == 2
    assert "there is no mona-lisa in the gallery" in done.stderr


def test_every_picture_of_the_page_is_there():
    text = (BUILD.parent / "README.md").read_text(encoding="utf-8")
    pictures = sorted(BUILD.parent.glob("*.png"))
    assert len(pictures) == 4
    assert all(f"({each.name})" in text for each in pictures)
