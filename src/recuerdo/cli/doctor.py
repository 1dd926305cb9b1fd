"""`recuerdo doctor`: what keeps a model from learning, what to change, and whether that helps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from recuerdo.learn import Problem
    from recuerdo.memory import Audit, Finding

WIDTH = 100
"""Letters of a line of a finding."""


@dataclass(frozen=True)
class Patient:
    """A trained model that is looked into.

    Attributes:
        words: what it is.
        problem: it, with what it learns from.
        takes: the options that can be changed.
        scores: what it is worth on what was held out: name -> (value, whether more is better).
        again: trains it anew with other options.
        save: writes it to a folder; None where there is nothing worth keeping.
    """

    words: str
    problem: Problem
    takes: frozenset[str]
    scores: Mapping[str, tuple[float, bool]]
    again: Callable[[Mapping[str, Any]], Patient]
    save: Callable[[Path, bool], object] | None = None


def doctor(
    model: Annotated[
        str,
        typer.Argument(
            help="A model's directory, as demo and --save of the others write it; or an example of a sick network: "
            "vanishing or exploding.",
            show_default=False,
        ),
    ],
    data: Annotated[
        str | None, typer.Argument(help="A file like the one that it was fitted on.", show_default=False)
    ] = None,
    fix: Annotated[
        bool, typer.Option("--fix", help="Train it again with the first remedy, and say what that changed.")
    ] = False,
    needed: Annotated[
        int | None, typer.Option(metavar="STEPS", help="How far back the task needs to look, if you know.")
    ] = None,
    save: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where the model of --fix goes; a new folder by default.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a model at --save.")] = False,
) -> None:
    """Say what keeps a model from learning, what to change, and with --fix whether that helps."""
    from recuerdo.cli import results
    from recuerdo.errors import OptionError
    from recuerdo.memory import audit

    if save is not None and not fix:
        raise OptionError("--save is where --fix puts the model that it trains: add --fix, or leave it out.")
    if overwrite and save is None:
        raise OptionError("--overwrite is for a model at --save: name that folder, or leave it out.")
    if save is not None:
        results.prepare_model(save, "--save", overwrite=overwrite)
    patient = _patient(model, data)
    if save is not None and patient.save is None:
        raise OptionError(f"The network {model!r} is an example, and not kept: leave --save out.")
    print(f"{fill(patient.words, WIDTH)}\n")
    before = audit(patient.problem, needed=needed)
    print("\n".join(_said(before)))
    if not fix:
        return
    finding, options = _first_remedy(before, patient.takes)
    if finding is None:
        print("\nNothing was trained: " + _no_remedy(before))
        return
    changed = ", ".join(f"{name}={value!r}" for name, value in options.items())
    print(f"\nTraining it again with {changed}, against {finding.code}:", flush=True)
    treated = patient.again(options)
    after = audit(treated.problem, needed=needed)
    print("\n".join(("", *_table(patient, before, treated, after))))
    if treated.save is not None:
        place = save or results.fresh_directory(f"{Path(model).resolve().name}-treated")
        treated.save(place, overwrite)
        print(f"\nWritten:\n  {place}  the model that was trained again; {model} is as it was")


def _patient(model: str, data: str | None) -> Patient:
    from recuerdo.errors import DataError, OptionError
    from recuerdo.tasks.sick_networks import SICK_NETWORKS

    if model in SICK_NETWORKS and not Path(model).exists():
        if data is not None:
            raise OptionError(f"The network {model!r} is an example, and brings data of its own: leave DATA out.")
        return _example(model, {})
    if data is None:
        raise DataError(f"DATA is missing: name a file like the one that {model} was fitted on.")
    from recuerdo.cli.given_model import read_for
    from recuerdo.tasks import load

    fitted = load(model)
    return _fitted(fitted, read_for(fitted, data))


def _example(name: str, options: Mapping[str, Any]) -> Patient:
    from recuerdo.tasks.sick_networks import HIDDEN_SIZE, SICK_NETWORKS, TASK, train_sick

    sick, made = SICK_NETWORKS[name], train_sick(name, options)
    return Patient(
        f"The network {name!r}: {sick.words}. It has {HIDDEN_SIZE} units, and was trained for "
        f"{made.problem.history.steps if made.problem.history else 0} steps to {TASK}.",
        made.problem,
        frozenset(sick.options),
        {"right": (made.accuracy, True), "loss": (made.loss, False)},
        lambda changed: _example(name, changed),
    )


def _fitted(model: Any, data: tuple[Any, ...]) -> Patient:
    """A model of any kind, and what it was fitted on."""
    import inspect

    from recuerdo.cli.given_model import trained_again

    return Patient(
        f"{type(model).__name__} ({model.report_.model}): {model.report_.verdict}",
        model.as_problem(*data),
        frozenset(inspect.signature(type(model)).parameters),
        model.report_.decisive,
        lambda changed: _fitted(trained_again(model, data, changed), data),
        lambda place, overwrite: model.save(place, overwrite=overwrite),
    )


def _said(found: Audit) -> list[str]:
    """What was found: faults, then notes, each with what to try."""
    reach, lines = str(found.reach), []
    if not any(each.sentence.startswith(reach) for each in found.findings):
        lines = [fill(reach, WIDTH), ""]
    if not found.faults:
        lines.append("Nothing is found wrong with it.")
    for number, each in enumerate(found.faults, 1):
        lines.append(fill(f"{number}. {each.code}: {each.sentence}", WIDTH, subsequent_indent="   "))
        lines.append(fill(f"Try: {each.remedy}.", WIDTH, initial_indent="   ", subsequent_indent="   "))
    lines += [fill(f"Note ({each.code}): {each}", WIDTH) for each in found.findings if not each.fault]
    return lines


def _first_remedy(found: Audit, takes: frozenset[str]) -> tuple[Finding | None, dict[str, Any]]:
    """The first fault whose remedy is an option that the model takes, and these options."""
    for each in found.faults:
        options = {name: value for name, value in each.options.items() if name in takes}
        if options:
            return each, options
    return None, {}


def _codes(found: Audit) -> str:
    return ", ".join(each.code for each in found.faults) or "none"


def _no_remedy(found: Audit) -> str:
    if not found.faults:
        return "nothing is found wrong with it."
    return f"no remedy for {_codes(found)} is an option of this model; what to try is said above."


def _table(before: Patient, found: Audit, after: Patient, then: Audit) -> list[str]:
    """What was before and what is after, row by row."""
    from recuerdo.memory.reach import WORDS

    rows = [("", "before", "after"), *((name, *(_steps(each, name) for each in (found, then))) for name in WORDS)]
    for name, (value, _) in before.scores.items():
        rows.append((name, f"{value:.4g}", f"{after.scores[name][0]:.4g}" if name in after.scores else "-"))
    rows.append(("findings", *map(_codes, (found, then))))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows]
    return [*lines, "", *_verdict(before, after)]


def _steps(found: Audit, name: str) -> str:
    from recuerdo.memory.reach import how_far

    need = found.reach.needed.steps
    if name == "needed" and need is not None:
        return str(need)  # which may be more than there is
    return how_far(None if name == "needed" else getattr(found.reach, name), found.reach.steps)


def _verdict(before: Patient, after: Patient) -> list[str]:
    """Whether it helped, by the score that decides."""
    if not before.scores or not after.scores:
        return ["Whether it is better is not known: no score on what was held out is kept with the model."]
    name, (was, higher) = next(iter(before.scores.items()))
    now = after.scores[name][0]
    if now == was:
        return [f"It changed nothing: {name} {now:.4g}."]
    better = (now > was) == higher
    return [f"{'It helped' if better else 'It did not help'}: {name} {now:.4g}, and {was:.4g} before."]
