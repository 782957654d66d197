"""Time of drawing VGG16's filters and block feature maps for one image, against matplotlib subplots.

Both sides start from the same arrays and end in encoded pictures: the filters of all 13 convolutions as six
rows of three, and 64 maps of each of the five block ends. Run by hand:

    python tests/benchmarks/draw_vgg16.py

It prints the two times and their ratio; the aim is at most 0.1.
"""

from __future__ import annotations

import io
import os
import statistics
import time
from collections.abc import Callable, Sequence

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from reportgen.analysis.network.capture import Extractor
from reportgen.analysis.network.feature_maps import extract_feature_maps
from reportgen.analysis.network.layers import summarize_network
from reportgen.analysis.weights.filters import filter_banks, weight_statistics
from reportgen.config import Config
from reportgen.draw.feature_maps import SHARED, draw_feature_maps
from reportgen.draw.filters import draw_filters, draw_first_filters
from reportgen.files.encoding import encode_webp
from reportgen.models import load_network
from reportgen.results import FeatureMaps, FilterBank

AIM = 0.1
REPEATS = 5
BLOCK_ENDS = ("block1_conv2", "block2_conv2", "block3_conv3", "block4_conv3", "block5_conv3")


def compute() -> tuple[tuple[FilterBank, ...], tuple[FeatureMaps, ...]]:
    """The kernels of VGG16 with random weights, and its maps for one picture at 224 x 224."""
    keras.utils.set_random_seed(0)
    model = keras.applications.VGG16(weights=None, include_top=False)
    network = load_network(Config.checked(preprocess="caffe"), model)
    summary = summarize_network(network)
    pixels = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
    outputs = {name: rows[0] for name, rows in Extractor(network, BLOCK_ENDS)(pixels[None]).items()}
    maps = extract_feature_maps([summary.layer(name) for name in BLOCK_ENDS], outputs, "noise")
    return filter_banks(network, summary), maps


def draw_ours(banks: Sequence[FilterBank], maps: Sequence[FeatureMaps]) -> int:
    """Draw and encode with this package; the number of bytes."""
    drawings = [draw_first_filters(bank, weight_statistics(bank)) for bank in banks]
    for found in maps:
        drawings.extend(draw_feature_maps(found, variants=[SHARED]))
    return sum(len(encode_webp(drawing.pixels, lossless=drawing.lossless)) for drawing in drawings)


def draw_all_of_ours(banks: Sequence[FilterBank], maps: Sequence[FeatureMaps]) -> int:
    """Draw and encode all that a report shows of the same arrays, both scales of everything."""
    drawings = [drawing for bank in banks for drawing in draw_filters(bank, weight_statistics(bank))]
    drawings += [drawing for found in maps for drawing in draw_feature_maps(found)]
    return sum(len(encode_webp(drawing.pixels, lossless=drawing.lossless)) for drawing in drawings)


def draw_subplots(banks: Sequence[FilterBank], maps: Sequence[FeatureMaps]) -> int:
    """Draw and encode the same figures as grids of matplotlib subplots; the number of bytes."""
    total = 0
    for bank in banks:
        low, high = bank.kernel.min(), bank.kernel.max()
        filters = (bank.kernel - low) / (high - low)
        tiles = [filters[:, :, column, row] for row in range(6) for column in range(3)]
        total += _subplots(tiles, 6, 3, "gray", 0.0, 1.0)
    for found in maps:
        tiles = [found.activations[:, :, channel] for channel in range(64)]
        total += _subplots(tiles, 8, 8, "viridis", found.activations.min(), found.activations.max())
    return total


def _subplots(tiles: Sequence[np.ndarray], rows: int, columns: int, colours: str, low: float, high: float) -> int:
    figure = Figure(figsize=(columns, rows))
    FigureCanvasAgg(figure)
    for index, tile in enumerate(tiles):
        axes = figure.add_subplot(rows, columns, index + 1)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.imshow(tile, cmap=colours, vmin=low, vmax=high)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.tell()


def _median_seconds(draw: Callable[[], int]) -> float:
    draw()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        draw()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    """Measure both and print."""
    banks, maps = compute()
    ours = _median_seconds(lambda: draw_ours(banks, maps))
    everything = _median_seconds(lambda: draw_all_of_ours(banks, maps))
    theirs = _median_seconds(lambda: draw_subplots(banks, maps))
    print(f"13 filter figures and 5 mosaics of 64 maps, median of {REPEATS}:")
    print(f"  reportgen            {ours * 1000:8.0f} ms  {draw_ours(banks, maps) / 1000:8.0f} kB")
    print(f"  matplotlib subplots  {theirs * 1000:8.0f} ms  {draw_subplots(banks, maps) / 1000:8.0f} kB")
    print(f"  ratio                {ours / theirs:8.3f}     (aim: at most {AIM})")
    print(f"All {3 * len(banks) + 2 * len(maps)} figures that a report shows of these:")
    print(f"  reportgen            {everything * 1000:8.0f} ms  {draw_all_of_ours(banks, maps) / 1000:8.0f} kB")


if __name__ == "__main__":
    main()
