"""Standard streams as they may be: closed, full, without letters for every name."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from io import TextIOWrapper

import click


def open_streams() -> None:
    """Open what is closed of the three streams, on nothing, and let names be printed that are not UTF-8.

    The system gives a closed stream's number to the next file that is opened: whatever a library then prints would
    stand in a report.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            _point_at_nothing(number)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="surrogateescape")


def put(text: object, *, nl: bool = True) -> None:
    """Print what a command gives on standard output; where its reader has left, nothing is printed there any more."""
    try:
        click.echo(text, nl=nl)
    except BrokenPipeError:
        _point_at_nothing(1)


def tell(line: str) -> None:
    """Print a line on standard error, if that can be written."""
    try:
        click.echo(line, err=True)
    except OSError:
        _point_at_nothing(2)


def flush_output() -> OSError | None:
    """Write out what was printed; why that is not possible, where it is not. Nothing more is printed then."""
    if sys.stdout is None or sys.stdout.closed:
        return None
    try:
        sys.stdout.flush()
    except OSError as error:
        _point_at_nothing(1)
        with suppress(OSError):
            sys.stdout.flush()
        return error
    return None


def _point_at_nothing(number: int) -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    if nothing != number:
        os.dup2(nothing, number)
        os.close(nothing)
