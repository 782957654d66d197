from __future__ import annotations

import pytest

from reportgen.files.slugs import slugs


def test_an_address_does_not_change_with_the_order_of_names() -> None:
    names = ["Conv", "conv", "dense", "conv "]
    assert slugs(names) == slugs(reversed(names))
    assert slugs(names)["dense"] == "dense"


@pytest.mark.parametrize(
    "names",
    [
        ["a.png", "a.jpg"],
        ["A.png", "a.png"],
        ["a b", "a-b", "a/b"],
        ["日本", "中国", "猫"],
        ["x" * 300, "x" * 301],
        ["", " ", "-", "_", "."],
        ["con", "NUL.png", "com1", "lpt9", "index", "index-2", "CON.jpg"],
        ["<img src=x onerror=alert(1)>", '"><script>alert(1)</script>', "..", "../../etc/passwd", "%2e%2e"],
    ],
)
def test_slugs_are_safe_and_differ(names: list[str]) -> None:
    found = slugs(names, without_suffix=True)
    assert len({slug.casefold() for slug in found.values()}) == len(names)
    for slug in found.values():
        assert slug.isascii()
        assert slug == slug.lower()
        assert len(slug) <= 60
        assert not slug.startswith(("_", "-", "."))
        assert set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_")
        assert slug not in {"con", "nul", "com1", "lpt9", "index", "index-2", "prn", "aux"}
