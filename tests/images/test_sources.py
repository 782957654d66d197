"""Pictures in shards, and arrays from files and from Python."""

from __future__ import annotations

import pickle
import tarfile

import numpy as np
import pytest
from PIL import Image
from support.images import random_images, write_images

from reportgen.errors import ReportgenError
from reportgen.images import collect_images, load_image


def collected(*arguments: object, **options: object) -> list[str]:
    return [image.file for image in collect_images([str(argument) for argument in arguments], **options)]


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
