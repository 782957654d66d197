"""Spoilt reports: no traceback, no hang, one line, and where a command fails the report is as it was."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from random import Random

import pytest
from fuzz.conftest import Spoilt
from fuzz.generator import bad_bytes, bad_json
from fuzz.watching import digest, run


def test_bad_records(spoilt: Spoilt, cases: range, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = json.loads((spoilt.folder / "report.json").read_text(encoding="utf-8"))
    for seed in cases:
        random = Random(seed)
        (spoilt.folder / "report.json").write_bytes(bad_json(good, random))
        before = digest(spoilt.folder)
        status, _ = run(["verify", str(spoilt.folder)], capsys, seed)
        command = random.choice(("render", "compare", "bundle"))
        more = {
            "render": [],
            "compare": [str(spoilt.good), "-o", str(tmp_path / "both")],
            "bundle": ["-o", str(tmp_path / "a.html")],
        }
        status, _ = run([command, str(spoilt.folder), *more[command]], capsys, (seed, command))
        if status:
            assert digest(spoilt.folder) == before, seed
        assert {path.name for path in tmp_path.iterdir()} <= {"report", "outside", "both", "a.html"}, seed
        if command == "render" and status == 0:
            spoilt.mend()


def test_bad_manifests(spoilt: Spoilt, cases: range, capsys: pytest.CaptureFixture[str]) -> None:
    good = json.loads((spoilt.folder / "manifest.json").read_text(encoding="utf-8"))
    few = {"kind": "report", "files": dict(list(good["files"].items())[:6])}
    for seed in cases:
        random = Random(seed)
        (spoilt.folder / "manifest.json").write_bytes(bad_json(random.choice((good, few)), random))
        before = digest(spoilt.folder)
        run(["verify", str(spoilt.folder)], capsys, seed)
        assert digest(spoilt.folder) == before, seed


def test_bad_pages_styles_and_pictures(
    spoilt: Spoilt, cases: range, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = sorted(path for path in spoilt.folder.rglob("*") if path.suffix in (".html", ".css", ".webp", ".npy"))
    for seed in cases[: len(cases) // 2]:
        random = Random(seed)
        file = random.choice(files)
        good = file.read_bytes()
        file.write_bytes(bad_bytes(good, random))
        run(["verify", str(spoilt.folder)], capsys, (seed, file.name))
        run(["bundle", str(spoilt.folder), "-o", str(tmp_path / "a.html")], capsys, (seed, file.name))
        file.write_bytes(good)


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"9" * 5000,
        b'{"schema_version": NaN}',
        b'{"generator": "x"}',
        b'{"generator": [1e999]}',
        b"\xff\xfe",
        b"",
        b'{"schema_version": "1.0", "sections": 3, "generator": 5}',
        b'{"schema_version": "1.0", "sections": [[]]}',
        b'{"title": "\\ud800"}',
    ],
)
def test_records_that_are_none(text: bytes, spoilt: Spoilt, capsys: pytest.CaptureFixture[str]) -> None:
    (spoilt.folder / "report.json").write_bytes(text)
    assert run(["render", str(spoilt.folder)], capsys, text[:20])[0] == 1


def test_files_larger_than_any_are_not_read(spoilt: Spoilt, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("report.json", "manifest.json", "index.html"):
        with (spoilt.folder / name).open("ab") as file:
            file.truncate(50 << 30)  # without a byte on the disk
        command = {"report.json": ["render", str(spoilt.folder)], "manifest.json": ["verify", str(spoilt.folder)]}
        one = command.get(name, ["bundle", str(spoilt.folder), "-o", str(spoilt.folder.parent / "a.html")])
        status, said = run(one, capsys, name)
        assert status == 1, name
        assert "53,687,091,200 bytes" in said, said
        shutil.copyfile(spoilt.good / name, spoilt.folder / name)
