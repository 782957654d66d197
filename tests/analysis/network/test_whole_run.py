"""Runs that pages are made of have the same bits whether they are kept of the pass over all images or made again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support import zoo

from reportgen.analysis.network.layers import summarize_network
from reportgen.analysis.network.whole_run import Captured, WholeRun, runs_one_by_one
from reportgen.analysis.statistics.image_statistics import collect
from reportgen.config import Config
from reportgen.files.cache import Cache
from reportgen.images import Fitting, ImageFile, ImageSet
from reportgen.images.sources import ArraySource
from reportgen.models import Network
from reportgen.progress import Silent

IMAGES = 5


class Kept:
    """Keeps all it is told."""

    def __init__(self, layers: tuple[str, ...], pixels: dict[str, np.ndarray]) -> None:
        self.layers: tuple[str, ...] | None = layers
        self.runs: dict[str, Captured] = {}
        self._pixels = pixels

    def decoded(self, file: str) -> np.ndarray | None:
        return self._pixels.get(file)

    def take_in(self, file: str, run: Captured) -> None:
        self.runs[file] = run


def pass_over(network: Network, decoded: int = 0, cache: Cache | None = None) -> Kept:
    """What is kept of a pass over a few images, of which the first were decoded before."""
    pixels = zoo.pictures(network, IMAGES)
    images = tuple(
        ImageFile(f"{place}.png", ArraySource(array), f"{place}", *network.size[::-1])
        for place, array in enumerate(pixels)
    )
    summary = summarize_network(network)
    layers = tuple(row.name for row in summary.layers if row.kind != "input" and row.is_map)
    kept = Kept(layers, {image.file: pixels[place] for place, image in enumerate(images[:decoded])})
    fitting = Fitting(network.size)
    collect(
        network, summary, ImageSet(images, ()), layers[::2], fitting, Config(), Silent(), cache=cache, onlooker=kept
    )
    return kept


@pytest.mark.parametrize("name", sorted(zoo.ZOO))
def test_a_run_has_the_same_bits_in_the_pass_over_all_images_and_when_it_is_made_again(name: str) -> None:
    network = zoo.open_zoo(name)
    kept, pixels = pass_over(network), zoo.pictures(network, IMAGES)
    files = [f"{place}.png" for place in range(IMAGES)]
    again = list(runs_one_by_one(network, kept.layers or (), files, pixels.__getitem__, "uint8", 2))
    assert sorted(kept.runs) == files
    for file, run in zip(files, again, strict=True):
        assert list(kept.runs[file].outputs) == list(run.outputs)
        pairs = zip(
            [*kept.runs[file].outputs.values(), *kept.runs[file].answer], [*run.outputs.values(), *run.answer],
            strict=True,
        )  # fmt: skip
        assert all(np.array_equal(one, other) for one, other in pairs)
        assert kept.runs[file].sums == run.sums


@pytest.mark.parametrize("name", ["sequential_built", "nested", "several_outputs", "channels_first"])
def test_runs_one_by_one_give_what_a_batch_gives(name: str) -> None:
    network = zoo.open_zoo(name)
    kept, pixels = pass_over(network, decoded=2), zoo.pictures(network, IMAGES)
    together = WholeRun(network, kept.layers or ())(pixels)
    for place in range(IMAGES):
        run = kept.runs[f"{place}.png"]
        for layer, output in run.outputs.items():
            np.testing.assert_allclose(output[0], together.outputs[layer][place], rtol=1e-3, atol=1e-4)
        for one, batch in zip(run.answer, together.answer, strict=True):
            np.testing.assert_allclose(one[0], batch[place], rtol=1e-3, atol=1e-4)


def test_of_images_measured_before_nothing_is_heard(tmp_path: Path) -> None:
    network, cache = zoo.open_zoo("nested"), Cache(tmp_path)
    assert len(pass_over(network, cache=cache).runs) == IMAGES
    assert pass_over(network, cache=cache).runs == {}
