from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from support.ascents import STEADY, as_network, scores_of, small_network
from support.networks import seeded

from reportgen.analysis.maximization import CLASSIC, CRISP, objectives, step_rules
from reportgen.analysis.maximization.ascent import (
    Climb,
    climb,
    converged,
    displayed,
    make_climber,
    make_frame,
    random_transform,
)
from reportgen.analysis.maximization.parameterizations import colour_matrix, fourier, pixel_grid
from reportgen.analysis.maximization.subjects import Goal, LayerChannels, response_function
from reportgen.analysis.maximization.traced_pass import TracedPasses


def climbed(network, layer, channels, preset, size=None, steps=None):
    size = size or network.size
    if preset.parameterization == "pixels":
        parameterization = pixel_grid(size, network.channels, mean=preset.noise_mean, std=preset.noise_std)
    else:
        colour = colour_matrix() if network.channels == 3 else None
        parameterization = fourier(
            size, network.channels, std=preset.spectrum_std, decay=preset.spectrum_decay, colour=colour
        )
    climber = make_climber(
        TracedPasses(network),
        lambda indices, _: objectives.channel(layer, indices),
        make_frame(parameterization, preset, random_transform(preset, size)),
        preset,
        [layer],
    )
    return climb(
        climber,
        climber.start([np.random.default_rng([0, channel]) for channel in channels]),
        [Goal(channel) for channel in channels],
        preset,
        steps=steps or preset.steps,
        seed=0,
        measure=response_function(TracedPasses(network), layer),
        value=lambda i, responses: float(responses[channels[i]]),
    )


def plain_classic(model: keras.Model, layer: str, channel: int, noise: np.ndarray, steps: int = 20) -> np.ndarray:
    """The tutorials' recipe, one filter at a time and one operation after another."""
    features = keras.Model(model.inputs, model.get_layer(layer).output)
    image = tf.constant(noise[None])
    for _ in range(steps):
        with tf.GradientTape() as tape:
            tape.watch(image)
            loss = tf.reduce_mean(features(image)[:, :, :, channel])
        gradient = tape.gradient(loss, image)
        gradient /= tf.sqrt(tf.reduce_mean(tf.square(gradient))) + 1e-5
        image += gradient * 1.0
    return image.numpy()[0]


def plain_display(image: np.ndarray) -> np.ndarray:
    shown = (image - image.mean()) / (image.std() + 1e-5) * 0.1 + 0.5
    return np.clip(shown, 0, 1) * 255


def test_classic_equals_a_plain_loop_over_filters():
    image = keras.Input((None, None, 3))
    maps = layers.Conv2D(6, 3, padding="same", activation="relu", name="first")(image)
    maps = layers.MaxPooling2D()(maps)
    maps = layers.Conv2D(8, 3, padding="same", activation="relu", name="second")(maps)
    network = as_network(seeded(keras.Model(image, maps)))
    channels = [0, 2, 5]
    for layer in ("first", "second"):
        results = climbed(network, layer, channels, CLASSIC, size=(32, 32))
        for channel, result in zip(channels, results, strict=True):
            noise = np.random.default_rng([0, channel]).normal(127, 10, (32, 32, 3)).astype(np.float32)
            expected = plain_classic(network.model, layer, channel, noise)
            assert result.steps == 20
            np.testing.assert_allclose(result.variables[0], expected, rtol=1e-4, atol=1e-2)
            np.testing.assert_allclose(result.pixels, plain_display(expected), atol=0.51)


def test_the_classic_preset_is_the_recipe():
    assert (CLASSIC.steps, CLASSIC.step_size, CLASSIC.canvas) == (20, 1.0, (128, 128))
    assert (CLASSIC.noise_mean, CLASSIC.noise_std) == (127.0, 10.0)
    assert random_transform(CLASSIC, (128, 128)) is None


def test_standardized_pictures_have_an_even_contrast():
    images = np.random.default_rng(0).normal(40, 3, (2, 50, 50, 3)).astype(np.float32)
    shown = displayed(tf.constant(images), "standardized").numpy()
    assert shown.dtype == np.uint8
    assert shown.mean() == pytest.approx(127.5, abs=0.5)
    assert shown.std() == pytest.approx(25.5, abs=0.5)
    flat = displayed(tf.fill((1, 4, 4, 3), 9.0), "standardized").numpy()
    assert set(np.unique(flat)) <= {127, 128}


def test_pictures_shown_as_they_are_are_rounded_and_clipped():
    images = tf.constant([[[[-3.0], [0.4]], [[254.6], [300.0]]]])
    np.testing.assert_array_equal(displayed(images, "as-is"), [[[[0], [0]], [[255], [255]]]])


def test_transforms_shrink_with_the_canvas():
    assert random_transform(CRISP, (224, 224)).size((224, 224)) == (224, 224)
    drawn = random_transform(replace(STEADY, jitter=8), (28, 28))
    shifts = {tuple(drawn.draw(np.random.default_rng(seed), (28, 28))[:2, 2]) for seed in range(50)}
    assert {axis for shift in shifts for axis in shift} <= {-1.0, 0.0, 1.0}


@pytest.mark.parametrize("optimizer", ["adam", "normalized"])
@pytest.mark.parametrize("parameterization", ["pixels", "fourier"])
def test_every_kind_of_ascent_raises_the_score(optimizer, parameterization):
    network = small_network()
    preset = replace(
        CRISP,
        optimizer=optimizer,
        parameterization=parameterization,
        step_size=2.0 if parameterization == "pixels" else 0.05,
    )
    for result in climbed(network, "conv2", [0, 3], preset, steps=24):
        assert np.mean(result.scores[-4:]) > np.mean(result.scores[:4])


@pytest.mark.parametrize("channels", [1, 2, 3, 6])
def test_any_number_of_channels_and_odd_sizes(channels):
    image = keras.Input((15, 13, channels))
    maps = layers.Conv2D(4, 3, activation="relu", name="maps")(image)
    network = as_network(seeded(keras.Model(image, maps)), "unit")
    (result,) = climbed(network, "maps", [2], replace(CRISP, steps=4))
    assert result.pixels.shape == (15, 13, channels)


def test_an_image_is_climbed_alike_alone_and_in_a_batch():
    network = small_network()
    preset = replace(CRISP, steps=12)
    together = climbed(network, "conv2", [1, 4, 6], preset)
    alone = climbed(network, "conv2", [4], preset)
    difference = together[1].pixels.astype(int) - alone[0].pixels
    assert np.abs(difference).max() <= 1


def test_the_same_seed_gives_the_same_bytes():
    network = small_network()
    preset = replace(CRISP, steps=12)
    one, other = (climbed(network, "conv2", [1, 4], preset) for _ in range(2))
    for first, second in zip(one, other, strict=True):
        np.testing.assert_array_equal(first.pixels, second.pixels)
        assert first.scores == second.scores


def dead_network(activation: str | None, bias: float) -> tuple[keras.Model, float]:
    """A convolution whose nonlinearity is out of reach of ordinary images, and one that reads it."""
    image = keras.Input((16, 16, 3))
    maps = layers.Conv2D(2, 3, activation=activation, name="far")(image)
    maps = layers.Conv2D(2, 1, name="reader")(maps)
    model = keras.Model(image, maps)
    model.get_layer("far").set_weights([np.full((3, 3, 3, 2), 0.1, np.float32), np.full(2, bias, np.float32)])
    model.get_layer("reader").set_weights([np.full((1, 1, 2, 2), 1.0, np.float32), np.zeros(2, np.float32)])
    return model


@pytest.mark.parametrize(("activation", "bias"), [("relu", -1.9), ("relu6", -1.9)])
def test_relief_wakes_a_channel_behind_a_dead_rectifier(activation, bias):
    network = as_network(dead_network(activation, bias), "unit")
    asleep = climbed(network, "reader", [0], replace(STEADY, relief_steps=0, steps=32, check_every=8))
    awake = climbed(network, "reader", [0], replace(STEADY, relief_steps=16, steps=32, check_every=8))
    assert asleep[0].flat
    assert asleep[0].value == 0
    assert not awake[0].flat
    assert awake[0].value > 0


@pytest.mark.parametrize("activation", ["leaky_relu", "swish", "gelu", "elu", "relu6"])
def test_nonlinearities_of_all_kinds_are_climbed(activation):
    image = keras.Input((16, 16, 3))
    maps = layers.Conv2D(4, 3, activation=activation)(image)
    maps = layers.DepthwiseConv2D(3, activation=activation)(maps)
    maps = layers.BatchNormalization()(maps)
    maps = layers.Conv2D(4, 3, activation=activation, name="target")(maps)
    network = as_network(seeded(keras.Model(image, maps)), "unit")
    scores = scores_of(network, lambda channels, _: objectives.channel("target", channels), [0, 1, 2], ["target"], 12)
    assert np.all(scores[-1] > scores[0])


def test_a_network_of_whole_numbers_is_climbed_through_its_rounding():
    image = keras.Input((12, 12, 3), dtype="uint8")
    maps = layers.Conv2D(4, 3, name="maps")(layers.Rescaling(1 / 255)(image))
    network = as_network(seeded(keras.Model(image, maps)))
    scores = scores_of(network, lambda channels, _: objectives.channel("maps", channels), [0, 1], ["maps"], 8)
    assert np.all(scores[-1] > scores[0])


def one(history: list[float]) -> Climb:
    return Climb(history=history)


def test_converged_says_when_looks_no_longer_gain():
    preset = replace(CRISP, patience=2, least_gain=0.01)
    assert not converged(one([1.0, 1.1]), preset)
    assert not converged(one([1.0, 1.5, 2.0]), preset)
    assert converged(one([1.0, 2.0, 2.0, 2.01]), preset)
    assert not converged(one([1.0, 1.0, 1.0]), replace(preset, patience=0))


def test_the_best_look_is_kept_not_the_last():
    network = small_network()
    values = iter([1.0, 5.0, 3.0])
    preset = replace(STEADY, check_every=2, patience=0)
    frame = make_frame(pixel_grid((16, 16), 3, mean=127, std=10), preset)
    climber = make_climber(
        TracedPasses(network), lambda indices, _: objectives.channel("conv1", indices), frame, preset, ["conv1"]
    )
    (result,) = climb(
        climber,
        climber.start([np.random.default_rng(0)]),
        [Goal(0)],
        preset,
        steps=6,
        seed=0,
        measure=response_function(TracedPasses(network), "conv1"),
        value=lambda _i, _responses: next(values),
    )
    assert (result.value, result.step, result.steps) == (5.0, 4, 6)
    assert result.history == [1.0, 5.0, 3.0]


def test_images_that_are_done_are_no_longer_computed():
    network = small_network()
    preset = replace(STEADY, check_every=2, patience=0)
    frame = make_frame(pixel_grid((16, 16), 3, mean=127, std=10), preset)
    climber = make_climber(
        TracedPasses(network), lambda indices, _: objectives.channel("conv2", indices), frame, preset, ["conv2"]
    )
    sizes = []

    def counted(state, channels, *rest):
        sizes.append(len(channels))
        return climber.step(state, channels, *rest)

    def run(channels, value, enough):
        generators = [np.random.default_rng([0, channel]) for channel in channels]
        return climb(
            replace(climber, step=counted),
            climber.start(generators),
            [Goal(channel) for channel in channels],
            preset,
            steps=6,
            seed=0,
            measure=response_function(TracedPasses(network), "conv2"),
            value=value,
            enough=enough,
        )

    results = run([4, 1, 6], lambda place, _responses: 2.0 if place == 1 else 1.0, 2.0)
    assert sizes == [3, 3, 2, 2, 2, 2]
    assert [one.steps for one in results] == [6, 2, 6]
    alone = run([6], lambda _place, _responses: 1.0, np.inf)
    np.testing.assert_allclose(results[2].scores, alone[0].scores, rtol=1e-4)


def test_an_image_that_gains_no_more_cools_down_and_ends():
    network = small_network()
    preset = replace(CRISP, check_every=4, cool_steps=8, patience=1, least_gain=0.5, steps=200)
    (result,) = climbed(network, "conv1", [0], preset)
    assert result.steps < 60
    assert result.cooled == 8
    (short,) = climbed(network, "conv1", [0], replace(preset, least_gain=0.0, patience=0, steps=16))
    assert (short.steps, short.cooled) == (16, 8)
    assert Climb(cooled=8).rate(preset) == pytest.approx(preset.step_size / 9)
    assert Climb().rate(preset) == preset.step_size


def test_damped_steps_are_shorter_along_small_gradients_and_as_long_along_usual_ones():
    variable, zeros = tf.zeros((2, 1, 4)), tf.zeros((2, 1, 4))
    gradient = tf.constant([[[1.0, 1.0, 1.0, 0.01]], [[5.0, 5.0, 5.0, 5.0]]])
    rates, first = tf.constant([0.1, 0.1]), tf.constant(1.0)
    plain, damped = (
        step_rules.adam((variable,), (zeros, zeros), [gradient], rates, first, damping)[0].numpy()
        for damping in (0.0, 2.0)
    )
    np.testing.assert_allclose(plain, 0.1, rtol=1e-4)
    usual = np.sqrt(np.mean(np.square([1, 1, 1, 0.01])))
    expected = 0.1 * np.array([1, 1, 1, 0.01]) * 3 / (np.array([1, 1, 1, 0.01]) + 2 * usual)
    np.testing.assert_allclose(damped[0, 0], expected, rtol=1e-4)
    np.testing.assert_allclose(damped[1], 0.1, rtol=1e-4)


def test_less_of_a_canvas_is_shown_from_its_middle():
    still = random_transform(STEADY, (40, 30), (20, 10))
    np.testing.assert_array_equal(still.draw(np.random.default_rng(0), (40, 30)) @ [0, 0, 1], [10, 10, 1])
    assert still.size((40, 30)) == (20, 10)
    assert random_transform(STEADY, (40, 30), (40, 30)) is None
    assert random_transform(replace(STEADY, mirror=True), (40, 30)).size((40, 30)) == (40, 30)


def test_a_channel_that_has_plenty_cools_down_at_once():
    preset = replace(CRISP, check_every=4, cool_steps=8, patience=0)
    one = Climb(flat=False, value=2.0)
    one.settle(4, preset, steps=40, enough=np.inf, plenty=2.1)
    assert (one.cooled, one.done) == (None, False)
    one.settle(8, preset, steps=40, enough=np.inf, plenty=2.0)
    assert (one.cooled, one.done) == (0, False)
    one.cooled = 8
    one.settle(16, preset, steps=40, enough=np.inf, plenty=2.0)
    assert one.done
    channels = LayerChannels("conv1", np.array([1.5, 0.0], np.float32))
    assert channels.plenty(Goal(0)) == 3.0
    assert channels.plenty(Goal(1)) == channels.plenty(Goal(0, down=True)) == np.inf
