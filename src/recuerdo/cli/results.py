"""Where results go: a directory that is seen to be writable before any training, and never one that holds results."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from recuerdo.errors import OutputError

if TYPE_CHECKING:
    from recuerdo.data.tables import Panel
    from recuerdo.tasks import Forecaster, Forecasts, Report

TABLE, PICTURE, MODEL = "forecast.csv", "forecast.png", "model"


def fresh_directory(stem: str) -> Path:
    """Return ./stem, or ./stem-2, ./stem-3 and so on where that is taken by more than an empty directory."""
    names = (Path(stem if n == 1 else f"{stem}-{n}") for n in count(1))
    return next(path for path in names if not path.exists() or (path.is_dir() and not any(path.iterdir())))


def prepare(directory: Path, *, overwrite: bool, names: Sequence[str] = (TABLE, PICTURE, MODEL)) -> Path:
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


def write(
    directory: Path, model: Forecaster, forecasts: Forecasts, *, truth: Panel | None = None, overwrite: bool = False
) -> list[str]:
    """Write table, picture and model, and return lines that say where they are."""
    import narwhals as nw

    from recuerdo.learn.interrupt import deferred_interrupts
    from recuerdo.show import save_forecasts

    try:
        # Older results are replaced last, when all new ones are there whole.
        with deferred_interrupts(), tempfile.TemporaryDirectory(prefix=".new-", dir=directory) as made:
            nw.from_native(forecasts.frame(), eager_only=True).write_csv(str(Path(made, TABLE)))
            save_forecasts(forecasts, Path(made, PICTURE), truth=truth)
            model.save(directory / MODEL, overwrite=overwrite)
            for name in (TABLE, PICTURE):
                Path(made, name).replace(directory / name)
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(f"{directory} cannot be written to ({error}): choose another --out.") from error
    words = {TABLE: "the forecast and its interval", PICTURE: "the picture", MODEL: "the model"}
    width = max(len(str(directory / name)) for name in words)
    return [f"  {directory / name!s:<{width}}  {said}" for name, said in words.items()]


def effort(report: Report) -> str:
    """Return in one line what the fit took."""
    return f"fitted in {report.seconds:.1f} s: {report.steps} steps, seed {report.random_state}"


def _replaceable(path: Path) -> bool:
    from recuerdo.tasks.model_files import is_model

    return is_model(path) if path.name == MODEL else path.is_file()
