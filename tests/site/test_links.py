from __future__ import annotations

import pytest

from reportgen.site.links import relative_link


@pytest.mark.parametrize(
    ("source", "target", "link"),
    [
        ("index.html", "layers/a.html", "layers/a.html"),
        ("layers/a.html", "index.html", "../index.html"),
        ("units/a/1.html", "assets/x y.webp", "../../assets/x%20y.webp"),
        ("layers/a.html", "layers/b.html#filters", "b.html#filters"),
        ("layers/a.html", "layers/a.html#filters", "#filters"),
        ("layers/a.html", "layers/a.html", "a.html"),
        ("layers/a.html", "#top", "#top"),
    ],
)
def test_relative_link(source: str, target: str, link: str) -> None:
    assert relative_link(source, target) == link
