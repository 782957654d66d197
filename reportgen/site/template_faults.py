"""Mistakes in templates of the user's own, as a line with file and number."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jinja2 import TemplateError, TemplateSyntaxError

from reportgen.errors import ReportgenError, one_line

# What a template can raise: by its own grammar and names, by what it computes, and when it is read.
_FAULTS = (ArithmeticError, AttributeError, LookupError, OSError, RecursionError, TemplateError, TypeError, ValueError)


@contextmanager
def template_faults_told(overrides: Path | None) -> Iterator[None]:
    """Turn a fault that arises in a template of the folder `overrides` into a line; others pass.

    Raises:
        ReportgenError: with the template's file and line, and what is wrong there.
    """
    if overrides is None:
        yield
        return
    if not overrides.is_dir():
        raise ReportgenError(f"--templates: expected a folder of templates, {overrides} is none")
    try:
        yield
    except _FAULTS as error:
        place = _place(error, overrides)
        if place is None:
            raise
        what = one_line(error, 100)
        name = "" if isinstance(error, TemplateError) else f"{type(error).__name__}: "
        raise ReportgenError(f"--templates: {place}: {name}{what}; correct the template") from error


def _place(error: Exception, overrides: Path) -> str | None:
    """The file in `overrides` and the line that `error` comes from, the innermost one."""
    places = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, TemplateSyntaxError):
        places.append((error.filename or "", error.lineno))
    for file, line in reversed(places):
        if Path(file).is_relative_to(overrides):
            return f"{file}, line {line}"
    return f"a template in {overrides}" if isinstance(error, UnicodeDecodeError | OSError) else None
