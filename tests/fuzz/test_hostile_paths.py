"""Paths in a stranger's report that would lead out of it: nothing outside is read or written."""

from __future__ import annotations

import json
import os
import shutil
import socket
import unicodedata
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from fuzz.conftest import SENTINEL, Spoilt, some
from fuzz.generator import put
from fuzz.watching import digest, opened_files, run, snapshot, strangers
from fuzz.whole import Place, first_places, path_places, path_ways, text_places

from reportgen.errors import ReportgenError
from reportgen.files.inside import plain_path
from reportgen.files.manifest import write_manifest
from reportgen.finished.verification import verify_report
from reportgen.record import named_files, read_record

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
    "..\uff0foutside\uff0fsecret", "\u00e1ssets/x", "assets/\u200bx", "assets/x\u2028", "conin", "assets/COM1",
    "assets/com\u00b9", "CONOUT", "assets/x\\", "assets/..\uff3c..", "../../../../../../etc/passwd\x00",
    "/proc/self/environ", "/dev/fd/0", "..;/outside/secret", "..%c0%af..%c0%afoutside", "\ufeffassets/x",
)  # fmt: skip

# Tried under each key in every run; all of them in those marked slow.
FEW = 1

# Plain and not there: pages may be written there, files are missed.
NOWHERE = ("assets/nowhere", "ASSETS/secret", "outside/secret", "report.json/x", "index.html/x", "assets")


def filled(variant: str, spoilt: Spoilt) -> str:
    """`variant` with the folder outside put in."""
    return variant.replace("{out}", str(spoilt.outside))


def commands(report: Path, out: Path) -> list[list[str]]:
    """The commands that read a finished report."""
    return [
        ["render", str(report)],
        ["compare", str(report), str(report), "-o", str(out / "both")],
        ["bundle", str(report), "-o", str(out / "one.html")],
        ["verify", str(report)],
        ["collect", str(report), "-o", str(out / "site")],
    ]


def checked(spoilt: Spoilt, out: Path, capsys: pytest.CaptureFixture[str], case: object) -> dict[str, tuple[int, str]]:
    """Run every command; nothing outside is opened or changed, and a refused report stays as it is."""
    before, answers = snapshot(spoilt.outside), {}
    for arguments in commands(spoilt.folder, out):
        report = snapshot(spoilt.folder)
        with opened_files() as names:
            status, said = run(arguments, capsys, (case, arguments[0]))
        own = [spoilt.folder, out, *spoilt.folder.parent.glob(".*")]
        touched = [name for name in strangers(names, own) if not _is_beside(name, spoilt.folder)]
        assert not touched, (case, arguments[0], touched)
        if status in (1, 3):
            assert snapshot(spoilt.folder) == report, (case, arguments[0])
            assert not any(out.iterdir()), (case, arguments[0])
        for made in filter(Path.is_file, out.rglob("*")):
            assert SENTINEL.encode() not in made.read_bytes(), (case, arguments[0], made)
        shutil.rmtree(out)
        out.mkdir()
        answers[arguments[0]] = (status, said)
    assert snapshot(spoilt.outside) == before, case
    assert sorted(path.name for path in spoilt.folder.parent.iterdir()) == ["out", "outside", "report"], case
    return answers


def _is_beside(name: str, folder: Path) -> bool:
    """Whether `name` is the folder above, or a workplace in it."""
    return name == str(folder.parent) or name.startswith(str(folder.parent / ".report.reportgen-new-"))


def spread(items: tuple[str, ...], place: int, few: int) -> tuple[str, ...]:
    """`few` of `items`, others at every place."""
    return tuple(items[(place * few + number) % len(items)] for number in range(few))


@pytest.fixture(params=[pytest.param(FEW, id="few"), pytest.param(200, id="all", marks=pytest.mark.slow)])
def few(request: pytest.FixtureRequest) -> int:
    """How many variants are tried under each key."""
    return int(request.param)


def test_no_variant_is_a_plain_path() -> None:
    assert len(VARIANTS) > 80
    for variant in VARIANTS:
        for suffix in (".webp", ".html"):
            with pytest.raises(ValueError, match="plain path"):
                plain_path(f"{variant}{suffix}")
    assert plain_path("assets/a-0.webp") == "assets/a-0.webp"


def test_every_key_that_holds_a_path_is_tried(whole: Spoilt) -> None:
    record = read_record(whole.folder)
    found = dict(path_places(record))
    assert set(found.values()) == set(path_ways())
    values = {_at(record, place) for place in found}
    assert {value for value in values if "/" in value and not value.endswith(".html")} == set(named_files(record))


def _at(value: Any, place: Place) -> Any:
    for key in place:
        value = value[key] if isinstance(value, dict | list | tuple) else getattr(value, key)
    return value


def test_paths_in_the_record(few: int, whole: Spoilt, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = json.loads((whole.folder / "report.json").read_text(encoding="utf-8"))
    keys = list(first_places(read_record(whole.folder)).items())
    assert len(keys) > 25
    for number, (words, key) in enumerate(keys[:: 3 if few == FEW else 1]):
        suffix = PurePosixPath(_at(good, key)).suffix
        for variant in spread(VARIANTS, number, min(few, len(VARIANTS))):
            text = json.dumps(put(good, key, f"{filled(variant, whole)}{suffix}"))
            (whole.folder / "report.json").write_text(text, encoding="utf-8")
            answers = checked(whole, out, capsys, (key, variant))
            assert answers.pop("verify")[0] == 3, (key, variant)
            for command, (status, said) in answers.items():
                assert status == 1, (key, variant, command)
                assert all(word in said for word in words[-4:]), (key, variant, said)


def test_plain_paths_to_nothing(few: int, whole: Spoilt, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = json.loads((whole.folder / "report.json").read_text(encoding="utf-8"))
    keys = list(first_places(read_record(whole.folder)).items())
    for number, (words, key) in enumerate(keys[:: 6 if few == FEW else 1]):
        suffix = PurePosixPath(_at(good, key)).suffix
        for path in spread(NOWHERE, number, min(few, len(NOWHERE))):
            whole.mend()
            text = json.dumps(put(good, key, f"{path}{suffix}"))
            (whole.folder / "report.json").write_text(text, encoding="utf-8")
            write_manifest(whole.folder, "report")
            answers = checked(whole, out, capsys, (key, path))
            if suffix in (".html", ""):  # of another form than its pages have, or written there
                assert {status for status, _ in answers.values()} <= {0, 1, 3}
            else:
                assert {answers[command][0] for command in ("render", "compare", "bundle", "collect")} == {1}, key
                assert all(word in answers["render"][1] for word in words[:2]), (key, path, answers["render"])


@pytest.mark.parametrize("share", [pytest.param(50, id="few"), pytest.param(1, id="all", marks=pytest.mark.slow)])
def test_names_that_are_paths(share: int, whole: Spoilt, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = json.loads((whole.folder / "report.json").read_text(encoding="utf-8"))
    paths = set(first_places(read_record(whole.folder)).values())
    names = [place for place in text_places(whole.folder).values() if place not in paths]
    assert len(names) > 100
    for number, key in enumerate(names[::share]):
        for variant in spread(VARIANTS, number, 1 if share > 1 else 2):
            whole.mend()
            text = json.dumps(put(good, key, filled(variant, whole)))
            (whole.folder / "report.json").write_text(text, encoding="utf-8")
            write_manifest(whole.folder, "report")
            answers = checked(whole, out, capsys, (key, variant))
            if answers["render"][0] == 0:
                assert verify_report(whole.folder) == [], (key, variant)


@pytest.mark.parametrize("name", [".", "", "conv9", "CONV1"])
def test_channels_of_no_layer(name: str, whole: Spoilt, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = json.loads((whole.folder / "report.json").read_text(encoding="utf-8"))
    place = next(at for at, layer in enumerate(good["layers"]) if layer["name"] == good["units"][0]["layer"])
    (whole.folder / "report.json").write_text(json.dumps(put(good, ("layers", place, "name"), name)), encoding="utf-8")
    write_manifest(whole.folder, "report")
    status, said = checked(whole, out, capsys, name)["render"]
    assert (status, "units.0.layer: expected one of the report's layers" in said) == (1, True), said


@pytest.mark.parametrize("place", [1, -1, None])
def test_layers_of_one_name(place: int | None, whole: Spoilt, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Those whose channels were measured and those without any: what is said of the one is not there in the other."""
    good = json.loads((whole.folder / "report.json").read_text(encoding="utf-8"))
    name = good["units"][0]["layer"]
    for at in range(len(good["layers"])) if place is None else [place]:
        good = put(good, ("layers", at, "name"), name)
    (whole.folder / "report.json").write_text(json.dumps(good), encoding="utf-8")
    write_manifest(whole.folder, "report")
    answers = checked(whole, out, capsys, place)
    assert answers["render"][0] == 1, answers["render"]
    assert "make the report again" in answers["render"][1]


def test_paths_in_the_manifest(spoilt: Spoilt, out: Path, few: int, capsys: pytest.CaptureFixture[str]) -> None:
    good = json.loads((spoilt.folder / "manifest.json").read_text(encoding="utf-8"))
    for variant in VARIANTS[:: 20 if few == FEW else 1]:
        files = good["files"] | {f"{filled(variant, spoilt)}.txt": "0" * 64}
        (spoilt.folder / "manifest.json").write_text(json.dumps(good | {"files": files}), encoding="utf-8")
        answers = checked(spoilt, out, capsys, variant)
        assert {command: status for command, (status, _) in answers.items()} == {
            "render": 1, "compare": 0, "bundle": 0, "verify": 1, "collect": 1
        }, variant  # fmt: skip
        assert "files" in answers["verify"][1]


TAGS = (
    "img src", "image href", "a href", "link href", "iframe src", "object data", "video poster", "use href",
    "img srcset", "input src", "style",
)  # fmt: skip


@pytest.mark.parametrize("tag", some(TAGS, 2))
def test_addresses_on_pages(tag: str, few: int, spoilt: Spoilt, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = spoilt.folder / "index.html"
    good = page.read_text(encoding="utf-8")
    style = next((spoilt.folder / "assets").glob("style-*.css"))
    rules = style.read_text(encoding="utf-8")
    for variant in spread(VARIANTS, len(tag), min(few, len(VARIANTS))):
        path = f"{filled(variant, spoilt)}.webp"
        if tag == "style":
            style.write_text(f'{rules}\nmain {{ background: url("{path}") }}', encoding="utf-8", errors="replace")
        else:
            name, attribute = tag.split()
            element = f'<{name} {attribute}="{path}">'
            markup = f"<svg>{element}</svg>" if name in ("image", "use") else element
            page.write_text(good.replace("</main>", f"{markup}</main>"), encoding="utf-8", errors="replace")
        write_manifest(spoilt.folder, "report")
        for arguments in commands(spoilt.folder, out)[2:]:
            with opened_files() as names:
                run(arguments, capsys, (tag, variant))
            assert not [name for name in names if Path(name).is_relative_to(spoilt.outside)], (tag, variant)
        if (out / "one.html").exists():
            assert SENTINEL not in (out / "one.html").read_text(encoding="utf-8")
        shutil.rmtree(out)
        out.mkdir()


def _fifo(place: Path, target: Path) -> None:  # noqa: ARG001 - all are called alike
    os.mkfifo(place)


def _socket(place: Path, target: Path) -> None:  # noqa: ARG001
    with socket.socket(socket.AF_UNIX) as made:
        folder = os.open(place.parent, os.O_RDONLY)
        made.bind(f"/proc/self/fd/{folder}/{place.name}")  # names of sockets are short
        os.close(folder)


def _device(place: Path, target: Path) -> None:  # noqa: ARG001
    os.mknod(place, 0o666 | 0o020000, os.makedev(1, 5))


# What stands in the place of a file or folder: leads to a copy of it outside, is no file, or is another one.
STANDINS: dict[str, Callable[[Path, Path], object]] = {
    "absolute link": lambda place, target: place.symlink_to(target),
    "relative link": lambda place, target: place.symlink_to(os.path.relpath(target, place.parent)),
    "link to itself": lambda place, _: place.symlink_to(place.name),
    "link to nothing": lambda place, target: place.symlink_to(target / "nothing"),
    "hard link": lambda place, target: os.link(target, place),
    "queue": _fifo,
    "socket": _socket,
    "device": _device,
    "folder": lambda place, _: place.mkdir(),
    "empty": lambda place, _: place.touch(),
}

# Besides the files that the record names.
OTHERS = ("assets", "report.json", "index.html", "layers", "layers/conv1.html", "manifest.json", "units/conv1")


@pytest.mark.parametrize("kind", STANDINS)
def test_what_stands_in_the_place_of_a_file(
    kind: str, few: int, whole: Spoilt, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = json.loads((whole.folder / "report.json").read_text(encoding="utf-8"))
    record = read_record(whole.folder)
    files = {_at(good, place) for place in first_places(record).values()} & set(named_files(record))
    places = sorted({*files, *OTHERS})
    for name in places if few > FEW else spread(tuple(places), list(STANDINS).index(kind), FEW):
        whole.mend()
        place, target = whole.folder / name, whole.outside / "copy"
        if place.is_dir():
            shutil.copytree(place, target)
            shutil.rmtree(place)
            if kind in ("hard link", "folder"):
                shutil.rmtree(target)
                continue
        else:
            shutil.copyfile(place, target)
            place.unlink()
        try:
            STANDINS[kind](place, target)
        except PermissionError:
            pytest.skip("no device may be made here")
        answers = checked(whole, out, capsys, (kind, name))
        statuses = {command: status for command, (status, _) in answers.items()}
        if kind == "hard link":  # a file like others, whose content is the report's
            assert set(statuses.values()) == {0}, (name, statuses)
        elif name in files:
            bad = {"render", "compare", "bundle"} if kind != "empty" else set()
            assert {statuses[command] for command in bad} <= {1}, (kind, name, statuses)
            assert statuses["verify"] == (3 if kind != "empty" else statuses["verify"]), (kind, name, statuses)
        shutil.rmtree(target) if target.is_dir() else target.unlink()


def test_nothing_moves_through_a_report_that_is_a_link(
    spoilt: Spoilt, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A stranger's archive may hold a link under a report's name, and beside it what a killed run would leave."""
    place = spoilt.folder.with_name(".report.reportgen-new-1-x")
    (place / "site").mkdir(parents=True)
    (place / "site" / "authorized_keys").write_text("of a stranger", encoding="utf-8")
    (place / "swap.json").write_text('{"site": [0, 0]}', encoding="utf-8")
    shutil.rmtree(spoilt.folder)
    spoilt.folder.symlink_to(spoilt.outside)
    before = digest(spoilt.outside)
    for arguments in (*commands(spoilt.folder, out), ["summary", str(spoilt.folder)]):
        assert run(arguments, capsys, arguments[0])[0] == 1
    assert digest(spoilt.outside) == before


@pytest.mark.parametrize("marker", ["queue", "deep", "link", "folder", "none", "large"])
def test_what_a_strangers_workplace_holds(
    marker: str, spoilt: Spoilt, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = spoilt.folder.with_name(".report.reportgen-new-1-x")
    (place / "site").mkdir(parents=True)
    (place / "old").symlink_to(spoilt.outside)
    file = place / "swap.json"
    make: dict[str, Callable[[], object]] = {
        "queue": lambda: os.mkfifo(file), "deep": lambda: file.write_bytes(b"[" * 100_000), "folder": file.mkdir,
        "link": lambda: file.symlink_to("/dev/zero"), "none": lambda: file.write_bytes(b'{"site": [1e999]}'),
        "large": lambda: os.truncate(os.open(file, os.O_CREAT | os.O_WRONLY), 1 << 40),
    }  # fmt: skip
    make[marker]()
    before = digest(spoilt.outside)
    with opened_files() as names:
        assert run(commands(spoilt.folder, out)[3], capsys, marker)[0] == 0
    assert not [name for name in names if Path(name).is_relative_to(spoilt.outside)]
    assert digest(spoilt.outside) == before


@pytest.mark.parametrize("path", ["summary.md/x.webp", "summary.md", "manifest.json/a.webp", "assets/style.css/x.webp"])
def test_pictures_where_the_reports_own_files_go(path: str, spoilt: Spoilt, capsys: pytest.CaptureFixture[str]) -> None:
    file = spoilt.folder / "report.json"
    good = json.loads(file.read_text(encoding="utf-8"))
    earlier = good["figures"][0]["picture"]
    for place in [spoilt.folder / parent for parent in PurePosixPath(path).parents]:
        place.unlink() if place.is_file() else None
    (spoilt.folder / path).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(spoilt.folder / earlier, spoilt.folder / path)
    file.write_text(json.dumps(put(good, ("figures", 0, "picture"), path)), encoding="utf-8")
    status, said = run(["bundle", str(spoilt.folder), "-o", str(spoilt.folder.parent / "a.html")], capsys, path)
    assert status == 1
    assert path.partition("/")[0] in said or "figures.0.picture" in said


def test_forms_of_one_name_stay_apart() -> None:
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        with pytest.raises(ValueError, match="plain"):
            plain_path(unicodedata.normalize(form, "assets/é.webp") if form in ("NFC", "NFD") else "assets/\ufb01.webp")
    with pytest.raises(ReportgenError):
        read_record(Path("a\0b"))
