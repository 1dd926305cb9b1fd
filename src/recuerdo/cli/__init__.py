"""The command: it parses, calls and prints, and nothing else. `--help` loads neither torch nor numpy."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from recuerdo._version import __version__
from recuerdo.cli.demo import demo
from recuerdo.cli.forecast import forecast
from recuerdo.cli.info import info
from recuerdo.errors import RecuerdoError

app = typer.Typer(
    name="recuerdo",
    help="Recurrent networks that forecast, and say when a baseline wins.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: drawing it costs more time than all the rest of --help
)
app.command()(demo)
app.command()(forecast)
app.command()(info)


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    """Recurrent networks that forecast, and say when a baseline wins."""
    if version:
        print(f"recuerdo {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command; an error that recuerdo raises on purpose is one sentence on stderr and exit code 2."""
    try:
        app()
    except RecuerdoError as error:
        print(f"recuerdo: {error}", file=sys.stderr)
        sys.exit(2)
