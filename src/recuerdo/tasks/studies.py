"""The door to Optuna: where a study is kept, what it is of, and how the next trial is proposed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from recuerdo.errors import OptionError, OutputError
from recuerdo.tasks.search_spaces import Choices, Range, Space

DEFAULT_STORAGE = "recuerdo-tune.db"

FACTS = "recuerdo"
"""The study's attribute that says what it is of."""

RANDOM_TRIALS = 8
"""Trials before the sampler has seen enough to prefer anything."""

FULL_TRIALS = 3
"""Trials that run to their end before any is pruned."""

SAFE_PARTS = 2
"""Tenths of a training that no pruning looks at: a high learning rate begins badly and may end well."""


def optuna_module() -> Any:
    """Import Optuna.

    Raises:
        OptionError: it is not installed.
    """
    try:
        import optuna
        import optuna.storages  # by name, since it imports its parts late
    except ModuleNotFoundError as missing:
        raise OptionError(
            f"Tuning is done by Optuna, which the extra `tune` brings ({missing}): pip install 'recuerdo[tune]'."
        ) from missing
    return optuna


@contextmanager
def opened_study(storage: str | Path | None, name: str, facts: Mapping[str, Any]) -> Iterator[tuple[Any, str]]:
    """Open the study of that name, or begin it; Optuna is silent inside the block.

    Args:
        storage: a file, the URL of a database, or None for DEFAULT_STORAGE.
        name: of the study.
        facts: what -> a plain value; a study whose facts differ is another one.

    Yields:
        Optuna's study, and its storage in words.

    Raises:
        OptionError: a study of this name is there and is not of these facts.
        OutputError: the storage cannot be used.
    """
    optuna = optuna_module()
    from sqlalchemy.exc import SQLAlchemyError

    where, url = _place(storage)
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    kept = None
    try:
        kept = optuna.storages.RDBStorage(url)
        study = optuna.create_study(
            storage=kept,
            study_name=name,
            load_if_exists=True,
            pruner=optuna.pruners.MedianPruner(n_startup_trials=FULL_TRIALS, n_warmup_steps=SAFE_PARTS),
        )
        _require_same(study, facts, where)
        yield study, where
    except (optuna.exceptions.StorageInternalError, SQLAlchemyError, ImportError) as error:
        first = str(error).splitlines()[0]
        raise OutputError(f"The trials cannot be kept in {where} ({first}): name another place by storage=.") from error
    finally:
        if kept is not None:
            kept.remove_session()
            kept.engine.dispose()
        optuna.logging.set_verbosity(before)


def proposed(study: Any, space: Space, seed: int) -> Any:
    """Return the study's next trial; what it proposes depends on seed, number and the trials before alone."""
    optuna = optuna_module()
    # A sampler of its own for each trial, so that a study that was left and resumed goes on as if it had not been.
    number = sum(each.state.name != "WAITING" for each in study.get_trials(deepcopy=False))
    own = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
    study.sampler = optuna.samplers.TPESampler(seed=own, n_startup_trials=RANDOM_TRIALS, multivariate=True)
    return study.ask(fixed_distributions={name: _distribution(optuna, each) for name, each in space.items()})


def _distribution(optuna: Any, each: Choices | Range) -> Any:
    if isinstance(each, Choices):
        return optuna.distributions.CategoricalDistribution(each.labels)
    kind = optuna.distributions.IntDistribution if each.whole else optuna.distributions.FloatDistribution
    return kind(each.low, each.high, log=each.log)


def _place(storage: str | Path | None) -> tuple[str, str]:
    """Return a storage in words and as a URL, after looking at what is there."""
    from sqlalchemy.engine import URL, make_url
    from sqlalchemy.exc import ArgumentError

    text = str(DEFAULT_STORAGE if storage is None else storage)
    if "://" in text:
        try:
            return make_url(text).render_as_string(hide_password=True), text
        except ArgumentError:
            raise OptionError(f"storage={text!r} is no URL of a database, such as 'postgresql://host/name'.") from None
    path = Path(text)
    if not path.absolute().parent.is_dir():
        raise OutputError(f"The trials cannot be kept in {path}: the directory {path.parent} is not there. Make it.")
    if path.is_dir() or (path.exists() and path.stat().st_size and not _is_optunas(path)):
        raise OutputError(f"{path} is there and holds no studies of Optuna's, so it is left alone: name another file.")
    return str(path), URL.create("sqlite", database=str(path.absolute())).render_as_string()


def _is_optunas(path: Path) -> bool:
    """Whether it is an SQLite file with Optuna's tables; the file is only read."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            tables = {name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")}
    except sqlite3.DatabaseError:
        return False
    return {"studies", "trials", "version_info"} <= tables


def _require_same(study: Any, facts: Mapping[str, Any], where: str) -> None:
    kept = study.user_attrs.get(FACTS)
    if kept is None and not study.get_trials(deepcopy=False):
        study.set_user_attr(FACTS, dict(facts))
        return
    if kept is None:
        raise OptionError(f"The study {study.study_name!r} in {where} is not one of recuerdo's: give another name=.")
    for what, value in facts.items():
        if kept.get(what) != value:
            raise OptionError(
                f"The study {study.study_name!r} in {where} is of another {what}{_difference(kept.get(what), value)}. "
                f"Its trials cannot be compared with new ones: give another name=, or leave name out."
            )


def _difference(was: Any, now: Any) -> str:
    """Two values of a fact in words; a digest has none."""
    if isinstance(was, dict) and isinstance(now, dict):
        names = [name for name in sorted({*was, *now}) if was.get(name) != now.get(name)]
        return ": " + "; ".join(f"{name} was {was.get(name)!r} and is now {now.get(name)!r}" for name in names)
    return "" if isinstance(now, str) else f": it was {was!r} and is now {now!r}"
