"""Networks loaded as the program loads them, and their answers."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from reportgen.analysis.network.feeding import open_network
from reportgen.config import Config
from reportgen.models import Network


def load(model: keras.Model | str | Path, **settings: object) -> Network:
    """`model`, or what the file or name stands for, as `settings` have it loaded."""
    if isinstance(model, keras.Model):
        return open_network(Config(**settings), model)
    return open_network(Config(model=str(model), **settings))


def answer(network: Network, pixels: np.ndarray) -> np.ndarray:
    """What the network gives for `pixels` of 0..255, fed as it is to be fed."""
    return np.asarray(network.model(network.feed(network.prepare(pixels)), training=False))
