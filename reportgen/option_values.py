"""The values that options take as text: parsed once, into what the program works with."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime
from os import PathLike, fspath
from typing import Any, Literal, get_args

# A layer of today's networks has thousands of channels; a larger number is a slip.
MOST_CHANNELS = 1_000_000

_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "": 1}
_SECONDS = {"s": 1, "m": 60, "h": 3600, "": 1}


@dataclass(frozen=True)
class ChannelChoice:
    """Which channels of a layer are shown in detail; as text `first:N`, `strongest:N`, `all` or a list `0,3,7`."""

    kind: Literal["first", "strongest", "all", "list"]
    count: int = 0
    listed: tuple[int, ...] = ()

    def __str__(self) -> str:
        if self.kind == "all":
            return self.kind
        if self.kind == "list":
            return ",".join(str(channel) for channel in self.listed)
        return f"{self.kind}:{self.count}"


CHANNELS_EXPECTED = f"first:N, strongest:N, all or a list such as 0,3,7, with N from 1 to {MOST_CHANNELS:,}"


def parse_channels(value: Any) -> ChannelChoice:
    """The choice that `value` means: text, a channel or a list of channels; a channel named twice counts once."""
    if isinstance(value, ChannelChoice):
        return value
    parts = value if isinstance(value, list | tuple) else [value]
    text = ",".join(str(part) for part in parts).strip()
    if text == "all":
        return ChannelChoice("all")
    if match := re.fullmatch(r"(first|strongest):\s*([0-9]{1,9})", text):
        count = int(match[2])
        if 1 <= count <= MOST_CHANNELS:
            return ChannelChoice("first" if match[1] == "first" else "strongest", count=count)
    elif re.fullmatch(r"[0-9]{1,9}(\s*,\s*[0-9]{1,9})*", text):
        listed = tuple(dict.fromkeys(int(part) for part in text.split(",")))
        if max(listed) < MOST_CHANNELS:
            return ChannelChoice("list", listed=listed)
    raise ValueError("no choice of channels")


def parse_size(value: Any) -> Any:
    """Turn `"224x192"` into `(224, 192)`, height first; other values pass through."""
    if isinstance(value, str):
        match = re.fullmatch(r"\s*([0-9]{1,9})\s*[xX]\s*([0-9]{1,9})\s*", value)
        if match is None:
            raise ValueError("no size of a picture")
        return int(match[1]), int(match[2])
    return value


def parse_bytes(value: Any) -> Any:
    """Turn `"25MB"` into a number of bytes; other values pass through."""
    if isinstance(value, str):
        match = re.fullmatch(r"\s*([0-9]{1,15}(?:\.[0-9]{1,15})?)\s*([kKmMgG]?[bB]?)\s*", value)
        if match is None or match[2].upper() not in _UNITS:
            raise ValueError("no number of bytes")
        return int(float(match[1]) * _UNITS[match[2].upper()])
    return value


def parse_duration(value: Any) -> Any:
    """Turn `"5m"`, `"90s"` or `"1h"` into seconds; other values pass through."""
    if isinstance(value, str):
        match = re.fullmatch(r"\s*([0-9]{1,15}(?:\.[0-9]{1,15})?)\s*([smh]?)\s*", value)
        if match is None:
            raise ValueError("no time")
        return float(match[1]) * _SECONDS[match[2]]
    return value


def parse_list(value: Any) -> Any:
    """Turn `"a,b_c"` or `["a", "b_c"]` into `("a", "b-c")`, each name once; other values pass through."""
    parts = value.split(",") if isinstance(value, str) else value
    if isinstance(parts, list | tuple) and all(isinstance(part, str) for part in parts):
        return tuple(dict.fromkeys(part.strip().replace("_", "-") for part in parts if part.strip()))
    return value


def parse_numbers(value: Any) -> Any:
    """Turn `"0,10000"` into `("0", "10000")`; other values pass through."""
    return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value


def parse_sections(value: Any) -> Any:
    """Like `parse_list`; `all` among the names stands for every section."""
    names = parse_list(value)
    return ("all",) if isinstance(names, tuple) and "all" in names else names


def parse_repeated(value: Any) -> Any:
    """Turn one text into a tuple of it; other values pass through."""
    return (value,) if isinstance(value, str) else value


def parse_assignments(value: Any) -> Any:
    """Turn `("name=value", ...)` into a dictionary; in a dictionary, numbers become text; other values pass through."""
    if isinstance(value, dict):
        return {name: str(item) if isinstance(item, int | float) else item for name, item in value.items()}
    if isinstance(value, str | list | tuple):
        pairs = {}
        for item in parse_repeated(value):
            name, equals, text = str(item).partition("=")
            if not equals and name.endswith(".npy"):
                name, text = "", name  # vectors for a generator, which may have but one input
            elif not equals or not name:
                raise ValueError("no assignment")
            pairs[name] = text
        return pairs
    return value


def parse_tags(value: Any) -> Any:
    """Turn `("step=3", ...)` into `{"step": "3"}`; a date and a step must be what reports can be ordered by."""
    if isinstance(value, str | list | tuple):
        parts = [str(item).partition("=") for item in parse_repeated(value)]
        if not all(key.strip() and equals for key, equals, _ in parts):
            raise ValueError("no assignment")
        value = {key.strip(): text for key, _, text in parts}
    if not isinstance(value, dict):
        return value
    tags = {str(key): str(text) for key, text in value.items()}
    if "step" in tags and not math.isfinite(float(tags["step"])):
        raise ValueError("no number to order by")
    if "date" in tags:
        datetime.fromisoformat(tags["date"])
    return tags


# --- answers --------------------------------------------------------------------------------------

ChosenKind = Literal["classes", "multilabel", "values", "map", "picture", "embedding", "points", "boxes", "other"]
CoordinateOrder = Literal["xyxy", "xxyy", "yxyx", "xywh"]
CoordinateUnit = Literal["pixels", "unit"]

_ORDERS: dict[str, tuple[CoordinateOrder, ...]] = {"points": ("xyxy", "xxyy"), "boxes": ("yxyx", "xyxy", "xywh")}

ANSWERS_EXPECTED = (
    "NAME=KIND or, for a network of one output, KIND, which is one of "
    f"{', '.join(get_args(ChosenKind))}; points:xyxy|xxyy and boxes:yxyx|xyxy|xywh may end in :unit or :pixels"
)


@dataclass(frozen=True)
class AnswerChoice:
    """What an output of the network is said to be; as text `KIND[:DETAIL]`.

    `order` and `unit` say how points and boxes are written: `xxyy` is every x before every y, `unit` counts the
    network's input as 1, `pixels` in its pixels.
    """

    kind: ChosenKind
    order: CoordinateOrder | None = None
    unit: CoordinateUnit = "pixels"

    def __str__(self) -> str:
        return self.kind if self.order is None else f"{self.kind}:{self.order}:{self.unit}"


def _parse_choice(value: Any) -> AnswerChoice:
    """The choice that `KIND[:DETAIL]` means."""
    if isinstance(value, AnswerChoice):
        return value
    kind, *details = str(value).strip().split(":")
    if kind not in get_args(ChosenKind):
        raise ValueError("no kind of answer")
    orders, order, unit = _ORDERS.get(kind, ()), None, "pixels"
    for detail in details:
        if detail in orders and order is None:
            order = detail
        elif orders and detail in get_args(CoordinateUnit):
            unit = detail
        else:
            raise ValueError("no detail of this kind of answer")
    return AnswerChoice(kind, order or (orders[0] if orders else None), unit)  # type: ignore[arg-type]


def parse_answers(value: Any) -> Any:
    """Turn `"NAME=KIND[:DETAIL]"`, or several of it, into choices by output; "" is the network's only output."""
    if isinstance(value, dict):
        return {str(name): _parse_choice(choice) for name, choice in value.items()}
    choices: dict[str, AnswerChoice] = {}
    for item in value if isinstance(value, list | tuple) else (value,):
        if isinstance(item, AnswerChoice):
            name, choice = "", item
        else:
            name, _, text = str(item).rpartition("=")
            choice = _parse_choice(text)
        if name in choices:
            raise ValueError("an output that is named twice")
        choices[name] = choice
    return choices


def parse_by_output(value: Any) -> Any:
    """Turn what is given for outputs into a dictionary by their names, "" where none is named.

    A text, a path or a tuple of texts is `FILE` or `NAME=FILE`, as on the command line; a list or an array has an
    entry for each class or image, unless each of its entries is `NAME=FILE`. An entry that is a list becomes text
    joined by `|`.
    """
    if value is None:
        return {}
    if isinstance(value, dict):
        return {str(name): _file_or_entries(item) for name, item in value.items()}
    if isinstance(value, str | PathLike):
        value = (fspath(value),)
    if isinstance(value, tuple) or (isinstance(value, list) and value and all(_names_output(item) for item in value)):
        found: dict[str, Any] = {}
        for item in value:
            text = fspath(item) if isinstance(item, PathLike) else item
            if not isinstance(text, str) or not text:
                raise ValueError("no file")
            name, file = _output_and_file(text)
            if name in found:
                raise ValueError("an output that is named twice")
            found[name] = file
        return found
    return {"": _file_or_entries(value)}


def _names_output(item: Any) -> bool:
    return isinstance(item, str) and _output_and_file(item)[0] != ""


def _output_and_file(text: str) -> tuple[str, str]:
    """`NAME=FILE` as its two parts; an equals sign behind a slash is part of a path."""
    name, equals, file = text.partition("=")
    return (name, file) if equals and name and file and "/" not in name and "\\" not in name else ("", text)


def _file_or_entries(value: Any) -> Any:
    if isinstance(value, str | PathLike):
        return fspath(value)
    entries = value.tolist() if hasattr(value, "tolist") else value
    if not isinstance(entries, list | tuple) or not entries:
        raise ValueError("neither a file nor a list")
    return tuple(_entry(entry) for entry in entries)


def _entry(entry: Any) -> str:
    """An entry of a list as text: None is empty, a list is joined by `|`."""
    entry = entry.tolist() if hasattr(entry, "tolist") else entry
    if isinstance(entry, list | tuple):
        return "|".join(_entry(part) for part in entry)
    return "" if entry is None else str(entry)
