"""Pictures become pixels; damaged ones a reason."""

from __future__ import annotations

import io
import pickle
import struct
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from support.images import gradient, random_images, write_images

from reportgen.errors import ReportgenError
from reportgen.images import ImageFile, UnreadableImageError, collect_images, collecting, load_image, sources


def load_file(path: Path, channels: int = 3) -> np.ndarray:
    return load_image(collect_images([path], channels=channels).images[0], channels)


def _png_header(width: int, height: int) -> bytes:
    content = b"\x89PNG\r\n\x1a\n"
    for chunk in (b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0), b"IDAT" + zlib.compress(b"")):
        content += struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return content


def _encoded(kind: str = "PNG", pixels: np.ndarray | None = None, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(gradient(64, 64) if pixels is None else pixels).save(buffer, kind, **options)
    return buffer.getvalue()


BROKEN = {
    "empty.png": (b"", "is empty"),
    "text.png": (b"not a picture", "is no image of a known kind"),
    "cut.png": (_encoded(pixels=random_images(1, 64, 64)[0])[:3000], "is damaged or cut off"),
    "cut.jpg": (_encoded("JPEG")[:-300], "is damaged or cut off"),
    "cut.webp": (_encoded("WEBP")[:-30], "is damaged or cut off"),
    "large.png": (_png_header(20000, 5000), "is 20000x5000, more than 80 million pixels"),
    "bomb.png": (_png_header(60000, 60000), "more than 80 million pixels; make it smaller"),
}


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_broken_pictures_are_skipped_with_a_reason(tmp_path, name):
    content, reason = BROKEN[name]
    (tmp_path / name).write_bytes(content)
    write_images(tmp_path, 1)
    found = collect_images([tmp_path])
    assert [image.file for image in found] == ["image-0.png"]
    assert [skipped.file for skipped in found.skipped] == [name]
    assert reason in found.skipped[0].reason
    assert " at 0x" not in found.skipped[0].reason
    with pytest.raises(ReportgenError, match=r"cannot be used \(--strict\)"):
        collect_images([tmp_path], strict=True)
    with pytest.raises(ReportgenError, match="none of the 1 images can be used"):
        collect_images([tmp_path / name])


def test_what_may_not_be_read_is_skipped(tmp_path, monkeypatch):
    paths = write_images(tmp_path, 2)
    read = sources.read_regular

    def refuse(path: Path, kind: str) -> bytes:
        if path.name == paths[0].name:
            raise PermissionError(13, "Permission denied", str(path))
        return read(path, kind)

    monkeypatch.setattr(sources, "read_regular", refuse)
    assert collect_images([tmp_path]).skipped[0].reason == "cannot be read: Permission denied"


def test_in_large_sets_damage_is_found_when_it_is_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr(collecting, "CHECKED_IMAGES", 1)
    write_images(tmp_path, 1)
    (tmp_path / "cut.png").write_bytes(_encoded(pixels=random_images(1, 64, 64)[0])[:3000])
    found = collect_images([tmp_path])
    assert [image.file for image in found] == ["cut.png", "image-0.png"]
    with pytest.raises(UnreadableImageError, match=r"cut.png: is damaged") as caught:
        load_image(found.images[0])
    assert pickle.loads(pickle.dumps(caught.value)).reason == caught.value.reason


@pytest.mark.filterwarnings("ignore")  # Pillow warns of what it then refuses
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "AVIF"])
def test_damage_anywhere_is_a_reason_and_never_a_crash(kind):
    random = np.random.default_rng(0)
    whole = bytearray(_encoded(kind, gradient(16, 16)))
    for _ in range(150):
        content = bytearray(whole)
        for position in random.integers(0, len(content), 4):
            content[position] = random.integers(0, 256)
        image = ImageFile("x", _Bytes(bytes(content[: random.integers(1, len(content))])), "", 16, 16)
        with suppress(UnreadableImageError):
            assert load_image(image).dtype in (np.uint8, np.uint16, np.int16, np.float32)


class _Bytes:
    def __init__(self, content: bytes) -> None:
        self.content = content

    def read(self) -> bytes:
        return self.content


@pytest.mark.parametrize(
    ("kind", "options", "tolerance"),
    [
        ("PNG", {}, 0),
        ("BMP", {}, 0),
        ("TIFF", {}, 0),
        ("TIFF", {"compression": "tiff_lzw"}, 0),
        ("WEBP", {"lossless": True}, 0),
        ("JPEG", {"quality": 95}, 12),
        ("AVIF", {"quality": 95}, 12),
        ("GIF", {}, 40),
    ],
)
def test_formats(tmp_path, kind, options, tolerance):
    path = tmp_path / "picture"
    path.write_bytes(_encoded(kind, **options))
    difference = np.abs(load_file(path).astype(int) - gradient(64, 64).astype(int))
    assert difference.mean() <= tolerance / 2
    assert difference.max() <= max(tolerance, 0) * 2


def test_the_first_frame_of_an_animation(tmp_path):
    frames = [Image.fromarray(np.full((8, 8, 3), value, np.uint8)) for value in (10, 200)]
    for kind in ("gif", "webp", "png"):
        path = tmp_path / f"moving.{kind}"
        frames[0].save(path, save_all=True, append_images=frames[1:])
        assert abs(int(load_file(path).max()) - 10) <= 2


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(tmp_path, orientation):
    upright = Image.fromarray(gradient(16, 24))
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the transposition that undoes each orientation
    stored = upright if orientation == 1 else upright.transpose(Image.Transpose(back[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "turned.png", exif=exif)
    image = collect_images([tmp_path / "turned.png"]).images[0]
    assert (image.height, image.width) == (16, 24)
    np.testing.assert_array_equal(load_image(image), np.asarray(upright))


def test_transparency_lies_on_white(tmp_path):
    pixels = np.zeros((2, 3, 4), np.uint8)
    pixels[..., 0] = 100
    pixels[:, :, 3] = [0, 255, 128]
    Image.fromarray(pixels).save(tmp_path / "alpha.png")
    row = load_file(tmp_path / "alpha.png")[0]
    np.testing.assert_allclose(row, [[255, 255, 255], [100, 0, 0], [177, 127, 127]], atol=1)
    palette = Image.new("P", (2, 1))
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.putdata([0, 1])
    palette.save(tmp_path / "palette.png", transparency=1)
    np.testing.assert_array_equal(load_file(tmp_path / "palette.png")[0], [[255, 0, 0], [255, 255, 255]])
    Image.fromarray(pixels).convert("LA").save(tmp_path / "grey.png")
    np.testing.assert_array_equal(load_file(tmp_path / "grey.png")[0, 0], [255, 255, 255])


def test_palettes_grey_and_black_and_white(tmp_path):
    picture = Image.fromarray(gradient(16, 16))
    for mode in ("P", "L", "1"):
        picture.convert(mode).save(tmp_path / f"{mode}.png")
        expected = np.asarray(picture.convert(mode).convert("RGB"))
        np.testing.assert_array_equal(load_file(tmp_path / f"{mode}.png"), expected)


def test_grey_for_networks_of_one_channel(tmp_path):
    Image.fromarray(gradient(16, 16)).save(tmp_path / "a.png")
    expected = np.asarray(Image.fromarray(gradient(16, 16)).convert("L"))
    np.testing.assert_array_equal(load_file(tmp_path / "a.png", 1)[..., 0], expected)


def test_cmyk(tmp_path):
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=95)
    np.testing.assert_allclose(load_file(tmp_path / "a.jpg")[4, 4], [254, 0, 0], atol=6)


@pytest.mark.parametrize(
    ("values", "suffix", "expected"),
    [
        (np.array([[0, 25700, 65535]], np.uint16), "png", "uint16"),
        (np.array([[0, 25700, 65535]], np.uint16), "tif", "uint16"),
        (np.array([[0, 300, 514]], np.uint16), "png", "uint16"),
        (np.array([[0.0, 0.5, 1.0]], np.float32), "tif", "float32"),
        (np.array([[-3.0, np.nan, 65535.0]], np.float32), "tif", "float32"),
        (np.array([[0, 2**20, 2**21]], np.int32), "tif", "float32"),
    ],
)
def test_deep_pictures_keep_their_values(tmp_path, values, suffix, expected):
    Image.fromarray(values).save(tmp_path / f"deep.{suffix}")
    for channels in (1, 3):
        pixels = load_file(tmp_path / f"deep.{suffix}", channels)
        assert (pixels.dtype, pixels.shape) == (expected, (1, 3, channels))
        np.testing.assert_array_equal(pixels[..., 0], values)
        np.testing.assert_array_equal(pixels[..., -1], values)


def test_loading_leaves_no_file_open_and_gives_bytes_of_our_own(tmp_path):
    pixels = load_file(write_images(tmp_path, 1)[0])
    assert pixels.flags.c_contiguous


def test_orientation_agrees_with_pillow(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "a.jpg"
    Image.fromarray(gradient(16, 24)).save(path, exif=exif)
    with Image.open(path) as picture:
        expected = np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
    np.testing.assert_array_equal(load_file(path), expected)
