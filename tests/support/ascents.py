"""What tests of the ascent share: small networks to climb and the plainest way to climb them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from support.networks import two_convolutions

from reportgen.analysis.maximization import CRISP, Preset, maximize
from reportgen.analysis.maximization.ascent import make_climber, make_frame
from reportgen.analysis.maximization.objectives import Objective
from reportgen.analysis.maximization.parameterizations import pixel_grid
from reportgen.analysis.maximization.traced_pass import TracedPasses
from reportgen.config import Config
from reportgen.models import Network, load_network
from reportgen.results import FloatArray, MaximizedChannel, NetworkSummary

# Without random transforms scores can be compared from step to step.
STEADY = replace(
    CRISP,
    cool_steps=0,
    patience=2,
    least_gain=0.01,
    step_size=0.05,
    pad=0,
    jitter=0,
    scale=(1.0, 1.0),
    rotate=(0.0, 0.0),
    final_jitter=0,
)


def as_network(model: keras.Model, preprocess: str = "none") -> Network:
    """`model` as a network that takes 0..255, or `preprocess`."""
    return load_network(Config(preprocess=preprocess), model)


def small_network() -> Network:
    """Two convolutions with ReLU, 16x16 pixels."""
    return as_network(two_convolutions(16), "unit")


def scores_of(
    network: Network,
    objective: Callable[[tf.Tensor, tf.Tensor], Objective],
    channels: list[int],
    layers: list[str],
    steps: int = 5,
    preset: Preset = STEADY,
) -> np.ndarray:
    """Scores `(steps, batch)` of pixels climbing from noise, one image for each of `channels`.

    The objective reads `layers`, and the network's answers.
    """
    size = network.size
    parameterization = pixel_grid(size, network.channels, mean=127, std=20)
    frame = make_frame(parameterization, preset)
    climber = make_climber(TracedPasses(network), objective, frame, preset, layers, answers=True)
    state = climber.start([np.random.default_rng([0, i]) for i in range(len(channels))])
    scores = []
    for count in range(1, steps + 1):
        matrix = tf.constant(climber.draw(np.random.default_rng(count)))
        state, score, _ = climber.step(
            state,
            tf.constant(channels),
            tf.ones(len(channels)),
            tf.fill((len(channels),), 2.0),
            matrix,
            tf.constant(float(count)),
            tf.constant(count <= preset.relief_steps),
        )
        scores.append(score.numpy())
    return np.stack(scores)


def maximize_layer(
    network: Network,
    summary: NetworkSummary,
    layer: str,
    channels: Sequence[int],
    preset: Preset,
    *,
    dataset_max: FloatArray | None = None,
    **settings: Any,
) -> list[MaximizedChannel]:
    """Make the pictures of some channels of one layer."""
    known = {} if dataset_max is None else {layer: dataset_max}
    pictures, _ = maximize(TracedPasses(network), summary, {layer: channels}, preset, dataset_max=known, **settings)
    return pictures
