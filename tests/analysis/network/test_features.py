from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from support.networks import base, seeded, two_convolutions
from support.settled import settled_output

from reportgen.analysis.network.capture import Extractor
from reportgen.analysis.network.features import default_feature_layer, extract_features, save_features
from reportgen.analysis.network.layers import summarize_network
from reportgen.config import Config
from reportgen.errors import ReportgenError
from reportgen.models import Network, load_network
from reportgen.results import ByteArray

SOFTMAX = (settled_output(),)
NO_HEAD = (settled_output("embedding", activation="linear"),)


def _network(model: keras.Model, **settings: object) -> Network:
    return load_network(Config.checked(**{"preprocess": "unit"} | settings), model)


def _images(count: int, size: int = 8) -> list[tuple[str, ByteArray]]:
    random = np.random.default_rng(0)
    return [(f"{i}.png", random.integers(0, 256, (size, size, 3), np.uint8)) for i in range(count)]


def test_features_are_what_plain_keras_gives_in_the_order_of_the_images(tmp_path: Path) -> None:
    model = two_convolutions()
    images = _images(5)
    path = tmp_path / "features.npz"
    shapes = save_features(Extractor(_network(model), ["conv2", "average"]), images, path, batch_size=2)
    assert shapes == {"conv2": (5, 4, 4, 8), "average": (5, 8)}
    fed = np.stack([pixels for _, pixels in images]).astype(np.float32) / 255
    with np.load(path, allow_pickle=False) as saved:
        assert sorted(saved.files) == ["average", "conv2", "files"]
        assert saved["files"].tolist() == [name for name, _ in images]
        for name in ("conv2", "average"):
            expected = keras.Model(model.inputs[0], model.get_layer(name).output)(fed)
            assert saved[name].dtype == np.float32
            np.testing.assert_allclose(saved[name], expected, atol=1e-5)


def test_nested_layers_keep_their_names_in_the_file(tmp_path: Path) -> None:
    image = keras.Input((8, 8, 3))
    model = keras.Model(image, layers.GlobalAveragePooling2D()(base()(image)))
    path = tmp_path / "features.npz"
    save_features(Extractor(_network(model), ["base/base_conv"]), _images(1), path)
    with np.load(path) as saved:
        assert saved["base/base_conv"].shape == (1, 8, 8, 6)


def test_same_features_same_bytes(tmp_path: Path) -> None:
    extractor = Extractor(_network(two_convolutions()), ["conv1"])
    paths = [tmp_path / "one.npz", tmp_path / "two.npz"]
    for path in paths:
        save_features(extractor, _images(3), path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_images_are_taken_a_batch_at_a_time() -> None:
    taken: list[str] = []

    def images() -> Iterator[tuple[str, ByteArray]]:
        for name, pixels in _images(5):
            taken.append(name)
            yield name, pixels

    batches = extract_features(Extractor(_network(two_convolutions()), ["conv2"]), images(), batch_size=2)
    names, outputs = next(batches)
    assert names == ("0.png", "1.png")
    assert outputs["conv2"].shape[0] == 2
    assert len(taken) == 2


def test_a_failure_leaves_the_earlier_file_and_no_debris(tmp_path: Path) -> None:
    path = tmp_path / "features.npz"
    path.write_bytes(b"earlier")

    def images() -> Iterator[tuple[str, ByteArray]]:
        yield from _images(2)
        raise ReportgenError("no more")

    with pytest.raises(ReportgenError, match="no more"):
        save_features(Extractor(_network(two_convolutions()), ["conv2"]), images(), path, batch_size=1)
    assert path.read_bytes() == b"earlier"
    assert list(tmp_path.iterdir()) == [path]


def test_no_place_to_write(tmp_path: Path) -> None:
    with pytest.raises(ReportgenError, match="choose another file with -o"):
        save_features(Extractor(_network(two_convolutions()), ["conv2"]), _images(1), tmp_path / "missing" / "a.npz")


def test_no_images(tmp_path: Path) -> None:
    with pytest.raises(ReportgenError, match="at least one image"):
        save_features(Extractor(_network(two_convolutions()), ["conv2"]), [], tmp_path / "a.npz")


def test_a_layer_called_files(tmp_path: Path) -> None:
    model = seeded(keras.Sequential([layers.Input((8, 8, 3)), layers.Conv2D(2, 3, name="files")]))
    with pytest.raises(ReportgenError, match="rename the layer"):
        save_features(Extractor(_network(model), ["files"]), _images(1), tmp_path / "a.npz")


def _with_head(*head: keras.Layer) -> keras.Model:
    body = [layers.Input((8, 8, 3)), layers.Conv2D(4, 3, name="first"), layers.Conv2D(4, 3, name="body")]
    return seeded(keras.Sequential([*body, *head]))


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ([layers.GlobalAveragePooling2D(), layers.Dense(4, activation="softmax")], "body"),
        ([layers.MaxPooling2D(name="pool"), layers.Flatten(), layers.Dense(9), layers.Dense(4)], "pool"),
        ([layers.AveragePooling2D(4), layers.Conv2D(4, 1), layers.Flatten(), layers.Softmax()], "body"),
        ([layers.ZeroPadding2D(), layers.Conv2D(4, 1), layers.GlobalAveragePooling2D(), layers.Softmax()], "body"),
        ([layers.ReLU(name="relu"), layers.Dropout(0.5), layers.Flatten(), layers.Dense(4)], "relu"),
    ],
)
def test_the_last_layer_before_the_head(head: list[keras.Layer], expected: str) -> None:
    assert default_feature_layer(summarize_network(_network(_with_head(*head))), SOFTMAX) == expected


def test_without_a_head_the_last_layer() -> None:
    model = _with_head(layers.GlobalAveragePooling2D(name="average"))
    assert default_feature_layer(summarize_network(_network(model)), NO_HEAD) == "average"


def test_without_maps_the_layer_before_the_classifier() -> None:
    model = seeded(
        keras.Sequential([layers.Input((8, 8, 3)), layers.Flatten(), layers.Dense(9, name="hidden"), layers.Dense(4)])
    )
    assert default_feature_layer(summarize_network(_network(model)), SOFTMAX) == "hidden"


def test_features_of_vgg16_at_its_own_size(tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    model = keras.applications.VGG16(weights=None, include_top=False)
    network = _network(model, preprocess="caffe")
    last = default_feature_layer(summarize_network(network), NO_HEAD)
    images = _images(1, 224)
    path = tmp_path / "features.npz"
    shapes = save_features(Extractor(network, ["block4_pool", last]), images, path)
    assert shapes == {"block4_pool": (1, 14, 14, 512), "block5_pool": (1, 7, 7, 512)}
    fed = keras.applications.vgg16.preprocess_input(images[0][1][None].astype(np.float32))
    plain = keras.Model(model.inputs[0], [model.get_layer("block4_pool").output, model.output])
    with np.load(path) as saved:
        for name, expected in zip(shapes, plain(fed), strict=True):
            np.testing.assert_allclose(saved[name], expected, rtol=1e-3, atol=1e-3 * np.max(expected))


def test_default_features_of_vgg16_with_its_head() -> None:
    head = keras.Sequential(
        [
            layers.Input((32, 32, 3)),
            keras.applications.VGG16(weights=None, include_top=False, input_shape=(32, 32, 3)),
            layers.Flatten(),
            layers.Dense(8),
            layers.Dense(4, activation="softmax"),
        ]
    )
    assert default_feature_layer(summarize_network(_network(head, preprocess="caffe")), SOFTMAX) == "vgg16/block5_pool"
