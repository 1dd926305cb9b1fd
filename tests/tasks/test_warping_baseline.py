"""The nearest neighbour by dynamic time warping is that of the definition, and scores what others have published."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from recuerdo.data.ragged import Ragged
from recuerdo.errors import DataError, OptionError
from recuerdo.tasks import warping_baseline
from recuerdo.tasks.warping_baseline import dtw, dtw_cost, dtw_neighbours

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "classification"

pytest.importorskip("dtaidistance", reason="the extra `baselines` is not installed")


def drawn(lengths, features, seed=0):
    draw = np.random.default_rng(seed)
    return [draw.normal(size=(length, features)) for length in lengths]


def warped(a, b):
    """The least sum of squared distances along a way from corner to corner, cell by cell."""
    least = np.full((len(a) + 1, len(b) + 1), math.inf)
    least[0, 0] = 0
    for i, j in np.ndindex(len(a), len(b)):
        least[i + 1, j + 1] = ((a[i] - b[j]) ** 2).sum() + min(least[i, j], least[i, j + 1], least[i + 1, j])
    return least[-1, -1]


def archive(name, part):
    """The sequences and labels of a .ts file."""
    lines = (SHARED / name / f"{name}_{part}.ts").read_text(encoding="utf-8").split("@data\n", 1)[1].splitlines()
    rows = [line.split(":") for line in lines if line]
    return [np.array([np.fromstring(one, sep=",") for one in row[:-1]]).T for row in rows], [row[-1] for row in rows]


@pytest.mark.parametrize("features", [1, 3])
@pytest.mark.parametrize("long", [0, 10**9])
def test_the_neighbour_is_that_of_the_definition(monkeypatch, features, long):
    monkeypatch.setattr(warping_baseline, "LONG", long)
    known, asked = drawn((5, 9, 1, 12, 7), features), drawn((8, 1, 3, 11, 6, 2), features, seed=1)
    expected = [int(np.argmin([warped(a, b) for a in known])) for b in asked]
    assert dtw_neighbours(Ragged.of(known), Ragged.of(asked)).tolist() == expected


@pytest.mark.parametrize("long", [0, 10**9])
def test_of_equally_near_ones_the_first_is_taken_and_a_copy_of_itself_is_nearest(monkeypatch, long):
    monkeypatch.setattr(warping_baseline, "LONG", long)
    known = drawn((6, 6, 6), 2)
    assert dtw_neighbours(Ragged.of([*known, *known]), Ragged.of(known[::-1])).tolist() == [2, 1, 0]


def test_giving_up_far_pairs_changes_no_neighbour(monkeypatch):
    known, asked = Ragged.of(drawn([60] * 30, 2)), Ragged.of(drawn([55] * 40, 2, seed=1))
    one_by_one = dtw_neighbours(known, asked)
    monkeypatch.setattr(warping_baseline, "LONG", 10**9)
    np.testing.assert_array_equal(one_by_one, dtw_neighbours(known, asked))


@pytest.mark.parametrize(
    ("name", "published", "some"),
    [("GunPoint", 0.907, 150), ("JapaneseVowels", 0.949, 370), ("BasicMotions", 0.975, 40)],
)
def test_the_accuracy_is_the_archive_s_own(name, published, some):
    if not (SHARED / name).exists():
        pytest.skip(f"{SHARED / name} is not there")
    (x, labels), (z, truth) = archive(name, "TRAIN"), archive(name, "TEST")
    classes, y = np.unique(labels, return_inverse=True)
    p = dtw(Ragged.of(x), y, Ragged.of(z), classes=len(classes))
    assert len(truth) == some
    assert round(float(np.mean(classes[p.argmax(axis=1)] == truth)), 3) == published


def test_a_neighbour_s_class_has_probability_one_and_its_number_is_the_answer():
    known = Ragged.of([np.full((3, 1), level) for level in (0.0, 5.0, 9.0)])
    asked = Ragged.of([np.full((7, 1), 8.0)])
    assert dtw(known, np.array([0, 3, 1]), asked, classes=5).tolist() == [[0, 1, 0, 0, 0]]
    assert dtw(known, np.array([0.5, 3.5, 1.5]), asked).tolist() == [1.5]
    assert dtw(known, np.array([[0, 1], [2, 3], [4, 5]]), asked).tolist() == [[4.0, 5.0]]


def test_a_training_sequence_without_weight_is_no_neighbour():
    known = Ragged.of([np.full((3, 1), level) for level in (0.0, 5.0, 9.0)])
    asked = Ragged.of([np.full((7, 1), 8.0)])
    assert dtw(known, np.array([0, 1, 2]), asked, classes=3, weights=[1, 2, 0]).argmax() == 1
    assert dtw(known, np.array([0, 1, 2]), asked, classes=3, weights=[9, 1, 0.1]).argmax() == 2


def test_it_ends_when_the_time_is_over_and_early_where_it_will_not_do(monkeypatch):
    clock = SimpleNamespace(now=0.0, judged=0)

    def judge(_, asked):
        clock.now += len(asked)
        clock.judged += len(asked)
        return np.zeros(len(asked), np.int64)

    monkeypatch.setattr(warping_baseline, "_all_at_once", judge)
    known, asked = Ragged.of(drawn([3] * 2, 1)), Ragged.of(drawn([3] * 100, 1))

    def told(seconds):
        clock.now, clock.judged = 0.0, 0
        return dtw_neighbours(known, asked, max_seconds=seconds, clock=lambda: clock.now), clock.judged

    assert told(100)[0].shape == (100,)
    assert told(50) == (None, 1)  # 100 s are to be expected after the first
    assert told(80) == (None, 97)


def test_the_cost_is_about_what_it_takes():
    lengths = [120] * 40
    known, asked = drawn(lengths, 2), drawn(lengths, 2, seed=1)
    assert 0 < dtw_cost(lengths, lengths, 2) < 5
    assert dtw_cost(lengths, lengths * 100, 2) > 20 * dtw_cost(lengths, lengths, 2)
    assert dtw_cost([10] * 40, [10] * 40, 1) < dtw_cost([10] * 40, [10] * 4000, 1)
    assert dtw_neighbours(Ragged.of(known), Ragged.of(asked), max_seconds=60) is not None


def test_missing_values_are_refused_in_words():
    holed = Ragged.of([np.array([[1.0], [np.nan]])])
    with pytest.raises(DataError, match="1-NN DTW takes no missing values: leave it out"):
        dtw_neighbours(holed, holed)


def test_without_the_package_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setattr(warping_baseline, "find_spec", lambda name: None)
    one = Ragged.of(drawn([3], 1))
    with pytest.raises(OptionError, match=r"it needs the package dtaidistance: pip install 'recuerdo\[baselines\]'"):
        dtw_neighbours(one, one)


def test_without_its_c_library_it_is_not_used(monkeypatch):
    monkeypatch.setattr("dtaidistance.dtw.dtw_cc", None)
    assert warping_baseline.installed() == "the package dtaidistance was installed without its C library"
