"""Layer facts of the zoo of odd networks, and of layers whose counts can be worked out by hand."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from support import zoo
from support.checks import check_keras_shapes, check_network
from support.images import random_images
from support.settled import settle

from reportgen.analysis.network.features import default_feature_layer
from reportgen.analysis.network.layers import NEVER_CALLED, describe_layer, summarize_network
from reportgen.config import Config
from reportgen.facts import ReceptiveField
from reportgen.models import load_network
from reportgen.results import NetworkSummary

# The other networks are flat, so their table must equal Keras' own row by row.
NOT_FLAT = {
    "sequential_built",  # a Sequential keeps its input layer to itself
    "sequential_called",
    "nested",
    "shared_layer",
    "shared_network",
    "layer_gives_list",  # one tensor is not the whole output
    "layer_gives_dictionary",
    "subclassed",
    "composite_layers",
    "transfer_sequential",
    "transfer_functional",
}


def _summary(model: keras.Model, **settings: Any) -> NetworkSummary:
    return summarize_network(load_network(Config(preprocess="none", **settings), model))


@functools.cache
def _facts(name: str) -> NetworkSummary:
    return summarize_network(zoo.open_zoo(name))


def _names(summary: NetworkSummary) -> list[str]:
    return [layer.name for layer in summary.layers]


def _cases() -> list[Any]:
    # One of the two deep networks is enough for a quick run.
    return [pytest.param(name, marks=pytest.mark.slow if name == "transfer_functional" else ()) for name in zoo.ZOO]


@pytest.mark.parametrize("name", _cases())
def test_facts_of_every_odd_network_are_what_it_really_does(name: str) -> None:
    network = zoo.open_zoo(name)
    check_network(network, zoo.pictures(network))


@pytest.mark.parametrize("name", sorted(set(zoo.ZOO) - NOT_FLAT))
def test_rows_shapes_and_indices_are_those_of_keras(name: str) -> None:
    network = zoo.open_zoo(name)
    check_keras_shapes(network.model, _facts(name))


def test_nested_networks_are_opened_up() -> None:
    summary = _facts("nested")
    assert _names(summary) == ["image", "middle/conv", "middle/inner/conv", "pool", "classes"]
    assert [layer.index for layer in summary.layers] == [0, 1, 2, 3, 4]
    assert summary.layer("pool").inputs == ("middle/inner/conv",)


def test_further_calls_of_a_shared_layer_stand_after_the_first_and_cost_no_parameters() -> None:
    summary = _facts("shared_layer")
    assert _names(summary)[:4] == ["image", "conv", "conv:2", "join"]
    first, second = summary.layers[1:3]
    assert (first.index, second.index) == (1, 1)
    assert (first.parameter_count, second.parameter_count) == (84, 0)
    assert first.mac_count == second.mac_count == 16 * 16 * 3 * 27
    assert summary.layer("join").inputs == ("conv:2", "image")


def test_a_shared_network_is_listed_once_for_each_call() -> None:
    summary = _facts("shared_network")
    assert _names(summary)[2:6] == ["tower/conv", "tower/pool", "tower:2/conv", "tower:2/pool"]
    assert summary.layer("tower/conv").receptive_field == ReceptiveField(
        size=(3, 3), stride=(1.0, 1.0), padding=(0.0, 0.0)
    )
    assert summary.layer("tower:2/conv").receptive_field_note == "the output does not depend on the image"


def test_a_layer_that_is_never_called_is_listed_with_a_note() -> None:
    spare = _facts("subclassed").layer("spare")
    assert spare.output_shape is None
    assert spare.actual_shape is None
    assert spare.receptive_field_note == NEVER_CALLED
    assert not spare.is_map


def test_composite_layers_are_opened_up_and_keep_what_is_their_own() -> None:
    summary = _facts("composite_layers")
    assert _names(summary)[2:5] == ["block1/conv", "block1/norm", "block1"]
    block = summary.layer("block1")
    assert block.type == "ResidualBlock"
    assert block.parameter_count == 1
    assert block.inputs == ("stem", "block1/norm")
    assert [found.name for found in summary.blocks] == ["stem", "block1", "block2"]


def test_a_layer_held_for_its_weight_is_described_where_it_is_called() -> None:
    class Tied(layers.Layer):
        def __init__(self, source: keras.Layer, **settings: Any) -> None:
            super().__init__(**settings)
            self.source = source

        def call(self, inputs: Any) -> Any:
            return keras.ops.matmul(inputs, keras.ops.transpose(self.source.kernel))

    image = keras.Input((8, 8, 3), name="image")
    dense = layers.Dense(5, use_bias=False, name="dense")
    model = keras.Model(image, Tied(dense, name="tied")(dense(image)))
    summary = _summary(model)
    assert _names(summary) == ["image", "dense", "tied"]
    assert summary.parameter_count == model.count_params() == 15
    assert [layer.parameter_count for layer in summary.layers] == [0, 15, 0]


def test_several_inputs_and_outputs_are_listed() -> None:
    summary = _facts("two_inputs")
    assert summary.input_shape == ((None, 2), (None, 16, 16, 3))
    assert _facts("several_outputs").output_shape == ((None, 4), (None, 16, 16, 1))


def test_a_layer_with_several_outputs_lists_all_their_shapes() -> None:
    halves = _facts("layer_gives_list").layer("halves")
    assert halves.output_shape == ((None, 14, 14, 2), (None, 14, 14, 2))
    assert halves.actual_shape == (1, 14, 14, 2)
    assert halves.memory_bytes == 2 * 14 * 14 * 2 * 4


def test_open_sides_are_open_in_the_shapes_and_known_at_the_actual_size() -> None:
    summary = _facts("open_size")
    double = summary.layer("double")
    assert double.output_shape == (None, None, None, 4)
    assert double.actual_shape == (1, 16, 16, 4)
    assert summary.input_shape == (None, None, None, 3)


def test_memory_is_in_the_type_the_layer_computes_in() -> None:
    assert _facts("mixed_float16").layer("conv").memory_bytes == 14 * 14 * 4 * 2
    assert _facts("grey").layer("conv").memory_bytes == 14 * 14 * 4 * 4


def test_only_two_dimensional_convolutions_count_as_such() -> None:
    summary = _facts("convolution_kinds")
    kinds = ["dilated", "grouped", "depthwise", "separable", "transposed"]
    assert [layer.name for layer in summary.layers if layer.is_convolution] == kinds
    for name in ("one_dimensional", "three_dimensional"):
        conv = _facts(name).layer("conv")
        assert not conv.is_convolution
        assert not conv.is_map


@pytest.mark.parametrize(
    ("name", "layer", "count"),
    [
        ("convolution_kinds", "dilated", 16 * 16 * 8 * 9 * 4),
        ("convolution_kinds", "grouped", 16 * 16 * 8 * 9 * 2),
        ("convolution_kinds", "depthwise", 8 * 8 * 16 * 9),
        ("convolution_kinds", "separable", 8 * 8 * 16 * 9 + 8 * 8 * 16 * 6),
        ("convolution_kinds", "transposed", 8 * 8 * 6 * 16 * 4),
        ("one_dimensional", "conv", 14 * 4 * 3 * 48),
        ("three_dimensional", "conv", 16 * 16 * 3 * 4 * 27),
        ("next_generation", "widen", 16 * 16 * 4 * 8),
        ("time_distributed", "each", 4 * 2 * 14 * 4 * 9 * 3),
        ("bidirectional", "read", 2 * 16 * (32 + 3) * 12),
        # Query, key, value and output for 17 tokens of 8; scores and weighted sums of 2 heads of 4.
        ("vision_transformer", "layer0_attention", 4 * 17 * 8 * 8 + 2 * 2 * 17 * 17 * 4),
        ("channels_first", "conv", 14 * 14 * 4 * 27),
        ("sequential_built", "halve", 0),
        ("adapted_normalization", "normalize", 0),
    ],
)
def test_multiply_accumulates_of_a_layer(name: str, layer: str, count: int) -> None:
    assert _facts(name).layer(layer).mac_count == count


def test_products_outside_layers_count_in_the_total() -> None:
    image = keras.Input((8, 8, 3), name="image")
    rows = layers.Reshape((64, 3), name="rows")(image)
    scores = keras.ops.einsum("bic,bjc->bij", rows, rows)
    model = keras.Model(image, layers.Dense(2, name="classes")(keras.ops.matmul(scores, rows)))
    summary = _summary(model)
    assert summary.layer("classes").mac_count == 64 * 3 * 2
    assert summary.mac_count == 64 * 3 * 2 + 2 * 64 * 64 * 3


def test_products_between_the_parts_of_a_composite_layer_are_its_own() -> None:
    class Attention(layers.Layer):
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            self.query, self.key = layers.Dense(5, name="query"), layers.Dense(5, name="key")
            self.out = layers.Dense(2, name="out")

        def build(self, shape: Any) -> None:
            self.query.build(shape)
            self.key.build(shape)
            self.out.build((*shape[:-1], shape[1]))

        def call(self, inputs: Any) -> Any:
            scores = keras.ops.matmul(self.query(inputs), keras.ops.transpose(self.key(inputs), (0, 2, 1)))
            return self.out(keras.ops.softmax(scores))

    image = keras.Input((4, 4, 3), name="image")
    summary = _summary(keras.Model(image, Attention(name="mine")(layers.Reshape((16, 3), name="rows")(image))))
    assert summary.layer("mine").mac_count == 16 * 16 * 5
    assert summary.mac_count == sum(layer.mac_count or 0 for layer in summary.layers)


def test_what_runs_as_often_as_the_data_say_is_not_counted() -> None:
    image = keras.Input((8, 8, 3), name="image")
    maps = layers.ConvLSTM2D(2, 3, name="recurrent")(layers.Reshape((2, 4, 8, 3), name="frames")(image))
    summary = _summary(keras.Model(image, layers.GlobalAveragePooling2D(name="pool")(maps)))
    assert summary.layer("recurrent").mac_count is None
    assert summary.mac_count is None


def test_details_say_what_a_reader_asks_and_leave_out_what_does_nothing() -> None:
    conv = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")
    assert describe_layer(conv) == {
        "kernel": "3x3",
        "filters": "8",
        "strides": "2x2",
        "padding": "same",
        "activation": "relu",
    }
    assert describe_layer(layers.Conv2D(8, 3, dilation_rate=2, groups=4))["dilation"] == "2x2"
    assert describe_layer(layers.ZeroPadding2D(((0, 1), (2, 0)))) == {"padding": "(0, 1), (2, 0)"}
    assert describe_layer(layers.Dropout(0.25)) == {"rate": "0.25"}
    assert describe_layer(layers.MaxPooling2D(3))["pool"] == "3x3"
    assert describe_layer(layers.Conv2D(8, 3, activation=layers.LeakyReLU(name="leaky")))["activation"] == "leaky"
    assert describe_layer(layers.Add()) == {}


def test_transfer_learning_shows_every_inner_layer() -> None:
    for name in ("transfer_sequential", "transfer_functional"):
        summary = _facts(name)
        inner = [layer for layer in summary.layers if layer.name.startswith("mobilenetv2_0.35_32/")]
        assert len(inner) == 153
        assert sum(layer.is_convolution for layer in inner) == 52
        assert inner[0].inputs == ("rescale",)
        assert all(layer.type != "InputLayer" for layer in inner)


def test_weights_of_an_adapted_normalization_are_not_trainable() -> None:
    normalize = _facts("adapted_normalization").layer("normalize")
    assert normalize.parameter_count == 7
    assert normalize.trainable_parameter_count == 0


def test_a_grid_of_tokens_is_followed_past_the_class_token() -> None:
    summary = _facts("vision_transformer")
    grids = {layer.name: layer.token_grid for layer in summary.layers if layer.token_grid is not None}
    assert grids["row"] == (4, 4, 0)
    assert {grids[name] for name in grids if name.startswith("layer")} == {(4, 4, 1)}
    assert "classes" not in grids


def test_a_row_whose_length_is_a_square_is_not_taken_for_a_grid() -> None:
    image = keras.Input((8, 8, 3), name="image")
    rows = layers.Reshape((16, 12), name="rows")(image)
    summary = _summary(keras.Model(image, layers.Dense(2, name="classes")(rows)))
    assert all(layer.token_grid is None for layer in summary.layers)


def test_summary_has_only_plain_values() -> None:
    summary = _facts("convolution_kinds")
    for layer in summary.layers:
        assert not any(isinstance(value, np.generic) for value in vars(layer).values())


def test_two_layers_of_one_name_are_told_apart() -> None:
    class Namesakes(keras.Model):
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            self.first, self.second = layers.Conv2D(2, 3, name="conv"), layers.Conv2D(5, 3, name="conv")

        def call(self, inputs: Any) -> Any:
            return self.second(self.first(inputs))

    model = Namesakes(name="namesakes")
    model(np.zeros((1, 8, 8, 3), np.float32))
    network = load_network(Config(preprocess="none"), model)
    summary = check_network(network, zoo.pictures(network))
    assert [(layer.index, layer.name, layer.parameter_count) for layer in summary.layers] == [
        (0, "conv", 56),
        (1, "conv:2", 95),
    ]


def enlarging(interpolation: str, sides: tuple[int | None, int | None], *, nested: bool) -> keras.Model:
    """A small network of masks that halves and enlarges again."""
    image = keras.Input((*sides, 3), name="image")
    fine = layers.Conv2D(4, 3, padding="same", name="fine")(image)
    coarse = layers.Conv2D(6, 3, padding="same", name="coarse")(layers.MaxPooling2D(name="halves")(fine))
    large = layers.UpSampling2D(interpolation=interpolation, name="enlarges")(coarse)
    joined = layers.Concatenate(name="joins")([large, fine])
    model = keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid", name="mask")(joined), name="masks")
    if not nested:
        return model
    outer = keras.Input((*sides, 3), name="outer")
    return keras.Model(outer, model(layers.Rescaling(1 / 255, name="scales")(outer)))


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("sides", [(None, None), (16, None), (None, 24)])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "lanczos3"])
def test_layers_that_do_not_run_on_open_sides_leave_them_open_all_the_same(
    tmp_path: Path, interpolation: str, sides: tuple[int | None, int | None], nested: bool
) -> None:
    shapes = []
    for name in (interpolation, "nearest"):
        enlarging(name, sides, nested=nested).save(tmp_path / f"{name}.keras")
        config = Config(model=str(tmp_path / f"{name}.keras"), preprocess="none", size=(16, 24))
        summary = summarize_network(load_network(config))
        shapes.append([(row.name, row.output_shape) for row in summary.layers] + [("", summary.output_shape)])
    assert shapes[0] == shapes[1]
    assert any(None in shape[1:3] for _, shape in shapes[0])


class Backwards(keras.Model):
    """Layers held in the reverse of the order in which they are called, one of them never."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.head = layers.Dense(3, activation="softmax", name="head")
        self.average = layers.GlobalAveragePooling2D(name="average")
        self.last = layers.Conv2D(6, 3, activation="relu", name="last")
        self.never = layers.Dropout(0.5, name="never")
        self.halves = layers.MaxPooling2D(name="halves")
        self.first = layers.Conv2D(4, 3, activation="relu", name="first")

    def call(self, images: Any) -> Any:
        return self.head(self.average(self.last(self.halves(self.first(images)))))


def test_layers_held_in_any_order_stand_as_they_are_called() -> None:
    model = Backwards()
    model(np.zeros((1, 16, 16, 3), np.float32))
    network = load_network(Config(preprocess="unit"), model)
    summary = summarize_network(network)
    assert [layer.name for layer in summary.layers] == ["first", "never", "halves", "last", "average", "head"]
    held = [layer.name for layer in model.layers]
    assert [held[layer.index] for layer in summary.layers] == [layer.name for layer in summary.layers]
    assert default_feature_layer(summary, settle(network, random_images(2, 16, 16)).outputs) == "last"


@pytest.mark.parametrize("around", ["graph", "subclassed"])
def test_those_of_a_network_within_another_do_too(around: str) -> None:
    class Around(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.told = layers.Dense(2, name="told")
            self.inner = Backwards(name="inner")
            self.scales = layers.Rescaling(1 / 255, name="scales")

        def call(self, images: Any) -> Any:
            return self.told(self.inner(self.scales(images)))

    if around == "graph":
        image = keras.Input((16, 16, 3), name="image")
        scaled = layers.Rescaling(1 / 255, name="scales")(image)
        model = keras.Model(image, layers.Dense(2, name="told")(Backwards(name="inner")(scaled)))
    else:
        model = Around()
        model(np.zeros((1, 16, 16, 3), np.float32))
    names = [layer.name for layer in _summary(model).layers if layer.name != "image"]
    inner = [f"inner/{name}" for name in ("first", "never", "halves", "last", "average", "head")]
    assert names == ["scales", *inner, "told"]
