from __future__ import annotations

import pytest

from reportgen.site.paths import assign_pages, relative_link, slugs


def test_plain_names_keep_their_name() -> None:
    pages = assign_pages(["block1_conv1", "outer/inner", "conv:2"], [("block1_conv1", 7)], ["photos/coffee.png"])
    assert pages.layer_page("block1_conv1") == "layers/block1_conv1.html"
    assert pages.layer_page("outer/inner") == "layers/outer-inner.html"
    assert pages.layer_page("conv:2") == "layers/conv-2.html"
    assert pages.unit_page("block1_conv1", 7) == "units/block1_conv1/7.html"
    assert pages.image_page("photos/coffee.png") == "images/photos-coffee.html"
    assert pages.image_page("elsewhere.png") is None


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


def test_every_path_is_short() -> None:
    name = "n" * 400
    pages = assign_pages([name], [(name, 123_456)], [name + ".jpeg"])
    for path in (pages.layer_page(name), pages.unit_page(name, 123_456), pages.image_page(name + ".jpeg")):
        assert path is not None
        assert len(path) < 100


def test_layers_and_units_share_their_slug() -> None:
    pages = assign_pages(["Conv", "conv"], [("Conv", 0), ("conv", 0)], [])
    assert pages.units["Conv", 0].split("/")[1] == pages.layers["Conv"][len("layers/") : -len(".html")]


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
