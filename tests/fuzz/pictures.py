"""Bad pictures, arrays and shards from a seed: the same seed gives the same ones."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
import zlib
from random import Random

import numpy as np
from fuzz.generator import bad_bytes
from PIL import Image

FORMATS = {"PNG": ".png", "JPEG": ".jpg", "GIF": ".gif", "BMP": ".bmp", "TIFF": ".tif", "WEBP": ".webp"}

# Sides of pictures that say more than they hold.
_SIDES = (0, 1, 65_500, 2**16 - 1, 2**24, 2**31 - 1, 2**31, 2**32 - 1)


def bad_image(random: Random) -> tuple[bytes, str]:
    """The bytes of a file that is no image, or a strange one, and the ending of its name."""
    return random.choice((_spoilt, _spoilt, _png, _bomb, _tiff, _array, _array, _archive, _shard))(random)


def good_image(random: Random) -> tuple[bytes, str]:
    """A small picture in one of the formats."""
    form = random.choice(list(FORMATS))
    mode = random.choice({"JPEG": ["RGB", "L", "CMYK"], "WEBP": ["RGB", "RGBA"], "BMP": ["RGB", "L"]}.get(
        form, ["RGB", "L", "P", "1"]))  # fmt: skip
    pixels = np.random.default_rng(random.randrange(2**32)).integers(0, 256, (23, 31, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(buffer, form)
    return buffer.getvalue(), FORMATS[form]


def _spoilt(random: Random) -> tuple[bytes, str]:
    data, suffix = good_image(random)
    for _ in range(random.choice((1, 1, 3))):
        data = bad_bytes(data, random)
    return data, random.choice((suffix, suffix, random.choice(list(FORMATS.values()))))


def png(width: int, height: int, rows: bytes, depth: int = 8, colour: int = 2) -> bytes:
    """A PNG that says what it is told to."""
    parts = [(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)), (b"IDAT", rows), (b"IEND", b"")]
    chunks = (struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
              for kind, data in parts)  # fmt: skip
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _png(random: Random) -> tuple[bytes, str]:
    rows = zlib.compress(bytes(random.randrange(256) for _ in range(200)))
    sides = (random.choice(_SIDES), random.choice(_SIDES))
    return png(*sides, rows, random.choice((0, 1, 3, 8, 16, 255)), random.randrange(8)), ".png"


def _bomb(random: Random) -> tuple[bytes, str]:
    side = random.choice((9_000, 30_000))
    if random.random() < 0.5:
        return png(side, side, zlib.compress(b"\0" * (side * 200), 9), 8, 0), ".png"
    data, suffix = good_image(random)
    if suffix == ".gif":  # the size of the screen
        return data[:6] + struct.pack("<HH", side, side) + data[10:], suffix
    if suffix == ".bmp":
        return data[:18] + struct.pack("<ii", side, -side) + data[26:], suffix
    return data + b"\0" * 200_000, suffix


def _tiff(random: Random) -> tuple[bytes, str]:
    entries = [(256, 4, 1, random.choice(_SIDES)), (257, 4, 1, random.choice(_SIDES)), (258, 3, 1, 8),
               (259, 3, 1, random.choice((1, 5, 7, 8, 32773, 50000))), (262, 3, 1, random.randrange(9)),
               (273, 4, random.choice((1, 2**32 - 1)), random.choice((8, 2**31))), (277, 3, 1, random.choice((0, 1, 60_000))),  # noqa: E501
               (278, 4, 1, random.choice(_SIDES)), (279, 4, 1, random.choice((0, 100, 2**32 - 1)))]  # fmt: skip
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    following = random.choice((0, 8, 4, 2**32 - 1))  # where the next directory is: also this one again
    return b"II*\0" + struct.pack("<I", 8) + directory + struct.pack("<I", following) + b"\0" * 100, ".tif"


def npy(shape: str, kind: str = "|u1", data: bytes = b"") -> bytes:
    """A `.npy` whose header says what it is told to."""
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


_SHAPES = (
    "(4, 4, 3)", "()", "(0,)", "(0, 0, 3)", "(-1, 4, 3)", "(4, -4, 3)", "(1000000, 1000000, 3)", "(9223372036854775807,)",  # noqa: E501
    "(4294967296, 4294967296, 3)", "(2, 2, 2, 2, 2, 2)", "(4,) * 99", "('4',)", "None", "(4, 4, 99)", "4", "((4,),)",
    "(" * 3000 + ")" * 3000, "(60000, 60000, 3)",
)  # fmt: skip
_KINDS = ("|u1", "<f4", "<f8", ">i2", "<c16", "|O", "|S4", "<U9", "<M8[s]", "|V8", "x", "|b1", "<f2", "<i8")


def _array(random: Random) -> tuple[bytes, str]:
    if random.random() < 0.3:
        buffer = io.BytesIO()
        values = np.random.default_rng(0).random((6, 6, 3)).astype(np.float32)
        values[0, 0] = random.choice((np.nan, np.inf, -np.inf, 3e38))
        np.save(buffer, values)
        return bad_bytes(buffer.getvalue(), random), ".npy"
    if random.random() < 0.1:
        return random.choice(
            (b"", b"\x93NUMPY", b"\x80\x04cos\nsystem\n(S'true'\ntR.", b"PK\x03\x04", b"PK\x05\x06" + b"\0" * 18)
        ), ".npy"
    return npy(random.choice(_SHAPES), random.choice(_KINDS), b"\x01" * random.choice((0, 48, 384))), ".npy"


def _archive(random: Random) -> tuple[bytes, str]:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("images", "../../labels", "x" * 300):
            archive.writestr(f"{name}.npy", random.choice((
                npy(random.choice(_SHAPES), random.choice(_KINDS)), b"no array", npy("(40000, 40000, 3)", "|u1", b"\0" * 10_000_000),  # noqa: E501
                npy("(4, 4, 3)", "|u1", b"\x01" * 48))))  # fmt: skip
    data = buffer.getvalue()
    return (bad_bytes(data, random) if random.random() < 0.5 else data), ".npz"


def shard(size: str, name: str = "a.png", kind: bytes = b"0") -> bytes:
    """A tar of one entry whose size is the text `size`."""
    block = bytearray(512)
    block[: len(name[:99])] = name[:99].encode()
    block[100:108], block[108:116], block[116:124], block[136:148] = (
        b"0000644\0",
        b"0000000\0",
        b"0000000\0",
        b"0" * 11 + b"\0",
    )
    block[124:136] = size.encode("latin-1")[:12].ljust(12, b"\0")
    block[156:157], block[257:265], block[148:156] = kind, b"ustar\x0000", b" " * 8
    block[148:156] = f"{sum(block):06o}\0 ".encode()
    return bytes(block)


def _shard(random: Random) -> tuple[bytes, str]:
    if random.random() < 0.5:
        sizes = ("00000001000", "77777777777", "-1", "x", "", "\xff" * 12, "\x80" + "\xff" * 11, "\xff" + "\x00" * 11)
        kinds = (b"0", b"1", b"2", b"3", b"5", b"x", b"g", b"L", b"S", b"9", b"\xff")
        entries = [shard(random.choice(sizes), kind=random.choice(kinds)) + b"9 path=x\n" * 60 for _ in range(3)]
        return b"".join(entries) + b"\0" * random.choice((0, 1024)), ".tar"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in ("a.png", "../b.png", "/etc/c.png", "d" * 200 + ".png"):
            data = good_image(random)[0] if random.random() < 0.5 else bad_bytes(good_image(random)[0], random)
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return (bad_bytes(buffer.getvalue(), random) if random.random() < 0.6 else buffer.getvalue()), ".tar"
