"""Reports and collections of strangers in `collect`, and what is told of them in a screen: data, whatever they say."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from fuzz.conftest import SENTINEL, Spoilt, some
from fuzz.generator import bad_bytes, bad_json, places, put
from fuzz.test_hostile_paths import VARIANTS, commands, filled, spread
from fuzz.watching import digest, opened_files, run, snapshot

from reportgen.files.manifest import write_manifest
from reportgen.finished.collection import collect_reports
from reportgen.finished.collection_content import read_content
from reportgen.finished.rendering import write_pages
from reportgen.finished.verification import verify_report
from reportgen.record import Provenance, read_record

if TYPE_CHECKING:
    from conftest import Written


def another(good: Path, folder: Path, **tags: str) -> Path:
    """The report in `good` again, with tags of its own."""
    shutil.copytree(good, folder)
    record = read_record(good)
    provenance = Provenance.model_validate(record.provenance.model_dump() | {"tags": tags})
    write_pages(record.model_copy(update={"provenance": provenance}), folder)
    return folder


@pytest.fixture(scope="module")
def good_site(small: Written, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collection of two reports."""
    folder = tmp_path_factory.mktemp("good")
    two = [another(small.folder, folder / name, step=name) for name in ("1", "2")]
    return collect_reports(two, folder / "site")


@pytest.fixture
def site(good_site: Path, tmp_path: Path) -> Path:
    """A copy of it, to spoil."""
    shutil.copytree(good_site, tmp_path / "site")
    return tmp_path / "site"


def tried(site: Path, spoilt: Spoilt, capsys: pytest.CaptureFixture[str], case: object) -> dict[str, int]:
    """The status of every command that reads a collection; nothing outside is touched, a refused site is as it was."""
    statuses, beside = {}, sorted(path.name for path in site.parent.iterdir())
    before = snapshot(spoilt.outside)
    words = {
        "verify": ["verify", str(site)],
        "bundle": ["bundle", str(site), "-o", str(site.parent / "one.html")],
        "collect": ["collect", str(spoilt.folder), "-o", str(site)],
    }
    for name, arguments in words.items():
        then = snapshot(site)
        with opened_files() as names:
            statuses[name] = run(arguments, capsys, (case, name))[0]
        touched = [one for one in names if Path(one).is_relative_to(spoilt.outside)]
        assert not touched, (case, name, touched)
        if statuses[name]:
            assert snapshot(site) == then, (case, name)
        if (site.parent / "one.html").exists():
            assert SENTINEL not in (site.parent / "one.html").read_text(encoding="utf-8"), case
            (site.parent / "one.html").unlink()
    assert snapshot(spoilt.outside) == before, case
    assert sorted(path.name for path in site.parent.iterdir()) == beside, case
    return statuses


def test_contents_that_are_none(
    site: Path, good_site: Path, spoilt: Spoilt, cases: range, capsys: pytest.CaptureFixture[str]
) -> None:
    good = json.loads((site / "collection.json").read_text(encoding="utf-8"))
    for seed in cases[:: 6 if len(cases) < 100 else 2]:
        (site / "collection.json").write_bytes(bad_json(good, Random(seed)))
        write_manifest(site, "collection")
        if tried(site, spoilt, capsys, seed)["collect"] == 0:
            assert verify_report(site) == [], seed
            shutil.rmtree(site)
            shutil.copytree(good_site, site)


@pytest.mark.parametrize("few", [pytest.param(1, id="few"), pytest.param(len(VARIANTS), marks=pytest.mark.slow)])
def test_paths_in_the_content(few: int, site: Path, spoilt: Spoilt, capsys: pytest.CaptureFixture[str]) -> None:
    good = json.loads((site / "collection.json").read_text(encoding="utf-8"))
    keys = [place for place in places(good) if place and place[-1] in ("slug", "before", "after", "folder", "picture")]
    assert len(keys) >= 6
    for number, key in enumerate(keys[:: 2 if few == 1 else 1]):
        for variant in spread(VARIANTS, number, few):
            path = f"{filled(variant, spoilt)}{'.webp' if key[-1] == 'picture' else ''}"
            if path == "con":  # a folder's name like others here: it is never used without being there
                continue
            (site / "collection.json").write_text(json.dumps(put(good, key, path)), encoding="utf-8")
            write_manifest(site, "collection")
            assert tried(site, spoilt, capsys, (key, variant))["collect"] == 1, (key, variant)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content["entries"].append(content["entries"][0]),
        lambda content: content["comparisons"].append(content["comparisons"][0]),
        lambda content: content["comparisons"][0].update(before="nowhere"),
        lambda content: content["entries"][0].update(slug="gone"),
        lambda content: content["comparisons"][0].update(folder="gone"),
        lambda content: content["entries"][0].update(added=10**30),
        lambda content: content["entries"][0]["measures"][0].update(value=1e999),
    ],
    ids=["twice", "compared twice", "compared with none", "gone", "comparison gone", "too large", "no number"],
)  # fmt: skip
def test_contents_that_do_not_fit(
    change: Callable[[Any], object], site: Path, spoilt: Spoilt, capsys: pytest.CaptureFixture[str]
) -> None:
    content = json.loads((site / "collection.json").read_text(encoding="utf-8"))
    change(content)
    (site / "collection.json").write_text(json.dumps(content), encoding="utf-8")
    write_manifest(site, "collection")
    assert tried(site, spoilt, capsys, content)["collect"] == 1


@pytest.mark.parametrize("place", ["reports", "changes", "reports/1", "reports/1/report.json", "reports/1/index.html",
                                   "collection.json", "index.html", "manifest.json", "reports/2/assets"])  # fmt: skip
@pytest.mark.parametrize("through", ["link", "queue"])
def test_links_in_a_collection(
    place: str, through: str, site: Path, spoilt: Spoilt, capsys: pytest.CaptureFixture[str]
) -> None:
    (site / place).rename(spoilt.outside / "taken")
    if through == "link":
        (site / place).symlink_to(spoilt.outside / "taken")
    else:
        os.mkfifo(site / place)
    statuses = tried(site, spoilt, capsys, (place, through))
    assert statuses["verify"] in (1, 3)
    assert statuses["collect"] == 1 or place == "index.html"


def test_notes_in_a_collection_stay(site: Path, spoilt: Spoilt, capsys: pytest.CaptureFixture[str]) -> None:
    notes = [site / "reports" / "1" / "notes.txt", site / "changes" / "mine.txt", site / "CNAME"]
    for note in notes:
        note.write_text("of the user", encoding="utf-8")
    assert tried(site, spoilt, capsys, "notes") == {"verify": 0, "bundle": 0, "collect": 0}
    assert [note.read_text(encoding="utf-8") for note in notes] == ["of the user"] * 3
    assert len(read_content(site).entries) == 3


def test_names_that_are_the_same(small: Written, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    named = ("a/run", "b/RUN", "d/con", "d/a-to-b", "e/c", "f/a", "g/b-to-c")
    reports = [another(small.folder, tmp_path / name, step=str(number)) for number, name in enumerate(named)]
    (tmp_path / "link").symlink_to(reports[-1])
    (reports[0] / "inner").mkdir()
    shutil.copytree(reports[1], reports[0] / "inner" / "report")
    given = [*reports, tmp_path / "link", reports[0] / "inner" / "report", reports[0]]
    site = tmp_path / "site"
    assert run(["collect", *map(str, given), "-o", str(site)], capsys, "same")[0] == 0
    assert verify_report(site) == []
    content = read_content(site)
    assert len({entry.slug for entry in content.entries}) == len(named)
    assert len({one.folder for one in content.comparisons}) == len(named) - 1
    assert not (site / "reports" / "run" / "inner").exists()


@pytest.mark.parametrize(
    "title", some(["<script>alert(1)</script>", "a" * 100_000, "\x1b[2J\u202e", "", "\udcff\x00", "{{7*7}}"], 4)
)
def test_hostile_titles(title: str, hostile: Written, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = another(hostile.folder, tmp_path / "report", **{title[:500]: title, "step": title, "date": title})
    site = tmp_path / "site"
    status, said = run(["collect", str(report), "-o", str(site), "--title", title or " "], capsys, title[:20])
    assert status == 0, said
    assert verify_report(site) == []
    front = (site / "index.html").read_text(encoding="utf-8")
    assert "<script>alert" not in front
    for form in ("markdown", "json"):
        assert main_output(["summary", str(report), "--format", form], capsys).isascii() or form == "json"


def main_output(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What a command that ends well prints, without letters that are beyond ASCII and can be printed."""
    from reportgen.cli import main

    assert main(arguments) == 0
    return "".join(letter for letter in capsys.readouterr().out if letter == "\n" or not letter.isprintable())


def test_a_folder_of_thousands(spoilt: Spoilt, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (spoilt.folder / "mine").mkdir()
    for number in range(1_000):
        (spoilt.folder / "mine" / f"{number}.txt").touch()
        (spoilt.folder / "assets" / f"{number}.txt").touch()
    out = tmp_path / "out"
    out.mkdir()
    for arguments in commands(spoilt.folder, out):
        status, said = run(arguments, capsys, arguments[0])
        assert status == 0, said
    assert len(list((spoilt.folder / "mine").iterdir())) == 1_000
    assert not (out / "site" / "reports" / "report" / "mine").exists()


def test_bad_records_and_manifests_are_not_collected(
    spoilt: Spoilt, cases: range, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {name: json.loads((spoilt.folder / name).read_text(encoding="utf-8"))
             for name in ("report.json", "manifest.json")}  # fmt: skip
    for seed in cases[:: 4 if len(cases) < 100 else 1]:
        random = Random(seed + 10_000)
        name = random.choice(("report.json", "report.json", "report.json", "manifest.json"))
        good = (spoilt.folder / name).read_bytes()
        (spoilt.folder / name).write_bytes(bad_json(files[name], random))
        before = digest(spoilt.folder)
        both = [str(spoilt.good), str(spoilt.folder)][:: random.choice((1, -1))]
        status, _ = run(["collect", *both, "-o", str(tmp_path / "site")], capsys, seed)
        run(["summary", str(spoilt.folder), "--format", random.choice(("json", "markdown"))], capsys, seed)
        assert digest(spoilt.folder) == before, seed
        assert (tmp_path / "site").exists() == (status == 0), seed
        if status == 0:
            assert verify_report(tmp_path / "site") == [], seed
            shutil.rmtree(tmp_path / "site")
        (spoilt.folder / name).write_bytes(good)


def test_bad_files_are_collected_as_they_are(
    spoilt: Spoilt, cases: range, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever pages and pictures hold: they are compared or refused, and never run or followed."""
    other = another(spoilt.good, tmp_path / "other", step="1")
    files = sorted(path for path in spoilt.folder.rglob("*") if path.suffix in (".html", ".css", ".webp", ".npy"))
    for seed in cases[:: 10 if len(cases) < 100 else 2]:
        random = Random(seed + 20_000)
        file = random.choice(files)
        good = file.read_bytes()
        file.write_bytes(bad_bytes(good, random))
        status, _ = run(["collect", str(other), str(spoilt.folder), "-o", str(tmp_path / "site")], capsys, seed)
        run(["compare", str(other), str(spoilt.folder), "-o", str(tmp_path / "both.html")], capsys, seed)
        assert status in (0, 1), seed
        file.write_bytes(good)
        shutil.rmtree(tmp_path / "site", ignore_errors=True)


FAULTS = (
    b"[" * 100_000, b'{"a":' * 100_000, b"9" * 5000, b'{"schema_version": NaN}', b'{"generator": "x"}', b"null", b"[]",
    b'{"generator": [1e999]}', b"\xff\xfe", b"", b'{"title": "\\ud800"}', b'{"entries": 5}', b'{"files": []}', b'"x"',
    b'{"files": {"index.html": 5}}', b'{"kind": [], "files": {}}', b'{"a": ' + b"9" * 5000 + b"}", b"-Infinity",
)  # fmt: skip


@pytest.mark.parametrize("name", ["report.json", "manifest.json", "collection.json"])
@pytest.mark.parametrize("text", some(FAULTS, 6), ids=lambda text: text[:14].decode("latin-1"))
def test_json_that_is_none(
    text: bytes, name: str, site: Path, spoilt: Spoilt, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if name == "collection.json":
        (site / name).write_bytes(text)
        write_manifest(site, "collection")
        assert tried(site, spoilt, capsys, text[:20])["collect"] == 1
        return
    (spoilt.folder / name).write_bytes(text)
    (tmp_path / "out").mkdir()
    unread = {"compare", "bundle"} if name == "manifest.json" else {"verify"}
    for arguments in commands(spoilt.folder, tmp_path / "out"):
        status, said = run(arguments, capsys, (arguments[0], text[:20]))
        assert status == (1 if arguments[0] not in unread else 3 if arguments[0] == "verify" else 0), said
    assert run(["summary", str(spoilt.folder)], capsys, text[:20])[0] == (1 if name == "report.json" else 0)
