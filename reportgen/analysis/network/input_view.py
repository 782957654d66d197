"""An image as the network gets it."""

from __future__ import annotations

import numpy as np

from reportgen.models import Network
from reportgen.results import InputView, PixelArray


def view_input(network: Network, image: str, pixels: PixelArray) -> InputView:
    """What the network's preprocessing makes of an image.

    Args:
        image: its name.
        pixels: `(height, width, channels)`, fitted to the network's input.
    """
    prepared = np.asarray(network.prepare(pixels[None]), dtype=np.float32)[0]
    return InputView(
        image=image,
        prepared=prepared,
        value_range=network.preprocessing.value_range,
        reverses_channels=network.preprocessing.reverses_channels,
        is_picture=pixels.dtype == np.uint8,
    )
