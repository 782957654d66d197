"""Collecting, decoding and fitting pictures."""

from __future__ import annotations

import io
import os
import pickle
import struct
import tarfile
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from support.images import gradient, random_images, write_images

from reportgen.errors import ReportgenError
from reportgen.facts import Placement
from reportgen.images import Fitting, ImageFile, UnreadableImageError, collect_images, collecting, load_image


def collected(*arguments: object, **options: object) -> list[str]:
    return [image.file for image in collect_images([str(argument) for argument in arguments], **options)]


def fit_image(
    pixels: np.ndarray, size: tuple[int, int], resize: str = "squash", interpolation: str = "bilinear"
) -> tuple[np.ndarray, Placement]:
    return Fitting(size, resize, interpolation).apply(pixels)


def load_file(path: Path, channels: int = 3) -> np.ndarray:
    return load_image(collect_images([path], channels=channels).images[0], channels)


# --- collecting -----------------------------------------------------------------------------------


def test_folders_are_searched_through_in_order(tmp_path):
    for folder in ("b", "a/deep", "."):
        write_images(tmp_path / folder, 2)
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / ".hidden.png").write_bytes(b"")
    write_images(tmp_path / ".thumbnails", 1)
    (tmp_path / "PHOTO.JPG").write_bytes((tmp_path / "image-0.png").read_bytes())
    expected = ["PHOTO.JPG", "a/deep/image-0.png", "a/deep/image-1.png", "b/image-0.png", "b/image-1.png"]
    assert collected(tmp_path) == [*expected, "image-0.png", "image-1.png"]


def test_files_and_globs_are_named_by_what_was_given(tmp_path, monkeypatch):
    write_images(tmp_path / "set" / "cat", 2)
    write_images(tmp_path / "set" / "dog", 1)
    assert collected(tmp_path / "set" / "cat" / "image-1.png") == ["image-1.png"]
    assert collected(tmp_path / "set" / "*" / "*.png") == ["cat/image-0.png", "cat/image-1.png", "dog/image-0.png"]
    assert collected(tmp_path / "s*") == ["set/cat/image-0.png", "set/cat/image-1.png", "set/dog/image-0.png"]
    monkeypatch.chdir(tmp_path / "set")
    assert collected("**/*-0.png") == ["cat/image-0.png", "dog/image-0.png"]
    assert collected("cat") == ["image-0.png", "image-1.png"]


def test_a_picture_named_twice_counts_once_and_namesakes_are_numbered(tmp_path):
    first, second = write_images(tmp_path / "a", 1)[0], write_images(tmp_path / "b", 1)[0]
    assert collected(first, tmp_path / "a", first) == ["image-0.png"]
    assert collected(first, second) == ["image-0.png", "image-0 (2).png"]
    write_images(tmp_path / "c", 1)
    (tmp_path / "c" / "image-0.png").rename(tmp_path / "c" / "image-0 (2).png")
    assert collected(first, tmp_path / "c", second) == ["image-0.png", "image-0 (2).png", "image-0 (3).png"]


STRANGE = ["with space.png", 'it\'s "quoted".png', "<img src=x>.png", "50% #1?.png", "日本語-ü.png", "[1].png"]


@pytest.mark.parametrize("name", STRANGE)
def test_strange_names(tmp_path, name):
    path = write_images(tmp_path, 1)[0].rename(tmp_path / name)
    assert collected(path) == collected(tmp_path) == [name]


def test_names_that_differ_only_in_case_and_names_that_are_no_text(tmp_path):
    for name in ("a.png", "A.png", "a.PNG"):
        write_images(tmp_path / "x", 1)[0].rename(tmp_path / name)
    assert collected(tmp_path) == ["A.png", "a.PNG", "a.png"]
    (tmp_path / "A.png").rename(tmp_path / os.fsdecode(b"\xff.png"))
    assert collected(tmp_path)[-1] == "\N{REPLACEMENT CHARACTER}.png"


def test_a_folder_that_links_to_itself(tmp_path):
    write_images(tmp_path / "set", 1)
    (tmp_path / "set" / "again").symlink_to(tmp_path / "set", target_is_directory=True)
    assert collected(tmp_path / "set") == ["image-0.png"]


@pytest.mark.parametrize(
    ("argument", "message"),
    [("none", "no such file or folder"), ("*.png", "no images there"), ("empty", "no images there")],
)
def test_nothing_to_be_found(tmp_path, argument, message):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ReportgenError, match=message):
        collected(tmp_path / argument)
    with pytest.raises(ReportgenError, match="none were given"):
        collect_images([])


def test_hash_and_size(tmp_path):
    path = write_images(tmp_path, 1, height=10, width=14)[0]
    image = collect_images([path]).images[0]
    assert (image.height, image.width, image.path) == (10, 14, str(path))
    assert len(image.sha256) == 64


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
    read = Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path.name == paths[0].name:
            raise PermissionError(13, "Permission denied", str(path))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
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


# --- shards and arrays ----------------------------------------------------------------------------


def test_shards(tmp_path):
    paths = write_images(tmp_path / "loose", 3)
    with tarfile.open(tmp_path / "shard.tar", "w") as archive:
        for path in paths:
            archive.add(path, f"x/{path.name}")
            archive.add(path, f"x/{path.stem}.cls")
    found = collect_images([tmp_path / "shard.tar"])
    assert [image.file for image in found] == [f"shard.tar/x/image-{index}.png" for index in range(3)]
    for image, path in zip(pickle.loads(pickle.dumps(found.images)), paths, strict=True):
        np.testing.assert_array_equal(load_image(image), np.asarray(Image.open(path)))
    assert collected(tmp_path)[-1] == "shard.tar/x/image-2.png"
    (tmp_path / "bad.tar").write_bytes(b"x" * 600)
    with pytest.raises(ReportgenError, match=r"expected an uncompressed .tar"):
        collected(tmp_path / "bad.tar")


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.int64])
def test_arrays_from_python_and_from_files(tmp_path, dtype):
    pixels = random_images(12)
    np.save(tmp_path / "set.npy", pixels.astype(dtype))
    from_file = collect_images([tmp_path / "set.npy"])
    from_python = collect_images(pixels.astype(dtype))
    assert from_file.images[3].file == "set.npy/03"
    assert from_python.images[3].file == "image-03"
    for found in (from_file, from_python):
        assert len(found) == 12
        for image, expected in zip(pickle.loads(pickle.dumps(found.images)), pixels, strict=True):
            np.testing.assert_array_equal(load_image(image), expected)
    assert [image.sha256 for image in from_file] == [image.sha256 for image in from_python]


def test_arrays_of_other_channels():
    grey = random_images(2)[..., :1]
    assert load_image(collect_images(grey).images[0]).shape == (8, 8, 3)
    np.testing.assert_array_equal(load_image(collect_images(grey, channels=1).images[0], 1), grey[0])
    np.testing.assert_array_equal(load_image(collect_images(grey[..., 0], channels=1).images[0], 1), grey[0])
    many = np.repeat(grey, 12, axis=3)
    np.testing.assert_array_equal(load_image(collect_images(many, channels=12).images[1], 12), many[1])
    with pytest.raises(ReportgenError, match="has 12 channels, the network takes 3"):
        collect_images(many)


def test_picture_files_for_a_network_of_many_channels(tmp_path):
    path = write_images(tmp_path, 1)[0]
    with pytest.raises(ReportgenError, match=r"a picture file, but the network takes 12 channels; give a .npy"):
        collect_images([path], channels=12)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 8)), r"shape \(2, 8\); expected \(height, width, 3\) or \(images, height, width, 3\)"),
        (np.zeros((2, 8, 8, 3), dtype=object), "expected numbers"),
        (np.zeros((0, 8, 8, 3)), "expected numbers"),
        (np.zeros((2, 3, 8, 8)), "has 8 channels, the network takes 3"),
    ],
)
def test_arrays_that_are_no_images(array, message):
    with pytest.raises(ReportgenError, match=message):
        collect_images(array)


# --- decoding -------------------------------------------------------------------------------------


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


# --- fitting --------------------------------------------------------------------------------------


def test_squash_fills_the_input():
    fitted, placement = fit_image(gradient(20, 40), (10, 10))
    assert fitted.shape == (10, 10, 3)
    assert (placement.scale_y, placement.scale_x, placement.top, placement.left) == (0.5, 0.25, 0, 0)
    assert placement.box((0, 0, 10, 10), 20, 40) == (0, 0, 20, 40)


def test_crop_keeps_proportions_and_the_middle():
    pixels = gradient(20, 40)
    fitted, placement = fit_image(pixels, (20, 20), "crop")
    np.testing.assert_array_equal(fitted, pixels[:, 10:30])
    assert placement.box((0, 0, 20, 20), 20, 40) == (0, 10, 20, 30)
    halved, placement = fit_image(pixels, (10, 10), "crop")
    np.testing.assert_array_equal(halved, np.asarray(Image.fromarray(pixels).resize((20, 10), 2))[:, 5:15])
    assert placement.box((2, 3, 4, 5), 20, 40) == (4, 16, 8, 20)


def test_pad_keeps_everything():
    pixels = gradient(20, 40)
    fitted, placement = fit_image(pixels, (20, 20), "pad")
    assert not fitted[:5].any()
    assert not fitted[15:].any()
    np.testing.assert_array_equal(fitted[5:15], np.asarray(Image.fromarray(pixels).resize((20, 10), 2)))
    assert placement.box((5, 0, 15, 20), 20, 40) == (0, 0, 20, 40)
    assert placement.box((0, 0, 20, 20), 20, 40) == (0, 0, 20, 40)


@pytest.mark.parametrize("resize", ["crop", "squash", "pad"])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize(("height", "width"), [(30, 50), (61, 37), (9, 13), (24, 24), (500, 7)])
def test_a_marked_pixel_is_found_where_the_placement_says(resize, interpolation, height, width):
    pixels = np.zeros((height, width, 3), np.uint8)
    half = min(height, width) // 8
    top, left, bottom, right = height // 2 - half, width // 2 - half, height // 2 + half + 1, width // 2 + half + 1
    pixels[top:bottom, left:right] = 255
    fitted, placement = fit_image(pixels, (24, 20), resize, interpolation)
    assert fitted.shape == (24, 20, 3)
    if min(placement.scale_y * (bottom - top), placement.scale_x * (right - left)) < 1:
        return  # the mark is less than a pixel of the input
    rows, columns = np.nonzero(fitted[..., 0] > 100)
    centre_y = (rows.mean() + 0.5 - placement.top) / placement.scale_y
    centre_x = (columns.mean() + 0.5 - placement.left) / placement.scale_x
    assert abs(centre_y - (top + bottom) / 2) <= 0.75 / placement.scale_y
    assert abs(centre_x - (left + right) / 2) <= 0.75 / placement.scale_x


def test_reductions_average_over_all_pixels():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    fitted, _ = fit_image(stripes, (8, 8))
    assert np.abs(fitted[:, 1:-1].astype(int) - 127).max() <= 4
    assert set(np.unique(fit_image(stripes, (8, 8), interpolation="nearest")[0])) <= {0, 255}


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_fitting_any_number_of_channels(channels):
    pixels = np.repeat(gradient(16, 12)[..., :1], channels, axis=2)
    fitted, _ = fit_image(pixels, (8, 8), "pad")
    assert fitted.shape == (8, 8, channels)
    np.testing.assert_array_equal(
        fitted, np.repeat(fit_image(gradient(16, 12), (8, 8), "pad")[0][..., :1], channels, 2)
    )


def test_a_picture_of_the_right_size_is_left_alone():
    pixels = random_images(1, 16, 16)[0]
    for resize in ("crop", "squash", "pad"):
        np.testing.assert_array_equal(fit_image(pixels, (16, 16), resize)[0], pixels)


def test_orientation_agrees_with_pillow(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "a.jpg"
    Image.fromarray(gradient(16, 24)).save(path, exif=exif)
    with Image.open(path) as picture:
        expected = np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
    np.testing.assert_array_equal(load_file(path), expected)
