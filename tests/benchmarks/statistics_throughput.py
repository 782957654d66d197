"""How much slower statistics make a pass over many images.

Compares, in one run and in turns, a bare pipeline that decodes and resizes pictures and runs MobileNetV2 with
the same pipeline with statistics, histograms and top images: of the block ends, and of all convolutions with
the activations behind them. Prints images per second and the share of the bare pipeline's.

    python tests/benchmarks/statistics_throughput.py [--images 5000] [--rounds 1]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import tensorflow as tf
from PIL import Image

from reportgen.analysis.image_pass import Plan
from reportgen.analysis.layers import summarize_network
from reportgen.analysis.measuring import MeasureTask, measure_images
from reportgen.analysis.selection import select_layers
from reportgen.config import Config
from reportgen.images import ImageFile, collect_images, fit_image, load_image
from reportgen.models import Network, load_network
from reportgen.progress import Silent

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


def bare(network: Network, images: Sequence[ImageFile]) -> None:
    """Decode, resize and run the network, several images at a time, each on one processor."""

    def load(place: np.ndarray) -> np.ndarray:
        return fit_image(load_image(images[int(place)]), network.size)[0]

    @tf.function(input_signature=[tf.TensorSpec((*network.size, 3), tf.uint8)], autograph=False)
    def forward(pixels: tf.Tensor) -> tf.Tensor:
        return network.model(network.feed(network.prepare(pixels[tf.newaxis])), training=False)

    def answer(place: tf.Tensor) -> tf.Tensor:
        pixels = tf.numpy_function(load, [place], tf.uint8, stateful=False)
        return forward(tf.ensure_shape(pixels, (*network.size, 3)))

    places = tf.data.Dataset.range(len(images))
    answers = places.map(answer, num_parallel_calls=os.cpu_count(), deterministic=True)
    options = tf.data.Options()
    options.threading.max_intra_op_parallelism = 1
    for _ in answers.with_options(options):
        pass


def batches(network: Network, images: Sequence[ImageFile]) -> None:
    """The same in batches of 32, as `model.predict` would run them."""

    def load(place: np.ndarray) -> np.ndarray:
        return fit_image(load_image(images[int(place)]), network.size)[0]

    def loaded(place: tf.Tensor) -> tf.Tensor:
        return tf.ensure_shape(tf.numpy_function(load, [place], tf.uint8, stateful=False), (*network.size, 3))

    @tf.function(autograph=False)
    def forward(pixels: tf.Tensor) -> tf.Tensor:
        return network.model(network.feed(network.prepare(pixels)), training=False)

    pictures = tf.data.Dataset.range(len(images)).map(loaded, num_parallel_calls=os.cpu_count())
    for pixels in pictures.batch(32).prefetch(2):
        forward(pixels)


def measuring(network: Network, images: Sequence[ImageFile], pattern: str) -> Callable[[], object]:
    """Measure the layers `pattern` means."""
    config = Config(preprocess="tf")
    summary = summarize_network(network)
    layers = select_layers(summary, (pattern,))
    plan = Plan.make(summary, layers, len(images), "squash", "bilinear")
    task = MeasureTask(network, plan, config)
    return lambda: measure_images(task, images, config, Silent(), None)


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=1)
    arguments = parser.parse_args()
    network = load_network(Config(model="keras:MobileNetV2", weights="none", preprocess="tf"))
    with tempfile.TemporaryDirectory() as name:
        write_pictures(Path(name), arguments.images)
        images = collect_images([name]).images
        few = images[:16]
        runs: dict[str, Callable[[Sequence[ImageFile]], Callable[[], object]]] = {
            "bare": lambda some: lambda: bare(network, some),
            "bare, batches of 32": lambda some: lambda: batches(network, some),
            "block ends": lambda some: measuring(network, some, "blocks"),
            "all convolutions": lambda some: measuring(network, some, "convs"),
        }
        best: dict[str, float] = {}
        for title, make in runs.items():
            make(few)()  # what is compiled is compiled
            best[title] = float("inf")
        ready = {title: make(images) for title, make in runs.items()}
        for _ in range(arguments.rounds):
            for title, run in ready.items():
                begun, used = time.perf_counter(), time.process_time()
                run()
                seconds = time.perf_counter() - begun
                best[title] = min(best[title], seconds)
                processor = 1e3 * (time.process_time() - used) / len(images)
                speed = f"{len(images) / seconds:7.1f} images/s"
                print(f"{title:20} {speed}, {processor:.1f} ms of processor each", flush=True)
    for title, seconds in best.items():
        print(f"{title:20} {best['bare'] / seconds:6.2f} of bare")


if __name__ == "__main__":
    main()
