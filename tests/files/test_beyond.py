"""Files of the user in a report's folder, and places that are never replaced."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reportgen.errors import ReportgenError
from reportgen.files.manifest import write_manifest
from reportgen.files.replacing import replacing, replacing_file, replacing_folder
from reportgen.files.targets import check_target


def make(folder: Path, *names: str, force: bool = False) -> None:
    with replacing_folder(folder, force=force) as new:
        for name in ("index.html", *names):
            (new / name).parent.mkdir(exist_ok=True)
            (new / name).write_text("ours", encoding="utf-8")
        write_manifest(new, "report")


def test_what_is_not_in_the_manifest_stays(tmp_path: Path) -> None:
    out = tmp_path / "out"
    make(out, "layers/a.html", "assets/x.webp")
    (out / ".git" / "objects").mkdir(parents=True)
    (out / ".git" / "HEAD").write_text("ref", encoding="utf-8")
    (out / "layers" / "notes.txt").write_text("mine", encoding="utf-8")
    (out / "empty").mkdir()
    (out / "away").symlink_to(tmp_path)
    make(out, "layers/b.html")
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if not path.is_dir()) == [
        ".git/HEAD", "index.html", "layers/b.html", "layers/notes.txt", "manifest.json"
    ]  # fmt: skip
    assert (out / "empty").is_dir()
    assert (out / "away").is_symlink()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("mine", ["layers/new.html", "layers/new.html/deeper.txt", "assets", "units"])
def test_a_name_of_both_is_a_line_before_anything_is_replaced(mine: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    make(out, "layers/a.html")
    (out / mine).parent.mkdir(parents=True, exist_ok=True)
    (out / mine).write_text("mine", encoding="utf-8")
    with pytest.raises(ReportgenError, match="move it away"):
        make(out, "layers/new.html", "assets/x.webp", "units/y.html", force=True)
    assert (out / mine).read_text(encoding="utf-8") == "mine"
    assert (out / "layers" / "a.html").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_front_page_of_the_user_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("mine", encoding="utf-8")
    with pytest.raises(ReportgenError, match="move it away"):
        check_target(tmp_path, "report", force=True)


def test_places_that_are_never_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path / "real")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "home" / "user").mkdir(parents=True)
    (tmp_path / "work" / "inner").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work" / "inner")
    monkeypatch.setenv("HOME", str(tmp_path / "home" / "user"))
    for place in ("link", "home", "home/user", "work", "work/inner"):
        with pytest.raises(ReportgenError, match="-o"):
            check_target(tmp_path / place, "report", force=True)
    for place in (Path(), Path("/"), Path("/proc"), Path("/dev/null")):
        with pytest.raises(ReportgenError, match="-o"):
            check_target(place, "report", force=True)
    os.mkfifo(tmp_path / "queue")
    for place in (tmp_path / "queue", tmp_path / "link", tmp_path / "real", Path("/dev/null")):
        with pytest.raises(ReportgenError, match="choose another"), replacing_file(place):
            pass


def test_a_pair_is_replaced_together_or_not_at_all(tmp_path: Path) -> None:
    out, single = tmp_path / "out", tmp_path / "out.html"
    make(out)
    before = (out / "manifest.json").read_bytes()
    (out / "note").write_text("mine", encoding="utf-8")
    with pytest.raises(ReportgenError, match="is a folder"), replacing(out, single) as places:
        (places.folder / "index.html").write_text("second", encoding="utf-8")
        places.single.write_text("second", encoding="utf-8")
        single.mkdir()
    assert (out / "manifest.json").read_bytes() == before
    assert (out / "note").read_text(encoding="utf-8") == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "out.html"]


@pytest.mark.parametrize("name", [".out.reportgen-new-1-left", ".out.reportgen-new-{pid}-left"])
def test_what_was_left_goes_whatever_process_has_its_number(name: str, tmp_path: Path) -> None:
    make(tmp_path / "out")
    (tmp_path / name.format(pid=os.getpid()) / "site").mkdir(parents=True)
    make(tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_workplace_of_a_stranger_leads_nowhere(tmp_path: Path) -> None:
    """One that came beside a report, with links in the places of its folders."""
    outside = tmp_path / "outside"
    outside.mkdir()
    for name in ("secret.txt", "out.html"):
        (outside / name).write_text("secret", encoding="utf-8")
    home = tmp_path / "home"
    make(home / "out")
    for inner in ("site", "old", "single"):
        left = home / f".out.reportgen-new-9-{inner}"
        left.mkdir()
        (left / "swap.json").write_text('{"site": [1, 2], "single": "/etc/x"}', encoding="utf-8")
        (left / inner).symlink_to(outside)
    (home / "out" / "a").symlink_to(outside)
    deep = home / ".out.reportgen-new-9-deep"
    (deep / "site" / "a").mkdir(parents=True)
    (deep / "site" / "a" / "b.txt").write_text("evil", encoding="utf-8")
    (deep / "swap.json").write_text('{"site": [1, 2]}', encoding="utf-8")
    make(home / "out")
    assert sorted(path.name for path in outside.iterdir()) == ["out.html", "secret.txt"]
    assert not (home / "out" / "secret.txt").exists()
