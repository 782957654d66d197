"""Masks and pictures as people store them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.analysis.right_pictures import compare_map, read_mask, read_picture
from reportgen.errors import ReportgenError
from reportgen.facts import Placement
from reportgen.images import Fitting

MASK = np.array([[0, 1, 2], [3, 1, 255]], np.uint8)


def palette(path: Path) -> None:
    picture = Image.fromarray(MASK, mode="P")
    picture.putpalette([7, 7, 7, 200, 0, 0] + [9] * (254 * 3))
    picture.save(path)


def few_bits(path: Path) -> None:
    picture = Image.fromarray(MASK % 4, mode="P")
    picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    picture.save(path, bits=2)


@pytest.mark.parametrize(
    ("name", "write", "expected"),
    [
        ("palette.png", palette, MASK),
        ("bits.png", few_bits, MASK % 4),
        ("grey.png", lambda path: Image.fromarray(MASK).save(path), MASK),
        ("alpha.png", lambda path: Image.merge("LA", [Image.fromarray(MASK)] * 2).save(path), MASK),
        ("thrice.png", lambda path: Image.fromarray(np.stack([MASK] * 3, -1)).save(path), MASK),
        ("deep.png", lambda path: Image.fromarray(MASK.astype(np.uint16) * 4).save(path), MASK.astype(int) * 4),
        ("yes.png", lambda path: Image.fromarray(MASK > 1).save(path), MASK > 1),
        ("grey.tif", lambda path: Image.fromarray(MASK).save(path), MASK),
        ("floats.npy", lambda path: np.save(path, MASK.astype(np.float32)), MASK),
        ("last.npy", lambda path: np.save(path, MASK[..., None]), MASK),
        ("yes.npy", lambda path: np.save(path, MASK > 1), MASK > 1),
    ],
)
def test_masks(name: str, write, expected: np.ndarray, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    write(tmp_path / name)
    found = read_mask(tmp_path / name)
    assert found.dtype.kind in "ui"
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("bits", "times"), [(2, 85), (4, 17)])
def test_grey_of_few_bits_is_not_stretched(bits: int, times: int, tmp_path: Path) -> None:
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = bytes([0b00011011]) if bits == 2 else bytes([0x01, 0x23])
    header = struct.pack(">IIBBBBB", 4, 1, bits, 0, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" + row)) + chunk(b"IEND", b"")
    (tmp_path / "few.png").write_bytes(b"\x89PNG\r\n\x1a\n" + data)
    with Image.open(tmp_path / "few.png") as picture:
        assert np.asarray(picture).max() == 3 * times, "a decoder that does not stretch needs no undoing"
    assert read_mask(tmp_path / "few.png").tolist() == [[0, 1, 2, 3]]


@pytest.mark.parametrize(
    ("name", "write", "words"),
    [
        ("halves.npy", lambda path: np.save(path, MASK / 2), "no whole numbers"),
        ("one-hot.npy", lambda path: np.save(path, np.zeros((2, 3, 4))), r"\(2, 3, 4\)"),
        ("text.png", lambda path: path.write_text("no picture"), "text.png"),
        ("colours.png", lambda path: Image.fromarray(np.arange(18, dtype=np.uint8).reshape(2, 3, 3)).save(path), "col"),
        ("empty.png", lambda path: path.write_bytes(b""), "empty.png"),
        ("floats.tif", lambda path: Image.fromarray(MASK.astype(np.float32) / 2).save(path), "no whole numbers"),
        ("nan.npy", lambda path: np.save(path, np.full((2, 2), np.nan)), "no whole numbers"),
    ],
)
def test_what_is_no_mask_is_a_line(name: str, write, words: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    write(tmp_path / name)
    with pytest.raises(ReportgenError, match=words) as raised:
        read_mask(tmp_path / name)
    assert "\n" not in str(raised.value)


def output(classes: int, activation: str = "softmax") -> SettledOutput:
    return SettledOutput(
        0,
        "map",
        "map",
        (None, 2, 2, classes),
        (2, 2, classes),
        "",
        activation=activation,  # type: ignore[arg-type]
    )


def test_a_mask_of_another_size_is_compared_at_its_own() -> None:
    answer = np.zeros((2, 2, 3), np.float32)
    answer[[0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 2, 0]] = 1
    mask = np.zeros((4, 6), np.uint8)
    squashed = Placement(scale_y=0.2, scale_x=0.1, top=0, left=0)
    found = compare_map(answer, output(3), mask, squashed, (10, 20), (2, 2))
    assert found.answered.tolist() == [[0, 0, 0, 1, 1, 1]] * 2 + [[2, 2, 2, 0, 0, 0]] * 2
    assert (found.truth == 0).all()


def test_what_the_network_did_not_see_is_not_judged() -> None:
    cropped = Placement(scale_y=1.0, scale_x=1.0, top=0.0, left=-1.0)  # the middle half of an image twice as wide
    found = compare_map(np.ones((2, 2, 3), np.float32), output(3), np.zeros((2, 4), np.uint8), cropped, (2, 4), (2, 2))
    assert found.truth.tolist() == [[255, 0, 0, 255]] * 2


def test_of_sigmoids_that_are_all_low_the_strongest_counts() -> None:
    answer = np.full((2, 2, 3), 0.1, np.float32)
    answer[..., 2] = 0.3
    whole = Placement(scale_y=1.0, scale_x=1.0, top=0.0, left=0.0)
    found = compare_map(answer, output(3, "sigmoid"), np.zeros((2, 2), np.uint8), whole, (2, 2), (2, 2))
    assert (found.answered == 2).all()


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("bytes.png", np.arange(4, dtype=np.uint8).reshape(2, 2) * 85),
        ("deep.png", np.arange(4, dtype=np.uint16).reshape(2, 2) * 21845),
        ("floats.npy", np.arange(4, dtype=np.float32).reshape(2, 2) / 3),
        ("deep.npy", np.arange(4, dtype=np.uint16).reshape(2, 2, 1) * 21845),
    ],
)
def test_right_pictures_of_any_depth_are_brought_to_bytes(name: str, values: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / name
    np.save(path, values) if name.endswith("npy") else Image.fromarray(values).save(path)
    found = read_picture(path, Fitting((2, 2)), (2, 2), 1, None)
    np.testing.assert_allclose(found[..., 0], [[0, 85], [170, 255]], atol=1e-4)


def test_a_right_picture_of_other_channels_is_a_line(tmp_path: Path) -> None:
    np.save(tmp_path / "bands.npy", np.zeros((2, 2, 5), np.uint8))
    with pytest.raises(ReportgenError, match=r"--truth: .*bands\.npy: has 5 channels"):
        read_picture(tmp_path / "bands.npy", Fitting((2, 2)), (2, 2), 3, None)
