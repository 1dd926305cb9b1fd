"""`recuerdo demo`: an honest forecast of a real series, from nothing."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer


def demo(
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where the results go; a new folder by default.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="INT", help="Random seed.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace results that are there.")] = False,
) -> None:
    """Forecast a series that comes along, beside the baselines.

    It is the number of airline passengers of each month; the last year is held out. Takes less than a minute.
    """
    from recuerdo.cli import results

    directory = results.prepare(out or results.fresh_directory("recuerdo-demo"), overwrite=overwrite)

    from recuerdo.data import air_passengers
    from recuerdo.tasks import Forecaster, hold_out

    table = air_passengers()
    print(f"Airline passengers, monthly, 1949 to 1960: {table.height} rows. The last 12 are held out.", flush=True)
    result = hold_out(Forecaster(12, random_state=seed), table)
    model = result.model
    print("\n".join(model.report_.choices))
    print(results.effort(model.report_))
    print("\nThe 12 held-out months:")
    print(result.table())
    print(result.verdict)
    if result.coverage is not None:
        print(f"{100 * result.coverage:.0f} % of the held-out months lie in the 80 % interval.")
    with results.whole():
        print("\nWritten:")
        print("\n".join(results.write(directory, model, result.forecasts, truth=result.truth, overwrite=overwrite)))
    print("\nNext, with a table of your own:")
    print(f"  {_command()} forecast sales.csv --horizon 12")
    print("or go on in Python:")
    print(f'  import recuerdo; print(recuerdo.load("{directory / results.MODEL}").predict())')
    if model._cut:
        raise KeyboardInterrupt(results.IN_TRAINING)


def _command() -> str:
    """What to type for this command: its name, or its path where the shell would not find the name."""
    typed = Path(sys.argv[0])
    return str(typed) if typed.name == "recuerdo" and shutil.which("recuerdo") is None else "recuerdo"
