"""The command: it parses, calls and prints, and nothing else. `--help` loads neither torch nor numpy."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from functools import wraps
from typing import Annotated

import typer

from recuerdo._version import __version__
from recuerdo.cli.classify import classify
from recuerdo.cli.demo import demo
from recuerdo.cli.doctor import doctor
from recuerdo.cli.forecast import forecast
from recuerdo.cli.grouped import GroupedCommand
from recuerdo.cli.info import info
from recuerdo.cli.language import evaluate, fit, generate, next_token
from recuerdo.cli.memory import memory
from recuerdo.cli.problem import problem
from recuerdo.errors import RecuerdoError

INTERRUPTED = 130
"""The exit code that shells expect of a program that Ctrl-C ended."""

app = typer.Typer(
    name="recuerdo",
    help="Recurrent networks that forecast, and say when a baseline wins.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: drawing it costs more time than all the rest of --help
)


def interruptible(command: Callable[..., None]) -> Callable[..., None]:
    """Return the command with one line, and not silence or a traceback, for Ctrl-C.

    A KeyboardInterrupt with words says when it came and what was written by then.
    """

    @wraps(command)
    def run(*args: object, **options: object) -> None:
        try:
            command(*args, **options)
        except KeyboardInterrupt as stop:
            when = str(stop) or "before there was a result; nothing was written"
            print(f"recuerdo: stopped by Ctrl-C {when}.", file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from None

    return run


for each in (demo, forecast, classify, memory, doctor, problem, info):
    app.command(cls=GroupedCommand)(interruptible(each))
language = typer.Typer(
    help="Language models: the next word, character or piece of a word.", no_args_is_help=True, rich_markup_mode=None
)
for name, each in (("fit", fit), ("evaluate", evaluate), ("generate", generate), ("next", next_token)):
    language.command(name)(interruptible(each))
app.add_typer(language, name="language")


@app.callback(invoke_without_command=True)
def options(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    """Recurrent networks that forecast, and say when a baseline wins."""
    if version:
        print(f"recuerdo {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


def main() -> None:
    """Run the command; an error that recuerdo raises on purpose is one sentence on stderr and exit code 2.

    So is a warning, without the exit.
    """
    with warnings.catch_warnings():
        warnings.showwarning = _plainly
        try:
            app()
        except RecuerdoError as error:
            print(f"recuerdo: {error}", file=sys.stderr)
            sys.exit(2)


def _plainly(message: Warning | str, category: type[Warning], *place: object) -> None:
    """Print a warning without a place in our source, which is no help to who did not write it."""
    print(f"recuerdo: {message}", file=sys.stderr)
