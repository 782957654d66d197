from __future__ import annotations

from reportgen.record.addresses import assign_pages


def test_plain_names_keep_their_name() -> None:
    images = ["photos/coffee.png"]
    pages = assign_pages(["block1_conv1", "outer/inner", "conv:2"], [("block1_conv1", 7)], images, images)
    assert pages.layer_page("block1_conv1") == "layers/block1_conv1.html"
    assert pages.layer_page("outer/inner") == "layers/outer-inner.html"
    assert pages.layer_page("conv:2") == "layers/conv-2.html"
    assert pages.channel_page("block1_conv1", 7) == "units/block1_conv1/7.html"
    assert pages.image_page("photos/coffee.png") == "images/photos-coffee.html"
    assert pages.image_page("elsewhere.png") is None


def test_every_path_is_short() -> None:
    name = "n" * 400
    pages = assign_pages([name], [(name, 123_456)], [name + ".jpeg"], [name + ".jpeg"])
    for path in (pages.layer_page(name), pages.channel_page(name, 123_456), pages.image_page(name + ".jpeg")):
        assert path is not None
        assert len(path) < 100


def test_layers_and_units_share_their_slug() -> None:
    pages = assign_pages(["Conv", "conv"], [("Conv", 0), ("conv", 0)], [], [])
    assert pages.channels["Conv", 0].split("/")[1] == pages.layers["Conv"][len("layers/") : -len(".html")]


def test_an_image_and_its_page_share_a_name_whichever_images_have_pages() -> None:
    files = ["a.png", "a.jpg", "b.png"]
    pages = assign_pages([], [], files, ["a.png", "b.png"])
    assert {file: f"images/{pages.image_ids[file]}.html" for file in ("a.png", "b.png")} == dict(pages.images)
    assert len(set(pages.image_ids.values())) == len(files)
