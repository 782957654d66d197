"""Exceptions for mistakes a user can mend, each with the exit status it leads to."""

from __future__ import annotations


class ReportgenError(Exception):
    """An expected mistake; its text says what was expected, what came and what to do."""

    exit_status = 1


class UsageError(ReportgenError):
    """An option that does not exist or a value outside what it takes."""

    exit_status = 2


class GateError(ReportgenError):
    """A gate the user asked for (`--fail-on`, `--max-size`, `verify`) did not pass."""

    exit_status = 3
