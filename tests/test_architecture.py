"""The rooms of the package: who imports whom, and that no function and no module outgrows a screen and its room."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "reportgen"
MODULES = sorted(PACKAGE.rglob("*.py"))

# Lines, with the docstring.
LONGEST_FUNCTION = 60
LONGEST_MODULE = 400


def broken_contracts(folder: Path) -> set[str]:
    """The names of the contracts in `folder`'s pyproject.toml that the package beside it breaks."""
    run = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()",
         "--no-cache"],
        cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "300", "NO_COLOR": "1"},
    )  # fmt: skip
    kept = re.findall(r"^(.+) KEPT", run.stdout, re.MULTILINE)
    broken = re.findall(r"^(.+) BROKEN", run.stdout, re.MULTILINE)
    assert len(kept) + len(broken) == contract_count(), run.stdout + run.stderr
    assert run.returncode == bool(broken), run.stdout + run.stderr
    return set(broken)


def contract_count() -> int:
    return (ROOT / "pyproject.toml").read_text(encoding="utf-8").count("[[tool.importlinter.contracts]]")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package and of the contracts, to break."""
    shutil.copytree(PACKAGE, tmp_path / "reportgen", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def add(file: Path, text: str) -> None:
    file.write_text(file.read_text(encoding="utf-8") + text, encoding="utf-8")


def test_every_room_imports_what_it_may() -> None:
    assert broken_contracts(ROOT) == set()


@pytest.mark.parametrize(
    ("module", "forbidden", "contract"),
    [
        ("site/page.py", "reportgen.results", "Finished reports are data"),
        ("site/page.py", "keras", "Finished reports are data"),
        ("draw/montage.py", "reportgen.models", "Drawing knows results alone"),
        ("analysis/network/cost.py", "reportgen.record", "Analysis does not write the record"),
        ("engines/local.py", "reportgen.models", "Engines run what they are given"),
        ("images/fitting.py", "reportgen.files", "Networks and images are loaded by themselves"),
        ("files/slugs.py", "reportgen.site.page", "Rooms import downwards"),
    ],
)
def test_an_import_inside_a_function_breaks_the_contract(
    copy: Path, module: str, forbidden: str, contract: str
) -> None:
    add(copy / "reportgen" / module, f"\n\ndef deferred() -> None:\n    import {forbidden}\n")
    assert [name for name in broken_contracts(copy) if name.startswith(contract)]


def test_a_circle_inside_a_room_breaks_the_contract(copy: Path) -> None:
    room = copy / "reportgen" / "machine"
    (room / "first.py").write_text("from reportgen.machine import second\n")
    (room / "second.py").write_text("def deferred() -> None:\n    from reportgen.machine import first\n")
    assert broken_contracts(copy) == {"No circles"}


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_functions_and_modules_are_short(module: Path) -> None:
    text = module.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST_MODULE
    lengths = {node.name: (node.end_lineno or 0) - node.lineno + 1 for node in functions(ast.parse(text))}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION} == {}
