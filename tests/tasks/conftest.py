from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
from tests.tasks.tables import DATA, quick

from recuerdo import Forecaster


@pytest.fixture(scope="session")
def fitted() -> Callable[..., Forecaster]:
    """Fits once for each set of options and each of tables.DATA; who changes a model makes its own."""

    @cache
    def fit(data: str = "plain", **changes) -> Forecaster:
        table, columns = DATA[data]
        return quick(**changes).fit(table, **columns)

    return fit
