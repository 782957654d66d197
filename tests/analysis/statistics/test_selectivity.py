from __future__ import annotations

from collections.abc import Iterable

import keras
import numpy as np
import pytest
from support.images import random_images
from support.networks import two_convolutions

from reportgen.analysis.network.capture import Extractor
from reportgen.analysis.statistics.selectivity import ClassResponses
from reportgen.config import Config
from reportgen.models import Network, load_network

LABELS = ["cat", "dog", "cat", "fish", "dog", "cat", "cat", "dog", "fish", "cat"]


def take_in(selectivity: ClassResponses, network: Network, images: Iterable[tuple[str, np.ndarray]]) -> None:
    extractor = Extractor(network, [layer.name for layer in network.model.layers if "conv" in layer.name])
    for label, pixels in images:
        selectivity.add([label], {name: rows[0] for name, rows in extractor(pixels[None]).items()})


@pytest.fixture(scope="module")
def network() -> Network:
    return load_network(Config(preprocess="unit"), two_convolutions())


def test_means_are_those_of_plain_keras(network: Network) -> None:
    pixels = random_images(len(LABELS))
    selectivity = ClassResponses(["conv1", "conv2"])
    take_in(selectivity, network, zip(LABELS, pixels, strict=True))
    for layer, channels in (("conv1", 6), ("conv2", 8)):
        part = keras.Model(network.model.inputs[0], network.model.get_layer(layer).output)
        highest = np.asarray(part.predict(pixels / np.float32(255), verbose=0)).max(axis=(1, 2))
        for channel in range(channels):
            expected = []
            for label in ("cat", "dog", "fish"):
                inside = np.array([one == label for one in LABELS])
                mean, others = highest[inside, channel].mean(), highest[~inside, channel].mean()
                if mean > others:
                    expected.append((label, mean, others, inside.sum()))
            expected.sort(key=lambda row: row[2] - row[1])
            found = selectivity.of(layer, channel)
            assert [one.label for one in found] == [row[0] for row in expected]
            for one, (_, mean, others, count) in zip(found, expected, strict=True):
                assert one.mean == pytest.approx(mean, rel=1e-5)
                assert one.mean_others == pytest.approx(others, rel=1e-5)
                assert one.images == count


def test_a_channel_that_sees_brightness_prefers_the_bright_class() -> None:
    model = keras.Sequential(
        [keras.layers.Input((4, 4, 1)), keras.layers.Conv2D(1, 1, name="conv"), keras.layers.Flatten()]
    )
    model.get_layer("conv").set_weights([np.ones((1, 1, 1, 1)), np.zeros(1)])
    network = load_network(Config(preprocess="none"), model)
    selectivity = ClassResponses(["conv"])
    values = [("bright", 200), ("dark", 10), ("bright", 220), ("grey", 90), ("dark", 30)]
    take_in(selectivity, network, [(label, np.full((4, 4, 1), value, np.uint8)) for label, value in values])
    # The others of "bright" are 10, 90 and 30; of "grey" 200, 10, 220 and 30, which is more than its own 90.
    (found,) = selectivity.of("conv", 0)
    assert (found.label, found.mean, found.images) == ("bright", 210, 2)
    assert found.mean_others == pytest.approx(130 / 3)


def test_one_class_alone_has_no_others(network: Network) -> None:
    selectivity = ClassResponses(["conv1"])
    take_in(selectivity, network, (("cat", pixels) for pixels in random_images(3)))
    assert selectivity.of("conv1", 0) == ()
