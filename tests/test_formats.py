from __future__ import annotations

import doctest
import importlib
import pkgutil
import unittest

import pytest

import reportgen.site
from reportgen import formats

MODULES = [f"reportgen.site.{module.name}" for module in pkgutil.iter_modules(reportgen.site.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name: str) -> None:
    suite = doctest.DocTestSuite(importlib.import_module(name))
    result = unittest.TestResult()
    suite.run(result)
    assert not result.failures, result.failures[0][1]
    assert not result.errors, result.errors[0][1]


def plain(text: str) -> str:
    """Words with the signs of the keyboard in place of those of print."""
    return text.replace(formats.NOTHING, "none").replace("\N{MULTIPLICATION SIGN}", "x").replace("\N{MINUS SIGN}", "-")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (float("nan"), "none"),
        (float("inf"), "none"),
        (0.000999999, "1 x 10⁻³"),
        (9.9999e-6, "1 x 10⁻⁵"),
        (999.96, "1000"),
        (12345.6, "12,346"),
        (-0.5, "-0.5"),
    ],
)
def test_number(value: float, text: str) -> None:
    assert plain(formats.number(value)) == text


@pytest.mark.parametrize(("value", "text"), [(999, "999"), (1000, "1.00 k"), (999_999, "1.00 M"), (10**13, "10.0 T")])
def test_short_count(value: int, text: str) -> None:
    assert formats.short_count(value) == text


def test_shapes_leave_out_the_batch() -> None:
    assert plain(formats.shape([None, 7, 7, 512])) == "7 x 7 x 512"
    assert formats.shape([None]) == "single number"
    assert plain(formats.shape([[None, 10], [None, None, 4]])) == "10; any x 4"
