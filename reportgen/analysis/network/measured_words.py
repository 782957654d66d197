"""What was measured of a network's input, in words a reader knows."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from reportgen.analysis.network.measured_input import probe_colours
from reportgen.models import MeasuredInput, make_preprocessing

Floats = NDArray[np.float64]


def describe_map(measured: MeasuredInput) -> str:
    """The map in words a reader knows: `pixels / 127.5 - 1`, a documented mode, else its numbers.

    >>> describe_map(MeasuredInput("conv", ((1 / 255,),), (0.0,), 0.0, None))
    'pixels / 255'
    """
    if measured.matrix is None or measured.offset is None:
        return f"not known: {measured.reason}"
    matrix, offset = np.array(measured.matrix), np.array(measured.offset)
    if matrix.shape[0] == matrix.shape[1] == 3:
        for mode, words in _RGB_WORDS.items():
            if _is_mode(mode, matrix, offset):
                return words
    if matrix.shape[0] != matrix.shape[1]:
        return _matrix_words(matrix, offset)
    subject, scales = "pixels", np.diag(matrix)
    if not np.allclose(matrix, np.diag(scales)):
        reverse = matrix[:, ::-1]
        if not np.allclose(reverse, np.diag(np.diag(reverse))):
            return _matrix_words(matrix, offset)
        subject, scales = "channels in reversed order", np.diag(reverse)
    return subject + (f"{_scale_words(scales)}{_offset_words(offset)}" or " as they are")


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


def _is_mode(mode: str, matrix: Floats, offset: Floats) -> bool:
    """Whether the map is what the documented `mode` does."""
    colours = probe_colours(matrix.shape[1])
    pixels = tf.constant(colours[np.newaxis], tf.float32)
    made = np.asarray(make_preprocessing(mode, matrix.shape[1], "flag").apply(pixels), np.float64)[0]
    return bool(np.allclose(colours @ matrix.T + offset, made, rtol=1e-4, atol=1e-4 * float(np.ptp(made))))


def _scale_words(scales: Floats) -> str:
    if np.allclose(scales, 1, atol=1e-6):
        return ""
    if np.allclose(scales, scales[0], rtol=1e-4):
        scale = float(scales[0])
        divided = scale != 0 and abs(scale) < 1
        return f" / {_short(1 / scale)}" if divided else f" * {_short(scale)}"
    return f" * ({', '.join(_short(scale) for scale in scales)})"


def _offset_words(offset: Floats) -> str:
    if np.allclose(offset, 0, atol=1e-6):
        return ""
    if np.allclose(offset, offset[0], rtol=1e-4, atol=1e-6):
        return f" {'-' if offset[0] < 0 else '+'} {_short(abs(float(offset[0])))}"
    if (offset <= 0).all():
        return f" - ({', '.join(_short(-value) for value in offset)})"
    return f" + ({', '.join(_short(value) for value in offset)})"


def _matrix_words(matrix: Floats, offset: Floats) -> str:
    rows = ", ".join(f"({', '.join(_short(value) for value in row)})" for row in matrix)
    return f"({rows}) times the pixel{_offset_words(offset)}"


def _short(value: float) -> str:
    return f"{value:.6g}"
