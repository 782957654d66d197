"""Arrays that several threads read at once."""

from __future__ import annotations

import ast
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from reportgen.array_files import load_array
from reportgen.files.cache import Cache
from reportgen.images.sources import ArrayFileSource


@pytest.fixture
def parsing(monkeypatch):
    """How many threads were in Python's parser at once, call by call."""
    inside, seen, parse = [], [], ast.parse

    def noted(*args, **options):
        inside.append(None)
        seen.append(len(inside))
        time.sleep(0.01)
        try:
            return parse(*args, **options)
        finally:
            inside.pop()

    monkeypatch.setattr(ast, "parse", noted)
    return seen


def test_one_thread_at_a_time_reads_headers(tmp_path, parsing):
    images = np.arange(120, dtype=np.uint8).reshape(2, 4, 5, 3)
    np.save(tmp_path / "a.npy", images)
    np.savez(tmp_path / "b.npz", images=images)
    cache = Cache(tmp_path / "cache")
    cache.put("0" * 64, {"images": images}, {})
    reads = [
        lambda: ArrayFileSource(str(tmp_path / "a.npy"), None).read(),
        lambda: ArrayFileSource(str(tmp_path / "b.npz"), None, "images").read(),
        lambda: load_array(tmp_path / "a.npy"),
        lambda: getattr(cache.get("0" * 64), "arrays", {})["images"],
    ]
    with ThreadPoolExecutor(8) as pool:
        for array in pool.map(lambda place: reads[place % 4](), range(24)):
            np.testing.assert_array_equal(array, images)
    assert len(parsing) > 24
    assert max(parsing) == 1
