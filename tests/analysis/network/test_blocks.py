"""Which layers belong together, by names that speak or by resolution."""

from __future__ import annotations

from reportgen.analysis.network.blocks import Place, divide_into_blocks

SIZE = (64, 64)


def _places(*entries: tuple[str, int]) -> list[Place]:
    """Layers of the given names and sides; those whose names hold "conv" are convolutions."""
    return [
        Place(name, (side, side) if side else None, "conv" in name.rpartition("/")[2].rpartition("_")[2])
        for name, side in entries
    ]


def _blocks(places: list[Place]) -> dict[str, tuple[str, ...]]:
    return {block.name: block.layers for block in divide_into_blocks(places, SIZE)}


def test_block_names_are_believed() -> None:
    places = _places(
        ("image", 0), ("block1_conv1", 64), ("block1_pool", 32), ("block2_conv1", 32), ("block2_conv2", 32),
        ("block3_conv1", 32), ("flatten", 0), ("classes", 0),
    )  # fmt: skip
    assert _blocks(places) == {
        "block1": ("block1_conv1", "block1_pool"),
        "block2": ("block2_conv1", "block2_conv2"),
        "block3": ("block3_conv1",),
    }


def test_stages_are_taken_where_blocks_are_too_many() -> None:
    fine = [(f"conv{stage}_block{block}_1_conv", 64 >> stage) for stage in (2, 3, 4) for block in range(1, 6)]
    blocks = _blocks(_places(("conv1_conv", 64), *fine))
    assert list(blocks) == ["conv1", "conv2", "conv3", "conv4"]
    assert blocks["conv3"] == tuple(f"conv3_block{block}_1_conv" for block in range(1, 6))


def test_letters_behind_a_number_are_the_finer_division() -> None:
    few = [("block1a_conv", 32), ("block2a_conv", 16), ("block2b_conv", 16)]
    assert list(_blocks(_places(*few))) == ["block1a", "block2a", "block2b"]
    many = [(f"block{number}{letter}_conv", 16) for number in (1, 2, 3) for letter in "abcde"]
    assert list(_blocks(_places(("stem_conv", 32), *many, ("top_conv", 16)))) == [
        "stem", "block1", "block2", "block3", "top",
    ]  # fmt: skip


def test_a_prefix_before_the_block_does_not_matter() -> None:
    places = _places(*((f"next_tiny_stage_{i}_block_0_conv", 32 >> i) for i in range(4)))
    assert list(_blocks(places)) == [f"stage_{i}_block_0" for i in range(4)]


def test_blocks_of_two_networks_are_kept_apart() -> None:
    places = _places(*((f"{net}/block{i}_conv", 32) for net in ("left", "right") for i in (1, 2)))
    assert list(_blocks(places)) == ["left/block1", "left/block2", "right/block1", "right/block2"]


def test_numbers_that_count_the_convolutions_are_no_blocks() -> None:
    places = _places(
        ("conv1_conv", 64), ("pool1", 32), ("conv2_conv", 32), ("pool2", 16), ("conv3_conv", 16), ("conv4_conv", 16)
    )
    assert _blocks(places) == {
        "64x64": ("conv1_conv", "pool1"),
        "32x32": ("conv2_conv", "pool2"),
        "16x16": ("conv3_conv", "conv4_conv"),
    }


def test_names_on_few_convolutions_are_not_believed() -> None:
    places = _places(
        ("a_conv", 64),
        ("b_conv", 32),
        ("c_conv", 32),
        ("d_conv", 16),
        ("e_conv", 8),
        *((f"block{i}_conv", 8) for i in (1, 2, 3)),
    )
    assert list(_blocks(places)) == ["64x64", "32x32", "16x16", "8x8"]


def test_sides_that_differ_by_padding_are_one_stage() -> None:
    places = _places(("a_conv", 62), ("b_conv", 60), ("pad", 63), ("c_conv", 31), ("d_conv", 29), ("e_conv", 15))
    assert list(_blocks(places)) == ["60x60", "29x29", "15x15"]


def test_the_way_up_is_apart_from_the_way_down() -> None:
    places = _places(
        ("a_conv", 64), ("pool_a", 32), ("b_conv", 32), ("pool_b", 16), ("c_conv", 16),
        ("up_b", 32), ("d_conv", 32), ("up_a", 64), ("e_conv", 64),
    )  # fmt: skip
    blocks = _blocks(places)
    assert list(blocks) == ["64x64", "32x32", "16x16", "32x32:2", "64x64:2"]
    assert blocks["16x16"] == ("c_conv", "up_b")


def test_maps_of_one_position_belong_to_no_stage() -> None:
    places = _places(("a_conv", 32), ("gate_conv", 1), ("b_conv", 16), ("c_conv", 8))
    assert all("gate_conv" not in layers for layers in _blocks(places).values())


def test_a_network_without_maps_has_no_blocks() -> None:
    assert divide_into_blocks([Place("dense", None, False)], SIZE) == ()


def test_resolution_of_a_block_is_that_of_its_last_map() -> None:
    blocks = divide_into_blocks(_places(("a_conv", 64), ("pool", 32), ("b_conv", 32)), SIZE)
    assert [block.resolution for block in blocks] == [(32, 32), (32, 32)]


def _transformer(count: int, name: str) -> list[Place]:
    places = [Place("patches_conv", (8, 8), True)]
    for i in range(count):
        places.append(Place(name.format(i, "norm"), (8, 8), False))
        places.append(Place(name.format(i, "attention"), (8, 8), False, is_attention=True))
        places.append(Place(name.format(i, "dense"), (8, 8), False))
    return [*places, Place("classes", None, False)]


def test_layers_of_a_transformer_are_blocks_where_they_are_numbered() -> None:
    blocks = _blocks(_transformer(4, "layer_{}_{}"))
    assert list(blocks) == [f"layer_{i}" for i in range(4)]
    assert blocks["layer_1"] == ("layer_1_norm", "layer_1_attention", "layer_1_dense")


def test_attention_divides_where_neither_names_nor_resolution_do() -> None:
    blocks = _blocks(_transformer(4, "{1}_{0}"))
    assert list(blocks) == ["patches", "attention1", "attention2", "attention3", "attention4"]
    assert blocks["patches"] == ("patches_conv", "norm_0")
    assert blocks["attention1"] == ("attention_0", "dense_0", "norm_1")


def test_many_layers_of_attention_are_taken_together() -> None:
    blocks = _blocks(_transformer(24, "{1}_{0}"))
    assert len(blocks) == 9
    assert sum(name.startswith("attention_") for name in blocks["attention1"]) == 3
