"""What was measured of a network's input, in words a reader knows."""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from reportgen.analysis.network.measured_input import probe_colours
from reportgen.models import MeasuredInput, make_preprocessing

Floats = NDArray[np.float64]

# Digits of a number in words: of one measured in 32 bits, and in 16.
_MOST_DIGITS, _FEWEST_DIGITS = 6, 4


def describe_map(measured: MeasuredInput) -> str:
    """The map in words a reader knows: `pixels / 127.5 - 1`, a documented mode, else its numbers.

    They have as many digits as could be measured: few where the network computes in 16 bits.

    >>> describe_map(MeasuredInput("conv", ((1 / 255,),), (0.0,), 0.0, None))
    'pixels / 255'
    """
    if measured.matrix is None or measured.offset is None:
        return f"not known: {measured.reason}"
    matrix, offset, digits = np.array(measured.matrix), np.array(measured.offset), _digits(measured)
    if digits < _MOST_DIGITS and measured.residual:
        offset = np.round(offset, math.floor(-math.log10(measured.residual)))
    if matrix.shape[0] == matrix.shape[1] == 3:
        for mode, words in _RGB_WORDS.items():
            if _is_mode(mode, matrix, offset, _tolerance(digits)):
                return words
    if matrix.shape[0] != matrix.shape[1]:
        return _matrix_words(matrix, offset, digits)
    subject, scales = "pixels", np.diag(matrix)
    if not np.allclose(matrix, np.diag(scales)):
        reverse = matrix[:, ::-1]
        if not np.allclose(reverse, np.diag(np.diag(reverse))):
            return _matrix_words(matrix, offset, digits)
        subject, scales = "channels in reversed order", np.diag(reverse)
    return subject + (f"{_scale_words(scales, digits)}{_offset_words(offset, digits)}" or " as they are")


def _digits(measured: MeasuredInput) -> int:
    """How many digits of a measured map are known."""
    span = measured.span() or 0.0
    if not measured.residual or not span:
        return _MOST_DIGITS
    return min(_MOST_DIGITS, max(_FEWEST_DIGITS, math.floor(-math.log10(measured.residual / span))))


def _tolerance(digits: int) -> float:
    """How far, in parts of them, two numbers of so many digits may be apart that are the same."""
    return max(1e-4, 10.0 ** (1 - digits))


_RGB_WORDS = {
    "torch": "pixels / 255, lowered by the mean of ImageNet's colours and divided by their deviation (torch)",
    "caffe": "channels in reversed order - (103.939, 116.779, 123.68) (caffe)",
}


def is_identity(measured: MeasuredInput) -> bool:
    """Whether pixels reach the first layer as they are, to what an untrained BatchNormalization changes (1/2000)."""
    if measured.matrix is None or measured.offset is None:
        return False
    matrix = np.array(measured.matrix)
    square = matrix.shape[0] == matrix.shape[1]
    return square and bool(np.allclose(matrix, np.eye(len(matrix)), atol=1e-3) and np.allclose(measured.offset, 0))


def _is_mode(mode: str, matrix: Floats, offset: Floats, tolerance: float) -> bool:
    """Whether the map is what the documented `mode` does."""
    colours = probe_colours(matrix.shape[1])
    pixels = tf.constant(colours[np.newaxis], tf.float32)
    made = np.asarray(make_preprocessing(mode, matrix.shape[1], "flag").apply(pixels), np.float64)[0]
    return bool(np.allclose(colours @ matrix.T + offset, made, rtol=tolerance, atol=tolerance * float(np.ptp(made))))


def _scale_words(scales: Floats, digits: int) -> str:
    if np.allclose(scales, 1, atol=1e-6):
        return ""
    if np.allclose(scales, scales[0], rtol=_tolerance(digits)):
        scale = float(scales[0])
        divided = scale != 0 and abs(scale) < 1
        return f" / {_short(1 / scale, digits)}" if divided else f" * {_short(scale, digits)}"
    return f" * ({', '.join(_short(scale, digits) for scale in scales)})"


def _offset_words(offset: Floats, digits: int) -> str:
    if np.allclose(offset, 0, atol=1e-6):
        return ""
    if np.allclose(offset, offset[0], rtol=_tolerance(digits), atol=1e-6):
        return f" {'-' if offset[0] < 0 else '+'} {_short(abs(float(offset[0])), digits)}"
    if (offset <= 0).all():
        return f" - ({', '.join(_short(-value, digits) for value in offset)})"
    return f" + ({', '.join(_short(value, digits) for value in offset)})"


def _matrix_words(matrix: Floats, offset: Floats, digits: int) -> str:
    rows = ", ".join(f"({', '.join(_short(value, digits) for value in row)})" for row in matrix)
    return f"({rows}) times the pixel{_offset_words(offset, digits)}"


def _short(value: float, digits: int) -> str:
    return f"{value:.{digits}g}"
