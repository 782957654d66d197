"""How much slower statistics make a pass over many images.

Compares a bare pipeline that decodes and resizes pictures and runs MobileNetV2 with the same pipeline with
statistics, histograms and top images: of the block ends, and of all convolutions. They take turns on every
portion of the pictures, each time in another order, so that what else the machine does falls on all alike, and
so does what one leaves behind in memory for the next. Prints images per second and
the share of the bare pipeline's, of the whole run and as the median over the portions.

    python tests/benchmarks/statistics_throughput.py [--images 5000] [--set 5000] [--portion 512]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import tensorflow as tf
from PIL import Image

from reportgen.analysis.network.layers import summarize_network
from reportgen.analysis.network.selection import select_layers
from reportgen.analysis.statistics.image_pass import Plan
from reportgen.analysis.statistics.measure_task import MOST_IMAGES, MeasureTask
from reportgen.analysis.statistics.measurements import Measurements
from reportgen.config import Config
from reportgen.engines import LocalEngine, chunks_of
from reportgen.images import Fitting, ImageFile, collect_images, load_image
from reportgen.models import Network, load_network

SIDE = 320  # pixels of the longer side of the pictures that are made


def write_pictures(folder: Path, count: int) -> None:
    """Write `count` JPEG pictures of smooth coloured noise."""
    random = np.random.default_rng(0)
    for number in range(count):
        coarse = random.uniform(0, 255, (9, 12, 3)).astype(np.uint8)
        picture = Image.fromarray(coarse).resize((SIDE, SIDE * 3 // 4), Image.Resampling.BICUBIC)
        grain = random.normal(0, 8, (SIDE * 3 // 4, SIDE, 3))
        pixels = np.clip(np.asarray(picture) + grain, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:06d}.jpg", quality=90)


def bare(network: Network) -> Callable[[Sequence[ImageFile]], object]:
    """Decodes, resizes and runs the network, several images at a time, each on one processor."""

    @tf.function(input_signature=[tf.TensorSpec((*network.size, 3), tf.uint8)], autograph=False)
    def forward(pixels: tf.Tensor) -> tf.Tensor:
        return network.model(network.feed(network.prepare(pixels[tf.newaxis])), training=False)

    def run(images: Sequence[ImageFile]) -> None:
        answers = loaded(network, images, forward)
        options = tf.data.Options()
        options.threading.max_intra_op_parallelism = 1
        for _ in answers.with_options(options):
            pass

    return run


def loaded(
    network: Network, images: Sequence[ImageFile], then: Callable[[tf.Tensor], tf.Tensor] = tf.identity
) -> tf.data.Dataset:
    """The fitted pixels of each image, and what `then` makes of them, several at a time."""

    def load(place: np.ndarray) -> np.ndarray:
        return Fitting(network.size).apply(load_image(images[int(place)]))[0]

    def pixels(place: tf.Tensor) -> tf.Tensor:
        loaded = tf.numpy_function(load, [place], tf.uint8, stateful=False)
        return then(tf.ensure_shape(loaded, (*network.size, 3)))

    options = tf.data.Options()
    options.autotune.enabled = False  # as in the pass that is measured
    places = tf.data.Dataset.range(len(images)).with_options(options)
    return places.map(pixels, num_parallel_calls=os.cpu_count(), deterministic=True)


def batches(network: Network) -> Callable[[Sequence[ImageFile]], object]:
    """The same in batches of 32, as `model.predict` would run them."""

    @tf.function(autograph=False)
    def forward(pixels: tf.Tensor) -> tf.Tensor:
        return network.model(network.feed(network.prepare(pixels)), training=False)

    def run(images: Sequence[ImageFile]) -> None:
        for pixels in loaded(network, images).batch(32).prefetch(2):
            forward(pixels)

    return run


def measuring(network: Network, count: int, pattern: str) -> Callable[[Sequence[ImageFile]], object]:
    """Measures the layers `pattern` means on images of a set of `count`."""
    summary = summarize_network(network)
    plan = Plan.make(summary, select_layers(summary, (pattern,)), count, Fitting(network.size))
    task = MeasureTask(network, plan, Config(preprocess="tf"))
    measured = Measurements(plan.layout.channels)

    def measure(images: Sequence[ImageFile]) -> None:
        for outcome in LocalEngine().run(task, chunks_of(images, 0, MOST_IMAGES), lambda _: None):
            measured.merge(outcome.value)
            del outcome

    return measure


@dataclass
class Taken:
    """Seconds that each portion took, of the clock and of processors."""

    clock: list[float] = field(default_factory=list)
    processors: list[float] = field(default_factory=list)

    def add(self, run: Callable[[], object]) -> None:
        """Run and note."""
        begun, used = time.perf_counter(), time.process_time()
        run()
        self.clock.append(time.perf_counter() - begun)
        self.processors.append(time.process_time() - used)


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--set", type=int, default=5000, help="of how large a set they are taken to be")
    parser.add_argument("--portion", type=int, default=MOST_IMAGES, help="images in a chunk of a large set")
    arguments = parser.parse_args()
    network = load_network(Config(model="keras:MobileNetV2", weights="none", preprocess="tf"))
    with tempfile.TemporaryDirectory() as name:
        write_pictures(Path(name), arguments.images)
        images = collect_images([name]).images
        runs: dict[str, Callable[[Sequence[ImageFile]], object]] = {
            "bare": bare(network),
            "bare, batches of 32": batches(network),
            "block ends": measuring(network, arguments.set, "blocks"),
            "all convolutions": measuring(network, arguments.set, "convs"),
        }
        for run in runs.values():
            run(images[:16])  # what is compiled is compiled
        taken = {title: Taken() for title in runs}
        for turn, chunk in enumerate(chunks_of(images, 0, arguments.portion)):
            for place in range(len(runs)):
                title = list(runs)[(place + turn) % len(runs)]
                taken[title].add(partial(runs[title], chunk.images))
    for title, one in taken.items():
        shares = np.divide(taken["bare"].clock, one.clock)
        print(
            f"{title:20} {len(images) / sum(one.clock):6.1f} images/s, "
            f"{1e3 * sum(one.processors) / len(images):5.1f} ms of processor each, "
            f"{sum(taken['bare'].clock) / sum(one.clock):.3f} of bare, median {np.median(shares):.3f} "
            f"({shares.min():.2f} to {shares.max():.2f} over {len(shares)} portions)"
        )


if __name__ == "__main__":
    main()
