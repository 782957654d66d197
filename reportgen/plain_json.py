"""JSON of others: read into plain values that nothing further on stumbles over."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, NoReturn

# Whole numbers of the record are counts, bytes and pixels.
MOST_WHOLE = 2**63 - 1

# A record nests some ten deep.
MOST_DEPTH = 64

# Values in one file: an empty list takes 56 bytes of memory and two of the file.
MOST_VALUES = 40_000_000

_END = object()


_IN_ROWS = frozenset({float, int, bool, type(None)})

_HALF_LETTER = re.compile("[\ud800-\udfff]")


def parse_json(data: bytes) -> Any:
    """The value that `data` holds in JSON, without what JSON has no number or letter for.

    Raises:
        ValueError: it is not JSON in UTF-8, nests too deep or is too much; or a value is not a number (`NaN`,
            `1e999`), a whole number is beyond 64 bits, or a text holds half a letter. The text names the key.
    """
    if data.count(b",") + data.count(b"[") + data.count(b"{") > MOST_VALUES:
        raise ValueError(f"it holds more than {MOST_VALUES:,} values")
    try:
        value = json.loads(data.decode("utf-8-sig"), parse_constant=_no_number, parse_int=_whole)
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8: {error.reason} at byte {error.start:,}") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON: {error.msg} in line {error.lineno:,}") from error
    except RecursionError as error:
        raise ValueError(f"it nests deeper than {MOST_DEPTH} values") from error
    _check(value)
    return value


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _whole(text: str) -> int:
    # Long before the number is made: that takes the square of its digits.
    number = int(text) if len(text) <= len(str(MOST_WHOLE)) + 1 else MOST_WHOLE + 1
    if abs(number) > MOST_WHOLE:
        raise ValueError(f"{text[:20]} with {len(text):,} digits is too large a number")
    return number


def _check(top: Any) -> None:
    """Refuse numbers that are none, halves of letters and deep nests, wherever they stand."""
    keys: list[Any] = []
    # What is still to be looked at, of each value around: no copy of all there is.
    inside: list[Iterator[tuple[Any, Any]]] = [iter([(None, top)])]
    while inside:
        key, value = next(inside[-1], (None, _END))
        if value is _END:
            inside.pop()
            if keys:
                keys.pop()
        elif isinstance(value, dict | list):
            if len(inside) > MOST_DEPTH:
                raise ValueError(f"{_shown(keys[1:4])}: it nests deeper than {MOST_DEPTH} values")
            if isinstance(value, list) and _is_row(value):
                continue
            keys.append(key)
            inside.append(iter(value.items()) if isinstance(value, dict) else enumerate(value))
            if isinstance(value, dict) and any(_is_broken(name) for name in value):
                raise ValueError(f"{_shown(keys[1:])}: a key holds half a letter (a lone surrogate)")
        elif isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{_shown([*keys[1:], key])}: the number is too large")
        elif isinstance(value, str) and _is_broken(value):
            raise ValueError(f"{_shown([*keys[1:], key])}: the text holds half a letter (a lone surrogate)")


def _is_row(values: list[Any]) -> bool:
    """Whether a list holds finite numbers and gaps alone, as most of a report does: such need no look one by one."""
    return _IN_ROWS.issuperset(map(type, values)) and all(map(math.isfinite, filter(None, values)))


def _is_broken(text: str) -> bool:
    return not text.isascii() and _HALF_LETTER.search(text) is not None


def _shown(keys: list[Any]) -> str:
    return ".".join(str(key) for key in keys if key is not None) or "top"


def with_whole_letters(value: Any) -> Any:
    r"""`value` with the bytes of names that are not UTF-8 written out, such as `\xff`, in every text inside.

    Python keeps such bytes, and halves of letters from JSON, as lone surrogates: files and pages have no way of
    writing them.
    """
    if isinstance(value, str):
        return value if value.isascii() else _HALF_LETTER.sub(_written_out, value)
    if isinstance(value, dict):
        return {with_whole_letters(key): with_whole_letters(item) for key, item in value.items()}
    if (
        isinstance(value, list | tuple)
        and not _IN_ROWS.issuperset(map(type, value))  # most of a report, and quicker to see
        and any(isinstance(item, str | dict | list | tuple) for item in value)
    ):
        return type(value)(with_whole_letters(item) for item in value)
    return value


def _written_out(letter: re.Match[str]) -> str:
    number = ord(letter[0])
    return f"\\x{number - 0xDC00:02x}" if 0xDC80 <= number <= 0xDCFF else f"\\u{number:04x}"
