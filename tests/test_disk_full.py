"""A file system that is full at any moment of a command: the earlier report whole, one line, nothing left behind."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest
from PIL import Image

from reportgen.cli import main
from reportgen.finished.verification import verify_report

if TYPE_CHECKING:
    from conftest import Written

PAGE = 4096

# Sizes of the file system in every run, and in the long one.
FEW, MANY = 4, 20


@pytest.fixture(params=[pytest.param(FEW, id="few"), pytest.param(MANY, id="many", marks=pytest.mark.slow)])
def steps(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@contextmanager
def file_system(place: Path, size: int) -> Iterator[Path]:
    """A file system of `size` bytes at `place`; the test is skipped where none may be mounted."""
    place.mkdir(exist_ok=True)
    words = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("no file system may be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], capture_output=True, check=True)


def taken(folder: Path) -> int:
    """Bytes that `folder` takes of a file system of pages."""
    return sum(-(-path.stat().st_size // PAGE) * PAGE for path in folder.rglob("*") if path.is_file())


def _names(folder: Path) -> list[str]:
    """What is in `folder`, but what TensorFlow leaves for tracebacks until its process ends."""
    return [path.name for path in folder.iterdir() if not path.name.startswith("__autograph_generated_file")]


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def tried(arguments: list[str], size: int, good: Path, place: Path, capsys: pytest.CaptureFixture[str]) -> int:
    """Run a command where `size` bytes are free beside the report `good`: its status, when all is as it should be."""
    with file_system(place, taken(good) + size) as full:
        report = full / "report"
        shutil.copytree(good, report)
        before = content(report)
        status = main([argument.format(full=full) for argument in arguments])
        said = capsys.readouterr().err
        case = (arguments[0], size, said)
        assert status in (0, 1), case
        assert verify_report(report) == [], case
        if status == 1:
            assert content(report) == before, case
            assert said.startswith("reportgen: expected a place to write to"), case
            assert said.count("\n") == 1, case
            assert len(said) < 300, case
            assert [name for name in _names(full) if name != "cache"] == ["report"], case
        assert not [name for name in _names(full) if name.startswith(".")], case
    return status


@pytest.mark.parametrize(
    "arguments",
    [
        ["render", "{full}/report", "--title", "another"],
        ["compare", "{full}/report", "{full}/report", "-o", "{full}/both"],
        ["bundle", "{full}/report", "-o", "{full}/one.html"],
        ["bundle", "{full}/report", "-o", "{full}/one.html", "--max-size", "200kB"],
    ],
    ids=["render", "compare", "bundle", "smaller bundle"],
)
def test_no_room_for_what_is_made_of_a_report(
    arguments: list[str], steps: int, small: Written, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "full"))
    # The report written here may be larger than the one that is made.
    most = 3 * taken(small.folder)
    found = [
        tried(arguments, PAGE * round(most * step / steps / PAGE), small.folder, tmp_path / "full", capsys)
        for step in range(steps)
    ]
    assert found[0] == 1
    assert tried(arguments, 2 * most, small.folder, tmp_path / "full", capsys) == 0


@pytest.mark.slow
@pytest.mark.parametrize("form", ["site", "both"])
def test_no_room_for_a_build(
    form: str, small: Written, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    keras.utils.set_random_seed(0)
    keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3), keras.layers.Flatten(),
                      keras.layers.Dense(2, activation="softmax")]).save(tmp_path / "net.keras")  # fmt: skip
    (tmp_path / "images").mkdir()
    for number in range(2):
        pixels = np.random.default_rng(number).integers(0, 256, (9, 9, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "images" / f"{number}.png")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "full"))
    arguments = ["build", str(tmp_path / "net.keras"), str(tmp_path / "images"), "-o", "{full}/report", "--quiet",
                 "--format", form,
                 "--preprocess", "none", "--activation-max", "off", "--cache", "{full}/cache"]  # fmt: skip
    found = [tried(arguments, 60_000 * step, small.folder, tmp_path / "full", capsys) for step in range(20)]
    assert found[0] == 1
    assert tried(arguments, 20_000_000, small.folder, tmp_path / "full", capsys) == 0
