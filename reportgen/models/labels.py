"""Class names: from a file, or those Keras keeps on this machine."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reportgen.class_names import whole_number
from reportgen.errors import ReportgenError, one_line
from reportgen.opening import read_regular
from reportgen.plain_json import parse_json

IMAGENET_CLASSES = 1000

# Names or lines told of in one sentence.
MOST_LISTED = 12


def read_labels(path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read class names in the order of the network's outputs, and what is odd about them, in sentences.

    A text file has one name a line; a blank line is no class, and is told of unless it stands at the end. A JSON
    file holds a list, a dictionary from index to name or to `[identifier, name]`, or one from name to index.

    Raises:
        ReportgenError: the file is missing, is not UTF-8, or holds something else.
    """
    try:
        text = read_regular(path, "labels").decode("utf-8-sig")
    except OSError as error:
        raise ReportgenError(f"--labels: cannot read {path}: {error.strerror}; name a file of class names") from error
    except UnicodeDecodeError as error:
        raise ReportgenError(f"--labels: {path} is not UTF-8 text: {error}; save it as UTF-8") from error
    blank: list[int] = []
    if path.suffix.lower() == ".json" or text[:1] in "[{":
        labels = _from_json(path, text)
    else:
        labels, blank = _from_lines(text)
    if not labels:
        raise ReportgenError(f"--labels: {path} holds no class names; expected one a line, or JSON")
    return labels, odd_names(labels, blank)


def odd_names(labels: Sequence[str], blank_lines: Sequence[int] = ()) -> tuple[str, ...]:
    """What is odd about class names: lines of a file that were blank, and names that stand more than once."""
    notes = []
    if blank_lines:
        lines = ", ".join(str(line) for line in blank_lines[:MOST_LISTED])
        notes.append(f"blank lines are no classes and were passed over: line {lines}")
    repeated = sorted(name for name, times in Counter(labels).items() if times > 1 and name)
    if repeated:
        notes.append(f"names that stand more than once: {', '.join(repeated[:MOST_LISTED])}")
    return tuple(notes)


def _from_lines(text: str) -> tuple[tuple[str, ...], list[int]]:
    """The names, and the numbers of blank lines before the last of them."""
    lines = [line.strip() for line in text.rstrip().splitlines()]
    return tuple(line for line in lines if line), [number for number, line in enumerate(lines, 1) if not line]


def _from_json(path: Path, text: str) -> tuple[str, ...]:
    expected = 'a list of names, {"0": "name"}, {"0": ["identifier", "name"]} or {"name": 0}'
    try:
        content = parse_json(text.encode())
    except ValueError as error:
        raise ReportgenError(f"--labels: {path} is not JSON: {one_line(error, 100)}; expected {expected}") from error
    if isinstance(content, dict):
        content = _in_order(content)
    if not isinstance(content, list) or not all(_is_name(item) for item in content):
        raise ReportgenError(f"--labels: {path} holds JSON of another form; expected {expected}")
    return tuple(str(item[-1] if isinstance(item, list) else item) for item in content)


def _is_name(item: Any) -> bool:
    return isinstance(item, str) or (isinstance(item, list) and bool(item) and isinstance(item[-1], str))


def _in_order(content: dict[str, Any]) -> list[Any] | None:
    """The values of `{"0": ..., "1": ...}` or the keys of `{"name": 0, ...}`; None unless all indices are there."""
    if all(isinstance(value, int) for value in content.values()):
        by_index: dict[int, Any] = {value: key for key, value in content.items()}
    else:
        numbers = {key: whole_number(key) for key in content}
        by_index = {number: content[key] for key, number in numbers.items() if number is not None}
    if sorted(by_index) != list(range(len(content))):
        return None
    return [by_index[index] for index in range(len(content))]


def imagenet_labels() -> tuple[str, ...] | None:
    """The ImageNet class names as Keras keeps them after a first `decode_predictions`; None if it does not."""
    home = Path(os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras"))  # noqa: PTH111 - no error without a home
    try:
        content = json.loads((home / "models" / "imagenet_class_index.json").read_bytes())
    except (OSError, ValueError):
        return None
    names = _in_order(content) if isinstance(content, dict) else None
    if names is None or len(names) != IMAGENET_CLASSES or not all(_is_name(name) for name in names):
        return None
    return tuple(str(name[-1] if isinstance(name, list) else name) for name in names)
