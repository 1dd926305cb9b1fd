"""The search for a forecaster's options, on rows that lie before those by which anything is judged later."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from recuerdo.data.tables import panel
from recuerdo.errors import OptionError
from recuerdo.learn import seeded
from recuerdo.learn.progress import progress_for
from recuerdo.tasks.search_spaces import Space, default_space, read_space
from recuerdo.tasks.studies import opened_study, optuna_module
from recuerdo.tasks.tuning_rows import Field, rows_apart
from recuerdo.tasks.tuning_search import INTERRUPTED, Search, with_options
from recuerdo.tasks.tunings import Trial, Tuning, best_of, in_words

if TYPE_CHECKING:
    from recuerdo.tasks.forecaster import Forecaster

SHARE = 0.2
"""Of max_seconds, for one trial at most: a search of fewer than five trials is none."""

BESIDE = ("baselines", "device", "max_seconds", "n_seeds", "random_state", "verbose")
"""Options that change no score, or, as the seed, are kept apart."""


def tune(
    forecaster: Forecaster,
    table: Any,
    columns: Mapping[str, Any],
    *,
    max_seconds: float,
    max_trials: int | None,
    space: Mapping[str, Any] | None,
    held_out: int | None,
    storage: str | Path | None,
    name: str | None,
) -> Tuning:
    """Search for better options; see :meth:`Forecaster.tune`."""
    started = time.monotonic()
    _check_limits(max_seconds, max_trials)
    optuna_module()  # that it is missing is better known before the table is read
    wanted = None if space is None else read_space(space, forecaster.horizon)
    known = panel(table, **columns)
    apart = rows_apart(forecaster, known, held_out)
    field = Field.of(forecaster, known, apart)
    rows = int(np.median([len(one.values) for one in field.before.series]))
    searched = default_space(forecaster, field.plan, rows) if wanted is None else wanted
    facts = _facts(forecaster, field, searched)
    name = f"forecaster-{_digest(json.dumps(facts).encode())[:12]}" if name is None else name
    with opened_study(storage, name, facts) as (study, where), progress_for(forecaster.verbose, "tuning") as progress:
        search = Search(forecaster, field, searched, study, _seed(study, forecaster.random_state))
        before = search.trials()
        if before:
            progress.say(f"the study {name!r} in {where} goes on after {len(before)} trials")
        try:
            ending = search.conduct(started + max_seconds, SHARE * max_seconds, max_trials, progress.say)
        except KeyboardInterrupt:
            ending = INTERRUPTED
        trials = search.trials()
    if not any(each.state == "finished" for each in trials):
        _raise_why(trials, ending, max_seconds)
    return Tuning(
        trials=trials,
        measure=field.measure,
        forecaster=with_options(forecaster, best_of(trials).options),
        name=name,
        storage=where,
        seconds=time.monotonic() - started,
        notes=(
            f"the last {apart} rows of each series were set apart and not read; {len(field.origins)} forecasts of "
            f"the {field.plan.judged} rows before them were scored"
            + (f", and steps chosen on the {field.plan.watched} before those" if field.plan.watched else ""),
            f"{len(trials) - len(before)} trials in this call, {len(trials)} in the study {name!r} in {where}",
            ending,
        ),
        kind=known.kind,
    )


def _check_limits(max_seconds: Any, max_trials: Any) -> None:
    number = isinstance(max_seconds, int | float | np.number) and not isinstance(max_seconds, bool)
    if not (number and 0 < max_seconds < math.inf):
        raise OptionError(f"max_seconds={max_seconds!r}: a budget is a number of seconds above 0.")
    whole = isinstance(max_trials, int | np.integer) and not isinstance(max_trials, bool)
    if max_trials is not None and not (whole and max_trials >= 1):
        raise OptionError(
            f"max_trials={max_trials!r}: it counts, so it has to be a whole number of 1 or more, or None."
        )


def _facts(forecaster: Forecaster, field: Field, space: Space) -> dict[str, Any]:
    """What has to be the same for two scores to be comparable, as plain values."""
    known = field.earlier
    parts = [known.freq, known.covariates, known.static, *(one.id for one in known.series)]
    rows = [
        np.ascontiguousarray(each).tobytes()
        for one in known.series
        for each in (one.times, one.values, one.covariates, one.static)
    ]
    options = {
        option: value for option, value in forecaster.get_params().items() if option not in (*BESIDE, "horizon", *space)
    }
    facts = {
        "horizon": forecaster.horizon,
        "table": _digest(repr(parts).encode(), *rows),
        "validation": [field.plan.watched, field.plan.judged],
        "space": {option: space[option].to_json() for option in sorted(space)},
        "forecaster": options,
        "random_state": forecaster.random_state,
    }
    return json.loads(json.dumps(facts, default=repr))


def _digest(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for each in parts:
        digest.update(len(each).to_bytes(8, "big") + each)
    return digest.hexdigest()


def _seed(study: Any, random_state: int | None) -> int:
    """The seed of a study: given, or drawn when it was begun."""
    if random_state is not None:
        return random_state
    if "seed" not in study.user_attrs:
        with seeded(None) as drawn:
            study.set_user_attr("seed", drawn)
    return study.user_attrs["seed"]


def _raise_why(trials: tuple[Trial, ...], ending: str, max_seconds: float) -> NoReturn:
    """Raise for a search without a score."""
    if ending == INTERRUPTED:
        raise KeyboardInterrupt
    failed = [each for each in trials if each.state == "failed"]
    if failed:
        last = failed[-1]
        raise OptionError(
            f"None of {len(trials)} trials came to a score. The last, {in_words(last.options)}, ended so: {last.why}"
        )
    raise OptionError(f"max_seconds={max_seconds:g} were over before a trial came to a score: give more.")
