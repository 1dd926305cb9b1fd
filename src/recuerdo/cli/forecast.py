"""`recuerdo forecast`: a table in, a table of forecasts, a picture and a model out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def forecast(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A CSV or Parquet file.", show_default=False)],
    horizon: Annotated[int, typer.Option(metavar="K", help="How many steps ahead.", show_default=False)],
    date: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Column of time stamps; found if there is one.")
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="Column to forecast; found if there is one. Repeat for several."),
    ] = None,
    id: Annotated[  # noqa: A002
        str | None, typer.Option("--id", metavar="COLUMN", help="Column that tells series apart, in a long table.")
    ] = None,
    cell: Annotated[str, typer.Option(metavar="NAME", help="gru, lstm, frnn or indrnn.")] = "gru",
    lookback: Annotated[int | None, typer.Option(metavar="ROWS", help="Input rows; two seasons by default.")] = None,
    season: Annotated[
        int | None, typer.Option(metavar="ROWS", help="Rows of a season; by the time stamps by default.")
    ] = None,
    log: Annotated[
        bool | None, typer.Option("--log/--no-log", help="Take logarithms, or do not; by the data by default.")
    ] = None,
    strategy: Annotated[str, typer.Option(metavar="NAME", help="direct or recursive.")] = "direct",
    max_steps: Annotated[
        int | None, typer.Option(metavar="INT", help="Optimiser steps; by the data by default.")
    ] = None,
    max_seconds: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="A time budget for the whole fit.")
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="INT", help="Random seed; drawn and told by default.")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where the results go; a new folder by default.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace results that are there.")] = False,
) -> None:
    """Forecast the series of a table, beside the baselines."""
    from recuerdo.data import panel

    chosen = target[0] if target is not None and len(target) == 1 else target or None
    known = panel(data, date=date, target=chosen, id=id)

    from recuerdo.cli import results  # after the table was read: torch takes seconds, and a wrong path needs none
    from recuerdo.tasks import Forecaster

    model = Forecaster(
        horizon,
        cell=cell,
        lookback=lookback,
        season=season,
        log="auto" if log is None else log,
        strategy=strategy,
        max_steps=max_steps,
        max_seconds=max_seconds,
        random_state=seed,
    )
    directory = out or results.fresh_directory(f"forecast-{data.stem.split('.')[0]}")
    model.check(known)
    results.prepare(directory, overwrite=overwrite)
    for note in known.notes:
        print(note)
    print(f"{len(known)} series, {known.rows} rows in all", flush=True)
    model.fit(known)
    report = model.report_
    for choice in report.choices[len(known.notes) :]:
        print(choice)
    print(results.effort(report))
    print(f"\nMean over {report.windows} {'forecast' if report.windows == 1 else 'forecasts'} of held-out rows:")
    print(report.table())
    print(report.verdict)
    print("\nWritten:")
    print("\n".join(results.write(directory, model, model.forecast(known), overwrite=overwrite)))
    print("\nNext, in Python:")
    print(f'  import recuerdo; model = recuerdo.load("{directory / results.MODEL}")')
    print("  model.predict()  # these forecasts again")
    print(f'  model.predict("{data}")  # once the file has newer rows')
