"""Bad tables, arrays, masks and settings from a seed, for what goes in beside images: the same seed, the same ones."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

from fuzz.generator import bad_bytes
from fuzz.pictures import bad_image, npy

# Cells where a number or a class is expected.
CELLS = (
    "1", "0.5", "-3", "nan", "inf", "-inf", "1e308", "1e999", "²", "١٢", "9" * 5000, "0x10", "1_0", "", " ", "a|b", "|",
    "||||", "cat", "CAT", "c_at ", "\x00", "\x1b[2J", "\u202e", "é", "e\u0301", "😀", '"', "'", ",", ";", "=1+1",
    "2", "-1",
    "a" * 70_000, "true", "None", "{}", "[1, 2]", "1,5", "1 2", "\ufeff", "00", "1e-320",
)  # fmt: skip
FILES = (
    "a.png",
    "b.png",
    "A.PNG",
    "x/a.png",
    "../a.png",
    "\\a.png",
    "",
    "a",
    "a.png\x00",
    "/etc/passwd",
    ".",
    "..",
    "file",
)
HEADINGS = ("file", "image", "File ", "label", "class", "age", "x", "", "labels", "age", "1", "\x00", "²")


def bad_table(random: Random) -> bytes:
    """A CSV file of something for each image that is none."""
    width = random.choice((1, 1, 2, 3, 3, 5, 40))
    rows = [[random.choice(HEADINGS) for _ in range(width + 1)]] if random.random() < 0.5 else []
    rows += [
        [random.choice(FILES), *(random.choice(CELLS) for _ in range(width))] for _ in range(random.choice((0, 2, 9)))
    ]
    if random.random() < 0.7:  # the images are there, what stands beside them is odd
        rows += [[name, *(random.choice(CELLS) for _ in range(width))] for name in ("a.png", "b.png")]
    if random.random() < 0.3 and rows:
        rows[random.randrange(len(rows))] = [random.choice(CELLS)] * random.choice((1, 2, 99))
    separator, end = random.choice((",", ",", ",", ";", "\t")), random.choice(("\n", "\n", "\r\n", "\r", "\n\n"))
    quoted = random.random() < 0.3
    text = end.join(separator.join(f'"{cell}"' if quoted else cell for cell in row) for row in rows)
    data = text.encode("utf-8", "surrogateescape")
    return bad_bytes(data, random) if random.random() < 0.2 else data


def bad_array(random: Random) -> bytes:
    """An `.npy` for an input that does not fit, or is none."""
    shape = random.choice(("(3,)", "()", "(1, 3)", "(3, 1)", "(0,)", "(2,)", "(-1,)", "(99999999999,)", "(3,) * 9"))
    kind = random.choice(("<f8", "<f4", "|u1", "<c16", "|O", "<U3", "|b1", "<M8[s]", "|V8", "<f2", ">i8", "|S4"))
    values = random.choice((b"\xff" * 200, b"\x00" * 48, b"\x01" * 24, b""))
    return npy(shape, kind, values)


def bad_settings(random: Random) -> bytes:
    """A configuration file whose tables hold what they should not."""
    values = (
        '">= 0.9"', '">= nan"', '"> 1e999"', '">="', '"=> 1"', '">= ²"', "0.9", "true", "[]", "{}", '{a = {b = "< 1"}}',
        '"' + ">" * 2000 + '"', "nan", "inf", "-1", "10000000000000000000", '"auto"', '["auto", "off"]', '"grad-cam,x"',
        '"grad-cam,,"', "[1, 2]", '""', '"\\u0000"', "1979-05-27", "[[]]", "1e308", "50", "2", '"a=b"', '"python:a:b"',
    )  # fmt: skip
    names = {
        "gates": ("accuracy", "robustness.blur.3", '"a b"', '""', "x" * 3000, "accuracy.x", '"²"'),
        "attribution": (
            "methods",
            "blocks",
            "points",
            "most-points",
            "baseline",
            "window",
            "grey",
            "close",
            "x",
            "images",
        ),
        "labels": ("scene", '""', '"a=b"', '"²"'),
        "answer": ("scene", '""', '"a=b"'),
        "input": ("other", '""', '"a=b"'),
        "ascent": ("steps", "octaves", "scale", "pad", "step-size", "jitter", "x"),
        "tag": ("run", '""', '"\\u0000"'),
    }
    lines = []
    for table in random.sample(list(names), random.choice((1, 1, 2, 3))):
        lines.append(f"[{table}]" if random.random() < 0.9 else f"[[{table}]]")
        lines += [f"{name} = {random.choice(values)}" for name in random.sample(names[table], random.choice((1, 2)))]
    if random.random() < 0.2:
        lines.insert(0, f"{random.choice(list(names))} = {random.choice(values)}")
    data = "\n".join(lines).encode()
    return bad_bytes(data, random) if random.random() < 0.1 else data


def bad_folder(folder: Path, random: Random, names: tuple[str, ...] = ("a", "b")) -> None:
    """Fill a folder with what are no pictures called as images: spoilt ones, other kinds, queues, links, folders."""
    folder.mkdir()
    for name in names:
        data, suffix = bad_image(random)
        place = folder / f"{name}{random.choice((suffix, '.png', '.npy', '.PNG', '.tif'))}"
        kind = random.randrange(10)
        if kind == 0:
            os.mkfifo(place)
        elif kind == 1:
            place.symlink_to(random.choice((place.name, "/dev/zero", "..", "nothing")))
        elif kind == 2:
            place.mkdir()
        else:
            place.write_bytes(data)
