"""What every test, doctest and page of the documentation shares."""

import doctest
import os
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import settings
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

# One thread per test process: the suite runs in several of them, and sums keep one order. Numerical libraries read
# these when they are first imported, so they stand before any such import; processes that tests start inherit them.
os.environ.update(
    OMP_NUM_THREADS="1",
    POLARS_MAX_THREADS="1",
    MPLBACKEND="agg",
    KERAS_BACKEND="torch",
    KERAS_HOME=str(Path(__file__).parent / "build" / "keras"),  # a reader's own Keras settings change no result here
)

# No deadline, since a busy machine is not a fault; the same examples in every run, so that a red suite stays red.
settings.register_profile("recuerdo", deadline=None, derandomize=True)
settings.load_profile("recuerdo")


def pytest_configure(config: pytest.Config) -> None:
    """Outside CI a missing native core is no fault (see tests/native_core.py), nor is the one warning that says so."""
    if not os.environ.get("CI"):
        config.addinivalue_line("filterwarnings", "ignore:recuerdo runs without its native core:RuntimeWarning")


collect_ignore_glob = ["docs/*.py"]  # programs that draw the pictures: not modules to look for doctests in


def enter_scratch_folder(namespace: dict[str, Any]) -> None:
    """Let a page write files without leaving any behind."""
    folder = namespace["_folder"] = TemporaryDirectory()
    move = namespace["_move"] = chdir(folder.name)
    move.__enter__()


def leave_scratch_folder(namespace: dict[str, Any]) -> None:
    """Go back to where the tests were started, and remove the page's files."""
    namespace["_move"].__exit__(None, None, None)
    namespace["_folder"].cleanup()


# Each ```python block of a page runs, top to bottom in one namespace: as a doctest if it begins with a prompt, else as
# plain statements. Other blocks (```sh, ```text) are not run. The blocks of a page must stay in one process, which is
# why the Makefile hands out tests by file.
pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(doctest_optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)],
    patterns=["*.md"],
    setup=enter_scratch_folder,
    teardown=leave_scratch_folder,
).pytest()
