"""Time of activation maximisation on VGG16 without its head and with random weights; one measurement a run.

    python tests/benchmarks/maximize_vgg16.py classic    against the tutorials' recipe, one filter at a time
    python tests/benchmarks/maximize_vgg16.py crisp      against tf-keras-vis 0.8.7
    python tests/benchmarks/maximize_vgg16.py rate       arithmetic of the deepest layer against matrix products

`classic`: 20 channels of each of the 13 convolutions, 128 x 128, 20 steps. The other side is the recipe as it is
written for TensorFlow 2: the network cut at the layer, the gradient of the channel's mean in one traced function
for the layer, one image at a time. Both sides make all pictures of a layer before the next layer. Aim: at most
0.70 of the time.

`crisp`: 20 channels of three layers, the same number of steps on both sides, so without ending early. tf-keras-vis
works at 224 x 224 with its own defaults, by whichever of its two documented ways is faster here: filters one by one,
or as one batch. The preset gives a layer the canvas its receptive field asks for; the time on 224 x 224 is printed
beside it. Aims: at most 0.15, 0.40 and 0.60 of the time. Needs the other package, which nothing else does:

    pip install -e ".[benchmark]"

`rate`: multiplications and additions that a step of `crisp` cannot do without (forward up to the layer, of which one
channel, and back to the image), over the time of a step, against a product of two 2048 x 2048 matrices by the same
library. Aim: at least 0.8.

Times include tracing. `--steps`, `--channels` and `--layers` make shorter runs.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from reportgen.analysis.maximization import CLASSIC, CRISP, Preset, maximize
from reportgen.analysis.maximization.layer_ascents import LayerAscents
from reportgen.analysis.maximization.scheduling import Job, expense_of, schedule
from reportgen.analysis.maximization.subjects import LayerChannels
from reportgen.analysis.maximization.traced_pass import TracedPasses
from reportgen.analysis.network.layers import summarize_network
from reportgen.config import Config
from reportgen.models import Network, load_network
from reportgen.results import NetworkSummary

CLASSIC_AIM = 0.70
CRISP_AIMS = {"block1_conv2": 0.15, "block3_conv1": 0.40, "block5_conv3": 0.60}
RATE_AIM = 0.8
DEEPEST = "block5_conv3"
SIDE = 224
CHANNELS = 20
CLASSIC_STEPS = 20
CRISP_STEPS = 16
RATE_STEPS = 3
RATE_ROUNDS = 4
MATRIX_SIDE = 2048
PRODUCTS = 8


def open_vgg16() -> tuple[Network, NetworkSummary]:
    """VGG16 without its head, with random weights from a fixed seed."""
    keras.utils.set_random_seed(0)
    model = keras.applications.VGG16(weights=None, include_top=False)
    network = load_network(Config.checked(preprocess="none", size=(SIDE, SIDE)), model)
    return network, summarize_network(network)


def seconds(run: Callable[..., object], *arguments: Any, **settings: Any) -> float:
    """How long `run` takes with `arguments`."""
    start = time.perf_counter()
    run(*arguments, **settings)
    return time.perf_counter() - start


# --- classic --------------------------------------------------------------------------------------


def plain_classic(network: Network, layer: str, channels: Sequence[int], steps: int) -> list[np.ndarray]:
    """The tutorials' recipe as people write it for TensorFlow 2."""
    target = network.model.get_layer(layer)
    features = keras.Model(network.model.inputs, target.output)

    @tf.function
    def ascend(image: tf.Tensor, channel: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(image)
            loss = tf.reduce_mean(features(image)[:, :, :, channel])
        gradient = tape.gradient(loss, image)
        gradient /= tf.sqrt(tf.reduce_mean(tf.square(gradient))) + 1e-5
        return image + gradient * 1.0

    height, width = CLASSIC.canvas or network.size
    pictures = []
    for channel in channels:
        noise = np.random.default_rng([0, channel]).normal(127, 10, (1, height, width, 3))
        image = tf.constant(noise, tf.float32)
        for _ in range(steps):
            image = ascend(image, tf.constant(channel))
        shown = image.numpy()[0]
        shown = (shown - shown.mean()) / (shown.std() + 1e-5) * 0.1 + 0.5
        pictures.append((np.clip(shown, 0, 1) * 255).astype(np.uint8))
    return pictures


def compare_classic(layers: Sequence[str] | None, channels: int, steps: int | None) -> None:
    """All convolutions, layer by layer in turns."""
    network, summary = open_vgg16()
    preset = replace(CLASSIC, steps=steps or CLASSIC_STEPS)
    totals = [0.0, 0.0]
    print(f"classic, {channels} channels, {preset.steps} steps, 128 x 128: reportgen, one filter at a time, ratio")
    for layer in layers or [row.name for row in summary.layers if row.is_convolution]:
        ours = seconds(maximize, network, summary, {layer: range(channels)}, preset, dataset_max={})
        theirs = seconds(plain_classic, network, layer, range(channels), preset.steps)
        totals = [totals[0] + ours, totals[1] + theirs]
        print(f"  {layer:14} {ours:8.1f} s {theirs:8.1f} s {ours / theirs:8.3f}", flush=True)
    ratio = totals[0] / totals[1]
    print(f"  {'all':14} {totals[0]:8.1f} s {totals[1]:8.1f} s {ratio:8.3f}   (aim: at most {CLASSIC_AIM})")


# --- crisp ----------------------------------------------------------------------------------------


def cut_linear(network: Network, layer: str) -> Any:
    """tf-keras-vis on the network up to `layer`, before its nonlinearity, as its documentation does it."""
    from tf_keras_vis.activation_maximization import ActivationMaximization
    from tf_keras_vis.utils.model_modifiers import ReplaceToLinear

    cut = keras.Model(network.model.inputs, network.model.get_layer(layer).output)
    return ActivationMaximization(cut, model_modifier=ReplaceToLinear(), clone=True)


def rival_one_by_one(maximization: Any, channels: Sequence[int], steps: int) -> None:
    """tf-keras-vis, one filter after another."""
    from tf_keras_vis.utils.scores import CategoricalScore

    for channel in channels:
        seed_input = tf.random.uniform((1, SIDE, SIDE, 3), 0, 255, seed=channel)
        maximization(CategoricalScore(channel), seed_input=seed_input, steps=steps)


def rival_in_a_batch(maximization: Any, channels: Sequence[int], steps: int) -> None:
    """tf-keras-vis, all filters at once."""
    from tf_keras_vis.utils.scores import CategoricalScore

    seed_input = tf.random.uniform((len(channels), SIDE, SIDE, 3), 0, 255, seed=0)
    maximization(CategoricalScore(list(channels)), seed_input=seed_input, steps=steps)


def faster_rival(maximization: Any, channels: Sequence[int]) -> Callable[..., None]:
    """Which of the two ways takes less time for each filter and step."""
    few = channels[:2]
    rival_one_by_one(maximization, few, 1)
    alone = seconds(rival_one_by_one, maximization, few, 2) / len(few)
    together = seconds(rival_in_a_batch, maximization, channels, 2) / len(channels)
    return rival_one_by_one if alone < together else rival_in_a_batch


def compare_crisp(layers: Sequence[str] | None, channels: int, steps: int | None) -> None:
    """Three depths in turns, ours also on the other's canvas."""
    network, summary = open_vgg16()
    preset = replace(CRISP, steps=steps or CRISP_STEPS, patience=0, second_seeds=0)
    wanted = list(range(channels))
    print(f"crisp, {channels} channels, {preset.steps} steps: reportgen, tf-keras-vis at {SIDE} x {SIDE}, ratio")
    for layer in layers or CRISP_AIMS:
        maximization = cut_linear(network, layer)
        rival = faster_rival(maximization, wanted)
        start = time.perf_counter()
        canvas = maximize(TracedPasses(network), summary, {layer: wanted}, preset, dataset_max={})[0][0].canvas
        ours = time.perf_counter() - start
        theirs = seconds(rival, maximization, wanted, preset.steps)
        aim = f"(aim: at most {CRISP_AIMS[layer]})" if layer in CRISP_AIMS else ""
        print(f"  {layer:14} {ours:8.1f} s {theirs:8.1f} s {ours / theirs:8.3f}   {aim}")
        print(f"  {'':14} ours on {canvas[0]} x {canvas[1]}, theirs by {rival.__name__}", flush=True)
        if canvas != (SIDE, SIDE):
            large = replace(preset, canvas=(SIDE, SIDE))
            same = seconds(maximize, network, summary, {layer: wanted}, large, dataset_max={})
            print(f"  {'':14} {same:8.1f} s {theirs:8.1f} s {same / theirs:8.3f}   both on {SIDE} x {SIDE}", flush=True)


# --- rate -----------------------------------------------------------------------------------------


def needed_operations(summary: NetworkSummary, layer: str, canvas: tuple[int, int]) -> float:
    """Multiplications and additions of one step for one image: forward to one channel of `layer`, and back."""
    size = (SIDE, SIDE)
    row = summary.layer(layer)
    assert row.mac_count is not None
    assert row.actual_shape is not None
    share = canvas[0] * canvas[1] / (SIDE * SIDE)
    others = share * row.mac_count * (1 - 1 / row.actual_shape[-1])
    return 2 * 2 * (expense_of(summary, layer, size, canvas).macs - others)


def multiply(matrix: tf.Tensor, product: Callable[..., tf.Tensor]) -> None:
    """A few matrix products, one after another."""
    for _ in range(PRODUCTS):
        result = product(matrix, matrix)
    result.numpy()


def compare_rate(layers: Sequence[str] | None, channels: int, steps: int | None) -> None:
    """A batch of the deepest layer and matrix products, in turns; on the layer's canvas and on a full one."""
    network, summary = open_vgg16()
    layer = (layers or [DEEPEST])[0]
    matrix = tf.random.normal((MATRIX_SIDE, MATRIX_SIDE), seed=0)
    product = tf.function(tf.matmul)
    multiply(matrix, product)
    for side in (None, SIDE):
        preset = replace(CRISP, steps=steps or RATE_STEPS, canvas=None if side is None else (side, side))
        job = schedule({layer: range(channels)}, summary, network.size, preset, in_rounds=False)[0]
        climb = Climbing(network, job, preset)
        climb()
        operations = needed_operations(summary, layer, job.canvas) * len(job.channels) * preset.steps
        rates = []
        print(f"{layer}, {job.canvas[0]} x {job.canvas[1]}, batches of {len(job.channels)}: ascent, product, ratio")
        for _ in range(RATE_ROUNDS):
            own = operations / seconds(climb) / 1e9
            products = PRODUCTS * 2 * MATRIX_SIDE**3 / seconds(multiply, matrix, product) / 1e9
            rates.append((own, products))
            print(f"  {own:8.1f} GFLOP/s {products:8.1f} GFLOP/s {own / products:8.3f}", flush=True)
        own, products = (statistics.median(column) for column in zip(*rates, strict=True))
        print(f"  {own:8.1f} GFLOP/s {products:8.1f} GFLOP/s {own / products:8.3f}   medians; aim: at least {RATE_AIM}")


class Climbing:
    """Steps of one batch, each call going on where the last ended."""

    def __init__(self, network: Network, job: Job, preset: Preset) -> None:
        self.climber = LayerAscents(TracedPasses(network), LayerChannels(job.layer), job.canvas, preset, None).climber
        self.state = self.climber.start([np.random.default_rng([0, channel]) for channel in job.channels])
        self.channels, self.signs = tf.constant(job.channels, tf.int32), tf.ones(len(job.channels))
        self.rates = tf.fill((len(job.channels),), preset.step_size)
        self.transforms = np.random.default_rng(0)
        self.steps = preset.steps

    def __call__(self) -> None:
        """Make the steps."""
        for count in range(1, self.steps + 1):
            drawn = tf.constant(self.climber.draw(self.transforms))
            number = tf.constant(float(count))
            given = self.channels, self.signs, self.rates, drawn, number, tf.constant(False)
            self.state, scores, _ = self.climber.step(self.state, *given)
        scores.numpy()


def main() -> None:
    """Run the measurement named on the command line."""
    measurements = {"classic": compare_classic, "crisp": compare_crisp, "rate": compare_rate}
    parser = argparse.ArgumentParser(description="Time of activation maximisation on VGG16.")
    parser.add_argument("measurement", choices=measurements)
    parser.add_argument("--layers", nargs="+")
    parser.add_argument("--channels", type=int, default=CHANNELS)
    parser.add_argument("--steps", type=int)
    given = parser.parse_args()
    measurements[given.measurement](given.layers, given.channels, given.steps)


if __name__ == "__main__":
    main()
