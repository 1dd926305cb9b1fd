"""`recuerdo classify`: sequences with labels in, scores on others, a table of verdicts, pictures and a model out."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from recuerdo.cli.given_sequences import Given
    from recuerdo.tasks import SequenceClassifier, SequenceRegressor


def _option(group: str, metavar: str | None, words: str, *names: str) -> Any:
    """An option, under the heading of its group."""
    return typer.Option(*names, metavar=metavar, help=words, rich_help_panel=group)


COLUMNS, MODEL, TRAINING, RESULTS = "Columns of a table", "The model", "Training", "Results"


def classify(
    train: Annotated[
        Path,
        typer.Argument(
            metavar="TRAIN",
            help="A .ts or .tsv file of the UCR and UEA archives; a CSV, TSV or Parquet file of texts and labels, or "
            "with --id of steps; or the directory of a saved model.",
            show_default=False,
        ),
    ],
    test: Annotated[
        Path | None, typer.Argument(metavar="TEST", help="Other sequences, to judge it by.", show_default=False)
    ] = None,
    text: Annotated[str | None, _option(COLUMNS, "COLUMN", "The texts; found if there is one such column.")] = None,
    label: Annotated[str | None, _option(COLUMNS, "COLUMN", "What to learn; found beside texts.")] = None,
    id: Annotated[  # noqa: A002
        str | None, _option(COLUMNS, "COLUMN", "What tells the sequences of a long table apart.", "--id")
    ] = None,
    time: Annotated[str | None, _option(COLUMNS, "COLUMN", "Sorts their rows; as they stand by default.")] = None,
    features: Annotated[
        list[str] | None, _option(COLUMNS, "COLUMN", "Numbers; all other columns by default. Repeat for several.")
    ] = None,
    regress: Annotated[
        bool, _option(MODEL, None, "The labels are numbers to score by, not classes.", "--regress")
    ] = False,
    cell: Annotated[str | None, _option(MODEL, "NAME", "gru (by default), lstm, frnn or indrnn.")] = None,
    hidden_size: Annotated[
        int | None, _option(MODEL, "UNITS", "Of a layer and direction; 64 by default.", "--hidden-size", "--hidden")
    ] = None,
    output: Annotated[
        str | None, _option(MODEL, "NAME", "last (by default), or each: a verdict for each row of a long table.")
    ] = None,
    level: Annotated[str | None, _option(MODEL, "NAME", "Tokens of texts: word (by default), char, or bpe.")] = None,
    class_weight: Annotated[
        str | None, _option(TRAINING, "NAME", "balanced: rare classes count as much as frequent ones.")
    ] = None,
    seeds: Annotated[
        int | None,
        _option(TRAINING, "COUNT", "Networks whose verdicts are averaged; 1 by default.", "--seeds", "--n-seeds"),
    ] = None,
    seed: Annotated[int | None, _option(TRAINING, "INT", "Random seed; drawn and told by default.")] = None,
    max_steps: Annotated[int | None, _option(TRAINING, "INT", "Optimiser steps; by the data by default.")] = None,
    max_seconds: Annotated[float | None, _option(TRAINING, "SECONDS", "A budget for the whole fit.")] = None,
    no_trial: Annotated[
        bool, _option(TRAINING, None, "Train once, on all of TRAIN: no scores of it, no baselines.", "--no-trial")
    ] = False,
    baselines: Annotated[
        bool | None, _option(TRAINING, None, "Compare with baselines (by default), or do not.")
    ] = None,
    save: Annotated[Path | None, _option(RESULTS, "FOLDER", "Keep the model, as a new folder.")] = None,
    out: Annotated[Path | None, _option(RESULTS, "FILE", "Write the verdicts on TEST, as CSV.")] = None,
    picture: Annotated[
        Path | None,
        _option(RESULTS, "FILE", "Draw which classes of TEST are taken for which, or its numbers: png, svg or pdf."),
    ] = None,
    explain: Annotated[
        str | None, _option(RESULTS, "ROW", "Say what moved the verdict on a row of TEST, from 0, or on an id of it.")
    ] = None,
    explanation: Annotated[
        Path | None,
        _option(RESULTS, "FILE", "Where --explain draws it: png, svg, pdf or html; explanation-ROW.png by default."),
    ] = None,
    overwrite: Annotated[bool, _option(RESULTS, None, "Replace results that are there.", "--overwrite")] = False,
) -> None:
    """Classify or score whole sequences, or every step of them."""
    from recuerdo.errors import OptionError

    saved = (train / "model.json").is_file()
    fitting = {
        "regress": regress or None,
        "cell": cell,
        "hidden_size": hidden_size,
        "output": output,
        "level": level,
        "class_weight": class_weight,
        "n_seeds": seeds,
        "random_state": seed,
        "max_steps": max_steps,
        "max_seconds": max_seconds,
        "trial": False if no_trial else None,
        "baselines": baselines,
        "save": save,
    }
    fitting = {name: value for name, value in fitting.items() if value is not None}
    if saved and fitting:
        names = {"n_seeds": "seeds", "random_state": "seed", "trial": "no-trial"}
        option = names.get(first := next(iter(fitting)), first.replace("_", "-"))
        raise OptionError(f"{train} is a model that is fitted already, so --{option} has no use: leave it out.")
    if test is None:
        asked = {"--out": out, "--picture": picture, "--explain": explain, "the saved model": saved or None}
        wants = next((name for name, value in asked.items() if value is not None), None)
        if wants is not None:
            raise OptionError(f"There is no TEST, whose sequences {wants} is for: name it after {train}.")
    if class_weight not in (None, "balanced"):
        raise OptionError(f"--class-weight {class_weight} is not offered: there is balanced.")
    if class_weight is not None and regress:
        raise OptionError("--class-weight is of classes, and --regress has none: leave one out.")
    if output not in (None, "last", "each"):
        raise OptionError(f"--output {output} is not offered: there are last and each.")
    places = _places(out, picture, explain, explanation, save, overwrite=overwrite)

    from recuerdo.cli.given_sequences import (
        Columns,
        as_numbers,
        other_lengths,
        read_given,
        require_alike,
        require_classes,
    )

    columns = Columns(text, label, id, time, None if features is None else tuple(features), output == "each")
    model: Any = None
    given = asked = None
    if saved:
        model = _load(train)
        columns = replace(columns, each=model.output == "each")
        assert test is not None
        from recuerdo.tasks.sequence_files import columns_of

        columns = Columns.of_model(columns_of(model), columns, test)
    else:
        given = read_given(train, columns, labelled=True)
        print("\n".join(given.said), flush=True)
        columns = given.columns
        if regress:
            given = as_numbers(given)
        else:
            require_classes(given)
    which = 0
    if test is not None:
        asked = read_given(test, columns, labelled=None)
        # A label that is named for a saved model is TEST's own; one that is remembered or TRAIN's may lack in TEST.
        if saved and label is not None and asked.labels is None:
            asked = read_given(test, columns, labelled=True)
        print("\n".join(asked.said), flush=True)
        if regress or not getattr(model, "CLASSES", True):
            asked = as_numbers(asked)
        if given is not None:
            require_alike(given, asked)
            print(other_lengths(given.X, asked.X), end="")
        if picture is not None and asked.labels is None:
            raise OptionError("--picture compares verdicts with labels, and TEST has none: leave it out.")
        which = 0 if explain is None else asked.place(explain)
    if given is not None:
        model = _fit(given, fitting)
    if save is not None:
        assert given is not None
        from recuerdo.tasks.sequence_files import remember_columns

        remember_columns(model, given.columns.to_json())
        model.save(save, overwrite=overwrite)
    if asked is not None:
        _judge(model, asked, out, picture)
        if explain is not None:
            _explain(model, asked, which, places["--explain"])
    if places:
        print("\nWritten:")
        for place in places.values():
            print(f"  {place}")
    if save is not None:
        print("\nNext:")
        print(f"  recuerdo classify {save} {test or 'TEST'}")
        print(f'  import recuerdo; model = recuerdo.load("{save}")  # in Python: model.predict(X)')


def _places(
    out: Path | None, picture: Path | None, explain: str | None, explanation: Path | None, save: Path | None, *,
    overwrite: bool,
) -> dict[str, Path]:  # fmt: skip
    """Return option -> where its result goes, after a look whether it can be written there."""
    from recuerdo.cli import results
    from recuerdo.errors import OptionError

    if explanation is not None and explain is None:
        raise OptionError("--explanation is where --explain draws, and it names no row: add --explain ROW.")
    drawn = None if explain is None else explanation or Path(f"explanation-{explain.strip().replace('/', '-')}.png")
    places = {"--save": save, "--out": out, "--picture": picture, "--explain": drawn}
    places = {option: place for option, place in places.items() if place is not None}
    for option, place in places.items():
        said = "--explanation" if option == "--explain" else option
        if option == "--save":
            results.prepare_model(place, option, overwrite=overwrite)
            continue
        results.prepare_file(place, said, overwrite=overwrite)
        if option in ("--picture", "--explain") and place.suffix.lower() not in (".html", ".htm"):
            from recuerdo.show.files import checked_picture

            checked_picture(place)
    return places


def _load(path: Path) -> SequenceClassifier | SequenceRegressor:
    from recuerdo.errors import OptionError
    from recuerdo.tasks import SequenceClassifier, SequenceRegressor, load

    model = load(path)
    if not isinstance(model, SequenceClassifier | SequenceRegressor):
        raise OptionError(f"{path} holds a {type(model).__name__}, which judges no sequences: name another model.")
    print(f"{path}: {model.name}, {model.report_.parameters:,} parameters", flush=True)
    return model


def _fit(given: Given, settings: dict[str, Any]) -> SequenceClassifier | SequenceRegressor:
    """Fit a model, and say what it says of itself."""
    from recuerdo.tasks import SequenceClassifier, SequenceRegressor

    kind = SequenceRegressor if settings.pop("regress", False) else SequenceClassifier
    settings.pop("save", None)
    compared = settings.pop("baselines", True)
    model = kind(**settings, baselines="auto" if compared else None, verbose="brief")
    with warnings.catch_warnings():
        # What a fit warns of, that a baseline wins, is the verdict of the report, which is printed below.
        warnings.filterwarnings("ignore", message=r".* wins: ", category=UserWarning)
        model.fit(given.X, given.answers)
    report = model.report_
    print(f"fitted in {report.seconds:.1f} s: {report.steps} steps, seed {report.random_state}")
    print(f"\n{report}", flush=True)
    return model


def _judge(model: Any, asked: Given, out: Path | None, picture: Path | None) -> None:
    """Print what the model is worth on TEST, and write its verdicts and their picture."""
    from recuerdo.errors import OutputError
    from recuerdo.tasks.sequence_verdicts import verdicts

    found = verdicts(model, asked.X, asked.labels)
    report = found.report
    if report is None:
        print("\nTEST has no labels, so how good the verdicts on it are is not known.")
    else:
        print(f"\nOn the {report.rows:,} {report.unit}{'s' * (report.rows != 1)} of TEST:")
        print(report.table())
        if report.winner != report.model:
            print(report.verdict)
        print("".join(f"{note}\n" for note in (report.confused(), *report.choices) if note), end="")
        if picture is not None:
            from recuerdo.show import save_picture

            save_picture(report.plot(), picture)
    if out is not None:
        try:
            times = None if asked.times is None else (str(asked.columns.time), asked.times)
            found.to_frame(asked.names, asked.named, times).write_csv(out)
        except OSError as error:
            raise OutputError(f"{out} cannot be written ({error}): choose another --out.") from error


def _explain(model: Any, asked: Given, which: int, place: Path) -> None:
    """Print which steps of a sequence moved the verdict, and draw it."""
    import numpy as np

    truth = None
    if asked.labels is not None:
        # Of the labels at every step it is the last one's verdict that is explained.
        last = which if not asked.columns.each else int(np.cumsum([len(one) for one in asked.X])[which]) - 1
        truth = None if np.ma.getmaskarray(asked.labels)[last] else asked.labels[last]
    found = replace(
        model.explain(asked.X[which]),
        subject=f"{asked.named} {asked.names[which]}",
        truth=truth,
        features=asked.names_of_features,
    )
    print(f"\n{found}")
    if place.suffix.lower() in (".html", ".htm"):
        found.to_html(place)
    else:
        from recuerdo.show import save_picture

        save_picture(found.plot(), place)
