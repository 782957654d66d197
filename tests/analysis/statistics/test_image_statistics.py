from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from support.images import random_images
from support.networks import seeded, two_convolutions
from support.settled import settle

from reportgen.analysis.answers import AnswerPlan
from reportgen.analysis.network.layers import summarize_network
from reportgen.analysis.statistics import image_pass
from reportgen.analysis.statistics.image_pass import ImagePass, Plan
from reportgen.analysis.statistics.image_statistics import ImageStatistics, collect, default_layers
from reportgen.analysis.statistics.measurements import Measurements
from reportgen.config import Config
from reportgen.engines import chunks_of
from reportgen.errors import ReportgenError
from reportgen.files.cache import Cache
from reportgen.images import FileSource, Fitting, ImageFile, ImageSet, collect_images, load_image
from reportgen.models import Network, load_network
from reportgen.progress import Silent

COUNT = 20
CONFIG = Config(preprocess="unit")


@pytest.fixture(scope="module")
def network() -> Network:
    return load_network(CONFIG, two_convolutions())


@pytest.fixture(scope="module")
def images() -> ImageSet:
    return collect_images(random_images(COUNT))


@pytest.fixture(scope="module")
def statistics(network: Network, images: ImageSet) -> ImageStatistics:
    return measure(network, images)


def measure(network: Network, images: ImageSet, config: Config = CONFIG, cache: Cache | None = None) -> ImageStatistics:
    summary = summarize_network(network)
    layers = default_layers(config, summary)
    fitting = Fitting(network.size, config.resize, config.interpolation)
    answers = AnswerPlan(settle(network, random_images(2, *network.size)).outputs, len(images))
    return collect(network, summary, images, layers, fitting, config, Silent(), cache, answers)


def plain_outputs(model: keras.Model, images: ImageSet, layer: str) -> np.ndarray:
    """The outputs of a layer for all images by Keras' own means, `(images, height, width, channels)`."""
    part = keras.Model(model.inputs[0], model.get_layer(layer).output)
    pixels = np.stack([load_image(image) for image in images]).astype(np.float32) / 255
    return np.asarray(part.predict(pixels, verbose=0), np.float64)


def same(one: Measurements, other: Measurements) -> bool:
    first, second = one.to_arrays(), other.to_arrays()
    return all(np.array_equal(first[name], second[name], equal_nan=True) for name in first)


@pytest.mark.parametrize("layer", ["conv1", "conv2"])
def test_channels_agree_with_plain_keras(
    statistics: ImageStatistics, network: Network, images: ImageSet, layer: str
) -> None:
    values = plain_outputs(network.model, images, layer)
    found = statistics.channels(layer)
    assert found is not None
    axes = (0, 1, 2)
    assert np.allclose(found.min, values.min(axes), atol=1e-6)
    assert np.allclose(found.max, values.max(axes), atol=1e-6)
    assert np.allclose(found.mean, values.mean(axes), atol=1e-6)
    assert np.allclose(found.std, values.std(axes), atol=1e-6)
    assert np.allclose(found.zero_fraction, (values == 0).mean(axes))
    assert np.allclose(found.firing_rate, (values.max((1, 2)) > 0).mean(0))


def test_a_layer_is_its_channels_together(statistics: ImageStatistics, network: Network, images: ImageSet) -> None:
    values = plain_outputs(network.model, images, "conv2")
    found = statistics.layer("conv2")
    assert found is not None
    assert np.allclose(
        [found.min, found.max, found.mean, found.std, found.zero_fraction],
        [values.min(), values.max(), values.mean(), values.std(), (values == 0).mean()],
        atol=1e-6,
    )
    assert found.nonfinite_count == 0


def test_the_histogram_of_a_small_map_counts_every_value(
    statistics: ImageStatistics, network: Network, images: ImageSet
) -> None:
    values = plain_outputs(network.model, images, "conv2")[..., 3]
    found = statistics.channel("conv2", 3).histogram
    assert found.counts.sum() == values.size
    assert np.array_equal(found.counts, np.histogram(values, found.edges)[0])


def test_top_images_agree_with_a_plain_loop(statistics: ImageStatistics, network: Network, images: ImageSet) -> None:
    values = plain_outputs(network.model, images, "conv1")
    for channel in range(6):
        maps = values[..., channel]
        best = sorted(range(COUNT), key=lambda image: (-maps[image].max(), image))[:9]
        found = statistics.top_images("conv1", channel)
        assert [top.place for top in found] == best
        for top in found:
            assert top.value == pytest.approx(maps[top.place].max(), abs=1e-6)
            assert top.position == np.unravel_index(maps[top.place].argmax(), (8, 8))


def test_predictions_agree_with_plain_keras(statistics: ImageStatistics, network: Network, images: ImageSet) -> None:
    answers = plain_outputs(network.model, images, "classes")
    head = statistics.answer_plan.outputs[0]
    for place, answer in enumerate(answers):
        found = statistics.predictions(place, head)
        assert [score.index for score in found] == np.argsort(-answer, kind="stable").tolist()
        assert np.allclose([score.score for score in found], np.sort(answer)[::-1], atol=1e-6)


@pytest.mark.parametrize("size", [1, 3, 7, 64])
@pytest.mark.parametrize("processors", [1, 3])
def test_no_split_and_no_number_of_threads_changes_a_bit(
    statistics: ImageStatistics, network: Network, images: ImageSet, size: int, processors: int
) -> None:
    summary = summarize_network(network)
    plan = Plan.make(summary, statistics.layers, COUNT, Fitting(network.size), statistics.answer_plan)
    image_pass = ImagePass(network, plan, processors)
    merged = Measurements(plan.layout.channels)
    for chunk in reversed(list(chunks_of(images.images, 0, size))):
        merged.merge(image_pass.measure(chunk, lambda _: None))
    assert same(merged, statistics.measured)


@pytest.mark.parametrize("limit", [{"_MOST_ROWS": 5}, {"_ROW_BYTES": 1}])
def test_how_many_results_wait_for_each_other_changes_no_bit(
    statistics: ImageStatistics,
    network: Network,
    images: ImageSet,
    limit: dict[str, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in limit.items():
        monkeypatch.setattr(image_pass, name, value)
    assert same(measure(network, images).measured, statistics.measured)


def test_dead_channels_are_zero_everywhere(images: ImageSet) -> None:
    model = two_convolutions()
    kernel, bias = model.get_layer("conv1").get_weights()
    bias[2] = -100
    bias[4] = 7
    kernel[..., 4] = 0
    model.get_layer("conv1").set_weights([kernel, bias])
    found = measure(load_network(CONFIG, model), images).channels("conv1")
    assert found is not None
    assert found.dead_channels == (2,)
    assert found.firing_rate[2] == 0
    assert found.std[4] == 0  # constant, not dead
    assert found.max[4] == 7


def test_values_that_are_not_finite_are_counted_and_left_out(images: ImageSet) -> None:
    model = two_convolutions()
    kernel, bias = model.get_layer("conv1").get_weights()
    bias[1] = np.nan
    bias[3] = np.inf
    model.get_layer("conv1").set_weights([kernel, bias])
    statistics = measure(load_network(CONFIG, model), images)
    found, whole = statistics.channels("conv1"), statistics.layer("conv1")
    assert found is not None
    assert whole is not None
    assert found.nan_count[1] + found.infinity_count[1] == 64 * COUNT
    assert found.infinity_count[3] == 64 * COUNT
    assert np.isnan(found.max[3])
    assert np.isfinite(found.mean[[0, 2, 4, 5]]).all()
    assert whole.nonfinite_count == 2 * 64 * COUNT
    assert statistics.top_images("conv1", 3) == ()
    lost = statistics.channel("conv1", 3)
    assert (lost.min, lost.mean, lost.zero_fraction) == (None, None, None)


def test_an_activation_behind_a_normalisation_is_measured_too(images: ImageSet) -> None:
    model = seeded(
        keras.Sequential(
            [
                layers.Input((8, 8, 3)),
                layers.Conv2D(4, 3, name="conv"),
                layers.BatchNormalization(name="norm"),
                layers.ReLU(name="relu"),
                layers.Flatten(name="flat"),
                layers.Dense(3, name="dense"),
                layers.ReLU(name="other"),
            ]
        )
    )
    network = load_network(CONFIG, model)
    summary = summarize_network(network)
    assert default_layers(CONFIG, summary) == ("conv", "relu")
    assert default_layers(Config(layers=("conv",)), summary) == ("conv", "relu")
    statistics = measure(network, images, Config(preprocess="unit", layers=("dense",)))
    assert statistics.layers == ("dense", "other")
    assert statistics.top_images("dense", 0)[0].position is None


def test_an_unreadable_image_is_skipped_or_an_error(network: Network, images: ImageSet, tmp_path: Path) -> None:
    missing = ImageFile("gone.png", FileSource(str(tmp_path / "gone.png")), "0" * 64, 8, 8)
    some = ImageSet((images.images[0], missing, *images.images[1:4]), ())
    statistics = measure(network, some)
    assert statistics.image_count == 4
    assert [item.file for item in statistics.skipped] == ["gone.png"]
    assert {top.place for top in statistics.top_images("conv1", 0)} == {0, 2, 3, 4}
    with pytest.raises(ReportgenError, match=r"gone\.png.*cannot be read"):
        measure(network, some, Config(preprocess="unit", strict=True))
    with pytest.raises(ReportgenError, match="none of the images can be used"):
        measure(network, ImageSet((missing,), ()))


def test_a_second_run_reads_no_image(network: Network, images: ImageSet, tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    first = measure(network, images, cache=cache)
    told = Counting()
    summary = summarize_network(network)
    fitting = Fitting(network.size)
    again = collect(network, summary, images, first.layers, fitting, CONFIG, told, cache, first.answer_plan)
    assert same(again.measured, first.measured)
    assert told.steps == [COUNT]


class Counting(Silent):
    """A progress that notes its steps."""

    def __init__(self) -> None:
        self.steps: list[int] = []

    def advance(self, steps: int, text: str | None = None) -> None:  # noqa: ARG002
        self.steps.append(steps)


def test_top_patches_of_a_real_network_agree_with_a_plain_loop(shared_models: Path, shared_photos: Path) -> None:
    config = Config(
        model=str(shared_models / "tiny_darknet.keras"), preprocess="unit", resize="crop", layers=("conv6",)
    )
    network = load_network(config)
    images = collect_images([shared_photos])
    statistics = measure(network, images, config)
    part = keras.Model(network.model.input, network.model.get_layer("conv6").output)
    fitted = [Fitting(network.size, "crop").apply(load_image(image))[0] for image in images]
    maps = [np.asarray(part(pixels[np.newaxis] / np.float32(255)))[0] for pixels in fitted]
    for channel in range(0, maps[0].shape[2], 8):
        best = sorted(range(len(maps)), key=lambda image: (-maps[image][..., channel].max(), image))[:9]
        found = statistics.top_images("conv6", channel)
        assert [top.place for top in found] == best
        for top in found:
            values = maps[top.place][..., channel]
            assert top.value == pytest.approx(values.max(), rel=1e-5)
            assert top.position == np.unravel_index(values.argmax(), values.shape)
