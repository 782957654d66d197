from __future__ import annotations

import doctest
from types import ModuleType

import pytest

from reportgen.analysis.evaluation import classes as evaluation
from reportgen.analysis.weights import neighbours
from reportgen.draw import bands, figures, montage, patches, pixels

MODULES = [bands, evaluation, figures, montage, neighbours, patches, pixels]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_examples_in_docstrings_hold(module: ModuleType) -> None:
    outcome = doctest.testmod(module)
    assert outcome.attempted > 0
    assert outcome.failed == 0
