"""What is taken out of a network's one trace is what Keras computes, on images of its own size and of others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops
from support import zoo
from support.ascents import as_network
from support.networks import seeded

from reportgen.analysis.maximization.forward import Forward, HeldRun, Run, run_watched
from reportgen.analysis.maximization.gradients import ascent_gradients
from reportgen.analysis.maximization.objectives import channel
from reportgen.analysis.maximization.targets import NetworkActivations
from reportgen.analysis.network.running import RUN_ERRORS
from reportgen.config import Config
from reportgen.models import Network, load_network

SIZES = {"own": None, "larger": (8, 5), "smaller": (-3, -2)}


def given_by(network: Network, run: Run, images: np.ndarray) -> dict[str, list[np.ndarray]]:
    """What each call of a run gives, and what goes into its activation; the answers under no name."""
    names: list[str] = []

    def computed(pixels: tf.Tensor) -> list[list[tf.Tensor]]:
        found: Forward = run(network, network.feed(network.prepare(pixels)))
        given = {
            name: [*seen.outputs, *([] if seen.before is None else [seen.before])] for name, seen in found.calls.items()
        }
        if found.given is not None:
            given[""] = list(found.given)
        names[:] = given
        return [given[name] for name in names]

    sides = images.shape[1:3] if run is run_watched else (None, None)
    spec = tf.TensorSpec((None, *sides, images.shape[3]))
    arrays = tf.nest.map_structure(np.asarray, tf.function(computed, [spec], autograph=False)(tf.constant(images)))
    return dict(zip(names, arrays, strict=True))


def images_of(network: Network, more: tuple[int, int] | None) -> np.ndarray:
    height, width = (side + by for side, by in zip(network.size, more or (0, 0), strict=True))
    return np.random.default_rng(0).uniform(0, 255, (2, height, width, network.channels)).astype(np.float32)


@pytest.mark.parametrize("sides", SIZES)
@pytest.mark.parametrize("name", sorted(zoo.ZOO))
def test_what_the_trace_gives_is_what_keras_gives(name: str, sides: str) -> None:
    network = zoo.open_zoo(name)
    held = HeldRun(network, open_sides=SIZES[sides] is not None)
    images = images_of(network, SIZES[sides])
    try:
        wanted = given_by(network, run_watched, images)
    except RUN_ERRORS as error:
        pytest.skip(f"{name} does not run on this size: {error}")
    layers = [call for call in wanted if call and held.gives([call], answers=False)]
    run = held.reading(layers, answers="" in wanted and held.gives([], answers=True))
    found = given_by(network, run, images)
    for call, arrays in found.items():
        assert held.gives([call] if call else [], answers=not call)
        for one, other in zip(arrays, wanted[call], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@keras.saving.register_keras_serializable("forward")
class Places(layers.Layer):
    """A value for each position, learnt for one size."""

    def build(self, shape):
        self.places = self.add_weight(name="places", shape=(1, *shape[1:3], 1), initializer="ones")

    def call(self, inputs):
        return inputs + self.places


@keras.saving.register_keras_serializable("forward")
def doubled(values):
    return 2 * values


class Scaled(keras.Operation):
    """Not a layer, and not of Keras: computes with the size as with a number."""

    def call(self, maps):
        return maps * maps.shape[1]

    def compute_output_spec(self, maps):
        return keras.KerasTensor(maps.shape, maps.dtype)


def maps(*stack: layers.Layer) -> keras.Model:
    first = layers.Conv2D(4, 3, padding="same", activation="relu", name="first")
    last = layers.Conv2D(3, 1, name="last")
    return seeded(keras.Sequential([keras.Input((12, 12, 3)), first, *stack, last]))


# What stands between two convolutions, and whether the trace holds behind it on images of other sizes.
BETWEEN: dict[str, tuple[Callable[[], list[layers.Layer]], bool]] = {
    "normalisation": (lambda: [layers.BatchNormalization()], True),
    "normalisation by fused operation": (lambda: [layers.BatchNormalization(), layers.ReLU(6.0)], True),
    "windows": (lambda: [layers.MaxPooling2D(2), layers.DepthwiseConv2D(3), layers.AveragePooling2D(3, 1)], True),
    "border": (lambda: [layers.ZeroPadding2D(2), layers.LeakyReLU(), layers.ELU()], True),
    "groups, which Keras compiles": (lambda: [layers.Conv2D(4, 3, groups=2)], False),
    "axes exchanged": (lambda: [layers.Permute((2, 1, 3)), layers.Activation("tanh")], True),
    "columns made channels": (lambda: [layers.Permute((1, 3, 2))], False),
    "softmax of channels": (lambda: [layers.Softmax()], True),
    "mean kept": (lambda: [layers.GlobalAveragePooling2D(keepdims=True)], True),
    "enlarged": (lambda: [layers.UpSampling2D(2)], False),
    "cut": (lambda: [layers.Cropping2D(1)], False),
    "tokens and back": (lambda: [layers.Reshape((144, 4)), layers.Reshape((12, 12, 4))], False),
    "a value for each position": (lambda: [Places()], False),
    "normalised over the only position": (
        lambda: [layers.MaxPooling2D(12), layers.LayerNormalization(axis=(1, 2, 3))],
        False,
    ),
    "resized": (lambda: [layers.Resizing(9, 9)], False),
    "a network of layers": (lambda: [keras.Sequential([layers.Conv2D(3, 3), layers.ReLU()])], True),
    "a function of the user's": (lambda: [layers.Activation(doubled)], False),
    "made of what the size is": (lambda: [layers.Lambda(lambda x: x * ops.shape(ops.zeros_like(x))[1])], False),
    "a function with a gradient of its own": (lambda: [layers.Activation("silu")], False),
}


@pytest.mark.parametrize("kind", BETWEEN)
def test_behind_which_layers_the_trace_holds_on_other_sizes(kind: str) -> None:
    between, holds = BETWEEN[kind]
    held = HeldRun(as_network(maps(*between()), "unit"), open_sides=True)
    assert held.gives(["last"], answers=True) is holds


# What a functional network computes between layers, and whether the trace holds behind it on images of other sizes.
COMPUTED: dict[str, tuple[Callable[[keras.KerasTensor], keras.KerasTensor], bool]] = {
    "arithmetic": (lambda x: (x + 1) * x - ops.mean(x, axis=(1, 2), keepdims=True) / 2, True),
    "number of values": (lambda x: x / ops.cast(ops.size(x[0]), "float32"), False),
    "sum of ones": (lambda x: x / ops.sum(ops.ones_like(x[0])), False),
    "border up to a size": (lambda x: ops.image.pad_images(x, 2, 2, target_height=16, target_width=16), False),
    "an operation of the user's": (Scaled(), False),
}


@pytest.mark.parametrize("kind", COMPUTED)
def test_behind_which_operations_between_layers_the_trace_holds_on_other_sizes(kind: str) -> None:
    computed, holds = COMPUTED[kind]
    image = keras.Input((12, 12, 3))
    between = computed(layers.Conv2D(4, 3, padding="same", name="first")(image))
    network = as_network(seeded(keras.Model(image, layers.Conv2D(3, 1, name="last")(between))), "unit")
    assert HeldRun(network, open_sides=True).gives(["last"], answers=True) is holds


def test_layers_before_one_of_fixed_size_are_given_and_the_answers_are_not() -> None:
    model = seeded(
        keras.Sequential(
            [
                keras.Input((12, 12, 3)),
                layers.Conv2D(4, 3, activation="relu", name="maps"),
                layers.Flatten(),
                layers.Dense(5, activation="softmax", name="classes"),
            ]
        )
    )
    network = as_network(model, "unit")
    anywhere, own = HeldRun(network, open_sides=True), HeldRun(network, open_sides=False)
    assert anywhere.gives(["maps"], answers=False)
    assert not anywhere.gives(["maps"], answers=True)
    assert not anywhere.gives(["classes"], answers=False)
    assert own.gives(["maps", "classes"], answers=True)


@pytest.mark.parametrize("silent", [True, False])
def test_gradients_are_those_of_kerass_own_pass_with_relief_and_without(silent: bool) -> None:
    network = as_network(maps(layers.BatchNormalization(), layers.ReLU(6.0), layers.MaxPooling2D(2)), "unit")
    # Below zero everywhere: only with relief the gradient comes through rectifiers that are silent.
    network.model.get_layer("first").bias.assign([-9.0 if silent else 0.1] * 4)
    images = tf.constant(images_of(network, (3, 5)))

    def slope(run: Run, relief: bool) -> np.ndarray:
        def computed(pixels: tf.Tensor) -> tf.Tensor:
            with ascent_gradients(tf.constant(relief)):
                activations = NetworkActivations(network, pixels, run=run)
                scores = channel("last", tf.constant([0, 2])).score(activations)
                (found,) = activations.gradients(scores, [pixels])
            return found

        return np.asarray(tf.function(computed, autograph=False)(images))

    held = HeldRun(network, open_sides=True).reading(["last"], answers=False)
    found = {relief: (slope(held, relief), slope(run_watched, relief)) for relief in (False, True)}
    for one, other in found.values():
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-7)
    assert np.abs(found[True][0]).max() > 0
    assert np.abs(found[False][0]).max() == 0 if silent else np.abs(found[False][0]).max() > 0


@pytest.mark.parametrize("form", ["keras", "h5"])
def test_a_trained_nested_network_from_a_file_is_held_on_other_sizes(form: str, tmp_path: Path) -> None:
    inner = maps(layers.BatchNormalization(), layers.MaxPooling2D(2))
    image = keras.Input((12, 12, 3))
    model = keras.Model(image, layers.Add()([inner(image), layers.AveragePooling2D(2)(image)]))
    model.compile("sgd", "mse")
    model.fit(np.random.default_rng(1).uniform(0, 1, (8, 12, 12, 3)), np.zeros((8, 6, 6, 3)), epochs=2, verbose=0)
    model.save(tmp_path / f"model.{form}")
    network = load_network(Config(model=str(tmp_path / f"model.{form}"), preprocess="unit"))
    held, images = HeldRun(network, open_sides=True), images_of(network, (8, 4))
    wanted = given_by(network, run_watched, images)
    found = given_by(network, held.reading([call for call in wanted if call], answers=True), images)
    assert found.keys() == wanted.keys()
    for call, arrays in found.items():
        for one, other in zip(arrays, wanted[call], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
