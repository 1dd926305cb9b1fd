"""Who watches sees every recurrence of the block, in order, in one thread, and nothing afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from tests.cells.cases import randn, state, weights

from recuerdo.cells import CELLS, Scanned
from recuerdo.errors import BackendError
from recuerdo.kernels import Job, Watcher, recurrence, watching
from recuerdo.kernels.watching import watcher
from recuerdo.nn import FRNN, GRU, LSTM

N, T, D, H = 2, 4, 3, 5
Run = Callable[[Job], Scanned]


def noting(seen: list[str], word: str = "") -> Watcher:
    def note(job: Job, run: Run) -> Scanned:
        seen.append(word or job.cell.name)
        return run(job)

    return note


def job(cell: str = "lstm") -> Job:
    spec = CELLS[cell]
    return Job(spec, randn(T, N, D), weights(spec, D, H), state(spec, N, H))


def test_every_recurrence_is_seen_in_the_order_in_which_it_runs() -> None:
    seen: list[str] = []
    x = torch.zeros(N, T, D)
    with watching(noting(seen)):
        GRU(D, H, 2)(x)
        FRNN(D, H)(x)
        LSTM(D, H, bidirectional=True)(x)
    assert seen == ["gru", "gru", "frnn", "lstm", "lstm"]


def test_what_a_watcher_returns_is_what_the_caller_gets() -> None:
    plain = recurrence(job())
    with watching(lambda job, run: run(job)):
        assert torch.equal(recurrence(job()).output, plain.output)
    with watching(lambda job, run: run(job)._replace(output=torch.zeros(()))):
        assert recurrence(job()).output.shape == ()


def test_a_watcher_may_change_the_job() -> None:
    expected = recurrence(replace(job(), reverse=True))
    with watching(lambda job, run: run(replace(job, reverse=True))):
        assert torch.equal(recurrence(job()).output, expected.output)


def test_what_a_watcher_runs_itself_is_not_watched_again() -> None:
    seen: list[str] = []
    with watching(noting(seen)):
        recurrence(job())
    assert seen == ["lstm"]


def test_a_backend_that_is_named_is_still_the_one_that_runs() -> None:
    with watching(lambda job, run: run(job)), pytest.raises(BackendError, match="There is no backend 'slow'"):
        recurrence(job(), backend="slow")


def test_an_inner_block_has_its_own_watcher_and_gives_the_outer_one_back() -> None:
    seen: list[str] = []
    with watching(noting(seen, "outer")):
        recurrence(job())
        with watching(noting(seen, "inner")):
            recurrence(job())
        recurrence(job())
    recurrence(job())
    assert seen == ["outer", "inner", "outer"]


def test_nobody_watches_outside_of_a_block() -> None:
    assert watcher() is None
    with watching(noting([])):
        assert watcher() is not None
    assert watcher() is None


def test_an_exception_ends_the_watch() -> None:
    seen: list[str] = []
    with pytest.raises(KeyError), watching(noting(seen)):
        raise KeyError
    recurrence(job())
    assert seen == []
    assert watcher() is None


def test_an_exception_of_a_watcher_reaches_the_caller_and_ends_the_watch() -> None:
    def failing(job: Job, run: Run) -> Scanned:
        raise KeyError("the watcher's own")

    with pytest.raises(KeyError, match="the watcher's own"), watching(failing):
        recurrence(job())
    assert watcher() is None


def test_threads_do_not_see_each_others_watcher() -> None:
    seen: dict[str, list[str]] = {"first": [], "second": [], "nobody": []}
    ready = threading.Barrier(3, timeout=30)

    def watched(name: str) -> None:
        with watching(noting(seen[name], name)):
            ready.wait()  # both watch, and the third does not, before any of them runs
            recurrence(job())
            ready.wait()

    def unwatched() -> None:
        ready.wait()
        recurrence(job())
        ready.wait()

    threads = [threading.Thread(target=watched, args=(name,)) for name in ("first", "second")]
    threads.append(threading.Thread(target=unwatched))
    with watching(noting(seen["nobody"])):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert seen == {"first": ["first"], "second": ["second"], "nobody": []}


def test_a_graph_that_is_being_captured_is_not_watched() -> None:
    seen: list[str] = []
    layer = GRU(D, H)
    compiled = torch.compile(layer, backend="eager", fullgraph=True)
    x = torch.zeros(N, T, D)
    with watching(noting(seen)):
        output, _ = compiled(x)
    assert seen == []
    assert torch.equal(output, layer(x)[0])
