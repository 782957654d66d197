"""Images of any depth and number of bands: their values from the file to what the network is given."""

from __future__ import annotations

import builtins
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from support.images import random_images, write_images

from reportgen.errors import ReportgenError
from reportgen.images import Fitting, ImageSet, ValueScale, choose_scale, collect_images, load_image

RANDOM = np.random.default_rng(0)


def bands(count: int, dtype: str, *, height: int = 9, width: int = 7) -> np.ndarray:
    if dtype == "float32":
        return RANDOM.random((height, width, count)).astype("float32")
    info = np.iinfo(dtype)
    return RANDOM.integers(info.min, min(info.max, 2**20), (height, width, count)).astype(dtype)


def loaded(path: Path, channels: int) -> np.ndarray:
    (image,) = collect_images([path], channels=channels).images
    return load_image(image, channels)


# --- arrays ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "channels", "images"),
    [
        ((6, 5, 13), 13, [(6, 5, 13)]),
        ((2, 6, 5, 13), 13, [(6, 5, 13)] * 2),
        ((13, 6, 5, 13), 13, [(6, 5, 13)] * 13),
        ((6, 5), 1, [(6, 5, 1)]),
        ((4, 6, 5), 1, [(6, 5, 1)] * 4),
        ((6, 5, 1), 1, [(6, 5, 1)]),
        ((4, 6, 5, 1), 1, [(6, 5, 1)] * 4),
        ((6, 5, 3), 3, [(6, 5, 3)]),
        ((2, 6, 5, 3), 3, [(6, 5, 3)] * 2),
        ((6, 5, 2), 2, [(6, 5, 2)]),
        ((6, 5, 4), 4, [(6, 5, 4)]),
    ],
)
@pytest.mark.parametrize("suffix", ["npy", "npz", None])
def test_what_an_array_holds_follows_from_the_networks_channels(tmp_path, shape, channels, images, suffix):
    array = RANDOM.integers(0, 60000, shape).astype("uint16")
    if suffix == "npy":
        np.save(tmp_path / "a.npy", array)
    elif suffix == "npz":
        np.savez(tmp_path / "a.npz", x=array, y=np.arange(5))
    found = collect_images(array if suffix is None else [tmp_path / f"a.{suffix}"], channels=channels)
    values = [load_image(image, channels) for image in found]
    assert [value.shape for value in values] == images
    np.testing.assert_array_equal(np.stack(values).reshape(array.shape), array)
    assert {(image.depth, image.height, image.width) for image in found} == {("uint16", *images[0][:2])}
    if suffix == "npz":
        assert [(item.file, item.is_image) for item in found.skipped] == [("a.npz/y", False)]


def test_a_folder_of_arrays_and_one_that_does_not_fit(tmp_path):
    for index in range(2):
        np.save(tmp_path / f"{index}.npy", bands(13, "uint16"))
    np.save(tmp_path / "stack.npy", np.stack([bands(13, "uint16")] * 2))
    np.save(tmp_path / "wrong.npy", bands(5, "uint16"))
    (tmp_path / "broken.npy").write_bytes(b"\x93NUMPY")
    (tmp_path / "broken.npz").write_bytes(b"PK")
    found = collect_images([tmp_path], channels=13)
    assert [image.file for image in found] == ["0.npy", "1.npy", "stack.npy/0", "stack.npy/1"]
    assert [item.file for item in found.skipped] == ["broken.npy", "broken.npz", "wrong.npy"]
    assert "has 5 channels, the network takes 13" in found.skipped[2].reason
    assert "cannot be read as an array" in found.skipped[0].reason


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "int32", "float64", "bool"])
def test_values_of_arrays_are_kept(dtype):
    array = (RANDOM.random((2, 4, 5, 6)) * 100).astype(dtype)
    found = collect_images(array, channels=6)
    np.testing.assert_array_equal([load_image(image, 6) for image in found], array.astype("float32"))


def test_colours_of_16_bits_become_grey_and_grey_becomes_colours():
    colours = np.full((2, 2, 3), (10000, 20000, 30000), np.uint16)
    grey = load_image(collect_images(colours, channels=1).images[0], 1)
    np.testing.assert_array_equal(grey, np.full((2, 2, 1), 2990 + 11740 + 3420))
    assert load_image(collect_images(grey, channels=3).images[0], 3).tolist()[0][0] == [18150] * 3


# --- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "uint32", "float32"])
@pytest.mark.parametrize("count", [2, 4, 5, 13])
@pytest.mark.parametrize("layout", ["interleaved", "planes", "pages"])
def test_tiffs_of_many_bands(tmp_path, dtype, count, layout):
    values = bands(count, dtype)
    if layout == "interleaved":
        tifffile.imwrite(tmp_path / "a.tif", values, photometric="minisblack", planarconfig="contig")
    elif layout == "planes":
        planes = np.moveaxis(values, 2, 0)
        tifffile.imwrite(tmp_path / "a.tif", planes, photometric="minisblack", planarconfig="separate")
    else:
        tifffile.imwrite(tmp_path / "a.tif", np.moveaxis(values, 2, 0), photometric="minisblack", compression="zlib")
    np.testing.assert_array_equal(loaded(tmp_path / "a.tif", count), values.astype(np.float32))


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_tiffs_of_colours_and_of_several_pages(tmp_path, dtype):
    values = bands(3, dtype)
    tifffile.imwrite(tmp_path / "rgb.tif", values, photometric="rgb")
    np.testing.assert_array_equal(loaded(tmp_path / "rgb.tif", 3), values)
    pages = np.stack([bands(1, dtype)[..., 0] for _ in range(5)])
    tifffile.imwrite(tmp_path / "pages.tif", pages, photometric="minisblack")
    np.testing.assert_array_equal(loaded(tmp_path / "pages.tif", 1)[..., 0], pages[0])


def test_a_tiff_lying_on_its_side(tmp_path):
    values = bands(1, "uint16")[..., 0]
    tifffile.imwrite(tmp_path / "a.tif", values, extratags=[(274, "H", 1, 6, True)])
    np.testing.assert_array_equal(loaded(tmp_path / "a.tif", 1)[..., 0], np.rot90(values, -1))


def test_a_tiff_packed_as_only_pillow_can(tmp_path):
    """LZW is not built into tifffile; of one band Pillow reads it, of several it needs a package."""
    values = bands(1, "uint16")[..., 0]
    Image.fromarray(values).save(tmp_path / "a.tif", compression="tiff_lzw")
    np.testing.assert_array_equal(loaded(tmp_path / "a.tif", 1)[..., 0], values)


def test_a_tiff_that_needs_a_package_names_it(tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", bands(5, "uint16"), photometric="minisblack", planarconfig="contig")

    def refuse(*_: object, **__: object) -> None:
        raise ValueError("<COMPRESSION.LZW: 5> requires the 'imagecodecs' package")

    monkeypatch.setattr(tifffile.TiffPage, "asarray", refuse)
    with pytest.raises(ReportgenError, match="pip install imagecodecs"):
        loaded(tmp_path / "a.tif", 5)


def test_a_tiff_too_large_to_decode(tmp_path):
    header = struct.pack("<2sHIH", b"II", 42, 8, 5)
    tags = [(256, 4, 1, 60000), (257, 4, 1, 60000), (258, 3, 1, 64), (277, 3, 1, 1), (339, 3, 1, 3)]
    content = header + b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(ReportgenError, match="is 60000x60000, more than 80 million pixels"):
        loaded(tmp_path / "a.tif", 1)


def test_a_tiff_of_other_bands_than_the_network_takes(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", bands(5, "uint16"), photometric="minisblack", planarconfig="contig")
    with pytest.raises(ReportgenError, match="has 5 channels, the network takes 13"):
        loaded(tmp_path / "a.tif", 13)


def deep_png(values: np.ndarray) -> bytes:
    """A PNG of 16 bits a colour, its lines filtered in all five ways (W3C, "PNG Specification", section 9)."""
    height, width, channels = values.shape
    lines = values.astype(">u2").view(np.uint8).reshape(height, width * channels * 2).astype(int)
    step = 2 * channels
    coded = b""
    for row in range(height):
        up = lines[row - 1] if row else np.zeros_like(lines[0])
        left = np.concatenate([np.zeros(step, int), lines[row, :-step]])
        corner = np.concatenate([np.zeros(step, int), up[:-step]])
        near = left + up - corner
        choice = np.argmin(np.abs([near - left, near - up, near - corner]), axis=0)
        paeth = np.choose(choice, [left, up, corner])
        guess = [np.zeros_like(up), left, up, (left + up) // 2, paeth][row % 5]
        coded += bytes([row % 5]) + ((lines[row] - guess) % 256).astype(np.uint8).tobytes()
    kind = {1: 0, 3: 2, 4: 6}[channels]
    content = b"\x89PNG\r\n\x1a\n"
    header = struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)
    for chunk in (b"IHDR" + header, b"IDAT" + zlib.compress(coded), b"IEND"):
        content += struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return content


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pngs_of_16_bits(tmp_path, channels):
    values = bands(channels, "uint16", height=11)
    (tmp_path / "a.png").write_bytes(deep_png(values))
    np.testing.assert_array_equal(loaded(tmp_path / "a.png", channels), values)


def test_transparency_of_16_bits_lies_on_white(tmp_path):
    values = np.full((2, 2, 4), (1000, 2000, 3000, 65535), np.uint16)
    values[0, 0, 3] = 0
    (tmp_path / "a.png").write_bytes(deep_png(values))
    assert loaded(tmp_path / "a.png", 3)[0].tolist() == [[65535] * 3, [1000, 2000, 3000]]


def test_pictures_with_transparency_for_a_network_of_four_channels(tmp_path):
    values = bands(4, "uint8")
    Image.fromarray(values).save(tmp_path / "a.png")
    np.testing.assert_array_equal(loaded(tmp_path / "a.png", 4), values)


# --- files that are not read ----------------------------------------------------------------------


def test_every_file_of_a_folder_is_read_or_listed_with_its_reason(tmp_path):
    write_images(tmp_path, 1)
    unread = {"a.svg": "SVG", "b.pdf": "PDF", "c.heic": "heic", "d.nef": "raw", "e.mp4": "film", "f.jp2": "not read"}
    others = ["notes.txt", "labels.csv", "x.json", "Thumbs.db", "README"]
    for name in (*unread, *others):
        (tmp_path / name).write_bytes(b"\0\0\0\x18ftypheic")
    found = collect_images([tmp_path])
    assert [image.file for image in found] == ["image-0.png"]
    reasons = {item.file: item for item in found.skipped}
    assert sorted(reasons) == sorted([*unread, *others])
    assert all(word in reasons[name].reason for name, word in unread.items())
    assert {item.file for item in found.skipped if not item.is_image} == set(others)
    with pytest.raises(ReportgenError, match=r"cannot be used \(--strict\); the first is a.svg"):
        collect_images([tmp_path], strict=True)


def test_notes_beside_images_are_no_error_under_strict_and_alone_no_images(tmp_path):
    write_images(tmp_path / "set", 1)
    (tmp_path / "set" / "notes.txt").write_text("x")
    assert len(collect_images([tmp_path / "set"], strict=True)) == 1
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("x")
    with pytest.raises(ReportgenError, match="no images there"):
        collect_images([tmp_path / "notes"])


def test_heic_without_the_extra_names_it(tmp_path, monkeypatch):
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + b"\0" * 64)
    monkeypatch.setattr("reportgen.images.decoding.reads_heif", lambda: False)
    with pytest.raises(ReportgenError, match=r"pip install 'reportgen\[heic\]'"):
        collect_images([tmp_path / "a.heic"])


def test_heic_with_the_extra(tmp_path):
    pillow_heif = pytest.importorskip("pillow_heif")
    pixels = np.full((16, 24, 3), (200, 30, 60), np.uint8)
    pillow_heif.from_pillow(Image.fromarray(pixels)).save(tmp_path / "a.heic", quality=95)
    np.testing.assert_allclose(loaded(tmp_path, 3), pixels, atol=6)


def test_tifffile_is_only_loaded_where_pillow_stops(tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", bands(3, "uint8"), photometric="rgb")
    real = builtins.__import__

    def refuse(name: str, *arguments: object) -> object:
        if name == "tifffile":
            raise AssertionError("loaded")
        return real(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", refuse)
    assert loaded(tmp_path / "a.tif", 3).dtype == np.uint8


# --- ranges and fitting ---------------------------------------------------------------------------


def set_of(*arrays: np.ndarray) -> ImageSet:
    images = [collect_images(array, channels=array.shape[-1]).images[0] for array in arrays]
    return ImageSet(tuple(images), ())


BLACK_TO = np.array([0.0, 1.0], np.float32).reshape(1, 2, 1)


@pytest.mark.parametrize(
    ("array", "wanted", "expected"),
    [
        (BLACK_TO.astype("uint8"), None, (0, 255)),
        (BLACK_TO.astype("uint8"), (0, 10), (0, 255)),
        (BLACK_TO.astype("uint16"), None, (0, 65535)),
        (BLACK_TO.astype("int16"), None, (-32768, 32767)),
        (BLACK_TO.astype("uint16"), (0, 4095), (0, 4095)),
        (BLACK_TO, None, (0, 1)),
        (BLACK_TO * 200, None, (0, 255)),
        (BLACK_TO * 9000 - 10, (0, 10000), (0, 10000)),
    ],
)
def test_black_and_white_of_each_type(array, wanted, expected):
    images = set_of(array)
    scale = choose_scale(images, wanted, kept=False)
    assert scale.range_of(images.images[0].depth) == expected
    assert scale.levels == (0, 255)
    fitted, _ = Fitting((1, 2), scale=scale).apply(array)
    low, high = expected
    np.testing.assert_allclose(fitted, (array.astype(float) - low) / (high - low) * 255, rtol=1e-6, atol=1e-4)


def test_one_bright_float_image_says_that_the_others_are_not_of_unit_range():
    dark, bright = BLACK_TO, BLACK_TO * 255
    assert choose_scale(set_of(dark, bright), None, kept=False).range_of("float32") == (0, 255)


@pytest.mark.parametrize("array", [BLACK_TO * 256, -BLACK_TO, (BLACK_TO * 5000).astype("int32")])
def test_a_range_that_cannot_be_known_is_asked_for_unless_values_are_kept(array):
    with pytest.raises(ReportgenError, match=r"state them with --value-range LOW,HIGH, or .* --preprocess none"):
        choose_scale(set_of(array), None, kept=False)
    scale = choose_scale(set_of(array), None, kept=True)
    assert scale.levels == (array.min(), array.max())
    np.testing.assert_array_equal(Fitting((1, 2), scale=scale).apply(array)[0], array)


def test_a_set_of_several_types_goes_in_as_one():
    images = set_of(BLACK_TO.astype("uint8") * 255, BLACK_TO.astype("uint16") * 65535, BLACK_TO)
    scale = choose_scale(images, None, kept=False)
    fitted = [Fitting((1, 2), scale=scale).apply(load_image(image, 1))[0] for image in images]
    assert {values.dtype.name for values in fitted} == {"float32"}
    np.testing.assert_allclose(fitted, [[[[0], [255]]]] * 3)


@pytest.mark.parametrize("resize", ["crop", "squash", "pad"])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize("size", [(24, 20), (7, 30), (64, 64)])
def test_deep_images_are_fitted_by_the_geometry_of_pictures(resize, interpolation, size):
    """Bytes as floats come out as bytes do, but for rounding in each direction, and the ends of the range."""
    pixels = np.clip(random_images(1, 33, 45)[0], 64, 192)
    bytes_fitted, place = Fitting(size, resize, interpolation).apply(pixels)
    scale = ValueScale((("float32", (0.0, 255.0)),))
    floats_fitted, same_place = Fitting(size, resize, interpolation, scale).apply(pixels.astype(np.float32))
    assert place == same_place
    np.testing.assert_allclose(np.clip(floats_fitted, 0, 255), bytes_fitted, atol=1.6)


def test_beside_a_padded_image_is_the_black_of_its_range():
    values = np.full((4, 8, 13), 1000, np.int16)
    scale = choose_scale(set_of(values), None, kept=False)
    padded, _ = Fitting((8, 8), "pad", scale=scale).apply(values)
    np.testing.assert_allclose(padded[0], 0, atol=1e-3)
    kept = choose_scale(set_of(values.astype("uint16")), None, kept=True)
    assert Fitting((8, 8), "pad", scale=kept).apply(values.astype("uint16"))[0][0].max() == 0


def test_values_are_neither_rounded_nor_clipped():
    values = np.array([[0.25, 300.5, -7.125]], np.float32)[..., None]
    scale = choose_scale(set_of(values), (0, 255), kept=False)
    np.testing.assert_array_equal(Fitting((1, 3), scale=scale).apply(values)[0], values)
