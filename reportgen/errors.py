"""Exceptions for mistakes a user can mend, each with the exit status it leads to, and their text as one line."""

from __future__ import annotations

# A line of a terminal or two: what is longer is read by nobody.
MOST_LETTERS = 280

_CUT = " [...] "


class ReportgenError(Exception):
    """An expected mistake; its text says what was expected, what came and what to do."""

    exit_status = 1


class UsageError(ReportgenError):
    """An option that does not exist or a value outside what it takes."""

    exit_status = 2


class GateError(ReportgenError):
    """A gate the user asked for (`--fail-on`, `--max-size`, `verify`) did not pass."""

    exit_status = 3


def one_line(text: object, most: int = MOST_LETTERS) -> str:
    r"""`text` as one printable line: other people's words and names may be long and hold anything.

    Where it is longer than `most` characters, its middle is left out: what came stands at the front, and what to do
    at the end.

    >>> one_line("not\na\x07line", 20), one_line("0123456789" * 3, 16)
    ('not a�line', '0123 [...] 56789')
    """
    line = printable(" ".join(str(text).split()))
    if len(line) <= most:
        return line
    front = (most - len(_CUT)) // 2
    return f"{line[:front]}{_CUT}{line[len(line) - (most - len(_CUT) - front) :]}"


def printable(text: str) -> str:
    """`text` without control characters, marks of direction and halves of letters, which a terminal would act on."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
