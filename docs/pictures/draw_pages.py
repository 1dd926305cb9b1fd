"""Draws the pictures of two pages with the pages' own code: run `python docs/pictures/draw_pages.py`."""

from contextlib import chdir
from doctest import DocTestParser
from pathlib import Path
from typing import Any


def main(page: Path, folder: Path) -> None:
    """Run the examples of a page in a folder, so that the pictures that it writes stand there."""
    names: dict[str, Any] = {}
    with chdir(folder):
        for example in DocTestParser().get_examples(page.read_text(encoding="utf-8")):
            exec(compile(example.source, page.name, "single"), names)


if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    for name in ("inside-an-lstm.md", "why-gradients-vanish.md"):
        main(here.parent / name, here)
