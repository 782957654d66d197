"""Paths in a stranger's report that would lead out of it: nothing outside is read or written."""

from __future__ import annotations

import json
import os
import shutil
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from fuzz.conftest import Spoilt
from fuzz.generator import put
from fuzz.watching import digest, opened_files, run

from reportgen.files.inside import plain_path

# Each is completed with the ending its key takes; `{out}` is the folder outside, absolute.
VARIANTS = (
    "{out}/secret", "/{out}/secret", "//{out}/secret", "../outside/secret", "assets/../../outside/secret",
    "./../outside/secret", "assets/./../../outside/secret", "assets//../../outside/secret", "..\\outside\\secret",
    "assets\\..\\..\\outside\\secret", "C:\\outside\\secret", "C:/outside/secret", "C:outside",
    "\\\\host\\share\\secret", "//host/share/secret", "\\\\?\\C:\\secret", "\\\\.\\pipe\\secret",
    "%2e%2e/outside/secret", "..%2foutside%2fsecret", "%2e%2e%2foutside%2fsecret", "%252e%252e%252foutside",
    "file://{out}/secret", "file:{out}/secret", "~/secret", "~root/secret", "$HOME/secret", "assets/secret\x00/../x",
    "assets/\x00", "..\u2215outside\u2215secret", "\uff0e\uff0e/outside/secret", "\u2024\u2024/outside/secret",
    "assets/\u202e", "ASSETS\u0301/x", "a\u0301ssets/x", "con", "assets/NUL", "assets/aux.x", "assets/lpt1",
    "assets/x:stream", "assets/x::$DATA", ".git/hooks/x", "assets/.hidden", ".", "..", "...", "", "/", "assets/",
    "assets/x. ", " ../outside/secret", "../outside/secret ", "\t../outside/secret", "../outside/secret\n",
    "javascript:alert(1)", "data:text/html,x", "http://e.org/x", "assets/" + "a" * 300, "a/" * 300 + "x", "-rf",
    "assets/*", "assets/?", "assets/|x", "assets/<b>", 'assets/"x', "dev/../../../../../../dev/zero",
)  # fmt: skip

KEYS: dict[tuple[Any, ...], str] = {
    ("figures", 0, "picture"): ".webp",
    ("figures", 0, "data"): ".npy",
    ("features", 0, "file"): ".npy",
    ("maximizations", 0, "picture"): ".webp",
    ("units", 0, "top_images", 0, "whole", "picture"): ".webp",
    ("maximizations", 0, "array"): ".npy",
    ("units", 0, "page"): ".html",
    ("layers", 0, "page"): ".html",
    ("images", 0, "page"): ".html",
    ("findings", 0, "page"): ".html",
    ("graph", "nodes", 0, "page"): ".html",
    ("site", "logo"): ".svg",
    ("site", "css"): ".css",
    ("sections", 0, "slug"): "",
}


def commands(report: Path, out: Path) -> list[list[str]]:
    """The commands that read a finished report."""
    return [
        ["render", str(report)],
        ["compare", str(report), str(report), "-o", str(out / "both")],
        ["bundle", str(report), "-o", str(out / "one.html")],
        ["verify", str(report)],
    ]


def checked(spoilt: Spoilt, out: Path, capsys: pytest.CaptureFixture[str], case: object) -> list[tuple[int, str]]:
    """Run every command; nothing outside is opened or changed, and a refused report stays as it is."""
    before, report = digest(spoilt.outside), digest(spoilt.folder)
    answers = []
    for arguments in commands(spoilt.folder, out):
        with opened_files() as names:
            status, said = run(arguments, capsys, (case, arguments[0]))
        touched = [name for name in names if Path(name).is_relative_to(spoilt.outside)]
        assert not touched, (case, arguments[0], touched)
        if status == 1:
            assert digest(spoilt.folder) == report, (case, arguments[0])
            assert not any(out.iterdir()), (case, arguments[0])
        shutil.rmtree(out)
        out.mkdir()
        answers.append((status, said))
    assert digest(spoilt.outside) == before, case
    assert sorted(path.name for path in spoilt.folder.parent.iterdir()) == ["out", "outside", "report"], case
    return answers


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where commands are told to write."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def test_no_variant_is_a_plain_path() -> None:
    assert len(VARIANTS) > 60
    for variant in VARIANTS:
        for suffix in (".webp", ".html"):
            text = f"{variant}{suffix}"
            if variant not in ("con", "...", ".", "..", "", "assets/", "assets/x. "):
                with pytest.raises(ValueError, match="plain path"):
                    plain_path(text)
    assert plain_path("assets/a-0.webp") == "assets/a-0.webp"


@pytest.mark.parametrize("key", KEYS, ids=lambda key: ".".join(map(str, key)))
def test_paths_in_the_record(
    key: tuple[Any, ...], spoilt: Spoilt, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = json.loads((spoilt.folder / "report.json").read_text(encoding="utf-8"))
    variants = VARIANTS if key == ("figures", 0, "picture") else VARIANTS[len(key) :: 9]
    for variant in variants:
        path = variant.format(out=spoilt.outside) if "{out}" in variant else variant
        text = json.dumps(put(good, key, f"{path}{KEYS[key]}"))
        (spoilt.folder / "report.json").write_text(text, encoding="utf-8")
        for status, said in checked(spoilt, out, capsys, (key, variant))[:3]:
            assert status == 1, (key, variant)
            assert ".".join(map(str, key)) in said, (key, variant, said)


def test_paths_in_the_manifest(spoilt: Spoilt, capsys: pytest.CaptureFixture[str]) -> None:
    good = json.loads((spoilt.folder / "manifest.json").read_text(encoding="utf-8"))
    for variant in VARIANTS:
        path = variant.format(out=spoilt.outside) if "{out}" in variant else variant
        files = good["files"] | {f"{path}.txt": "0" * 64}
        (spoilt.folder / "manifest.json").write_text(json.dumps(good | {"files": files}), encoding="utf-8")
        with opened_files() as names:
            status, _ = run(["verify", str(spoilt.folder)], capsys, variant)
        assert status == (1 if variant not in ("con.txt",) else 3), variant
        assert not any(Path(name).is_relative_to(spoilt.outside) for name in names), variant


@pytest.mark.parametrize(
    "tag", ["img src", "image href", "a href", "link href", "iframe src", "object data", "video poster"]
)
def test_addresses_on_pages(tag: str, spoilt: Spoilt, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = spoilt.folder / "index.html"
    good = page.read_text(encoding="utf-8")
    for variant in VARIANTS[len(tag) % 4 :: 12]:
        path = variant.format(out=spoilt.outside) if "{out}" in variant else variant
        name, attribute = tag.split()
        element = f'<{name} {attribute}="{path}.webp">'
        markup = f"<svg>{element}</svg>" if name == "image" else element
        page.write_text(good.replace("</main>", f"{markup}</main>"), encoding="utf-8", errors="replace")
        with opened_files() as names:
            run(["bundle", str(spoilt.folder), "-o", str(out / "one.html")], capsys, (tag, variant))
            run(["verify", str(spoilt.folder)], capsys, (tag, variant))
        assert not any(Path(opened).is_relative_to(spoilt.outside) for opened in names), (tag, variant)
        if (out / "one.html").exists():
            assert "sentinel" not in (out / "one.html").read_text(encoding="utf-8")


LINKS = ("assets", "assets/{picture}", "report.json", "index.html", "layers", "manifest.json", "units/conv1")


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("through", ["absolute", "relative", "chain", "fifo"])
def test_links(link: str, through: str, spoilt: Spoilt, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = json.loads((spoilt.folder / "report.json").read_text(encoding="utf-8"))
    place = spoilt.folder / link.format(picture=record["figures"][0]["picture"].rpartition("/")[2])
    target = spoilt.outside / place.name
    if place.is_dir():
        shutil.copytree(place, target)
        shutil.rmtree(place)
    else:
        shutil.copyfile(place, target)
        place.unlink()
    if through == "fifo":
        os.mkfifo(place)
    elif through == "chain":
        (spoilt.folder / "between").symlink_to(target)
        place.symlink_to("between" if place.parent == spoilt.folder else spoilt.folder / "between")
    else:
        place.symlink_to(target if through == "absolute" else os.path.relpath(target, place.parent))
    before = digest(spoilt.outside)
    for arguments in commands(spoilt.folder, out):
        with opened_files() as names:
            status, said = run(arguments, capsys, (link, through, arguments[0]))
        assert status in (0, 1, 3), said
        assert not [name for name in names if Path(name).is_relative_to(spoilt.outside)], (link, through, arguments[0])
    assert digest(spoilt.outside) == before


def test_forms_of_one_name_stay_apart() -> None:
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        with pytest.raises(ValueError, match="plain"):
            plain_path(unicodedata.normalize(form, "assets/é.webp") if form in ("NFC", "NFD") else "assets/\ufb01.webp")
