"""The values that options take as text: parsed once, into what the program works with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

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
    if "step" in tags:
        float(tags["step"])
    if "date" in tags:
        datetime.fromisoformat(tags["date"])
    return tags
