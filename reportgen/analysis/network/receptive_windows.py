"""What one position of a map sees of the image, and how a window over the map widens it.

The arithmetic is that of Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural
Networks", Distill 2019, extended to transposed convolutions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Pair = tuple[float, float]

# Why there is no receptive field.
WHOLE_IMAGE = "every position sees the whole image, after global pooling"
FLATTENED = "the map is flattened, or its rows and columns are rearranged"
ATTENTION = "attention lets every position see all others"
RESIZED = "the map is resized"
NORMALIZED = "normalisation uses statistics of the whole map"
UNEVEN = "paths of different strides join"


@dataclass(frozen=True)
class Seen:
    """Position `p` sees `size` pixels from `p * stride + start` on; the two values are (vertical, horizontal).

    `rows` is the axis of the rows in the tensor, the columns follow.
    """

    size: Pair
    stride: Pair
    start: Pair
    rows: int


@dataclass(frozen=True)
class Undefined:
    """Why there is no receptive field, and from which layer on."""

    reason: str
    layer: str | None = None


State = Seen | Undefined


@dataclass(frozen=True)
class Window:
    """Along one axis, position `q` of the output sees `extent` positions of the input from `q * step + first` on."""

    extent: float
    step: float
    first: float


def through(field: Seen, windows: Sequence[Window]) -> Seen:
    """What is seen through a window at each position of `field`."""
    vertical, horizontal = windows
    return Seen(
        size=(
            field.size[0] + (vertical.extent - 1) * field.stride[0],
            field.size[1] + (horizontal.extent - 1) * field.stride[1],
        ),
        stride=(field.stride[0] * vertical.step, field.stride[1] * horizontal.step),
        start=(
            field.start[0] + vertical.first * field.stride[0],
            field.start[1] + horizontal.first * field.stride[1],
        ),
        rows=field.rows,
    )


def sliding_window(length: int | None, kernel: int, stride: int, dilation: int, padding: str) -> Window:
    """A window of `kernel` taps sliding over `length` positions.

    TensorFlow's 'same' puts the odd cell of padding at the end, and how many there are depends on `length`.
    """
    extent = (kernel - 1) * dilation + 1
    if padding.lower() != "same":
        return Window(extent, stride, 0)
    if length is None:
        total = max(extent - stride, 0)  # as for a length that is a multiple of the stride
    else:
        total = max((math.ceil(length / stride) - 1) * stride + extent - length, 0)
    return Window(extent, stride, -(total // 2))


def transposed_window(
    long: int | None, short: int | None, kernel: int, stride: int, dilation: int, padding: str
) -> Window:
    """The window of a transposed convolution from `short` positions to `long`.

    Output `o` reads input `i` where `o = i * stride + tap * dilation - padding`. How many that are, and
    where they lie, differs between the `stride` phases of the output: the extent is the largest, the
    position the mean over the phases.
    """
    before = 0
    if padding.lower() == "same" and long is not None and short is not None:
        before = max((short - 1) * stride + (kernel - 1) * dilation + 1 - long, 0) // 2
    extents, centres = [], []
    for phase in range(stride):
        taps = [tap * dilation for tap in range(kernel) if (phase + before - tap * dilation) % stride == 0]
        if taps:
            extents.append((taps[-1] - taps[0]) // stride + 1)
            centres.append((before - (taps[0] + taps[-1]) / 2) / stride)
    extent, centre = max(extents), sum(centres) / len(centres)
    return Window(extent, 1 / stride, centre - (extent - 1) / 2)
