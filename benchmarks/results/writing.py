"""How fast a language model writes, one text or 64 side by side, beside a loop in plain torch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from statistics import median

import torch
from torch import Tensor, nn

import recuerdo as rc
from recuerdo.learn import seeded

from .figures import Effort, Figure

CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ .,;:!?-'\n012"
HIDDEN, VECTOR = 512, 64

FASTER = 5.0
"""Issue 7, "Must show", 6."""

WRITTEN, ROUNDS = 1_000, 7
LATER, SLOWER = 20_000, 1.1
"""Tokens after which a token may take so many times as long at most."""


class Plain(nn.Module):
    """The same network as anyone writes it in torch."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(size, VECTOR)
        self.lstm = nn.LSTM(VECTOR, HIDDEN, batch_first=True)
        self.head = nn.Linear(HIDDEN, size)

    def forward(self, tokens: Tensor, state: tuple[Tensor, Tensor] | None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        output, state = self.lstm(self.embedding(tokens), state)
        return self.head(output), state


def model() -> rc.LanguageModel:
    """Return a model of that size that has hardly learned: the time of a token does not depend on the weights."""
    given = {"embedding_size": VECTOR, "hidden_size": HIDDEN, "max_steps": 1, "baselines": None, "verbose": False}
    return rc.LanguageModel("char", random_state=0, **given).fit(CHARACTERS * 40)


def theirs(streams: int) -> Callable[[int], None]:
    """Return what writes so many characters in each of some streams in plain torch."""
    with seeded(0):
        net = Plain(len(CHARACTERS)).eval()

    @torch.inference_mode()
    def write(count: int) -> None:
        token, state = torch.zeros(streams, 1, dtype=torch.int64), None
        for _ in range(count):
            logits, state = net(token, state)
            token = torch.multinomial(logits[:, -1].softmax(dim=-1), 1)
            "".join(CHARACTERS[i] for i in token[:, 0].tolist())

    return write


def speed(effort: Effort) -> Iterator[Figure]:
    """Write by both, in turns."""
    ours = model()
    count, rounds = (20, 1) if effort.quick else (WRITTEN, ROUNDS)
    for streams in (1, 64):
        plain, taken = theirs(streams), {"recuerdo": list[float](), "torch": list[float]()}
        for _ in range(rounds):
            for name, write in (
                ("recuerdo", lambda n, S=streams: ours.generate("a", max_tokens=n, samples=S, random_state=0)),
                ("torch", plain),
            ):
                began = time.perf_counter()
                write(count)
                taken[name].append(time.perf_counter() - began)
        rate = {name: streams * count / median(times) for name, times in taken.items()}
        yield Figure(
            f"characters a second, {streams} at once, by torch's",
            rate["recuerdo"] / rate["torch"],
            at_least=FASTER,
            anchors={f"{name}, characters a second": each for name, each in rate.items()},
        )
    yield later(ours, effort)


def later(ours: rc.LanguageModel, effort: Effort) -> Figure:
    """Compare the time of a token after many with that of the first ones."""
    writer = ours.stream("a", random_state=0)
    block, before = (20, 100) if effort.quick else (WRITTEN, LATER)

    def taken() -> float:
        began = time.perf_counter()
        for _ in range(block):
            next(writer)
        return time.perf_counter() - began

    first = median(taken() for _ in range(3))
    for _ in range(before):
        next(writer)
    return Figure(
        f"time of a token after {before:,} by that at first", median(taken() for _ in range(3)) / first, at_most=SLOWER
    )
