from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
from tests.tasks.tables import daily, quick

from recuerdo import Forecaster


@pytest.fixture(scope="session")
def fitted() -> Callable[..., Forecaster]:
    """Fits once for each set of options, on the same daily table; who changes a model makes its own."""

    @cache
    def fit(**changes) -> Forecaster:
        return quick(**changes).fit(daily())

    return fit
