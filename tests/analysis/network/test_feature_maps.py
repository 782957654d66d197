from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers
from support.networks import seeded, two_convolutions
from support.zoo import open_zoo, pictures

from reportgen.analysis.network.capture import Extractor
from reportgen.analysis.network.feature_maps import as_maps, extract_feature_maps, gives_maps
from reportgen.analysis.network.input_view import view_input
from reportgen.analysis.network.layers import summarize_network
from reportgen.config import Config
from reportgen.draw.feature_maps import STANDARDISED, draw_feature_maps
from reportgen.models import Network, load_network
from reportgen.results import ByteArray, FeatureMaps, NetworkSummary


def _network(model: keras.Model, **settings: object) -> Network:
    return load_network(Config.checked(**{"preprocess": "unit"} | settings), model)


def maps_of(
    extractor: Extractor, summary: NetworkSummary, image: str, pixels: ByteArray, **settings: int
) -> tuple[FeatureMaps, ...]:
    outputs = {name: rows[0] for name, rows in extractor(pixels[None]).items()}
    return extract_feature_maps([summary.layer(name) for name in extractor.names], outputs, image, **settings)


def _image(size: int, seed: int = 0) -> ByteArray:
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3), np.uint8)


def test_maps_are_what_plain_keras_gives() -> None:
    model = two_convolutions()
    network = _network(model)
    summary = summarize_network(network)
    names = ["conv1", "pool1", "conv2"]
    maps = maps_of(Extractor(network, names), summary, "a.png", _image(8))
    plain = keras.Model(model.inputs[0], [model.get_layer(name).output for name in names])
    expected = plain(_image(8)[None].astype(np.float32) / 255)
    for found, name, output in zip(maps, names, expected, strict=True):
        assert (found.layer, found.image) == (name, "a.png")
        assert found.channel_count == output.shape[-1]
        np.testing.assert_allclose(found.activations, output[0], atol=1e-5)


def test_no_more_maps_than_asked_for() -> None:
    network = _network(two_convolutions())
    (maps,) = maps_of(Extractor(network, ["conv2"]), summarize_network(network), "a.png", _image(8), max_channels=3)
    assert maps.activations.shape == (4, 4, 3)
    assert maps.channels == (0, 1, 2)
    assert maps.channel_count == 8


def test_numbers_per_channel_are_maps_of_one_position() -> None:
    network = _network(two_convolutions())
    summary = summarize_network(network)
    assert gives_maps(summary.layer("average"))
    (maps,) = maps_of(Extractor(network, ["average"]), summary, "a.png", _image(8))
    assert maps.activations.shape == (1, 1, 8)


def test_an_output_that_is_no_map_is_refused() -> None:
    model = seeded(
        keras.Sequential([layers.Input((8, 8, 3)), layers.Reshape((16, 12)), layers.Conv1D(2, 3, name="row")])
    )
    row = summarize_network(_network(model)).layer("row")
    assert not gives_maps(row)
    with pytest.raises(ValueError, match="row to give maps"):
        as_maps(row, np.zeros((14, 2), np.float32))


@pytest.mark.parametrize("name", ["nested", "convolution_kinds", "mixed_float16", "vision_transformer"])
def test_odd_networks_are_drawn_whole(name: str) -> None:
    network = open_zoo(name)
    summary = summarize_network(network)
    layers_of_maps = [row.name for row in summary.layers if row.type != "InputLayer" and gives_maps(row)]
    maps = maps_of(Extractor(network, layers_of_maps), summary, "a.png", pictures(network)[0])
    drawings = [drawing for found in maps for drawing in draw_feature_maps(found)]
    assert len({drawing.id for drawing in drawings}) == 2 * len(layers_of_maps)
    assert all(drawing.pixels.dtype == np.uint8 for drawing in drawings)


def test_tokens_fold_into_the_map_they_came_from() -> None:
    network = open_zoo("vision_transformer")
    summary = summarize_network(network)
    row = next(row for row in summary.layers if row.token_grid is not None)
    height, width, leading = row.token_grid
    (maps,) = maps_of(Extractor(network, [row.name]), summary, "a.png", pictures(network)[0])
    (tokens,) = Extractor(network, [row.name])(pictures(network)[:1])[row.name]
    assert maps.activations.shape[:2] == (height, width)
    np.testing.assert_array_equal(maps.activations[1, 2], tokens[leading + width + 2])


def test_own_network_standardised() -> None:
    """Every convolution and pooling of a small network for 150 x 150, input scaled by 1/255."""
    model = seeded(
        keras.Sequential(
            [
                layers.Input((150, 150, 3)),
                layers.Conv2D(8, 3, activation="relu", name="conv_1"),
                layers.MaxPooling2D(name="pool_1"),
                layers.Conv2D(16, 3, activation="relu", name="conv_2"),
                layers.MaxPooling2D(name="pool_2"),
            ]
        )
    )
    kernel, bias = model.get_layer("conv_2").get_weights()
    kernel[..., 3], bias[3] = 0, 0
    model.get_layer("conv_2").set_weights([kernel, bias])
    network = _network(model)
    names = ["conv_1", "pool_1", "conv_2", "pool_2"]
    maps = maps_of(Extractor(network, names), summarize_network(network), "a.png", _image(150))
    assert [found.activations.shape for found in maps] == [
        (148, 148, 8), (74, 74, 8), (72, 72, 16), (36, 36, 16)
    ]  # fmt: skip
    drawings = [draw_feature_maps(found, variants=[STANDARDISED])[0] for found in maps]
    assert drawings[2].marks[3] == drawings[3].marks[3] == "silent"
    silent = int((maps[3].activations == 0).all(axis=(0, 1)).sum())
    assert drawings[3].alt == f"pool_2, 16 feature maps of a.png, {silent} silent"


@pytest.fixture(scope="module")
def vgg16() -> Network:
    keras.utils.set_random_seed(0)
    return _network(keras.applications.VGG16(weights=None, include_top=False), preprocess="caffe", size=(64, 64))


def test_five_blocks_of_vgg16_from_one_pass(vgg16: Network) -> None:
    ends = [f"block{block}_conv{last}" for block, last in ((1, 2), (2, 2), (3, 3), (4, 3), (5, 3))]
    pixels = _image(64)
    maps = maps_of(Extractor(vgg16, ends), summarize_network(vgg16), "a.png", pixels)
    fed = keras.applications.vgg16.preprocess_input(pixels[None].astype(np.float32))
    plain = keras.Model(vgg16.model.inputs[0], [vgg16.model.get_layer(name).output for name in ends])
    for found, output in zip(maps, plain.predict(fed, verbose=0), strict=True):
        assert found.activations.shape[-1] == 64
        assert found.channel_count == output.shape[-1]
        np.testing.assert_allclose(found.activations, output[0, :, :, :64], rtol=1e-3, atol=1e-3 * output.max())
        for drawing in draw_feature_maps(found):
            assert (drawing.tiles.rows, drawing.tiles.columns) == (8, 8)
            assert drawing.channels == tuple(range(64))
            expected = output[0, :, :, :64].max(axis=(0, 1))
            np.testing.assert_allclose(drawing.values, expected, rtol=1e-3, atol=1e-3 * output.max())


def test_the_input_as_the_network_gets_it(vgg16: Network) -> None:
    pixels = _image(16)
    view = view_input(vgg16, "a.png", pixels)
    expected = keras.applications.vgg16.preprocess_input(pixels.astype(np.float32))
    np.testing.assert_allclose(view.prepared, expected, atol=1e-3)
    assert view.reverses_channels
