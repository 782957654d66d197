"""Gratings planted in a network must be what the pictures of its channels show."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers
from support.ascents import as_network, maximize_layer

from reportgen.analysis.maximization import CRISP
from reportgen.analysis.network.layers import summarize_network

SIZE = 48
KERNEL = 15
FREQUENCIES = (0.12, 0.2, 0.3)  # cycles a pixel
ORIENTATIONS = (0, 45, 90, 135)  # of the wave's direction, degrees anticlockwise from the x axis
GRATINGS = [(frequency, angle) for frequency in FREQUENCIES for angle in ORIENTATIONS]

# The second layer's channels each want one or two of the gratings and none of a third.
COMBINATIONS = [((0,), 5), ((6,), 1), ((3, 8), 10), ((4, 11), 2), ((9, 2), 7), ((1, 7), 4)]


def wave(frequency: float, angle: float, phase: float) -> np.ndarray:
    y, x = np.mgrid[:KERNEL, :KERNEL] - KERNEL // 2
    radians = np.deg2rad(angle)
    along = x * np.cos(radians) - y * np.sin(radians)
    envelope = np.exp(-(x**2 + y**2) / (2 * (KERNEL / 5) ** 2))
    kernel = envelope * np.cos(2 * np.pi * frequency * along + phase)
    return kernel - envelope * kernel.sum() / envelope.sum()


def planted_network() -> keras.Model:
    image = keras.Input((SIZE, SIZE, 1))
    # Two phases of each grating, so that the second layer answers wherever the stripes happen to lie.
    maps = layers.Conv2D(2 * len(GRATINGS), KERNEL, padding="same", activation="relu", name="gratings")(image)
    pooled = layers.AveragePooling2D(2)(maps)
    answers = layers.Conv2D(len(COMBINATIONS), 3, padding="same", activation="relu", name="combinations")(pooled)
    model = keras.Model(image, answers)
    kernels = [wave(frequency, angle, phase) for frequency, angle in GRATINGS for phase in (0, np.pi)]
    first = np.stack(kernels, axis=-1)[:, :, None, :]
    model.get_layer("gratings").set_weights([first.astype(np.float32), np.zeros(first.shape[-1], np.float32)])
    second = np.zeros((3, 3, first.shape[-1], len(COMBINATIONS)), np.float32)
    for channel, (wanted, unwanted) in enumerate(COMBINATIONS):
        for grating in wanted:
            second[:, :, 2 * grating : 2 * grating + 2, channel] = 1
        second[:, :, 2 * unwanted : 2 * unwanted + 2, channel] = -1
    model.get_layer("combinations").set_weights([second, np.zeros(len(COMBINATIONS), np.float32)])
    return model


PART = 32  # side of the parts whose spectra are averaged


def dominant_wave(picture: np.ndarray) -> tuple[float, float]:
    """Frequency and direction of the strongest wave of a picture.

    The spectra of overlapping parts are averaged (Welch's method), since stripes are not in step everywhere.
    """
    levels = picture[:, :, 0].astype(float)
    window = np.hanning(PART)[:, None] * np.hanning(PART)[None, :]
    starts = [(y, x) for y in range(0, SIZE - PART + 1, 8) for x in range(0, SIZE - PART + 1, 8)]
    parts = [levels[y : y + PART, x : x + PART] for y, x in starts]
    finely = (4 * PART, 4 * PART)
    power = np.mean([np.abs(np.fft.fft2((part - part.mean()) * window, finely)) ** 2 for part in parts], axis=0)
    v, u = np.meshgrid(np.fft.fftfreq(finely[0]), np.fft.fftfreq(finely[1]), indexing="ij")
    place = np.argmax(power)
    return float(np.hypot(u.flat[place], v.flat[place])), float(
        np.rad2deg(np.arctan2(-v.flat[place], u.flat[place])) % 180
    )


def alike(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Within a fifth in frequency and 15 degrees in direction."""
    turn = abs(one[1] - other[1]) % 180
    return abs(one[0] - other[0]) <= 0.2 * other[0] + 0.01 and min(turn, 180 - turn) <= 15


@pytest.fixture(scope="module")
def planted():
    network = as_network(planted_network(), "tf")
    return network, summarize_network(network)


def test_pictures_of_the_first_layer_show_its_gratings(planted):
    network, summary = planted
    channels = list(range(0, 2 * len(GRATINGS), 2))
    pictures = maximize_layer(network, summary, "gratings", channels, CRISP)
    for picture in pictures:
        expected = GRATINGS[picture.channel // 2]
        found = dominant_wave(picture.pixels)
        assert alike(found, expected), (found, expected)


def test_pictures_of_the_second_layer_show_its_combinations(planted):
    network, summary = planted
    channels = list(range(len(COMBINATIONS)))
    pictures = maximize_layer(network, summary, "combinations", channels, CRISP)
    for picture in pictures:
        wanted = [GRATINGS[grating] for grating in COMBINATIONS[picture.channel][0]]
        found = dominant_wave(picture.pixels)
        assert any(alike(found, expected) for expected in wanted), (found, wanted)
