"""Networks that make pictures of vectors: how they are found, fed and shown."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers
from support.images import random_images, write_images
from support.networks import seeded, two_convolutions

import reportgen
from reportgen.analysis.network.generated import range_of_pictures
from reportgen.analysis.network.running import run_unwatched
from reportgen.cli import main
from reportgen.config import Config
from reportgen.errors import ReportgenError, UsageError
from reportgen.models import load_network

LENGTH = 6


def decoder(code: object, activation: str = "tanh", channels: int = 3) -> object:
    maps = layers.Reshape((4, 4, 5))(layers.Dense(80, activation="relu", name="wide")(code))
    maps = layers.Conv2DTranspose(7, 3, strides=2, padding="same", activation="relu", name="grow")(maps)
    return layers.Conv2D(channels, 3, padding="same", activation=activation, name="paint")(maps)


def functional(activation: str = "tanh", channels: int = 3) -> keras.Model:
    code = keras.Input((LENGTH,), name="code")
    return seeded(keras.Model(code, decoder(code, activation, channels)))


def of_maps() -> keras.Model:
    """As the first of them were: the vector is an image of one position."""
    code = keras.Input((1, 1, LENGTH), name="code")
    maps = layers.Conv2DTranspose(7, 4, activation="relu", name="grow")(code)
    return seeded(keras.Model(code, layers.Conv2D(1, 3, activation="sigmoid", name="paint")(maps)))


def conditional() -> keras.Model:
    """A label beside the vector chooses what is made."""
    code, label = keras.Input((LENGTH,), name="code"), keras.Input((1,), name="label", dtype="int32")
    known = layers.Flatten()(layers.Embedding(4, 3)(label))
    return seeded(keras.Model([code, label], decoder(layers.Concatenate()([code, known]))))


def nested() -> keras.Model:
    """The decoder half of an autoencoder, inside a Sequential."""
    return keras.Sequential([keras.Input((LENGTH,)), functional("sigmoid")])


@keras.saving.register_keras_serializable("tests")
class Subclassed(keras.Model):
    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.wide = layers.Dense(80, name="wide")
        self.fold = layers.Reshape((4, 4, 5))
        self.paint = layers.Conv2D(3, 3, activation="tanh", name="paint")

    def call(self, code: object) -> object:
        return self.paint(self.fold(self.wide(code)))


def subclassed() -> keras.Model:
    model = Subclassed()
    model(np.zeros((1, LENGTH), "float32"))
    return seeded(model)


GENERATORS = {
    "functional": functional,
    "maps": of_maps,
    "conditional": conditional,
    "nested": nested,
    "sub": subclassed,
}


@pytest.mark.parametrize("kind", sorted(GENERATORS))
def test_a_generator_is_found_and_fed_as_keras_feeds_it(tmp_path, kind):
    model = GENERATORS[kind]()
    model.save(tmp_path / "net.keras")
    network = load_network(
        Config(model=str(tmp_path / "net.keras"), inputs={"label": "2"} if kind == "conditional" else {})
    )
    assert (network.latent, network.channels, network.size) == (True, LENGTH, (1, 1))
    codes = np.random.default_rng(0).standard_normal((3, 1, 1, LENGTH), np.float32)
    fed = codes if kind == "maps" else codes.reshape(3, LENGTH)
    expected = model([fed, np.full((3, 1), 2)] if kind == "conditional" else fed)
    np.testing.assert_allclose(run_unwatched(network, codes), expected, rtol=1e-5, atol=1e-6)


def test_networks_that_make_no_picture_are_no_generators():
    model = keras.Sequential([keras.Input((LENGTH,)), layers.Dense(4)])
    with pytest.raises(ReportgenError, match="expected an image input"):
        load_network(Config(), model)
    picture = keras.Input((8, 8, 3))
    assert not load_network(Config(), keras.Model(picture, layers.Conv2D(3, 3)(picture))).latent


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> reportgen.Report:
    folder = tmp_path_factory.mktemp("generator")
    functional().save(folder / "net.keras")
    assert main(["build", str(folder / "net.keras"), "-o", str(folder / "out"), "--no-cache", "--quiet"]) == 0
    from reportgen.record import read_record

    return reportgen.Report(folder / "out", read_record(folder / "out"))


def test_a_report_needs_no_images(report):
    data = report.data
    assert (data.model.latent, len(data.images), data.images[0].file) == (LENGTH, 16, "sample-00")
    assert data.provenance.command == "reportgen build net.keras"
    assert {layer.name for layer in data.layers} >= {"wide", "grow", "paint"}
    kinds = [figure.kind for figure in data.figures]
    assert (kinds.count("generated"), kinds.count("photo"), kinds.count("input")) == (1, 16, 16)
    maps = {(figure.layer, figure.image) for figure in data.figures if figure.kind == "feature_maps"}
    assert {image for _, image in maps} == {image.file for image in data.images}
    assert {layer for layer, _ in maps} == {"grow", "paint"}
    assert {figure.layer for figure in data.figures if figure.kind == "filters"} == {"grow", "paint"}
    assert not [one for one in data.findings if "preprocessing" in one.rule or "images" in one.rule]
    assert main(["verify", str(report.path)]) == 0


def test_the_front_page_speaks_of_vectors(report):
    page = (report.path / "index.html").read_text()
    assert "makes pictures of vectors of 6 numbers" in page
    assert "The vector goes in as it is." in page
    assert "Reshape" not in page.replace("<td>Reshape", "")


def test_maps_are_those_of_keras(report):
    codes = np.random.default_rng(0).standard_normal((16, LENGTH), np.float32)
    model = functional()
    grow = keras.Model(model.inputs[0], model.get_layer("grow").output)(codes)
    (layer,) = [layer for layer in report.data.layers if layer.name == "grow"]
    np.testing.assert_allclose(layer.activations.max, np.max(grow), rtol=1e-5)


def test_given_vectors_and_images_that_are_not_used(tmp_path):
    functional("sigmoid", 1).save(tmp_path / "net.keras")
    np.save(tmp_path / "codes.npy", np.ones((3, LENGTH)))
    write_images(tmp_path / "photos", 1)
    arguments = ["build", str(tmp_path / "net.keras"), str(tmp_path / "photos"), "-o", str(tmp_path / "out"), "--quiet"]
    quick = ["--no-cache", "--sections", "overview,predictions", "--input", str(tmp_path / "codes.npy")]
    assert main([*arguments, *quick]) == 0
    from reportgen.record import read_record

    data = read_record(tmp_path / "out")
    assert len(data.images) == 3
    assert [(item.file, item.reason) for item in data.skipped] == [
        ("photos", "was not used: the network takes vectors, not images")
    ]
    assert "--input codes.npy" in data.provenance.command
    assert str(tmp_path) not in data.model_dump_json()


@pytest.mark.parametrize("content", [np.ones((3, LENGTH + 1)), np.array(["a"]), np.ones(())])
def test_vectors_of_another_length(tmp_path, content):
    np.save(tmp_path / "codes.npy", content)
    with pytest.raises(ReportgenError, match=r"expected a .npy file of vectors \(samples, 6\) or one \(6,\)"):
        reportgen.build(
            functional(), output=tmp_path / "out", input=[f"code={tmp_path / 'codes.npy'}"], use_cache=False
        )


def test_other_networks_still_need_images(tmp_path):
    with pytest.raises(UsageError, match="expected IMAGE"):
        reportgen.build(two_convolutions(), [], tmp_path / "out", use_cache=False)
    two_convolutions().save(tmp_path / "net.keras")
    assert main(["build", str(tmp_path / "net.keras"), "-o", str(tmp_path / "out"), "--quiet"]) == 2


def test_black_and_white_of_pictures():
    assert range_of_pictures(random_images(2).astype(np.float32)) == (0, 255)
    assert range_of_pictures(np.array([-3.0, 9.0], np.float32)) == (-3, 9)
    assert range_of_pictures(np.array([np.nan], np.float32)) == (0, 0)
