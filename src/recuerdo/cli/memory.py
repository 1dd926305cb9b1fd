"""`recuerdo memory`: where a saved model's gradients go, what its gates do, and one step with its numbers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer


def memory(
    model: Annotated[
        Path, typer.Argument(help="A model's directory, as demo and --save of the others write it.", show_default=False)
    ],
    data: Annotated[  # text, since an empty path would be the present folder
        str, typer.Argument(help="A file like the one that it was fitted on.", show_default=False)
    ],
    explain: Annotated[
        str | None,
        typer.Option(metavar="t=STEP", help="Write out one time step of a window, counted from 0, with its numbers."),
    ] = None,
    unit: Annotated[int, typer.Option(metavar="UNIT", help="Whose numbers --explain writes, counted from 0.")] = 0,
    layer: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Which layer and direction --explain writes out, the first by default."),
    ] = None,
    sample: Annotated[
        int, typer.Option(metavar="SAMPLE", help="Which window of the first batch --explain writes out, from 0.")
    ] = 0,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write all of it as one page, with a cursor through its views.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Directory for the pictures; a fresh one by default.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a page that is there.")] = False,
) -> None:
    """Show how far back a model remembers, where its gradients go and what its gates do."""
    from recuerdo.cli import results
    from recuerdo.cli.given_model import read_for
    from recuerdo.errors import OptionError
    from recuerdo.memory import audit, unfold
    from recuerdo.show import save_picture
    from recuerdo.tasks import load

    step = None
    if explain is not None:
        asked = re.fullmatch(r"(?:t=)?(\d+)", explain.strip())
        if asked is None:
            raise OptionError(f"--explain {explain} names no time step: write it as --explain t=17.")
        step = int(asked[1])
    if overwrite and html is None:
        raise OptionError("--overwrite is for a page at --html: name that file, or leave it out.")
    if html is not None:
        results.prepare_page(html, overwrite=overwrite)
    fitted = load(model)
    problem = fitted.as_problem(*read_for(fitted, data))
    found = audit(problem)
    directory = out or results.fresh_directory(f"memory-{model.resolve().name}")
    names = [f"{picture}.png" for picture in found.pictures]
    unfolded = None
    if step is not None:
        layers = [each.name for each in found.gradient_flow]
        which = layers[0] if layer is None else layer
        if which not in layers:
            raise OptionError(f"--layer {which} is none of this model's: choose one of {', '.join(layers)}.")
        inputs = next(iter(problem.batches)).inputs
        unfolded = unfold(problem.module, inputs, step, layer=layers.index(which), sample=sample, unit=unit)
        names.append("unfolded.svg")
    results.prepare(directory, overwrite=False, names=names)
    print(found)
    for picture in found.pictures:
        save_picture(found.plot(picture), directory / f"{picture}.png")
    if unfolded is not None:
        print(f"\n{unfolded}")
        unfolded.to_svg(directory / "unfolded.svg")
    if html is not None:
        found.to_html(html, title=f"What {model.resolve().name} remembers of {Path(data).name}")
    print("\nWritten:")
    for place in [*(directory / name for name in names), *([] if html is None else [html])]:
        print(f"  {place}")
