from __future__ import annotations

import pytest
from jinja2 import Environment, nodes

from reportgen.site.environment import template_directory

TEMPLATES = sorted(template_directory().rglob("*.jinja2"))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_macro_that_is_imported_is_used(path) -> None:
    tree = Environment(autoescape=True).parse(path.read_text(encoding="utf-8"))
    imported = {found.target for found in tree.find_all(nodes.Import)}
    for found in tree.find_all(nodes.FromImport):
        imported |= {name[-1] if isinstance(name, tuple) else name for name in found.names}
    used = {name.name for name in tree.find_all(nodes.Name) if name.ctx == "load"}
    assert imported <= used
