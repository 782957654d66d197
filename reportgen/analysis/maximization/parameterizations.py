"""How an image is represented while it is maximised: as pixels, or as a spectrum with decorrelated colours.

Either way what comes out is displayable: float32 `(batch, height, width, channels)` in units of 0..255.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from reportgen.results import ByteArray, FloatArray

# The covariance of red, green and blue (of 0..1) over ImageNet's photographs, after the square root published
# with Olah, Mordvintsev and Schubert, "Feature Visualization" (2017); it stands in where the report's own images
# do not tell.
PHOTOGRAPH_COVARIANCE = np.array([[0.0761, 0.0692, 0.0627], [0.0692, 0.0754, 0.0714], [0.0627, 0.0714, 0.0819]])

# Images whose colours vary less than this share of their brightness are grey, or grey but for compression: their
# covariance would allow no colour at all. Photographs reach a fiftieth.
LEAST_COLOUR = 1 / 500

# Spectra of natural images fall off as one over frequency, so coefficients drawn alike and scaled that way
# start as smooth noise; a quarter keeps the sigmoid in its middle.
_SPECTRUM_GAIN = 0.25

# The sigmoid reaches 0 and 255 only at infinity: a given picture is first drawn this far into the open range.
_OPEN = 1e-3


@dataclass(frozen=True, eq=False)
class Parameterization:
    """A way to hold images of one size in variables.

    `start` draws the variables of one image; `pixels` turns a batch of them into images; `back` gives the gradients
    with respect to variables, from these, their images and the gradient with respect to the images; `of_image` gives
    the variables whose image is a given one, `(height, width, channels)` of 0..255. Variables are a tuple of float32
    arrays, the batch on the first axis where there is one.
    """

    size: tuple[int, int]
    channels: int
    start: Callable[[np.random.Generator], tuple[FloatArray, ...]]
    pixels: Callable[[tuple[tf.Tensor, ...]], tf.Tensor]
    back: Callable[[tuple[tf.Tensor, ...], tf.Tensor, tf.Tensor], Sequence[tf.Tensor]]
    of_image: Callable[[FloatArray], tuple[FloatArray, ...]]


def pixel_grid(size: tuple[int, int], channels: int, *, mean: float, std: float) -> Parameterization:
    """Hold the pixels themselves; they start as Gaussian noise and may leave 0..255."""

    def start(generator: np.random.Generator) -> tuple[FloatArray, ...]:
        return (generator.normal(mean, std, (*size, channels)).astype(np.float32),)

    return Parameterization(
        size,
        channels,
        start,
        lambda variables: variables[0],
        lambda _variables, _images, gradient: (gradient,),
        lambda image: (np.asarray(image, np.float32),),
    )


def fourier(
    size: tuple[int, int], channels: int, *, std: float, decay: float, colour: FloatArray | None
) -> Parameterization:
    """Hold the spectrum: an image whose low frequencies come easily and whose colours are those of photographs.

    After Olah, Mordvintsev and Schubert, "Feature Visualization" (2017), with their sizes of things.

    Args:
        size: height and width, odd or even.
        channels: of the image.
        std: of the real and imaginary parts at the start.
        decay: the power of frequency by which coefficients are scaled down.
        colour: `(channels, channels)` from decorrelated to shown colours (see `colour_matrix`), None to leave
            the channels apart.
    """
    height, width = size
    vertical = np.fft.fftfreq(height)[:, None]
    horizontal = np.fft.rfftfreq(width)[None, :]
    frequency = np.sqrt(vertical**2 + horizontal**2)
    gain = np.sqrt(height * width) / np.maximum(frequency, 1 / max(size)) ** decay
    scale = (gain * _SPECTRUM_GAIN).astype(np.float32)
    shape = (channels, height, width // 2 + 1)

    def start(generator: np.random.Generator) -> tuple[FloatArray, ...]:
        real, imaginary = generator.normal(0, std, (2, *shape)).astype(np.float32)
        return real, imaginary

    def levels_of(variables: tuple[tf.Tensor, ...]) -> tf.Tensor:
        real, imaginary = variables
        waves = tf.signal.irfft2d(tf.complex(real * scale, imaginary * scale), size)
        image = tf.ensure_shape(tf.transpose(waves, (0, 2, 3, 1)), (None, *size, channels))
        if colour is not None:
            image = tf.linalg.matmul(image, colour, transpose_b=True)
        return image

    def pixels(variables: tuple[tf.Tensor, ...]) -> tf.Tensor:
        return 255 * tf.sigmoid(levels_of(variables))

    def back(variables: tuple[tf.Tensor, ...], images: tf.Tensor, gradient: tf.Tensor) -> Sequence[tf.Tensor]:
        # Levels are linear in the variables, so nothing of the way there is computed again.
        slope = gradient * images * (1 - images / 255)
        return list(tf.gradients(levels_of(variables), list(variables), grad_ys=slope))

    def of_image(image: FloatArray) -> tuple[FloatArray, ...]:
        share = np.clip(np.asarray(image, np.float64) / 255, _OPEN, 1 - _OPEN)
        levels = np.log(share / (1 - share))
        if colour is not None:
            levels = levels @ np.linalg.inv(colour.astype(np.float64)).T
        spectrum = np.fft.rfft2(np.moveaxis(levels, -1, 0)) / scale
        return spectrum.real.astype(np.float32), spectrum.imag.astype(np.float32)

    return Parameterization(size, channels, start, pixels, back, of_image)


def colour_covariance(pictures: Iterable[ByteArray]) -> NDArray[np.float64] | None:
    """The covariance `(3, 3)` of red, green and blue over `pictures`, as shares of the range.

    Args:
        pictures: uint8 `(height, width, 3)` each, of any sizes.

    Returns:
        None where there are no pictures or no colours in them.
    """
    count, total, products = 0, np.zeros(3), np.zeros((3, 3))
    for picture in pictures:
        values = picture.reshape(-1, 3).astype(np.float64) / 255
        count += len(values)
        total += values.sum(axis=0)
        products += values.T @ values
    if not count:
        return None
    mean = total / count
    covariance: NDArray[np.float64] = products / count - np.outer(mean, mean)
    spread = np.linalg.eigvalsh(covariance)
    return covariance if spread[0] > LEAST_COLOUR * spread[-1] else None


def colour_matrix(covariance: NDArray[np.float64] | None = None) -> FloatArray:
    """The map from decorrelated to shown colours: the square root of `covariance`, its largest column of length 1.

    Args:
        covariance: `(3, 3)` of red, green and blue; by default that of photographs.
    """
    vectors, values, _ = np.linalg.svd(PHOTOGRAPH_COVARIANCE if covariance is None else covariance)
    root = vectors * np.sqrt(values)
    # The sign of a singular vector is arbitrary and differs between libraries: the largest entry is made positive.
    root *= np.sign(root[np.abs(root).argmax(axis=0), range(root.shape[1])])
    matrix = root / np.linalg.norm(root, axis=0).max()
    return np.asarray(matrix, np.float32)
