"""What a maximised image must be robust to: small random shifts, scalings and rotations, drawn anew each step.

Every transform is an affine map between pixel positions, so any sequence of them is one too. The sequence is
multiplied out and the image resampled once, which keeps it sharp and costs one pass however many there are.

Matrices are 3x3 and act on `(y, x, 1)`, positions counted from the centre of the top left pixel. They map
positions of the image that comes *out* to positions of the image that went *in*.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Size = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Transform:
    """A random affine map: `size` says how large an image comes out, `draw` gives one map for a seed's next numbers."""

    size: Callable[[Size], Size]
    draw: Callable[[np.random.Generator, Size], Matrix]


def _same(size: Size) -> Size:
    return size


def _translation(y: float, x: float) -> Matrix:
    return np.array([[1, 0, y], [0, 1, x], [0, 0, 1]], np.float64)


def _about_centre(matrix: Matrix, size: Size) -> Matrix:
    y, x = (size[0] - 1) / 2, (size[1] - 1) / 2
    return _translation(y, x) @ matrix @ _translation(-y, -x)


def pad(pixels: int) -> Transform:
    """Add a border of `pixels` on each side."""
    return Transform(
        lambda size: (size[0] + 2 * pixels, size[1] + 2 * pixels),
        lambda _generator, _size: _translation(-pixels, -pixels),
    )


def jitter(pixels: int) -> Transform:
    """Cut out at random an image smaller by `pixels` in height and in width."""

    def draw(generator: np.random.Generator, _size: Size) -> Matrix:
        y, x = generator.integers(0, pixels + 1, 2)
        return _translation(float(y), float(x))

    return Transform(lambda size: (size[0] - pixels, size[1] - pixels), draw)


def scale(low: float, high: float) -> Transform:
    """Enlarge about the centre by a factor between `low` and `high`; the size stays."""

    def draw(generator: np.random.Generator, size: Size) -> Matrix:
        factor = generator.uniform(low, high)
        return _about_centre(np.diag([1 / factor, 1 / factor, 1.0]), size)

    return Transform(_same, draw)


def rotate(low: float, high: float) -> Transform:
    """Turn anticlockwise about the centre by between `low` and `high` degrees; the size stays."""

    def draw(generator: np.random.Generator, size: Size) -> Matrix:
        angle = math.radians(generator.uniform(low, high))
        cosine, sine = math.cos(angle), math.sin(angle)
        return _about_centre(np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]], np.float64), size)

    return Transform(_same, draw)


def mirror() -> Transform:
    """Exchange left and right, every other time; the size stays."""

    def draw(generator: np.random.Generator, size: Size) -> Matrix:
        return _about_centre(np.diag([1.0, generator.choice([-1.0, 1.0]), 1.0]), size)

    return Transform(_same, draw)


def crop(size: Size) -> Transform:
    """Cut `size` out of the middle, or surround the image with a border to reach it."""

    def draw(_generator: np.random.Generator, given: Size) -> Matrix:
        return _translation((given[0] - size[0]) // 2, (given[1] - size[1]) // 2)

    return Transform(lambda _given: size, draw)


def compose(transforms: Sequence[Transform]) -> Transform:
    """One transform that does `transforms` in order."""

    def size(given: Size) -> Size:
        for transform in transforms:
            given = transform.size(given)
        return given

    def draw(generator: np.random.Generator, given: Size) -> Matrix:
        matrix = np.eye(3)
        for transform in transforms:
            matrix = matrix @ transform.draw(generator, given)
            given = transform.size(given)
        return matrix

    return Transform(size, draw)


def resample(images: tf.Tensor, matrix: tf.Tensor, size: Size, fill: float) -> tf.Tensor:
    """Apply an affine map to a batch of images, bilinearly.

    Args:
        images: float32 `(batch, height, width, channels)`, height and width known.
        matrix: float32 `(3, 3)`, from positions of the result to positions of `images`.
        size: height and width of the result.
        fill: what lies outside `images`.

    Returns:
        float32 `(batch, *size, channels)`; differentiable with respect to `images`.
    """
    height, width, channels = images.shape[1:]
    rows, columns = tf.meshgrid(tf.range(size[0], dtype=tf.float32), tf.range(size[1], dtype=tf.float32), indexing="ij")
    positions = tf.stack([tf.reshape(rows, [-1]), tf.reshape(columns, [-1]), tf.ones(size[0] * size[1])])
    y, x, _ = tf.unstack(tf.linalg.matmul(matrix, positions))
    top, left = tf.floor(y), tf.floor(x)
    # One row per position and all images side by side in it, so that each position is fetched in one piece.
    batch = tf.shape(images)[0]
    flat = tf.reshape(tf.transpose(images, (1, 2, 0, 3)), (height * width, batch * channels)) - fill
    result = tf.zeros((size[0] * size[1], batch * channels))
    for dy in (0, 1):
        for dx in (0, 1):
            row, column = top + dy, left + dx
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            share = (1 - tf.abs(y - row)) * (1 - tf.abs(x - column)) * tf.cast(inside, tf.float32)
            place = tf.clip_by_value(row, 0, height - 1) * width + tf.clip_by_value(column, 0, width - 1)
            result += tf.gather(flat, tf.cast(place, tf.int32)) * share[:, None]
    resampled = tf.transpose(tf.reshape(result + fill, (*size, batch, channels)), (2, 0, 1, 3))
    return tf.ensure_shape(resampled, (None, *size, channels))
