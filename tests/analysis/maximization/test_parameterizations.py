from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from reportgen.analysis.maximization.parameterizations import (
    Parameterization,
    colour_covariance,
    colour_matrix,
    fourier,
    pixel_grid,
)


def photograph(height: int, width: int, channels: int) -> np.ndarray:
    """Something with edges, gradients, texture and colours, from black to white."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [127 + 90 * np.sin(x / (2 + c) + c) * np.cos(y / 5) for c in range(channels)]
    image = np.stack(waves, axis=-1)
    image[height // 3 : height // 2, width // 4 : width // 2] = 0
    image[height // 2 :, width // 2 :] *= 1.15
    return np.clip(image, 0, 255).astype(np.float32)


def make(kind: str, size: tuple[int, int], channels: int) -> Parameterization:
    if kind == "pixels":
        return pixel_grid(size, channels, mean=127, std=10)
    return fourier(size, channels, std=0.01, decay=1, colour=colour_matrix() if channels == 3 else None)


def fitted(parameterization: Parameterization, target: np.ndarray, steps: int) -> float:
    """Mean absolute error, over full range, after `steps` of Adam from noise towards `target`."""
    variables = [tf.Variable(part[None]) for part in parameterization.start(np.random.default_rng(0))]
    rate = 2.0 if len(variables) == 1 else 0.05
    moments = [(tf.Variable(tf.zeros_like(v)), tf.Variable(tf.zeros_like(v))) for v in variables]

    @tf.function
    def step(count):
        with tf.GradientTape() as tape:
            error = tf.reduce_mean(tf.square(parameterization.pixels(tuple(variables)) - target))
        for variable, (first, second), slope in zip(variables, moments, tape.gradient(error, variables), strict=True):
            first.assign(0.9 * first + 0.1 * slope)
            second.assign(0.999 * second + 0.001 * tf.square(slope))
            scale = tf.sqrt(1 - 0.999**count) / (1 - 0.9**count)
            variable.assign_sub(rate * scale * first / (tf.sqrt(second) + 1e-8))

    for count in range(1, steps + 1):
        step(tf.constant(float(count)))
    return float(np.abs(parameterization.pixels(tuple(variables)).numpy() - target).mean() / 255)


@pytest.mark.parametrize("kind", ["pixels", "fourier"])
@pytest.mark.parametrize("channels", [1, 3, 5])
def test_fits_a_target_picture(kind, channels):
    assert fitted(make(kind, (33, 40), channels), photograph(33, 40, channels), steps=1000) < 0.01


@pytest.mark.parametrize("kind", ["pixels", "fourier"])
@pytest.mark.parametrize(("size", "channels"), [((16, 16), 3), ((17, 12), 3), ((12, 17), 1), ((1, 5), 2), ((7, 1), 4)])
def test_any_size_and_number_of_channels(kind, size, channels):
    parameterization = make(kind, size, channels)
    batch = tuple(np.stack([part, part]) for part in parameterization.start(np.random.default_rng(0)))
    images = parameterization.pixels(tuple(tf.constant(part) for part in batch)).numpy()
    assert images.shape == (2, *size, channels)
    assert images.dtype == np.float32
    np.testing.assert_allclose(images[0], images[1], rtol=1e-5)
    np.testing.assert_allclose(images.mean(), 127, atol=15)


@pytest.mark.parametrize("kind", ["pixels", "fourier"])
@pytest.mark.parametrize(("size", "channels"), [((16, 12), 3), ((15, 13), 1), ((8, 9), 5)])
def test_a_given_picture_can_be_held(kind, size, channels):
    picture = photograph(*size, channels)
    parameterization = make(kind, size, channels)
    variables = tuple(tf.constant(part[None]) for part in parameterization.of_image(picture))
    held = parameterization.pixels(variables).numpy()[0]
    # The sigmoid does not quite reach black and white.
    np.testing.assert_allclose(held, picture, atol=0.3)


def test_a_spectrum_stays_inside_the_displayable_range():
    parameterization = make("fourier", (16, 16), 3)
    wild = tuple(tf.constant(1000 * part[None]) for part in parameterization.start(np.random.default_rng(0)))
    images = parameterization.pixels(wild).numpy()
    assert images.min() >= 0
    assert images.max() <= 255


def test_noise_of_pixels_has_the_mean_and_spread_asked_for():
    (noise,) = pixel_grid((200, 200), 3, mean=127, std=10).start(np.random.default_rng(0))
    assert noise.mean() == pytest.approx(127, abs=0.2)
    assert noise.std() == pytest.approx(10, abs=0.2)


def test_the_spectrum_falls_with_frequency():
    waves = fourier((64, 64), 1, std=0.01, decay=1, colour=None)
    real = np.zeros((1, 1, 64, 33), np.float32)
    amplitude = {}
    for frequency in (2, 8, 16):
        real[:] = 0
        real[0, 0, frequency, 0] = 0.01
        share = waves.pixels((tf.constant(real), tf.zeros_like(real))).numpy() / 255
        amplitude[frequency] = np.log(share / (1 - share)).max()
    assert amplitude[2] / amplitude[8] == pytest.approx(4, rel=1e-3)
    assert amplitude[2] / amplitude[16] == pytest.approx(8, rel=1e-3)


def test_the_colour_matrix_is_a_square_root_of_the_covariance():
    covariance = np.array([[1.0, 0.8, 0.6], [0.8, 1.2, 0.9], [0.6, 0.9, 1.5]])
    matrix = colour_matrix(covariance).astype(np.float64)
    product = matrix @ matrix.T
    np.testing.assert_allclose(product / product[0, 0], covariance / covariance[0, 0], rtol=1e-5)
    assert np.linalg.norm(matrix, axis=0).max() == pytest.approx(1, rel=1e-6)


def test_the_colours_of_pictures_are_measured():
    generator = np.random.default_rng(0)
    light = generator.normal(0, 40, (200, 200, 1))
    own = generator.normal(0, 10, (200, 200, 3))
    pictures = np.clip(127 + light + own, 0, 255).astype(np.uint8)
    covariance = colour_covariance([pictures[:100], pictures[100:]])
    expected = np.cov(pictures.reshape(-1, 3).T / 255, bias=True)
    np.testing.assert_allclose(covariance, expected, rtol=1e-6)


def test_pictures_without_colours_of_their_own_give_no_covariance():
    grey = np.repeat(np.random.default_rng(0).integers(0, 256, (50, 50, 1), np.uint8), 3, axis=2)
    assert colour_covariance([grey]) is None
    assert colour_covariance([]) is None
    assert colour_covariance([np.full((9, 9, 3), 7, np.uint8)]) is None
