"""Where results go: a directory that is seen to be writable before any training, and never one that holds results."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from recuerdo.errors import OutputError

if TYPE_CHECKING:
    from recuerdo.data.tables import Panel
    from recuerdo.tasks import Forecaster, Forecasts, Report
    from recuerdo.tasks.backtests import Backtest

TABLE, PICTURE, PAGE, MODEL = "forecast.csv", "forecast.png", "report.html", "model"
BACKTEST, BACKTEST_PAGE = "backtest.csv", "backtest.html"

IN_TRAINING = "in training; what was learned until then is written"
"""When Ctrl-C came, where a command went on with what it had."""


def names(*, backtest: bool = False, page: bool = True) -> tuple[str, ...]:
    """Return what a folder of results holds.

    Args:
        backtest: with one.
        page: whether the page of the forecast lies there too.
    """
    return (TABLE, PICTURE, *[PAGE] * page, *[BACKTEST, BACKTEST_PAGE] * backtest, MODEL)


def fresh_directory(stem: str) -> Path:
    """Return ./stem, or ./stem-2, ./stem-3 and so on where that is taken by more than an empty directory."""
    names = (Path(stem if n == 1 else f"{stem}-{n}") for n in count(1))
    return next(path for path in names if not path.exists() or (path.is_dir() and not any(path.iterdir())))


def prepare(directory: Path, *, overwrite: bool, names: Sequence[str] = names()) -> Path:
    """Make the directory and see that it can be written, and that nothing in it would be lost.

    Raises:
        OutputError: it cannot be made or written, it holds results and `overwrite` is not asked for, or it holds
            something of their names that is no such result.
    """
    taken = [name for name in names if (directory / name).exists()]
    if taken and not overwrite:
        raise OutputError(
            f"{directory} already holds {', '.join(taken)}, and nothing is overwritten unasked: "
            f"choose another --out{', or add --overwrite' if MODEL in names else ''}."
        )
    for name in taken:
        if not _replaceable(directory / name):
            raise OutputError(
                f"{directory / name} is not what recuerdo wrote under this name, so it is not replaced, and nothing "
                f"else was: move it away, or choose another --out."
            )
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise OutputError(f"{directory} cannot be written to ({error.strerror}): choose another --out.") from error
    return directory


def prepare_page(path: Path, *, overwrite: bool) -> Path:
    """See that a page can be written to a place of its own, and that nothing there would be lost.

    Raises:
        OptionError: it does not end in .html.
        OutputError: something is there and `overwrite` is not asked for, or the place cannot be written.
    """
    from recuerdo.show.pages import checked

    checked(path)
    return prepare_file(path, "--html", overwrite=overwrite)


def prepare_file(path: Path, option: str, *, overwrite: bool) -> Path:
    """See that a file can be written to a place of its own, and that nothing there would be lost.

    Args:
        path: the file.
        option: what asked for it, such as --json.
        overwrite: whether a file that is there is replaced.

    Raises:
        OutputError: something is there and `overwrite` is not asked for, or the place cannot be written.
    """
    if path.exists() and not (overwrite and path.is_file()):
        raise OutputError(
            f"{path} is there already, and nothing is overwritten unasked: choose another {option}"
            f"{', or add --overwrite' if path.is_file() else ''}."
        )
    _prepare_parent(path, option)
    return path


def _prepare_parent(path: Path, option: str) -> None:
    """Make the folder that something goes to, and see that it can be written.

    Raises:
        OutputError: it cannot.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror}): choose another {option}.") from error


def prepare_model(path: Path, option: str, *, overwrite: bool) -> Path:
    """See that a model can be written to a folder of its own, and that nothing but a model would be lost.

    Args:
        path: the folder, which need not be there.
        option: what asked for it, such as --save.
        overwrite: whether a model that is there is replaced.

    Raises:
        OutputError: something is there and `overwrite` is not asked for, or the place cannot be written.
    """
    if path.exists() and not (overwrite and _is_model(path)):
        raise OutputError(
            f"{path} is there already, and nothing is overwritten unasked: choose another {option}"
            f"{', or add --overwrite' if _is_model(path) else ''}."
        )
    _prepare_parent(path, option)
    return path


def write(
    directory: Path,
    model: Forecaster,
    forecasts: Forecasts,
    *,
    page: Path | None = None,
    truth: Panel | None = None,
    future: str | None = None,
    overwrite: bool = False,
) -> list[str]:
    """Write table, picture, page and model, and return lines that say where they are.

    Args:
        directory: that was prepared.
        model: the fitted forecaster.
        forecasts: its forecasts.
        page: the place of the page; None for the directory.
        truth: the rows that followed, for the picture.
        future: the next rows of what is known ahead.
        overwrite: whether a model that is there is replaced.

    Raises:
        OutputError: something cannot be written.
        KeyboardInterrupt: Ctrl-C did not wait; it says what was written by then.
    """
    import narwhals as nw

    from recuerdo.show import save_forecasts

    page = directory / PAGE if page is None else page
    places = {
        directory / TABLE: "the forecast and its quantiles" if forecasts.quantiles else "the forecast",
        directory / PICTURE: "the picture",
        page: "the page: what was chosen, scores, forecasts, errors",
    }
    written: list[str] = []
    with _said(directory, written), tempfile.TemporaryDirectory(prefix=".new-", dir=directory) as made:
        # Older results are replaced last, when all new ones are there whole.
        nw.from_native(forecasts.frame(), eager_only=True).write_csv(str(Path(made, TABLE)))
        save_forecasts(forecasts, Path(made, PICTURE), truth=truth)
        model.to_html(Path(made, page.name), future=future)
        model.save(directory / MODEL, overwrite=overwrite)
        written.append(MODEL)
        for place in places:
            shutil.move(Path(made, place.name), place)
            written.append(place.name)
    places[directory / MODEL] = "the model"
    return _lines(places)


def write_backtest(directory: Path, backtest: Backtest) -> list[str]:
    """Write table and page of a backtest, and return lines that say where they are; see `write`."""
    import narwhals as nw

    places = {
        directory / BACKTEST: "every forecast of the backtest beside what came true",
        directory / BACKTEST_PAGE: "the page of the backtest",
    }
    written: list[str] = []
    with _said(directory, written), tempfile.TemporaryDirectory(prefix=".new-", dir=directory) as made:
        nw.from_native(backtest.frame(), eager_only=True).write_csv(str(Path(made, BACKTEST)))
        backtest.to_html(Path(made, BACKTEST_PAGE))
        for place in places:
            shutil.move(Path(made, place.name), place)
            written.append(place.name)
    return _lines(places)


@contextmanager
def whole(then: str = "") -> Iterator[None]:
    """Let Ctrl-C wait until results are written whole and said to be; a second one does not wait.

    Args:
        then: what is not done any more, in words.

    Raises:
        KeyboardInterrupt: afterwards, with words, if it was pressed.
    """
    from recuerdo.learn.interrupt import deferred_interrupts

    with deferred_interrupts() as interrupts:
        yield
    if interrupts.asked:
        raise KeyboardInterrupt("and waited until the results were written" + (f"; {then}" if then else ""))


@contextmanager
def _said(directory: Path, written: list[str]) -> Iterator[None]:
    """Say what was written where something or somebody stops it."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"{directory} cannot be written to ({error}): choose another --out.") from error
    except KeyboardInterrupt:
        there = f"only {', '.join(written)} in {directory} are new" if written else f"nothing in {directory} is new"
        raise KeyboardInterrupt(f"while results were written; {there}") from None


def _lines(places: Mapping[Path, str]) -> list[str]:
    width = max(len(str(place)) for place in places)
    return [f"  {place!s:<{width}}  {said}" for place, said in places.items()]


def effort(report: Report) -> str:
    """Return in one line what the fit took."""
    return f"fitted in {report.seconds:.1f} s: {report.steps} steps, seed {report.random_state}"


def _replaceable(path: Path) -> bool:
    return _is_model(path) if path.name == MODEL else path.is_file()


def _is_model(path: Path) -> bool:
    from recuerdo.tasks.model_files import is_model

    return is_model(path)
