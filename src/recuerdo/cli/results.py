"""Where results go: a directory that is seen to be writable before any training, and never one that holds results."""

from __future__ import annotations

import tempfile
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from recuerdo.errors import OutputError

if TYPE_CHECKING:
    from recuerdo.data.tables import Panel
    from recuerdo.tasks import Forecaster, Forecasts

TABLE, PICTURE, MODEL = "forecast.csv", "forecast.png", "model"


def fresh_directory(stem: str) -> Path:
    """Return ./stem, or ./stem-2, ./stem-3 and so on where that is taken."""
    return next(path for n in count(1) if not (path := Path(stem if n == 1 else f"{stem}-{n}")).exists())


def prepare(directory: Path, *, overwrite: bool) -> Path:
    """Make the directory and see that it can be written, and that nothing in it would be lost.

    Raises:
        OutputError: it cannot be made or written, or it holds results and `overwrite` is not asked for.
    """
    taken = [name for name in (TABLE, PICTURE, MODEL) if (directory / name).exists()]
    if taken and not overwrite:
        raise OutputError(
            f"{directory} already holds {', '.join(taken)}, and nothing is overwritten unasked: "
            f"choose another --out, or add --overwrite."
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

    from recuerdo.show import save_forecasts

    try:
        nw.from_native(forecasts.frame(), eager_only=True).write_csv(str(directory / TABLE))
    except OSError as error:
        raise OutputError(f"{directory / TABLE} cannot be written ({error}): choose another --out.") from error
    save_forecasts(forecasts, directory / PICTURE, truth=truth)
    model.save(directory / MODEL, overwrite=overwrite)
    return [
        f"  {directory / TABLE}   the forecast and its interval",
        f"  {directory / PICTURE}   the picture",
        f"  {directory / MODEL}   the model",
    ]
