"""The door asks its backends in order, passes over those that refuse, and says why when none is left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from inspect import signature
from typing import Any

import pytest
import torch
from tests.cells.cases import flat, randn, state, weights

from recuerdo.cells import CELLS, Scanned, scan
from recuerdo.errors import BackendError
from recuerdo.kernels import BACKENDS, Job, recurrence
from recuerdo.nn import LSTM

N, T, D, H = 2, 4, 3, 5


@dataclass
class Fake:
    """A backend that refuses with the given words, or notes the jobs that it takes."""

    words: str | None = None
    taken: list[Job] = field(default_factory=list)

    def refuses(self, job: Job) -> str | None:
        return self.words

    def run(self, job: Job) -> Scanned:
        self.taken.append(job)
        return BACKENDS["reference"].run(job)


@pytest.fixture(autouse=True)
def only_the_reference() -> Iterator[None]:
    """Whatever else is registered, these tests see the reference alone, and the registry comes back as it was."""
    before = dict(BACKENDS)
    kept = BACKENDS["reference"]
    BACKENDS.clear()
    BACKENDS["reference"] = kept
    yield
    BACKENDS.clear()
    BACKENDS.update(before)


def register_first(name: str, backend: Fake) -> None:
    rest = dict(BACKENDS)
    BACKENDS.clear()
    BACKENDS[name] = backend
    BACKENDS.update(rest)


def job(cell: str = "lstm", **options: Any) -> Job:
    spec = CELLS[cell]
    return Job(spec, randn(T, N, D), weights(spec, D, H), state(spec, N, H), **options)


def test_a_job_holds_the_arguments_of_the_scan_by_the_same_names_and_a_precision() -> None:
    assert [each.name for each in fields(Job)] == [*signature(scan).parameters, "precision"]


@pytest.mark.parametrize("cell", CELLS)
def test_the_reference_is_the_scan_with_every_argument_passed_on(cell: str) -> None:
    spec = CELLS[cell]
    options: dict[str, Any] = {
        "lengths": torch.tensor([T, 2]),
        "reset": randn(T, N) > 0,
        "restart": state(spec, N, H, seed=50),
        "recurrent_mask": randn(N, H, seed=51),
        "zoneout": 0.2,
        "reverse": True,
        "trace": True,
    }
    asked = job(cell, **options)
    expected = scan(spec, asked.x, asked.weights, asked.state, **options)
    for actual, wanted in zip(flat(recurrence(asked)), flat(expected), strict=True):
        assert torch.equal(actual, wanted)
    for name, plain in {"zoneout": None, "reverse": False, "recurrent_mask": None, "reset": None}.items():
        changed = recurrence(replace(asked, **{name: plain}))
        assert not torch.equal(changed.output, expected.output), f"{name} is ignored"


def test_the_first_backend_that_takes_the_job_runs_it() -> None:
    fast = Fake()
    register_first("fast", fast)
    asked = job()
    recurrence(asked)
    assert fast.taken == [asked]


def test_a_backend_that_refuses_is_passed_over() -> None:
    picky = Fake("it takes no LSTM")
    register_first("picky", picky)
    asked = job()
    assert torch.equal(recurrence(asked).output, BACKENDS["reference"].run(asked).output)
    assert picky.taken == []


def test_a_backend_that_is_named_is_the_only_one_asked() -> None:
    fast = Fake()
    register_first("fast", fast)
    recurrence(job(), backend="reference")
    assert fast.taken == []


def test_naming_a_backend_that_refuses_raises_with_its_words() -> None:
    register_first("picky", Fake("it takes no LSTM"))
    with pytest.raises(BackendError, match=r"No backend takes this lstm recurrence\. picky: it takes no LSTM$"):
        recurrence(job(), backend="picky")


def test_when_none_takes_the_job_every_reason_is_given() -> None:
    BACKENDS.clear()
    BACKENDS.update({"a": Fake("too long"), "b": Fake("too wide")})
    with pytest.raises(BackendError, match=r"this gru recurrence\. a: too long; b: too wide"):
        recurrence(job("gru"))


def test_an_unknown_name_lists_the_backends_that_there_are() -> None:
    register_first("fast", Fake())
    with pytest.raises(BackendError, match="There is no backend 'slow'; there are: fast, reference"):
        recurrence(job(), backend="slow")


def test_a_layer_hands_each_layer_and_direction_over_as_one_job() -> None:
    fast = Fake()
    register_first("fast", fast)
    LSTM(D, H, 2, bidirectional=True)(torch.zeros(N, T, D))
    assert [taken.reverse for taken in fast.taken] == [False, True, False, True]
    assert [taken.x.shape for taken in fast.taken] == [(T, N, D)] * 2 + [(T, N, 2 * H)] * 2
