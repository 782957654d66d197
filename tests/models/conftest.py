"""Modules of the user's own, for tests of networks and functions that come from them."""

from __future__ import annotations

import sys
import textwrap

import pytest


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a module that can be imported from the current folder, under a name of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    names = []

    def write(text: str) -> str:
        name = f"made_up_{tmp_path.name.replace('-', '_')}_{len(names)}"
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(text))
        names.append(name)
        return name

    yield write
    for name in names:
        sys.modules.pop(name, None)
