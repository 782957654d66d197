from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from reportgen.errors import ReportgenError
from reportgen.files.manifest import write_manifest
from reportgen.files.replacing import replacing_file, replacing_folder


def make_report(folder: Path, text: str) -> None:
    with replacing_folder(folder) as new:
        (new / "index.html").write_text(text, encoding="utf-8")
        write_manifest(new, "report")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_new_report_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    make_report(tmp_path / "out", "first")
    make_report(tmp_path / "out", "second")
    assert (tmp_path / "out" / "index.html").read_text(encoding="utf-8") == "second"
    assert names(tmp_path) == ["out"]


def test_a_failed_run_leaves_the_earlier_report_and_no_debris(tmp_path: Path) -> None:
    make_report(tmp_path / "out", "first")
    with pytest.raises(ZeroDivisionError), replacing_folder(tmp_path / "out") as new:
        (new / "half").write_text("half", encoding="utf-8")
        raise ZeroDivisionError
    assert (tmp_path / "out" / "index.html").read_text(encoding="utf-8") == "first"
    assert names(tmp_path) == ["out"]


def test_a_folder_of_somebody_else_is_used_only_with_force_and_what_is_in_it_stays(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(ReportgenError, match="--force"), replacing_folder(tmp_path / "out"):
        pass
    assert names(tmp_path / "out") == ["thesis.txt"]
    with replacing_folder(tmp_path / "out", force=True) as new:
        (new / "index.html").write_text("new", encoding="utf-8")
    assert names(tmp_path / "out") == ["index.html", "thesis.txt"]


def test_an_empty_folder_may_be_used_and_a_file_may_not(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    make_report(tmp_path / "empty", "here")
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(ReportgenError, match="is a file"):
        make_report(tmp_path / "file", "there")


KILLED = """
import pathlib, sys, time
from reportgen.files.manifest import write_manifest
from reportgen.files.replacing import replacing_folder
with replacing_folder(pathlib.Path(sys.argv[1])) as new:
    (new / "half").write_text("half")
    print("half", flush=True)
    time.sleep(60)
"""


def test_a_killed_run_leaves_the_earlier_report_whole_and_the_next_one_clears_up(tmp_path: Path) -> None:
    make_report(tmp_path / "out", "first")
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path / "out")], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == b"half"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert (tmp_path / "out" / "index.html").read_text(encoding="utf-8") == "first"
    make_report(tmp_path / "out", "second")
    assert names(tmp_path) == ["out"]


def test_a_report_moved_aside_when_the_run_was_killed_comes_back(tmp_path: Path) -> None:
    make_report(tmp_path / "out", "first")
    (tmp_path / "out").rename(tmp_path / ".out.reportgen-old")
    with pytest.raises(ZeroDivisionError), replacing_folder(tmp_path / "out"):
        raise ZeroDivisionError
    assert (tmp_path / "out" / "index.html").read_text(encoding="utf-8") == "first"


def test_a_run_under_way_is_not_cleared_up_by_another(tmp_path: Path) -> None:
    with replacing_folder(tmp_path / "out") as mine:
        (mine / "index.html").write_text("mine", encoding="utf-8")
        make_report(tmp_path / "out", "other")
        assert (mine / "index.html").exists()
        assert mine.parent.name.startswith(f".out.reportgen-new-{os.getpid()}-")
    assert (tmp_path / "out" / "index.html").read_text(encoding="utf-8") == "mine"


def test_a_place_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(ReportgenError, match="cannot write"), replacing_folder(tmp_path / "file" / "out"):
        pass
    with pytest.raises(ReportgenError, match="cannot write"), replacing_file(tmp_path / "file" / "out.npz"):
        pass


def test_a_file_is_replaced_only_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "out.html"
    target.write_text("first", encoding="utf-8")
    with pytest.raises(ZeroDivisionError), replacing_file(target) as new:
        new.write_text("half", encoding="utf-8")
        raise ZeroDivisionError
    assert target.read_text(encoding="utf-8") == "first"
    with replacing_file(target) as new:
        new.write_text("second", encoding="utf-8")
    assert target.read_text(encoding="utf-8") == "second"
    assert names(tmp_path) == ["out.html"]


@pytest.mark.parametrize("name", ["x" * 255, "x" * 251, "\N{LATIN SMALL LETTER E WITH ACUTE}" * 127])
def test_a_name_as_long_as_names_may_be_leaves_no_workplace(name: str, tmp_path: Path) -> None:
    for text in ("first", "second"):
        make_report(tmp_path / name, text)
        assert (tmp_path / name / "index.html").read_text(encoding="utf-8") == text
        assert names(tmp_path) == [name]


@pytest.mark.parametrize("path", ["index.html", "units/a.html", "manifest.json"])
def test_a_file_of_a_report_is_not_written_over_and_one_of_the_user_is(path: str, tmp_path: Path) -> None:
    with replacing_folder(tmp_path / "out") as new:
        (new / "units").mkdir()
        for own in ("index.html", "units/a.html"):
            (new / own).write_text("own", encoding="utf-8")
        write_manifest(new, "report")
    before = (tmp_path / "out" / path).read_bytes()
    (tmp_path / "link").symlink_to(tmp_path / "out")
    for given in (tmp_path / "out" / path, tmp_path / "link" / path):
        with pytest.raises(ReportgenError, match="of a report"), replacing_file(given) as file:
            file.write_text("new", encoding="utf-8")
    assert (tmp_path / "out" / path).read_bytes() == before
    for _ in range(2):
        with replacing_file(tmp_path / "out" / "mine.html") as file:
            file.write_text("new", encoding="utf-8")
    assert names(tmp_path / "out") == ["index.html", "manifest.json", "mine.html", "units"]
