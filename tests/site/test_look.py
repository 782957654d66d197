"""The look of the site: title, logo, style, templates of the user's own, without script."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
import pytest

from reportgen.files.manifest import write_manifest
from reportgen.finished.verification import verify_report
from reportgen.site.environment import make_environment, printable, template_directory
from reportgen.site.writer import write_site

if TYPE_CHECKING:
    from conftest import Written


def write_again(small: Written, folder: Path, look: dict[str, object], templates: Path | None = None) -> str:
    """The front page of the small report with another look."""
    (folder / "assets").mkdir(parents=True)
    for part in ("assets", "features"):
        shutil.copytree(
            small.folder / part, folder / part, dirs_exist_ok=True, ignore=shutil.ignore_patterns("s*-*.*s")
        )
    for path in (path for path in look.values() if isinstance(path, str) and "/" in path):
        (folder / path).write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    shutil.copy(small.folder / "report.json", folder)
    record = small.record.model_copy(update={"site": small.record.site.model_copy(update=look)})
    write_site(record, folder, templates=templates)
    write_manifest(folder, "report")
    assert verify_report(folder) == []
    return (folder / "index.html").read_text(encoding="utf-8")


def test_title_logo_and_style(small: Written, tmp_path: Path) -> None:
    look = {"title": "A & B", "logo": "assets/logo.svg", "css": "assets/own.css"}
    front = write_again(small, tmp_path / "report", look)
    assert "<title>A &amp; B</title>" in front
    assert '<img class="logo" src="assets/logo.svg"' in front
    assert front.index("assets/style-") < front.index('<link rel="stylesheet" href="assets/own.css">')


def test_without_script(small: Written, tmp_path: Path) -> None:
    front = write_again(small, tmp_path / "report", {"script": False})
    assert "<script" not in front
    assert "script-src 'none'" in front
    assert not [path for path in (tmp_path / "report" / "assets").iterdir() if path.suffix == ".js"]


def test_a_template_of_the_users_changes_one_block(small: Written, tmp_path: Path) -> None:
    templates = tmp_path / "templates"
    templates.mkdir()
    (templates / "index.html.jinja2").write_text(
        '{% extends "reportgen/index.html.jinja2" %}\n'
        '{% block findings %}<section id="findings"><h2>Ours</h2></section>{% endblock %}'
    )
    (templates / "base.html.jinja2").write_text(
        '{% extends "reportgen/base.html.jinja2" %}{% block footer %}<footer>{{ "<ours>" }}</footer>{% endblock %}'
    )
    front = write_again(small, tmp_path / "report", {}, templates)
    assert "<h2>Ours</h2>" in front
    assert "<h2>What it sees</h2>" in front
    assert "<footer>&lt;ours&gt;</footer>" in front
    assert "<h2>What stands out</h2>" not in front


def test_an_unknown_name_in_a_template_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "own.jinja2").write_text("{{ nothing }}")
    with pytest.raises(jinja2.UndefinedError, match="nothing"):
        make_environment(tmp_path).get_template("own.jinja2").render()


def test_control_characters_become_visible() -> None:
    assert printable("a\x00b\x1fc\td\ud800") == "a\ufffdb\ufffdc\td\ufffd"
    assert printable(3) == 3


@pytest.mark.parametrize(
    "path",
    sorted(template_directory().rglob("*.jinja2")),
    ids=lambda path: path.relative_to(template_directory()).as_posix(),
)
def test_templates_switch_no_escaping_off(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for forbidden in ("|safe", "| safe", "autoescape", 'style="', "Markup", "javascript:"):
        assert forbidden not in text


def test_the_script_is_small_and_classic() -> None:
    script = (template_directory() / "assets" / "script.js").read_bytes()
    assert len(script) < 20_000
    for forbidden in (b"import ", b"fetch(", b"innerHTML", b"eval(", b"document.write", b"XMLHttpRequest"):
        assert forbidden not in script
