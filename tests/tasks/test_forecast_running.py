"""What a running network reads of a row, and that its state is the same however the rows come."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from tests.tasks.tables import weekly

from recuerdo.tasks import forecast_running
from recuerdo.tasks.forecast_inputs import Rows
from recuerdo.tasks.forecast_running import RunningNet, latest, memories, run, running_rows, with_changes
from recuerdo.tasks.forecast_shapes import Shape
from recuerdo.tasks.scaling import Scaler

NAN = np.nan
CELLS = ("frnn", "gru", "indrnn", "lstm")


def table(rows=40, seed=0, columns=2):
    values = np.random.default_rng(seed).normal(size=(rows, 1 + columns))
    values[5:7, 0] = values[20:21, 0] = NAN
    return values.astype(np.float32)


def net(cell="gru", segment=1, **options) -> RunningNet:
    torch.manual_seed(0)
    shape = Shape(
        cell=cell,
        strategy="direct",
        memory="running",
        hidden_size=6,
        num_layers=2,
        dropout=0.0,
        horizon=3,
        lookback=8,
        season=4,
        segment=segment,
        gaps=True,
        covariates=2,
        **options,
    )
    built = shape.build(0.5).eval()
    assert isinstance(built, RunningNet)
    torch.nn.init.normal_(built.core.head.weight)
    return built


def rows_of(*tables):
    lengths = np.array([len(each) for each in tables])
    starts = np.cumsum([0, *lengths[:-1]])
    return Rows(np.concatenate(tables), starts, lengths, 0, 0, None, tuple(Scaler(0.0, 1.0, False) for _ in tables))


def test_missing_values_are_those_of_a_season_before_and_nothing_is_filled_from_behind():
    z = np.array([[NAN], [1], [NAN], [2], [NAN], [NAN], [5]], dtype=np.float32)
    np.testing.assert_array_equal(
        with_changes(z, 3, 6),
        [  # z, filled, seasonal change less its mean, last change, steps since the last known
            [NAN, NAN, 0, 0, 1],
            [1, 1, 0, 0, 0],
            [NAN, 1, 0, 0, 1],
            [2, 2, 0, 1, 0],
            [NAN, 1, 0, -1, 1],
            [NAN, 1, 0, 0, 2],
            [5, 5, 3 - 1, 4, 0],
        ],
    )


def test_seasonal_changes_are_taken_less_their_mean_within_the_lookback():
    values = np.cumsum(np.random.default_rng(0).normal(size=(40, 1)), axis=0).astype(np.float32)
    made, z = with_changes(values, 4, 10), values[:, 0].astype(np.float64)
    for t in range(4, 40):
        changes = [z[k] - z[k - 4] for k in range(max(4, t - 5), t + 1)]
        np.testing.assert_allclose(made[t, 2], changes[-1] - np.mean(changes), rtol=1e-5, atol=1e-6)
    growing = with_changes(values + 3 * np.arange(40, dtype=np.float32)[:, None], 4, 10)
    np.testing.assert_allclose(growing[4:, 2], made[4:, 2], atol=1e-4)


@pytest.mark.parametrize("cut", [1, 3, 6, 7, 21])
def test_rows_are_read_alike_in_parts(cut):
    whole, first = with_changes(table(), 4, 8), with_changes(table()[:cut], 4, 8)
    for before in (first, first[-8:]):
        rest = with_changes(table()[cut:], 4, 8, before)
        np.testing.assert_allclose(rest, whole[cut:], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(first, whole[:cut])


@pytest.mark.parametrize("segment", [1, 3, 4])
@pytest.mark.parametrize("cell", CELLS)
def test_the_state_after_each_row_is_that_of_reading_all_rows_up_to_it(cell, segment):
    built, tables = net(cell, segment), [table(), table(23, seed=1)]
    rows = running_rows(rows_of(*tables), 4, 8)
    origins = np.array([[number, end] for number, each in enumerate(tables) for end in range(len(each))])
    found = memories(built, rows, np.random.default_rng(0).permutation(origins))
    found = memories(built, rows, origins)
    for (number, end), state in zip(origins, found, strict=True):
        x = torch.from_numpy(with_changes(tables[number][: end + 1], 4, 8))[None]
        if end + 1 < segment:
            assert not state.any()
        else:
            torch.testing.assert_close(state[None], built.core.read(built.features(x)), rtol=1e-5, atol=1e-6)
    assert found[-1].any()


@pytest.mark.parametrize("segment", [1, 3])
@pytest.mark.parametrize("cell", CELLS)
def test_the_state_runs_on_in_parts_as_it_does_at_once(cell, segment):
    built = net(cell, segment)
    made = [with_changes(table(), 4, 8), with_changes(table(31, seed=1), 4, 8)]
    _, at_once = run(built, made, built.start(2))
    states = built.start(2)
    for first, last in pairwise([0, 1, 2, 3, 10, 11, 30, 40]):
        parts = [each[max(0, first - segment + 1) : last] for each in made]
        if len(made[1]) <= first:  # the shorter series has ended
            states = tuple(
                torch.cat([new, old[:, 1:]], dim=1)
                for new, old in zip(
                    run(built, parts[:1], tuple(each[:, :1] for each in states))[1], states, strict=True
                )
            )
        else:
            _, states = run(built, parts, states)
    for mine, theirs in zip(states, at_once, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-6)


def test_rows_that_count_no_longer_take_no_step():
    built, made = net(segment=3), with_changes(table(), 4, 8)
    longer, shorter = (run(built, each, built.start(2))[1] for each in ([made, made[:10]], [made[:12], made[:10]]))
    torch.testing.assert_close(latest(longer)[1], latest(shorter)[1])
    nothing = run(built, [made[:2]], built.start(1))
    assert nothing[0].shape == (1, 0, 6)
    assert not latest(nothing[1]).any()


@pytest.mark.parametrize("rows", [8, 5, 2])
@pytest.mark.parametrize("segment", [1, 3, 4])
def test_a_window_from_before_a_series_begins_reads_it_from_its_first_row(segment, rows):
    built, series = net(segment=segment), table(rows)
    made = torch.from_numpy(with_changes(series, 4, 8))
    window = torch.cat([torch.full((8 - rows, made.shape[1]), NAN), made])[None]
    state = memories(built, running_rows(rows_of(series), 4, 8), np.array([[0, rows - 1]]))
    assert bool(state.any()) == (rows >= segment)
    torch.testing.assert_close(built(window), built(window, memory=state), rtol=1e-5, atol=1e-6)
    assert not torch.equal(built(window), built(window, memory=state + 1))


def test_changes_are_read_less_their_mean_over_their_spread_and_a_floor():
    built, rows = net(), running_rows(rows_of(table(), table(30, seed=1)), 4, 8)
    built.fit_scale(rows)
    seen = built.features(torch.from_numpy(rows.table)[None])[0, :, :2].double()
    changes = rows.table[:, 2:4].astype(np.float64)
    spread = np.sqrt(changes.var(axis=0) + 0.05**2)  # a tenth of the unit
    np.testing.assert_allclose(seen, (changes - changes.mean(axis=0)) / spread, rtol=1e-5, atol=1e-6)


def test_series_that_are_run_in_several_batches_have_the_same_states(monkeypatch):
    built, tables = net(segment=3), [table(15 + seed % 4, seed) for seed in range(9)]
    rows = running_rows(rows_of(*tables), 4, 8)
    origins = np.array([[number, end] for number in range(9) for end in (14, 9)])
    at_once = memories(built, rows, origins)
    monkeypatch.setattr(forecast_running, "MOST_NUMBERS", 1000)
    torch.testing.assert_close(memories(built, rows, origins), at_once, rtol=1e-5, atol=1e-6)


def test_no_later_row_changes_a_state():
    built, changed = net(segment=3), table()
    changed[25:] = 9
    mine, theirs = (
        memories(built, running_rows(rows_of(each), 4, 8), np.array([[0, 24], [0, 25]])) for each in (table(), changed)
    )
    assert torch.equal(mine[0], theirs[0])
    assert not torch.equal(mine[1], theirs[1])


@pytest.mark.parametrize("cell", CELLS)
def test_a_state_stays_bounded_however_long_it_runs(cell):
    built = net(cell)
    values = np.column_stack([weekly(50_000), np.ones((50_000, 2))]).astype(np.float32)
    found = memories(built, running_rows(rows_of(values), 4, 8), np.array([[0, 100], [0, 49_999]]))
    assert found.abs().max() <= 1
