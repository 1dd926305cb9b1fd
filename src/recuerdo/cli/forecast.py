"""`recuerdo forecast`: a table in, a table of forecasts, a picture, a page and a model out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from recuerdo.data.tables import Panel
    from recuerdo.tasks import Forecaster


def _option(group: str, metavar: str | None, words: str, *names: str) -> Any:
    """An option, under the heading of its group."""
    return typer.Option(*names, metavar=metavar, help=words, rich_help_panel=group)


TASK, COLUMNS, MODEL, TRAINING, RESULTS = "What to do", "Columns of the table", "The model", "Training", "Results"
AGAIN = "Repeat for several."


def forecast(
    data: Annotated[  # text, since an empty path would be the present folder
        str, typer.Argument(metavar="DATA", help="A CSV or Parquet file, or a folder of such.", show_default=False)
    ],
    horizon: Annotated[int, _option(TASK, "K", "How many steps ahead.")],
    backtest: Annotated[
        int | None, _option(TASK, "WINDOWS", "Also forecast from so many earlier origins, and compare.")
    ] = None,
    date: Annotated[str | None, _option(COLUMNS, "COLUMN", "Time stamps; found if there is one such column.")] = None,
    target: Annotated[
        list[str] | None, _option(COLUMNS, "COLUMN", f"What to forecast; found if there is one. {AGAIN}")
    ] = None,
    id: Annotated[  # noqa: A002
        str | None, _option(COLUMNS, "COLUMN", "What tells series apart, in a long table.", "--id")
    ] = None,
    past: Annotated[list[str] | None, _option(COLUMNS, "COLUMN", f"Helps, and is known up to now. {AGAIN}")] = None,
    future: Annotated[
        list[str] | None, _option(COLUMNS, "COLUMN", f"Helps, and is known ahead, such as a price. {AGAIN}")
    ] = None,
    future_table: Annotated[str | None, _option(COLUMNS, "FILE", "The next K rows of what is known ahead.")] = None,
    static: Annotated[
        list[str] | None, _option(COLUMNS, "COLUMN", f"Helps, and is the same in all rows of a series. {AGAIN}")
    ] = None,
    cell: Annotated[str, _option(MODEL, "NAME", "gru, lstm, frnn or indrnn.")] = "gru",
    hidden_size: Annotated[int | None, _option(MODEL, "UNITS", "Of a layer; by the data by default.")] = None,
    encoder: Annotated[
        str, _option(MODEL, "NAME", "steps, segments, or auto: segments where a window holds six or more.")
    ] = "auto",
    strategy: Annotated[str, _option(MODEL, "NAME", "direct or recursive.")] = "direct",
    memory: Annotated[
        str, _option(MODEL, "NAME", "window, or running: a state that new rows take on (update in Python).")
    ] = "window",
    lookback: Annotated[int | None, _option(MODEL, "ROWS", "Input rows; two seasons or more by default.")] = None,
    season: Annotated[int | None, _option(MODEL, "ROWS", "Of a season; by the time stamps by default.")] = None,
    log: Annotated[
        bool | None,
        _option(MODEL, None, "Take logarithms, or do not; by the data by default.", "--log/--no-log"),
    ] = None,
    calendar: Annotated[
        list[str] | None, _option(MODEL, "NAME", f"hour, weekday, month, ...; auto takes those that fit. {AGAIN}")
    ] = None,
    head: Annotated[str, _option(MODEL, "NAME", "point, quantiles, gaussian or student_t.")] = "point",
    loss: Annotated[str, _option(MODEL, "NAME", "What a number learns by: mae, mse or owa.")] = "mae",
    quantile: Annotated[
        list[float] | None, _option(MODEL, "Q", f"0.1 and 0.9 by default, an interval of 80 %. {AGAIN}")
    ] = None,
    no_trial: Annotated[
        bool, _option(TRAINING, None, "Train once, on all rows: no scores, baselines or intervals.", "--no-trial")
    ] = False,
    seeds: Annotated[int, _option(TRAINING, "COUNT", "Networks whose forecasts are averaged.")] = 1,
    seed: Annotated[int | None, _option(TRAINING, "INT", "Random seed; drawn and told by default.")] = None,
    max_steps: Annotated[int | None, _option(TRAINING, "INT", "Optimiser steps; by the data by default.")] = None,
    max_seconds: Annotated[float | None, _option(TRAINING, "SECONDS", "A budget for the whole fit.")] = None,
    out: Annotated[Path | None, _option(RESULTS, "FOLDER", "Where they go; a new folder by default.")] = None,
    html: Annotated[Path | None, _option(RESULTS, "FILE", "Where the page goes; among them by default.")] = None,
    overwrite: Annotated[bool, _option(RESULTS, None, "Replace results that are there.", "--overwrite")] = False,
) -> None:
    """Forecast the series of a table, beside the baselines.

    Ctrl-C ends a training early: what it has learned is written, and the exit code is 130.
    """
    from recuerdo.data import panel
    from recuerdo.data.covariates import ahead
    from recuerdo.errors import OptionError

    chosen = target[0] if target is not None and len(target) == 1 else target or None
    if bool(future) != (future_table is not None):
        raise OptionError(
            "--future names columns that are known ahead, and --future-table the file that has their next rows: "
            f"--future{'-table' if future else ''} is missing."
        )
    known = panel(data, date=date, target=chosen, id=id, past=past or (), future=future or (), static=static or ())
    if horizon > 0:
        ahead(known, future_table, horizon)

    from recuerdo.cli import results  # after the table was read: torch takes seconds, and a wrong path needs none
    from recuerdo.tasks import Forecaster

    settings: dict[str, Any] = {} if quantile is None else {"quantiles": tuple(quantile)}
    model = Forecaster(
        horizon,
        cell=cell,
        hidden_size=hidden_size,
        encoder=encoder,
        strategy=strategy,
        memory=memory,
        lookback=lookback,
        season=season,
        log="auto" if log is None else log,
        head=head,
        loss=loss,
        calendar="auto" if calendar == ["auto"] else tuple(calendar or ()),
        n_seeds=seeds,
        trial=not no_trial,
        max_steps=max_steps,
        max_seconds=max_seconds,
        random_state=seed,
        verbose="brief",
        **settings,
    )
    directory = out or results.fresh_directory(f"forecast-{Path(data).resolve().stem.split('.')[0]}")
    model.check(known)
    if backtest is not None:
        model.check(_before(known, horizon, backtest))
    page = None if html is None else results.prepare_page(html, overwrite=overwrite)
    names = results.names(backtest=backtest is not None, page=html is None)
    results.prepare(directory, overwrite=overwrite, names=names)
    for note in known.notes:
        print(note)
    print(f"{len(known)} series, {known.rows} rows in all", flush=True)
    model.fit(known)
    stopped = model._cut
    with results.whole("" if backtest is None else "the backtest was not begun"):
        report = model.report_
        for choice in report.choices[len(known.notes) :]:
            print(choice)
        print(results.effort(report))
        if report.scores:
            many = "forecast" if report.windows == 1 else "forecasts"
            print(f"\nMean over {report.windows} {many} of held-out rows:")
            print(report.table())
        print(report.verdict, flush=True)
        made = model.forecast(known, future=future_table)
        said = results.write(directory, model, made, page=page, future=future_table, overwrite=overwrite)
        print("\nWritten:")
        print("\n".join(said), flush=True)
    if backtest is not None and not stopped:
        _backtest(model, known, backtest, directory)
    given = "" if future_table is None else f', future="{future_table}"'
    print("\nNext, in Python:")
    print(f'  import recuerdo; model = recuerdo.load("{directory / results.MODEL}")')
    print(f"  model.predict({given.removeprefix(', ')})  # these forecasts again")
    print(f'  model.predict("{data}"{given})  # once the file has newer rows')
    if stopped:
        raise KeyboardInterrupt(results.IN_TRAINING + ("" if backtest is None else ", and the backtest was not begun"))


def _backtest(model: Forecaster, known: Panel, windows: int, directory: Path) -> None:
    """Make a backtest, print it and write it."""
    from recuerdo.cli import results
    from recuerdo.cli.score_lines import score_lines, shown

    print(f"\nBacktest of the last {model.horizon * windows} rows, {windows} origins:", flush=True)
    try:
        tested = model.backtest(known, windows=windows)
    except KeyboardInterrupt:
        old = [name for name in (results.BACKTEST, results.BACKTEST_PAGE) if (directory / name).exists()]
        raise KeyboardInterrupt(
            "in the backtest, of which nothing is written; the forecast and the model are"
            + (f"; {' and '.join(old)} in {directory} are of an earlier run" if old else "")
        ) from None
    with results.whole():
        print(tested)
        for what in ("horizon", "origin"):
            labels, means = tested.means(what)
            print(f"\n{tested.standing.score} by {what}{shown(labels)}:")
            print(score_lines(labels, means, tested.standing.score))
        said = results.write_backtest(directory, tested)
        print("\nWritten:")
        print("\n".join(said), flush=True)


def _before(known: Any, horizon: int, windows: int) -> Any:
    """The rows before the first of so many origins."""
    from recuerdo.errors import OptionError
    from recuerdo.tasks.forecast_backtests import require_rows

    if windows < 1:
        raise OptionError(f"--backtest {windows}: it counts origins, so it has to be 1 or more.")
    require_rows(known, horizon * windows)
    return known.split(horizon * windows)[0]
