"""Scikit-learn is asked a thousand times: what it is given here is right, and not looked through each time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sklearn


@pytest.fixture(autouse=True)
def trusting() -> Iterator[None]:
    with sklearn.config_context(skip_parameter_validation=True):
        yield
