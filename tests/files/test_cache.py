from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from reportgen.files.cache import Cache, content_key
from reportgen.files.cache_folder import default_folder


def test_what_was_put_is_found_again(tmp_path):
    cache = Cache(tmp_path / "kept")
    arrays = {"picture": np.arange(12, dtype=np.uint8).reshape(2, 2, 3), "none": np.zeros((0, 4), np.float32)}
    cache.put(content_key("a"), arrays, {"activation": 1.5, "note": None})

    entry = Cache(tmp_path / "kept").get(content_key("a"))

    assert entry is not None
    assert entry.meta == {"activation": 1.5, "note": None}
    assert list(entry.arrays) == ["picture", "none"]
    for name, array in arrays.items():
        np.testing.assert_array_equal(entry.arrays[name], array)
        assert entry.arrays[name].dtype == array.dtype


def test_absent_entries_and_absent_folders_give_none(tmp_path):
    assert Cache(tmp_path).get(content_key("never put")) is None
    nowhere = Cache(None)
    nowhere.put(content_key("a"), {}, {})
    assert nowhere.get(content_key("a")) is None


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda _: b"", lambda data: data[:200] + b"\0" + data[201:]]
)
def test_a_damaged_entry_counts_as_absent_and_can_be_put_again(tmp_path, damage):
    cache = Cache(tmp_path)
    key = content_key("a")
    cache.put(key, {"values": np.arange(100)}, {})
    path = cache.path(key)
    path.write_bytes(damage(path.read_bytes()))

    assert cache.get(key) is None

    cache.put(key, {"values": np.arange(100)}, {})
    assert cache.get(key) is not None


def test_no_partial_file_is_left_and_a_folder_that_cannot_be_written_is_told(tmp_path):
    blocked = tmp_path / "a file where the folder should be"
    blocked.write_text("")
    cache = Cache(blocked)
    cache.put(content_key("a"), {}, {})
    assert "results cannot be kept" in cache.trouble
    assert cache.get(content_key("a")) is None

    good = Cache(tmp_path / "good")
    good.put(content_key("a"), {}, {})
    assert good.trouble is None
    assert [path.suffix for path in (tmp_path / "good").rglob("*") if path.is_file()] == [".entry"]


def test_keys_tell_contents_apart():
    keys = [
        content_key(1),
        content_key(1.0),
        content_key("1"),
        content_key(True),
        content_key(None),
        content_key("ab", "c"),
        content_key("a", "bc"),
        content_key(["a", "b"], "c"),
        content_key(["a"], "b", "c"),
        content_key(np.zeros((2, 3), np.float32)),
        content_key(np.zeros((3, 2), np.float32)),
        content_key(np.zeros((2, 3), np.int32)),
        content_key(np.zeros((0, 3), np.float32)),
        content_key({"a": 1}),
        content_key({"a": 2}),
    ]
    assert len(set(keys)) == len(keys)


def test_keys_do_not_depend_on_order_layout_or_process():
    assert content_key({"a": 1, "b": (2, 3)}) == content_key({"b": [2, 3], "a": 1})
    array = np.arange(6).reshape(2, 3)
    assert content_key(array.T) == content_key(np.ascontiguousarray(array.T))
    assert content_key(np.float64(0.5)) == content_key(0.5)
    program = "from reportgen.files.cache import content_key; print(content_key({'a': [1, 'x']}))"
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == content_key({"a": [1, "x"]})


def test_a_key_of_something_without_content_is_refused():
    with pytest.raises(TypeError, match="not function"):
        content_key(lambda: None)


def test_the_cache_needs_no_tensorflow():
    program = "import sys, reportgen.files.cache; assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_default_folder_follows_the_platform(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "reportgen"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert default_folder() == tmp_path / "reportgen" / "Cache"


def kept_entries(folder, count):
    """A cache of `count` entries, the first the longest unused; their keys."""
    cache, keys = Cache(folder), [content_key(number) for number in range(count)]
    for number, key in enumerate(keys):
        cache.put(key, {"values": np.zeros(1000)}, {})
        os.utime(cache.path(key), (1_000_000 + number,) * 2)
    return cache, keys


def test_beyond_its_bound_the_longest_unused_leave_first(tmp_path):
    cache, keys = kept_entries(tmp_path, 4)
    one = cache.files()[0].size
    assert cache.get(keys[0]) is not None  # it is the latest used now

    assert cache.trim(2 * one) == 2 * one

    assert [cache.get(key) is not None for key in keys] == [True, False, False, True]
    assert cache.trim(2 * one) == 0


def test_only_what_the_cache_made_is_counted_and_taken_away(tmp_path):
    cache, keys = kept_entries(tmp_path / "cache", 2)
    theirs = tmp_path / "theirs.entry"
    theirs.write_text("of somebody else")
    shelf = cache.path(keys[0]).parent
    (shelf / "notes.txt").write_text("of the user")
    (shelf / ("0" * 62 + ".entry")).symlink_to(theirs)
    (tmp_path / "cache" / "ff.txt").write_text("of the user")
    (tmp_path / "cache" / "photographs").mkdir()
    (tmp_path / "cache" / "photographs" / ("0" * 62 + ".entry")).write_text("of the user")
    (shelf / ".killed1.part").write_text("left by a run that was killed")

    assert len(cache.files()) == 3
    cache.trim(0)

    assert cache.files() == []
    left = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert left == ["0" * 62 + ".entry", "0" * 62 + ".entry", "ff.txt", "notes.txt", "theirs.entry"]


@pytest.mark.parametrize("folder", [None, "absent", "a file"])
def test_a_cache_that_is_not_there_is_empty(tmp_path, folder):
    (tmp_path / "a file").write_text("")
    cache = Cache(folder and tmp_path / folder)
    assert cache.files() == []
    assert cache.trim(0) == 0
