"""Pictures, arrays and shards that are none: skipped with a reason, or one line; nothing waits, nothing grows."""

from __future__ import annotations

import os
import pickle
import resource
import struct
import time
import warnings
from pathlib import Path
from random import Random

import numpy as np
import pytest
from fuzz.pictures import bad_image, npy, shard
from fuzz.watching import MOST_LETTERS, MOST_SECONDS

from reportgen.config import Config
from reportgen.errors import ReportgenError, UsageError, one_line
from reportgen.images import ImageSet, UnreadableImageError, collect_images, load_image
from reportgen.machine.memory import Room
from reportgen.models.inputs import InputSlot, other_values

# Kilobytes that reading any of them may add to what the process ever held.
MOST_GROWTH = 3_000_000


def told(path: Path, channels: int) -> ImageSet | str:
    """What is found at `path`, or the line that says why nothing is."""
    try:
        found = collect_images([str(path)], channels=channels)
    except ReportgenError as error:
        return str(error)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as the command does
        for image in list(found)[:4]:
            pixels = load_image(image, channels)
            assert pixels.shape == (image.height, image.width, channels)
    return found


def test_bad_images_are_skipped_or_refused(cases: range, tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for seed in range(cases.start * 2, cases.stop * 2):
        random = Random(seed)
        data, suffix = bad_image(random)
        path = tmp_path / f"bad{suffix}"
        path.write_bytes(data)
        start = time.monotonic()
        found = told(path, random.choice((1, 3, 3, 5)))
        assert time.monotonic() - start < MOST_SECONDS, seed
        lines = [found] if isinstance(found, str) else [f"{item.file}: {item.reason}" for item in found.skipped]
        for line in lines:
            assert "\n" not in line, (seed, line)
            assert len(one_line(line)) <= MOST_LETTERS
        path.unlink()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_GROWTH
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".png", ".npy", ".npz", ".tar", ".jpg", ".tif"])
def test_only_regular_files_are_opened(suffix: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / f"queue{suffix}")
    (tmp_path / f"device{suffix}").symlink_to("/dev/zero")
    for name in ("queue", "device"):
        with pytest.raises(ReportgenError, match="no regular file"):
            collect_images([str(tmp_path / f"{name}{suffix}")])


def test_sizes_of_an_image_are_bounded(tmp_path: Path) -> None:
    with (tmp_path / "large.png").open("wb") as file:
        file.truncate(500_000_001)
    with pytest.raises(ReportgenError, match="more than the 500,000,000 of a image"):
        collect_images([str(tmp_path / "large.png")])
    for name, shape in (("wide.npy", "(20000, 20000)"), ("stack.npy", "(2, 20000, 20000, 1)")):
        (tmp_path / name).write_bytes(npy(shape))
        with (tmp_path / name).open("ab") as file:
            file.truncate(file.tell() + 800_000_000)
        with pytest.raises(ReportgenError, match="20000x20000, more than 80 million pixels"):
            collect_images([str(tmp_path / name)], channels=1)


@pytest.mark.parametrize("bands", [2, 200, 60_000])
def test_bands_are_counted_before_they_are_read(bands: int, tmp_path: Path) -> None:
    entries = [(256, 4, 1, 65_500), (257, 4, 1, 1), (258, 3, 1, 8), (259, 3, 1, 8), (262, 3, 1, 1), (273, 4, 1, 8),
               (277, 3, 1, bands), (278, 4, 1, 1), (279, 4, 1, 100)]  # fmt: skip
    directory = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    (tmp_path / "a.tif").write_bytes(b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + directory + b"\0" * 200)
    start = time.monotonic()
    with pytest.raises(ReportgenError, match=f"has {bands} channels, the network takes 5"):
        collect_images([str(tmp_path / "a.tif")], channels=5)
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("size", ["-1", "\xff" * 12, "\xff" + "\x00" * 11, "\x80" + "\xff" * 11, "zz", "77777777777"])
@pytest.mark.parametrize("kind", [b"0", b"x", b"L"])
def test_entries_of_a_shard_that_are_broken(size: str, kind: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(shard("00000000000") + shard(size, kind=kind) + b"\0" * 2048)
    start = time.monotonic()
    with pytest.raises(ReportgenError):
        collect_images([str(path)])
    assert time.monotonic() - start < MOST_SECONDS


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"PK\x05\x06" + b"\0" * 18, b"x" * 99, npy("(3,)", "|O"),
                                     npy("(99999999999999,)", "<f8"), pickle.dumps([1, 2])])  # fmt: skip
def test_values_for_an_input_that_are_no_array(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "a.npy"
    file.write_bytes(content)
    image, other = InputSlot("image", (None, 8, 8, 3), "float32"), InputSlot("other", (None, 3), "float32")
    with pytest.raises(UsageError, match="--input other"):
        other_values([image, other], image, {"other": str(file)})


def test_threads_hold_no_more_than_the_room() -> None:
    from concurrent.futures import ThreadPoolExecutor

    room, held, most = Room(100), [0], [0]

    def take(size: int) -> None:
        with room.taken(size):
            held[0] += size
            most[0] = max(most[0], held[0])
            with room.taken(60):  # more for the same thread does not wait for itself
                time.sleep(0.002)
            held[0] -= size

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(take, [40, 50, 30, 99, 10, 60, 45, 20] * 4))
    assert 60 <= most[0] <= 100
    with room.taken(1_000):  # what is larger than the room is alone
        pass
    with pytest.raises(ZeroDivisionError), room.taken(80):
        _ = 1 / 0
    with room.taken(100):
        pass


@pytest.mark.parametrize("address", ["", " ", "\t"])
def test_addresses_of_a_scheduler_that_are_none(address: str) -> None:
    with pytest.raises(UsageError, match="dask-address"):
        Config.from_options({"engine": "dask", "dask_address": address})
    for good in ("tcp://10.0.0.1:8786", "tls://scheduler.example.org:8786", "localhost:8786", "tcp://[::1]:8786"):
        assert Config.from_options({"engine": "dask", "dask_address": good}).dask_address == good


def test_a_damaged_image_names_itself(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((8, 8, 3), np.uint8))
    image = collect_images([str(tmp_path / "a.npy")]).images[0]
    (tmp_path / "a.npy").write_bytes(b"")
    with pytest.raises(UnreadableImageError, match=r"a\.npy: cannot be read: .*magic string"):
        load_image(image)
