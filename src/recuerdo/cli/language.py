"""`recuerdo language`: train on a text, say how good the model is on another, write on, and say what comes next."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from recuerdo.tasks import LanguageModel


def _option(metavar: str | None, words: str, *names: str) -> Any:
    return typer.Option(*names, metavar=metavar, help=words)


Text = Annotated[
    Path,
    typer.Argument(
        metavar="TEXT", help="A file of text in UTF-8, a folder of such, or - for stdin.", show_default=False
    ),
]
Model = Annotated[
    Path, typer.Argument(metavar="MODEL", help="The folder of a saved language model.", show_default=False)
]
ERRORS = "What bytes that are no UTF-8 do: strict is an error, replace puts U+FFFD."


def fit(
    text: Text,
    save: Annotated[Path, _option("FOLDER", "Keep the model, as a new folder.")],
    valid: Annotated[
        Path | None, _option("TEXT", "Says when the model is best; the end of TEXT is held out by default.")
    ] = None,
    level: Annotated[str, _option("NAME", "Tokens: word, char, bpe, or given, words as spaces part them.")] = "word",
    cell: Annotated[str, _option("NAME", "lstm, gru, frnn or indrnn.")] = "lstm",
    hidden_size: Annotated[int | None, _option("UNITS", "Of a layer; the level's own by default.")] = None,
    layers: Annotated[int | None, _option("COUNT", "On top of each other; the level's own by default.")] = None,
    dropout: Annotated[float, _option("SHARE", "Of vectors and layers, the same through a window.")] = 0.2,
    max_vocabulary: Annotated[int | None, _option("COUNT", "Tokens at most; no limit by default.")] = None,
    lowercase: Annotated[bool, _option(None, "Make letters small first.", "--lowercase")] = False,
    learning_rate: Annotated[float | None, _option("RATE", "Highest; the level's own by default.")] = None,
    max_steps: Annotated[int | None, _option("INT", "Windows; by the text by default.")] = None,
    max_seconds: Annotated[float | None, _option("SECONDS", "A budget for the training.")] = None,
    precision: Annotated[str, _option("NAME", "float32, or bf16 where the processor has it.")] = "float32",
    checkpoint: Annotated[
        Path | None, _option("FILE", "Goes on from it if it is there, and is written while training goes on.")
    ] = None,
    seed: Annotated[int | None, _option("INT", "Random seed; drawn and told by default.")] = None,
    no_baselines: Annotated[bool, _option(None, "Count no n-grams to stand beside.", "--no-baselines")] = False,
    errors: Annotated[str, _option("NAME", ERRORS)] = "strict",
    overwrite: Annotated[bool, _option(None, "Replace a model that is there.", "--overwrite")] = False,
) -> None:
    """Train a language model on a text."""
    from recuerdo.cli import results

    results.prepare_model(save, "--save", overwrite=overwrite)
    given, other = _given(text), None if valid is None else _given(valid)

    from recuerdo.tasks import LanguageModel

    named: dict[str, Any] = {"level": level, "precision": precision}  # what is not offered, the model says
    model = LanguageModel(
        cell=cell,
        hidden_size=hidden_size,
        num_layers=layers,
        dropout=dropout,
        max_vocabulary=max_vocabulary,
        lowercase=lowercase,
        learning_rate=learning_rate,
        max_steps=max_steps,
        max_seconds=max_seconds,
        random_state=seed,
        baselines=None if no_baselines else "auto",
        verbose="brief",
        **named,
    )
    model.fit(given, other, errors=errors, checkpoint=checkpoint)  # type: ignore[arg-type]
    report = model.report_
    print(
        f"fitted in {report.seconds:.1f} s: {report.steps:,} windows, {report.parameters:,} parameters, a vocabulary "
        f"of {report.vocabulary:,}, seed {report.random_state}"
    )
    print(f"\n{report}", flush=True)
    model.save(save, overwrite=overwrite)
    print(f"\nWritten:\n  {save}\n\nNext:\n  recuerdo language generate {save} --prompt ...")


def evaluate(model: Model, text: Text, errors: Annotated[str, _option("NAME", ERRORS)] = "strict") -> None:
    """Say how good a model is on a text: perplexity, and bits for each character and byte."""
    found = _load(model).evaluate(_given(text), errors=errors)  # type: ignore[arg-type]
    print(found)


def generate(
    model: Model,
    prompt: Annotated[str, _option("TEXT", "What is written on from; the beginning of a text by default.")] = "",
    max_tokens: Annotated[int, _option("COUNT", "Tokens that are written at most.")] = 200,
    temperature: Annotated[float, _option("NUMBER", "Below 1 keeps to what is likely; 0 takes the likeliest.")] = 0.8,
    top_k: Annotated[int | None, _option("COUNT", "Draw from so many of the likeliest; all by default.")] = None,
    top_p: Annotated[float, _option("SHARE", "Draw from the likeliest that have this probability together.")] = 1.0,
    repetition_penalty: Annotated[float, _option("NUMBER", "Above 1 what was said is less likely.")] = 1.0,
    stop: Annotated[list[str] | None, _option("TEXT", "Ends writing. Repeat for several.")] = None,
    seed: Annotated[int | None, _option("INT", "Random seed; drawn by default.")] = None,
) -> None:
    """Write on from a prompt, as it comes."""
    from recuerdo.tasks import Sampler

    loaded = _load(model)
    sampler = Sampler(temperature, top_k, top_p, repetition_penalty)
    sys.stdout.write(prompt)
    for piece in loaded.stream(prompt, max_tokens=max_tokens, sampler=sampler, stop=stop or (), random_state=seed):
        sys.stdout.write(piece)
        sys.stdout.flush()
    sys.stdout.write("\n")


def next_token(
    model: Model,
    prompt: Annotated[str, typer.Argument(metavar="PROMPT", help="What came before.", show_default=False)],
    k: Annotated[int, _option("COUNT", "Tokens that are shown.", "--k", "-k")] = 5,
) -> None:
    """Say which tokens may come next, and how likely each is."""
    for token, p in _load(model).next(prompt, k):
        print(f"{100 * p:5.1f} %  {token!r}")


def _given(path: Path) -> Any:
    return sys.stdin.read() if str(path) == "-" else path


def _load(path: Path) -> LanguageModel:
    from recuerdo.errors import OptionError
    from recuerdo.tasks import LanguageModel, load

    model = load(path)
    if not isinstance(model, LanguageModel):
        raise OptionError(f"{path} holds a {type(model).__name__}, which is no language model: name another folder.")
    return model
