"""What reaches a network's first layer with a kernel, measured: an affine map of the pixel, or why there is none.

What goes into it (see `first_kernel`) is computed for images of one constant colour, each channel by itself at
several levels, and a matrix and an offset are fitted to it. An adapted `Normalization` or a `BatchNormalization`
before that operation counts as inside.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from reportgen.analysis.network.first_kernel import FirstKernel, Floats
from reportgen.errors import ReportgenError
from reportgen.models import MeasuredInput, Network

# Levels a channel takes while the others rest, in parts of the range of pixels, and where they rest.
_LEVELS = (0.0, 1 / 3, 2 / 3, 1.0)
_REST = 0.4
# Colours of all channels at once: a map that is affine in each channel need not be so in all of them.
_MIXED = 4

# How far from affine a map may be, in parts of what it spans: rounding of 32 and of 16 bits.
TOLERANCE = 1e-4
HALF_TOLERANCE = 1e-2
_ROUNDING = 4 * float(np.finfo(np.float32).eps)

# The share of places at which one colour must come out alike, and that at which each of two halves must show.
_AGREEMENT = 0.5
_HALF_SHOWS = 0.1

# A first layer that reads more values a place than this reads features.
_MOST_VALUES = 64


def measure_input(
    network: Network,
    first: FirstKernel,
    prepare: Callable[[tf.Tensor], tf.Tensor],
    value_range: tuple[float, float] = (0.0, 255.0),
) -> MeasuredInput:
    """The map from a pixel to what reaches the first layer with a kernel.

    Args:
        prepare: what is done to images before they go in; the identity to measure the network alone.
        value_range: what pixels have, lowest and highest.
    """
    colours = probe_colours(network.channels, value_range)

    def read(image: NDArray[np.float32]) -> Floats:
        return first.read(prepare(tf.constant(image[np.newaxis])))

    try:
        seen = np.stack([read(_uniform(colour, network.size)) for colour in colours])
        halves = read(_two_halves(colours[-2:], network.size))
    except ReportgenError as error:
        return _unknown(first, str(error))
    reasons = []
    for fold in _foldings(seen, network.channels):
        fitted = _fit(colours, fold(seen), HALF_TOLERANCE if first.half else TOLERANCE)
        if isinstance(fitted, str):
            reasons.append(fitted)
            continue
        matrix, offset, residual = fitted
        if not _shows(fold(halves[np.newaxis])[0], colours[-2:] @ matrix.T + offset):
            return _unknown(first, "what reaches the first layer depends on the image as a whole")
        return MeasuredInput(first.name, _rows(matrix), tuple(offset.tolist()), residual, None)
    return _unknown(first, reasons[-1])


def _unknown(first: FirstKernel, reason: str) -> MeasuredInput:
    return MeasuredInput(first.name, None, None, None, reason)


def _rows(matrix: Floats) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in matrix.tolist())


# --- probing --------------------------------------------------------------------------------------


def probe_colours(channels: int, value_range: tuple[float, float] = (0.0, 255.0)) -> Floats:
    """Colours `(colours, channels)` to measure with: each channel by itself at several levels, then mixed ones."""
    low, high = value_range
    colours = np.full((channels, len(_LEVELS), channels), _REST)
    for channel in range(channels):
        colours[channel, :, channel] = _LEVELS
    mixed = np.random.default_rng(0).uniform(0, 1, (_MIXED, channels))
    # Whole numbers, where there are enough of them, go through networks that take whole numbers.
    spread = low + (high - low) * np.concatenate([colours.reshape(-1, channels), mixed])
    return np.round(spread) if high - low >= 100 else spread


def _uniform(colour: Floats, size: tuple[int, int]) -> NDArray[np.float32]:
    return np.broadcast_to(colour.astype(np.float32), (*size, len(colour))).copy()


def _two_halves(colours: Floats, size: tuple[int, int]) -> NDArray[np.float32]:
    image = _uniform(colours[0], size)
    image[size[0] // 2 :] = colours[1]
    return image


def _foldings(seen: Floats, channels: int) -> list[Callable[[Floats], Floats]]:
    """How `(colours, places, values)` may be folded so that the values are those of one pixel.

    A dense layer reads all pixels in a row and a patch several of them, colour by colour or pixel by pixel; and
    planes that no colour changes (coordinates, a mask) may lie beside the pixels.
    """
    values = seen.shape[-1]
    if values == channels:
        return [lambda array: array]
    found: list[Callable[[Floats], Floats]] = []
    if values % channels == 0:
        found.append(lambda array: array.reshape(len(array), -1, channels))
        found.append(
            lambda array: np.swapaxes(array.reshape(*array.shape[:2], channels, -1), 2, 3).reshape(
                len(array), -1, channels
            )
        )
    changing = np.flatnonzero(np.ptp(seen, axis=0).max(axis=0) > 0)
    found.append(lambda array: array[:, :, changing] if 0 < len(changing) < values else array)
    return found


def _fit(colours: Floats, seen: Floats, tolerance: float) -> tuple[Floats, Floats, float] | str:
    """Matrix, offset and largest residual of the affine map from `colours` to `seen` `(colours, places, values)`.

    The reason instead where there is none.
    """
    if not np.isfinite(seen).all():
        return "what reaches the first layer is not finite"
    if seen.shape[-1] > _MOST_VALUES:
        return f"the first layer with a kernel reads {seen.shape[-1]} features, not colours"
    typical = np.median(seen, axis=1)
    span = float(np.ptp(typical))
    allowed = tolerance * span + _ROUNDING * float(np.abs(typical).max())
    if span == 0.0:
        return "what reaches the first layer is the same for every constant colour"
    agree = (np.abs(seen - typical[:, np.newaxis]) <= allowed).all(axis=2).mean(axis=1)
    if agree.min() < _AGREEMENT:
        return "what reaches the first layer differs from place to place"
    with_one = np.concatenate([colours, np.ones((len(colours), 1))], axis=1)
    solution = np.linalg.lstsq(with_one, typical, rcond=None)[0]
    residual = float(np.abs(with_one @ solution - typical).max())
    if residual > allowed:
        return "what reaches the first layer is no affine map of the pixel"
    matrix, offset = solution[:-1].T, solution[-1]
    noise = tolerance / 10
    return _without_noise(matrix, noise * float(np.abs(matrix).max())), _without_noise(offset, noise * span), residual


def _without_noise(values: Floats, least: float) -> Floats:
    """`values` to seven digits, those of at most `least` as zero."""
    kept = np.where(np.abs(values) <= least, 0.0, values)
    return np.array([float(f"{value:.7g}") for value in kept.ravel()]).reshape(values.shape)


def _shows(seen: Floats, predicted: Floats) -> bool:
    """Whether both colours `predicted` `(2, values)` are found at many of the places of `seen` `(places, values)`."""
    allowed = HALF_TOLERANCE * float(np.ptp(predicted, axis=0).max())
    return all((np.abs(seen - colour) <= allowed).all(axis=1).mean() >= _HALF_SHOWS for colour in predicted)
