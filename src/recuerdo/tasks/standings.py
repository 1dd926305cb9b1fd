"""Who stands where among a model and its baselines: by the score that decides, in a sentence, and in a table."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Scores = Mapping[str, Mapping[str, float]]
"""Name -> score -> value."""


@dataclass(frozen=True)
class Standing:
    """Who stands where.

    Attributes:
        score: the score that decides.
        winner: the name with the best; the baseline where two are level.
        best: the best baseline; None without any.
        own, other: the score of the model, and of the best baseline.
        level: whether the two differ by less than counts.
    """

    score: str
    winner: str
    best: str | None
    own: float
    other: float
    level: bool


def stand(
    model: str, scores: Scores, score: str, *, higher: bool = False, share: float = 0.0, least: float = 0.0
) -> Standing:
    """Return who stands where.

    Args:
        model: the model's name.
        scores: name -> score -> value.
        score: which of them decides.
        higher: whether more of it is better.
        share: two are level that differ by no more than this share of the baseline's score,
        least: or by no more than this.

    Example:
        >>> found = stand("GRU", {"GRU": {"accuracy": 0.9}, "mean": {"accuracy": 0.5}}, "accuracy", higher=True)
        >>> found.winner, found.best
        ('GRU', 'mean')
    """
    sign = -1 if higher else 1
    own = scores[model][score]
    best = min((name for name in scores if name != model), key=lambda name: sign * scores[name][score], default=None)
    if best is None:
        return Standing(score, model, None, own, math.nan, False)
    other = scores[best][score]
    # A difference of exactly one row in n is no more than 1 / n, whatever the rounding of the two shares.
    level = abs(own - other) <= max(share * other, least * (1 + 1e-9))
    lost = sign * other < sign * own
    return Standing(score, best if level or lost else model, best, own, other, level)


def sentence(
    model: str,
    found: Standing,
    number: str,
    margin: str,
    *,
    usable: bool,
    remedy: str,
    partial: bool = False,
    few: str | None = None,
) -> str:
    """Return one sentence on the model against its best baseline.

    Args:
        model: the model's name.
        found: who stands where.
        number: the format of the score, such as ".3f".
        margin: by how much the model wins, if it does.
        usable: whether the baseline can be fitted by itself and so be recommended.
        remedy: what a model that lost needs.
        partial: whether a baseline was left out, so that the best is the best of those that were not.
        few: over how few rows the scores are, such as "2 sequences", where that alone makes two level.
    """
    score, best = found.score, found.best
    own, other = format(found.own, number), format(found.other, number)
    if best is None:
        return f"{model}: no baseline was asked for, so whether it is any good is not known."
    if found.level and few is not None:
        return f"{model} and {best} are level: {score} {own} and {other} on {few}, too few to tell which is better."
    if found.level:
        return f"{model} and {best} are level: {score} {own} and {other}. The model adds nothing to this baseline."
    if found.winner == model:
        among = " of those compared" if partial else ""
        return f"{model} wins: {score} {own}, against {other} for {best}, the best baseline{among} ({margin})."
    advice = f"Use {best}, or give" if usable else "The recurrence does not pay here: give"
    return f"{best} wins: {score} {other}, against {own} for {model}. {advice} the model {remedy}."


def columns(scores: Scores, names: Sequence[str], number: Callable[[float], str]) -> str:
    """Return name -> score -> value as a table in plain text, with "undefined" for NaN."""
    width = max(map(len, scores))
    widths = [max(10, len(name) + 2) for name in names]
    lines = [" " * width + "".join(f"{name:>{wide}}" for name, wide in zip(names, widths, strict=True))]
    for name, row in scores.items():
        cells = ("undefined" if math.isnan(row[score]) else number(row[score]) for score in names)
        lines.append(f"{name:<{width}}" + "".join(f"{cell:>{wide}}" for cell, wide in zip(cells, widths, strict=True)))
    return "\n".join(lines)


def plain_row(row: Mapping[str, float]) -> dict[str, float | None]:
    """Return scores as JSON can hold them: None for NaN."""
    return {key: None if math.isnan(value) else value for key, value in row.items()}


def numbers(row: Mapping[str, float | None]) -> dict[str, float]:
    """Return the scores that :func:`plain_row` gave."""
    return {key: math.nan if value is None else value for key, value in row.items()}
