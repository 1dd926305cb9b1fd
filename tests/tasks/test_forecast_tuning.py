"""A search reads no row that anything is judged by later, keeps its trials, prunes, ends in time, refuses in words."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import contextmanager
from itertools import count
from types import SimpleNamespace

import numpy as np
import optuna
import pandas as pd
import polars as pl
import pytest
from tests.tasks.tables import HORIZON, ROWS, daily, days, long, quick, weekly

from recuerdo.errors import DataError, OptionError, OutputError
from recuerdo.tasks.forecast_plan import most_held_out
from recuerdo.tasks.tuning_rows import Field, Watch

SPACE = {"hidden_size": [3, 5, 8], "learning_rate": (1e-3, 1e-1), "dropout": [0.0, 0.3]}
APART = 10  # rows: six forecasts of five steps


@pytest.fixture(autouse=True)
def _scratch(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def tuned(table=None, columns=None, forecaster=None, **options):
    options = {"max_seconds": 100, "max_trials": 3, "space": SPACE} | options
    table = daily() if table is None else table
    return (forecaster or quick()).tune(table, **options, **(columns or {}))


@contextmanager
def optunas(file="recuerdo-tune.db"):
    """The storage as Optuna itself opens it, closed again."""
    storage = optuna.storages.RDBStorage(f"sqlite:///{file}")
    yield storage
    storage.remove_session()
    storage.engine.dispose()


def found(tuning):
    """What a search came to, less the clock's part of it."""
    return [(each.options, each.state, each.score) for each in tuning.trials]


# What comes back.


def test_the_best_of_the_trials_comes_back_and_the_first_is_the_forecaster_itself():
    model = quick()
    before = model.get_params()
    tuning = tuned(forecaster=model, max_trials=4)
    assert model.get_params() == before
    assert not hasattr(model, "report_")
    first = tuning.trials[0].options
    assert (first["hidden_size"], first["learning_rate"], first["dropout"]) == (5, 0.02, 0.0)
    assert tuning.score == min(each.score for each in tuning.trials)
    assert tuning.best == next(each.options for each in tuning.trials if each.score == tuning.score)
    assert tuning.forecaster.get_params() == before | tuning.best
    assert tuning.forecaster.fit(daily()).predict().height == HORIZON


def test_all_combinations_are_tried_once():
    tuning = tuned(space={"hidden_size": [3, 5], "dropout": [0.0, 0.3]}, max_trials=None)
    tried = [(each.options["hidden_size"], each.options["dropout"]) for each in tuning.trials]
    assert sorted(tried) == [(3, 0.0), (3, 0.3), (5, 0.0), (5, 0.3)]
    assert tuning.notes[-1] == "ended because all that was proposed had been tried"


@pytest.mark.parametrize(
    ("table", "kind"), [(daily(), pl.DataFrame), (pd.DataFrame({"day": days(), "y": weekly()}), pd.DataFrame)]
)
def test_the_trials_are_a_table_of_the_kind_that_came_in(table, kind):
    tuning = tuned(table)
    frame = tuning.frame()
    assert isinstance(frame, kind)
    assert list(frame.columns) == ["trial", "MASE", "state", "seconds", "steps", *SPACE, "why"]
    assert frame["MASE"].to_numpy().tolist() == [each.score for each in tuning.trials]
    head, best, *others = tuning.table().splitlines()
    assert head.split()[:3] == ["trial", "MASE", "state"]
    assert len(others) == 2
    assert best.split()[:3] == [str(tuning.best_trial.number), f"{tuning.score:.3g}", "finished"]
    assert f"Best: hidden_size={tuning.best['hidden_size']}, " in str(tuning)


def test_where_a_season_repeats_itself_exactly_the_measure_is_mae():
    tuning = tuned(daily(np.resize(np.arange(7.0) + 3, ROWS)))
    assert tuning.measure == "MAE"
    assert tuning.frame()["MAE"].is_finite().all()


def test_the_default_space_searches_what_the_forecaster_leaves_open():
    tuning = quick().tune(daily(), max_seconds=100, max_trials=2)
    assert set(tuning.best) == {"encoder", "dropout"}  # hidden_size and learning_rate are set; 45 rows: one lookback
    assert tuning.trials[0].options == {"encoder": "steps", "dropout": 0.0}
    season = quick(hidden_size=None, learning_rate=2e-3).tune(daily(weekly(200)), max_seconds=100, max_trials=1)
    assert set(season.best) == {"hidden_size", "lookback", "learning_rate", "encoder", "dropout"}
    assert (season.best["hidden_size"], season.best["lookback"] % 7) == (32, 0)


def test_where_everything_is_set_there_is_nothing_to_search():
    model = quick(lookback=14, encoder="steps", dropout=0.1)
    with pytest.raises(OptionError, match="so nothing is left to search: give space="):
        model.tune(daily(), max_seconds=10)


def test_one_search_over_many_series_with_covariates():
    table = long(a=weekly(), b=weekly(80, seed=1)).with_columns(holiday=pl.col("ds").dt.day() == 1)
    tuning = tuned(table, {"future": ["holiday"]}, space={"hidden_size": [3, 5]}, max_trials=2)
    assert [each.state for each in tuning.trials] == ["finished", "finished"]


# No row that anything is judged by later.


def changed(first, last=None):
    """The table with rows made into something else."""
    values = weekly()
    values[first:last] = 3 * values[first:last][::-1] + 40
    return daily(values)


def test_the_rows_set_apart_change_nothing_and_the_others_do():
    plain = tuned(name="plain")
    assert plain.notes[0].startswith(f"the last {APART} rows of each series were set apart and not read")
    apart = tuned(changed(-APART), name="plain")  # the same study: nothing that it is of has changed
    assert [each.number for each in apart.trials] == list(range(6))
    other = tuned(changed(-APART), storage="other.db")
    assert found(other) == found(plain)
    validation = tuned(changed(-APART - 2, -APART), storage="third.db")
    assert all(mine[2] != theirs[2] for mine, theirs in zip(found(validation), found(plain), strict=True))


def test_what_is_set_apart_is_what_the_fit_holds_out():
    tuning = tuned()
    model = tuning.forecaster.fit(daily())
    first = model.trial_.origins[:, 1].min() + 1
    assert ROWS - first == APART


@pytest.mark.parametrize("lookback", [2, 7, 14, 20, 30, 40])
@pytest.mark.parametrize("quantiles", [(0.1, 0.9), (0.02, 0.98)])
def test_no_option_makes_a_fit_hold_out_more_than_is_set_apart(lookback, quantiles):
    model = quick(lookback=lookback, season=1, quantiles=quantiles).fit(daily())
    assert model._plan.held_out <= most_held_out(ROWS, HORIZON, 1, model._least_errors)


def test_more_rows_can_be_set_apart_for_a_backtest_and_fewer_cannot():
    tuning = tuned(held_out=15)
    assert "the last 15 rows" in tuning.notes[0]
    assert found(tuning) == found(tuned(changed(-15), held_out=15, storage="other.db"))
    with pytest.raises(OptionError, match="held_out=9: a fit judges itself by up to the last 10 rows"):
        tuned(held_out=9)


def test_where_a_fit_chooses_its_steps_a_trial_does_on_rows_that_are_not_scored(monkeypatch):
    # Of 300 rows 34 are set apart, 15 scored, and the 15 before those watched; 100 steps unless a trial ends early.
    scored, plain = [], Field.score
    monkeypatch.setattr(Field, "score", lambda self, *rest: scored.append(self) or plain(self, *rest))

    def search(values, **storage):
        return tuned(daily(values), {}, quick(max_steps=None), space={"hidden_size": [3, 5]}, **storage)

    values = weekly(300)
    tuning = search(values)
    field = scored[-1]
    watched, judged = field.plan.watched, field.plan.judged
    assert f"the {judged} rows before them were scored, and steps chosen on the {watched} before those" in str(tuning)
    last = len(field.before.series[0].values) - 1 + watched
    assert field.origins[:, 1].min() == last
    assert {each.state for each in tuning.trials} == {"finished"}
    other = values.copy()
    other[last - watched + 1 : last + 1] = other[last - watched + 1 : last + 1][::-1] + 30
    changed_steps = [each.steps for each in search(other, storage="other.db").trials]
    assert changed_steps != [each.steps for each in tuning.trials]
    fixed = tuned(daily(values), {}, quick(max_steps=50), space={"hidden_size": [3, 5]})
    assert "steps chosen" not in str(fixed)
    assert [each.steps for each in fixed.trials] == [50, 50]


def test_too_few_rows_are_refused_with_what_is_set_apart():
    with pytest.raises(DataError, match=r"Tuning sets the last 8 rows .* apart, and what is left does not do\. Series"):
        tuned(daily(weekly(25)), forecaster=quick(lookback=7, season=1))


# The storage.


def test_a_study_that_was_left_goes_on_as_if_it_had_not_been(tmp_path):
    whole = tuned(max_trials=12, storage="whole.db")
    tuned(max_trials=5, storage="parts.db", name="mine")
    parts = tuned(max_trials=7, storage=tmp_path / "parts.db", name="mine")
    assert found(parts) == found(whole)
    assert parts.notes[1] == f"7 trials in this call, 12 in the study 'mine' in {tmp_path / 'parts.db'}"


def test_the_same_call_goes_on_and_another_begins_its_own(tmp_path):
    first, again = tuned(), tuned()
    assert first.storage == "recuerdo-tune.db"
    assert [path.name for path in tmp_path.iterdir()] == ["recuerdo-tune.db"]
    assert again.name == first.name
    assert len(again.trials) == 6
    other = tuned(daily(weekly(seed=1)))
    assert other.name != first.name
    assert len(other.trials) == 3


def test_a_drawn_seed_is_kept():
    def go_on(trials, **storage):
        return tuned(forecaster=quick(random_state=None), max_trials=trials, **storage)

    first, second = go_on(2), go_on(2)
    assert found(second)[:2] == found(first)
    with optunas() as storage:
        (summary,) = optuna.get_all_study_summaries(storage)
    again = tuned(forecaster=quick(random_state=summary.user_attrs["seed"]), max_trials=4, storage="again.db")
    assert found(again) == found(second)


@pytest.mark.parametrize(
    ("what", "changes"),
    [
        ("table", {"table": daily(weekly(seed=1))}),
        ("table", {"table": daily(weekly(70))}),
        ("horizon: it was 5 and is now 4", {"forecaster": quick(horizon=4)}),
        (r"space: hidden_size was \[3, 5, 8\] and is now \[3, 5\]\.", {"space": SPACE | {"hidden_size": [3, 5]}}),
        ("forecaster: cell was 'gru' and is now 'lstm'", {"forecaster": quick(cell="lstm")}),
        ("random_state: it was 3 and is now 4", {"forecaster": quick(random_state=4)}),
    ],
)
def test_a_study_of_something_else_is_refused(what, changes):
    tuned(name="mine", max_trials=1)
    with pytest.raises(OptionError, match=f"'mine' in recuerdo-tune.db is of another {what}.*give another name="):
        tuned(name="mine", max_trials=1, **changes)


def test_a_study_that_is_not_ours_is_refused():
    with optunas() as storage:
        theirs = optuna.create_study(storage=storage, study_name="theirs")
        theirs.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    with pytest.raises(OptionError, match=r"'theirs' in .* is not one of recuerdo's"):
        tuned(name="theirs")


def test_what_is_there_and_no_storage_of_optunas_is_left_alone(tmp_path):
    text, database = tmp_path / "notes.txt", tmp_path / "shop.db"
    text.write_text("not a database")
    with sqlite3.connect(database) as connection:
        connection.execute("create table sales (day text)")
    connection.close()
    for place in (text, database):
        before = place.read_bytes()
        with pytest.raises(OutputError, match=f"{place} is there and holds no studies of Optuna's"):
            tuned(storage=place)
        assert place.read_bytes() == before


def test_a_place_that_is_none_is_refused(tmp_path):
    with pytest.raises(OutputError, match="the directory nowhere is not there"):
        tuned(storage="nowhere/tune.db")
    with pytest.raises(OutputError, match="is there and holds no studies"):
        tuned(storage=tmp_path)
    with pytest.raises(OutputError, match="The trials cannot be kept in nosuch://host/name"):
        tuned(storage="nosuch://host/name")


def test_a_file_whose_name_has_signs_in_it(tmp_path):
    tuning = tuned(storage=tmp_path / "year?2024#a%b.db", max_trials=1)
    assert [path.name for path in tmp_path.iterdir()] == ["year?2024#a%b.db"]
    assert len(tuned(storage=tuning.storage, max_trials=1).trials) == 2


# Budgets, pruning, failures, Ctrl-C.


def test_the_budget_is_shared_by_trials_of_a_fifth_and_holds(monkeypatch):
    now, given = [0.0], []

    def train(_search, _trial, seconds):
        given.append(seconds)
        now[0] += seconds
        return 1.0 / len(given), "max_seconds"

    clock = SimpleNamespace(monotonic=lambda: now[0])
    monkeypatch.setattr("recuerdo.tasks.tuning_search.time", clock)
    monkeypatch.setattr("recuerdo.tasks.forecast_tuning.time", clock)
    monkeypatch.setattr("recuerdo.tasks.tuning_search.Search._train", train)
    tuning = tuned(max_seconds=3, max_trials=None)
    assert given == pytest.approx([0.6] * 5)
    assert tuning.seconds == pytest.approx(3)
    assert tuning.notes[-1] == "ended after max_seconds"


def test_a_trial_ends_when_its_seconds_are_over():
    # So many steps would take minutes.
    tuning = tuned(forecaster=quick(max_steps=1_000_000), max_seconds=4, max_trials=1)
    (trial,) = tuning.trials
    assert (trial.state, trial.why) == ("finished", "max_seconds")


def test_a_budget_that_reading_uses_up_is_refused():
    with pytest.raises(OptionError, match="max_seconds=1e-06 were over before a trial came to a score"):
        tuned(max_seconds=1e-6)


def test_what_falls_behind_is_pruned():
    rates = [0.001, 0.002, 0.003, 0.004, 0.005, 2.0, 3.0, 4.0]
    model = quick(max_steps=60, learning_rate=0.003)
    tuning = tuned(forecaster=model, space={"learning_rate": rates}, max_trials=None)
    states = {each.number: each.state for each in tuning.trials}
    assert len(states) == 8
    assert "pruned" in states.values()
    assert {each.steps for each in tuning.trials if each.state == "finished"} == {60}
    with optunas() as storage:
        kept = optuna.load_study(storage=storage, study_name=tuning.name).trials
    on_the_way = {each.number: each.intermediate_values for each in kept}
    for each in tuning.trials:
        before = [n for n, state in states.items() if state == "finished" and n < each.number]
        part = max(on_the_way[each.number])
        if each.state == "pruned":
            assert each.steps == 6 * part < 60
            assert len(before) >= 3
            assert min(on_the_way[each.number].values()) > np.median([on_the_way[n][part] for n in before])


def test_options_that_do_not_go_together_are_a_failed_trial_and_not_tried_again():
    tuning = tuned(space={"lookback": [14, 400]}, max_trials=None)
    assert [each.state for each in tuning.trials] == ["finished", "failed"]
    assert "has 54 rows, and horizon 5 with lookback 400 needs" in tuning.trials[1].why
    assert tuning.best == {"lookback": 14}


def test_where_every_trial_fails_the_last_says_why():
    with pytest.raises(OptionError, match=r"None of 2 trials .* The last, lookback=\d+, ended so: Series 'y' has 54"):
        tuned(space={"lookback": [300, 400]})
    space = {"lookback": (300, 3000)}
    with pytest.raises(OptionError, match="None of 10 trials came to a score"):
        tuned(space=space, max_trials=None)


def interrupt_in(monkeypatch, trial):
    """Ctrl-C in the middle of that trial of the next search."""
    number, plain = count(), Watch.__init__

    def init(self, *arguments):
        plain(self, *arguments)
        self.number = next(number)

    def on_step(self, run):
        if self.number == trial and run.step == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Watch, "__init__", init)
    monkeypatch.setattr(Watch, "on_step", on_step)


def test_ctrl_c_ends_the_search_and_keeps_what_is_there(monkeypatch):
    with monkeypatch.context() as patched:
        interrupt_in(patched, 2)
        tuning = tuned(max_trials=5)
    assert [each.state for each in tuning.trials] == ["finished", "finished", "failed"]
    assert (tuning.trials[-1].why, tuning.notes[-1]) == ("interrupted", "interrupted")
    assert len(tuned(max_trials=2).trials) == 5


def test_ctrl_c_before_anything_is_there_reaches_the_caller_and_the_next_call_begins_anew(monkeypatch):
    with monkeypatch.context() as patched:
        interrupt_in(patched, 0)
        with pytest.raises(KeyboardInterrupt):
            tuned()
    tuning = tuned(max_trials=1)
    assert [each.state for each in tuning.trials] == ["failed", "finished"]
    assert tuning.trials[1].options == tuning.trials[0].options


def test_a_process_that_died_leaves_an_unfinished_trial(monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(Watch, "on_step", lambda self, run: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            tuned()
    tuning = tuned(max_trials=2)
    assert [each.state for each in tuning.trials] == ["unfinished", "finished", "finished"]
    assert tuning.table().splitlines()[-1].split()[:2] == ["0", "unfinished"]


# What is said.


def test_each_trial_is_one_line_of_a_log_and_optuna_is_silent(capfd):
    before = optuna.logging.get_verbosity()
    tuned(forecaster=quick(verbose=True))
    lines = capfd.readouterr().err.splitlines()
    assert [line.startswith(f"tuning: trial {n} finished MASE ") for n, line in enumerate(lines)] == [True] * 3
    tuned(forecaster=quick(verbose=True), max_trials=1)
    assert "goes on after 3 trials" in capfd.readouterr().err
    tuned(max_trials=1)
    assert capfd.readouterr().err == ""
    assert optuna.logging.get_verbosity() == before


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({}, "it is a dict of options"),
        ({"hiden_size": [3]}, "space has 'hiden_size', which is not searched; .* Did you mean 'hidden_size'?"),
        ({"random_state": [3]}, "space has 'random_state', which is not searched"),
        ({"hidden_size": 3}, r"space\['hidden_size'\]=3: it is a list of choices, or \(low, high\)"),
        ({"hidden_size": []}, r"space\['hidden_size'\]=\[\]: it is a list"),
        ({"hidden_size": [3, 3]}, "names a value twice"),
        ({"hidden_size": [0]}, "hidden_size=0: it counts"),
        ({"hidden_size": (1.5, 8)}, "a tuple is a range, and a range is two whole numbers, the lower first"),
        ({"hidden_size": (8, 3)}, "a range is two whole numbers, the lower first"),
        ({"dropout": (0.0, 0.1, 0.2)}, "a range is two numbers, the lower first"),
        ({"dropout": (0.0, 1.0)}, r"dropout=1.0: it is a share, so it has to be in \[0, 1\)"),
        ({"learning_rate": (0.0, 1.0)}, "learning_rate must be a number above 0"),
        ({"cell": ("gru", "lstm")}, "a tuple is a range, and it takes a list of choices"),
        ({"cell": ["gru", "lstn"]}, "cell='lstn' is not offered; .* Did you mean 'lstm'?"),
    ],
)
def test_a_space_that_is_none_is_refused_before_anything_is_trained(space, message):
    with pytest.raises(OptionError, match=message):
        tuned(space=space)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_seconds": 0}, "max_seconds=0: a budget is a number of seconds above 0"),
        ({"max_seconds": None}, "max_seconds=None: a budget"),
        ({"max_trials": 0}, "max_trials=0: it counts"),
        ({"forecaster": quick(cell="lstn")}, "Did you mean 'lstm'"),
    ],
)
def test_other_arguments_that_are_not_offered_are_refused(options, message):
    with pytest.raises(OptionError, match=message):
        tuned(**options)


def test_choices_that_are_no_plain_values_are_kept():
    tuning = tuned(space={"calendar": [(), ("weekday",)], "hidden_size": [None, 3]}, max_trials=None)
    assert {each.options["calendar"] for each in tuning.trials} == {(), ("weekday",)}
    assert {each.options["hidden_size"] for each in tuning.trials} == {None, 3}
    assert tuning.forecaster.calendar == tuning.best["calendar"]
    assert set(tuning.frame()["calendar"]) == {"()", "('weekday',)"}


def test_without_optuna_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(OptionError, match=r"the extra `tune` brings .* pip install 'recuerdo\[tune\]'"):
        tuned()


def test_optuna_is_loaded_by_the_first_search_alone():
    code = "import sys, recuerdo; recuerdo.Forecaster(3); recuerdo.tasks.Tuning; print('optuna' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"
