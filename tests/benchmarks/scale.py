"""What large sets of images and all channels of a network cost, and what that makes on a cluster.

Measures with VGG16, which has random weights since the cost does not depend on them:

- the processor time of one image with statistics, histograms and top images of all convolutions;
- the time to find and check one image file, and to merge what was measured on a chunk of images;
- the processor time of one step of activation maximisation for one channel, layer by layer.

Then prints what a set of images and all channels of all convolutions take on a number of processors.

    python tests/benchmarks/scale.py [--images 64] [--steps 6] [--set 1000000] [--processors 256]
"""

from __future__ import annotations

import argparse
import os
import pickle
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
from statistics_throughput import write_pictures

from reportgen.analysis.maximization import CRISP, maximize
from reportgen.analysis.maximization.traced_pass import TracedPasses
from reportgen.analysis.network.layers import summarize_network
from reportgen.analysis.network.selection import select_layers
from reportgen.analysis.statistics.image_pass import Plan
from reportgen.analysis.statistics.measure_task import MOST_IMAGES, MeasureTask
from reportgen.analysis.statistics.measurements import Measurements
from reportgen.config import Config
from reportgen.engines import chunks_of
from reportgen.images import Fitting, ImageFile, collect_images
from reportgen.models import Network, load_network
from reportgen.results import NetworkSummary

WARM = 8  # images, and 2 steps, that are run before time is taken
BATCH = 4  # channels maximised together
SHORT = 2


@dataclass(frozen=True)
class ImageCost:
    """Seconds: of a processor for one image, to find one file, to merge one chunk; bytes of a chunk's result."""

    image: float
    file: float
    merge: float
    result: int


@dataclass(frozen=True)
class LayerCost:
    """Processor seconds of one step for one channel of a layer."""

    name: str
    channels: int
    step: float


def processor_time(run: Callable[[], object]) -> float:
    """Seconds of all processors together that `run` takes."""
    begun = time.process_time()
    run()
    return time.process_time() - begun


def image_cost(network: Network, summary: NetworkSummary, images: tuple[ImageFile, ...], seconds: float) -> ImageCost:
    """Measure all convolutions on `images`, which took `seconds` to find."""
    plan = Plan.make(summary, select_layers(summary, ("convs",)), MOST_IMAGES, Fitting(network.size))
    task = MeasureTask(network, plan, Config(preprocess="caffe"))
    first, rest = chunks_of(images, 0, WARM), next(chunks_of(images[WARM:], WARM, len(images)))
    measured = task.run(next(first), lambda _: None)
    other: list[Measurements] = []
    taken = processor_time(lambda: other.append(task.run(rest, lambda _: None)))
    begun = time.perf_counter()
    measured.merge(pickle.loads(pickle.dumps(other[0])))
    merging = time.perf_counter() - begun
    return ImageCost(taken / rest.size, seconds / len(images), merging, len(pickle.dumps(other[0])))


def layer_cost(network: Network, summary: NetworkSummary, layer: str, steps: int) -> LayerCost:
    """Climb for a few channels of `layer`, shortly and `steps` longer: the difference is without preparations."""
    channels = summary.layer(layer).output_shape[-1]
    assert channels is not None
    plain = replace(CRISP, check_every=0, patience=0, restarts=0, rival_steps=0, second_seeds=0)

    def climb(count: int) -> float:
        preset = replace(plain, steps=count)
        return processor_time(
            lambda: maximize(TracedPasses(network), summary, {layer: range(BATCH)}, preset, dataset_max={})
        )

    short = climb(SHORT)
    return LayerCost(layer, channels, max(0.0, climb(SHORT + steps) - short) / steps / BATCH)


def print_scale(cost: ImageCost, layers: list[LayerCost], images: int, processors: int) -> None:
    """Print what `images` images and all channels take on `processors` processors."""
    chunks = -(-images // MOST_IMAGES)
    hours = images * cost.image / 3600
    print(f"{images} images: {hours:.0f} hours of a processor, {hours / processors:.1f} hours on {processors}")
    print(f"  here: {images * cost.file / 3600:.1f} hours to find and check the files")
    print(f"  here: {chunks} results of {cost.result / 1e6:.1f} MB, {chunks * cost.merge / 60:.0f} minutes to merge")
    channels = sum(layer.channels for layer in layers)
    for title, steps in (("at least", CRISP.steps), ("at most", CRISP.steps + CRISP.rival_steps)):
        hours = sum(layer.channels * layer.step for layer in layers) * steps / 3600
        print(
            f"{channels} channels, {title} {steps} steps each: {hours:.0f} hours of a processor, "
            f"{hours / processors:.1f} hours on {processors}"
        )


def main() -> None:
    """Print costs and what they add up to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--set", type=int, default=1_000_000)
    parser.add_argument("--processors", type=int, default=256)
    arguments = parser.parse_args()
    network = load_network(Config(model="keras:VGG16", weights="none", preprocess="caffe"))
    summary = summarize_network(network)
    with tempfile.TemporaryDirectory() as name:
        write_pictures(Path(name), arguments.images)
        begun = time.perf_counter()
        images = collect_images([name]).images
        cost = image_cost(network, summary, images, time.perf_counter() - begun)
    print(f"one image, all convolutions: {cost.image:.2f} s of a processor")
    print(f"one file: {1e3 * cost.file:.2f} ms; one chunk: {cost.result / 1e6:.1f} MB, {cost.merge:.2f} s", flush=True)
    layers = []
    for layer in select_layers(summary, ("convs",)):
        layers.append(layer_cost(network, summary, layer, arguments.steps))
        print(f"one step of one channel of {layer}: {layers[-1].step:.3f} s of a processor", flush=True)
    shares = np.array([layer.channels * layer.step for layer in layers])
    print(f"one step of an average channel: {shares.sum() / sum(layer.channels for layer in layers):.3f} s")
    print_scale(cost, layers, arguments.set, arguments.processors)


if __name__ == "__main__":
    main()
