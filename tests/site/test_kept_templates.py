"""Compiled templates between runs: found again, never in the place of another source, and no need."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import DictLoader, Environment

from reportgen.site.kept_templates import KeptTemplates

Compiled = list[str]


class Watched(Environment):
    """An environment that notes what it compiles."""

    def __init__(self, folder: Path | None, source: str, stamp: str = "a") -> None:
        super().__init__(loader=DictLoader({"page": source}), bytecode_cache=KeptTemplates(folder, stamp))
        self.compiled: Compiled = []

    def _compile(self, source: str, filename: str) -> object:
        self.compiled.append(filename)
        return super()._compile(source, filename)


def rendered(environment: Watched) -> str:
    return environment.get_template("page").render(name="x")


def test_a_second_run_compiles_nothing_and_says_the_same(tmp_path: Path) -> None:
    first, second = (Watched(tmp_path / "deep" / "folder", "a {{ name }}") for _ in range(2))
    assert rendered(first) == rendered(second) == "a x"
    assert (len(first.compiled), len(second.compiled)) == (1, 0)


@pytest.mark.parametrize(("source", "stamp"), [("b {{ name }}", "a"), ("a {{ name }}", "b")])
def test_another_source_and_other_settings_are_compiled(tmp_path: Path, source: str, stamp: str) -> None:
    rendered(Watched(tmp_path, "a {{ name }}"))
    again = Watched(tmp_path, source, stamp)
    assert rendered(again) == source.replace("{{ name }}", "x")
    assert len(again.compiled) == 1


@pytest.mark.parametrize("damage", ["empty", "cut", "other", "code"])
def test_a_damaged_file_is_made_again(tmp_path: Path, damage: str) -> None:
    rendered(Watched(tmp_path, "a {{ name }}"))
    (file,) = tmp_path.iterdir()
    data = file.read_bytes()
    harmed = {"empty": b"", "cut": data[: len(data) // 2], "other": b"no code at all", "code": data[:-3] + b"abc"}
    file.write_bytes(harmed[damage])
    again = Watched(tmp_path, "a {{ name }}")
    assert rendered(again) == "a x"
    assert len(again.compiled) == 1
    assert file.read_bytes() == data


def test_without_a_place_to_write_to_all_is_compiled(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (None, tmp_path / "file"):
        assert rendered(Watched(folder, "a {{ name }}")) == "a x"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
