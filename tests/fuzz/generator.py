"""Bad inputs from a seed: the same seed gives the same ones."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from random import Random
from typing import Any

# Values of every type JSON has, at and beyond the edges of what anything means.
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2**31, -(2**31), 2**63 - 1, 2**63, 10**30, 0.0, -0.0, 0.5, -1.5, 1e-320, 1e300,
    -1e300, "", " ", "x", "a" * 300, "a" * 100_000, "\x00", "\x1b[2J", "\u202eabc", "\n\n", "é", "e\u0301", "😀",
    "<script>alert(1)</script>", "javascript:alert(1)", "data:text/html,x", "../../../etc/passwd", "/etc/passwd",
    "C:\\x", "con", "nan", "1e999", "{{ 7*7 }}", "%2e%2e%2f", "²", "١٢", [], {}, [[]], [None], [0], [-1, -1], [0, 0],
    [[1e300, 1e300]], {"a": 1}, {"": {}}, [[[[[[]]]]]], [1] * 1000, ["x"] * 1000,
)  # fmt: skip

# What is written as text: Python's numbers cannot say it.
RAW = (
    "NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 5000, "-" + "9" * 5000, '"\\ud800"', '"\\udfff\\ud800"',
    "[" * 100_000, '{"a":' * 100_000, "[" * 500 + "]" * 500, "truE", "'x'", "01", "1.", ".5", "0x10", '"\\x"', "",
)  # fmt: skip

_HOLE = "@@hole@@"


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The keys of every value inside `value`, itself first."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """`value` with what stands at `path` replaced."""
    if not path:
        return new
    changed = copy.copy(value)
    changed[path[0]] = put(value[path[0]], path[1:], new)
    return changed


def bad_json(good: Any, random: Random) -> bytes:
    """`good` in JSON with one to three things wrong: values, keys, or letters."""
    spots = list(places(good))
    value = good
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        kind = random.random()
        path = random.choice(spots)
        try:
            if kind < 0.6:
                value = put(value, path, random.choice(VALUES))
            elif kind < 0.75:
                value = _reshaped(value, path, random)
            elif kind < 0.9:
                text = json.dumps(put(value, path, _HOLE)).replace(f'"{_HOLE}"', random.choice(RAW))
                return text.encode()
            else:
                return bad_bytes(json.dumps(value).encode(), random)
        except (KeyError, IndexError, TypeError):  # an earlier change took the place away
            continue
    return json.dumps(value).encode()


def _reshaped(value: Any, path: tuple[Any, ...], random: Random) -> Any:
    """A key left out, a key added, an item twice, a list reversed or cut."""
    here = value
    for key in path:
        here = here[key]
    if isinstance(here, dict) and here:
        key = random.choice(list(here))
        less = {name: item for name, item in here.items() if name != key}
        return put(value, path, random.choice((less, {**here, "x": 1}, {**here, key: copy.deepcopy(here)})))
    if isinstance(here, list) and here:
        return put(value, path, random.choice((here[:-1], here * 2, here[::-1], here[:1] * 300)))
    return put(value, path, [here])


def bad_bytes(good: bytes, random: Random) -> bytes:
    """`good` cut, with bytes changed, with a run of it again, or as another encoding."""
    kind, at = random.randrange(6), random.randrange(len(good) + 1)
    if kind == 0:
        return good[:at]
    if kind == 1:
        return good[:at] + bytes(random.randrange(256) for _ in range(random.choice((1, 4, 64)))) + good[at + 1 :]
    if kind == 2:
        return good[:at] + good[at // 2 : at] * random.choice((2, 20)) + good[at:]
    if kind == 3:
        return good.decode("utf-8", "replace").encode("utf-16")
    if kind == 4:
        return b"\xef\xbb\xbf" * random.choice((1, 2)) + good
    return bytes(random.randrange(256) for _ in range(random.choice((0, 1, 1000))))


def bad_text(random: Random) -> str:
    """Text for an option: numbers that are none, names of files, letters that do something."""
    pieces = (
        "nan", "inf", "-inf", "1e308", "1e999", "²", "١٢", "0", "-1", "9" * 400, "0x10", "1_000", " ", "", "all",
        "first:", "strongest:0", "first:99999999999", "5MB", "9" * 30 + "GB", "-5MB", "1h", "-1s", "1e9x1e9", "0x0",
        "224x", "224x224x3", "1000000000x1000000000", "é", "\u202e", "a" * 5000, "\x1b[31m", "{{7*7}}", "../..",
        "/dev/zero", "/", "python:os:system", "python:", "tcp://", "tcp://:0", ",,,", "*", "[", "**", "a=b=c", "=",
        "NAME=", "\udcff", "none", "true", "null", "%s%n", "$(id)", "`id`", "--", "-h", "\t\n",
    )  # fmt: skip
    return "".join(random.choice(pieces) for _ in range(random.choice((1, 1, 1, 2))))


def bad_toml(names: tuple[str, ...], random: Random) -> bytes:
    """A configuration file with wrong values under right names, wrong names, or wrong letters."""
    values = (
        "nan", "inf", "-inf", "1e308", "-1", "0", "9223372036854775808", "1" * 5000, "true", "false", "[]", "[[]]",
        "{}", "[1, 'a']", "1979-05-27", '""', '"\\u0000"', '"x"', '"' + "a" * 5000 + '"', '"/dev/zero"',
        '"python:os:system"', "{a = 1}", '["a", "b"]', "0x10", "1e9", '"1e9x1e9"', '"²"', "[" * 2000 + "]" * 2000,
        "'''", "=", "[nan, inf]", "[1e308, -1e308]",
    )  # fmt: skip
    lines = [f"{random.choice(names)} = {random.choice(values)}" for _ in range(random.choice((1, 1, 2, 5)))]
    if random.random() < 0.3:
        lines.append(
            f"[ascent]\n{random.choice(('steps', 'scale', 'pad', 'step-size', 'x'))} = {random.choice(values)}"
        )
    data = "\n".join(lines).encode()
    return bad_bytes(data, random) if random.random() < 0.15 else data


def bad_labels(random: Random) -> bytes:
    """A file of class names that is none."""
    good = random.choice(
        (["cat", "dog"], {"0": "cat", "1": "dog"}, {"cat": 0, "dog": 1}, {"0": ["n1", "cat"], "1": ["n2", "dog"]})
    )
    if random.random() < 0.7:
        return bad_json(good, random)
    return bad_bytes(b"cat\ndog\n\nfox\n", random)


def bad_truth(random: Random) -> bytes:
    """A file of right classes that is none."""
    lines = ["file,label", "a.png,cat", "b.png,dog"]
    wrong = (
        "a.png",
        '"a.png,cat',
        ",",
        ",,,,",
        "a.png,",
        ",cat",
        "\x00,\x00",
        "a" * 200_000 + ",b",
        '"' * 99,
        "a.png;cat",
        "\r",
        "../a.png,cat",
    )
    lines.insert(random.randrange(len(lines) + 1), random.choice(wrong))
    data = "\n".join(lines).encode()
    return bad_bytes(data, random) if random.random() < 0.4 else data
