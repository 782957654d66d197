"""What the review costs, against what it is added to.

Evaluation and the images' quality: the pass over the images with and without what they keep, and what is computed from
it. Robustness: the section's loop against the bare one, which makes the same images and runs the network on all of
them in batches of the same size.

    python tests/benchmarks/review_cost.py MODEL IMAGES [robustness images]

IMAGES is a folder of folders named after classes. Times are the least of several runs, alternately.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from reportgen.analysis.changed_images import CHANGES, ChangedImages
from reportgen.analysis.dataset_quality.duplicates import find_alike
from reportgen.analysis.dataset_quality.nearest import find_neighbours
from reportgen.analysis.dataset_quality.outliers import rank_outliers
from reportgen.analysis.dataset_quality.projection import project
from reportgen.analysis.review import review_classes
from reportgen.analysis.reviewing import Review
from reportgen.analysis.robustness import RobustnessAccumulator
from reportgen.analysis.statistics.image_statistics import collect
from reportgen.config import Config
from reportgen.files.cache import Cache
from reportgen.images import collect_images
from reportgen.models import load_network
from reportgen.progress import Silent
from reportgen.sections.picture_store import PictureStore
from reportgen.sections.robustness import FirstFlips
from reportgen.sections.study import Study, Workshop, fitted_images, prepare_study

RUNS = 3


def seconds(work: Callable[[], object]) -> float:
    """The processor time that `work` takes: others may keep the machine busy, too."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def pass_cost(study: Study) -> tuple[float, float]:
    """Seconds of the plain pass, and of the pass with all that the review keeps and computes."""
    config, images, network = study.config, study.images, study.network
    layers = study.statistics.layers

    def plain() -> None:
        collect(network, study.summary, images, layers, study.fitting, config, Silent())

    def reviewed() -> None:
        found = collect(
            network, study.summary, images, layers, study.fitting, config, Silent(), keeping=study.review.told
        )
        kept = found.measured.beside
        assert isinstance(kept, Review)
        review_classes(kept, images.images, study.names, {})
        compared = kept.images.result()
        neighbours = find_neighbours(compared.features)
        find_alike(compared, neighbours)
        rank_outliers(compared, neighbours)
        project(compared.features)

    reviewed()  # machine code is compiled once
    times = [(seconds(plain), seconds(reviewed)) for _ in range(RUNS)]
    return min(one for one, _ in times), min(other for _, other in times)


def robustness_cost(study: Study, count: int) -> tuple[float, float]:
    """Seconds of the bare loop over the changed images, and of the section's."""
    largest = max((layer.memory_bytes or 0 for layer in study.summary.layers), default=0)
    network = ChangedImages(study.network, study.head, largest, 0, study.fitting.scale)
    fitted = list(fitted_images(study.fitting, study.network, study.images.images[:count]))

    def bare() -> None:
        for place, item in enumerate(fitted):
            network.answers(item.pixels, network.changed(item.pixels, place))

    def section() -> None:
        found, flips = RobustnessAccumulator(), FirstFlips()
        for place, item in enumerate(fitted):
            changed = network.changed(item.pixels, place)
            scores = network.answers(item.pixels, changed)
            found.add_versions(place, 0, scores, [(change.name, change.severity) for change in CHANGES])
            flips.add(place, changed, scores)
        found.result()
        flips.pictures()

    bare()
    times = [(seconds(bare), seconds(section)) for _ in range(RUNS)]
    return min(one for one, _ in times), min(other for _, other in times)


def network_alone(study: Study, count: int) -> float:
    """Seconds of the network alone on as many images as there are changed ones."""
    largest = max((layer.memory_bytes or 0 for layer in study.summary.layers), default=0)
    network = ChangedImages(study.network, study.head, largest, 0, study.fitting.scale)
    pixels = next(iter(fitted_images(study.fitting, study.network, study.images.images[:1]))).pixels
    batch = np.repeat(pixels[np.newaxis], len(CHANGES), axis=0)
    network.scores(batch)
    return min(seconds(lambda: [network.scores(batch) for _ in range(count)]) for _ in range(RUNS))


def main(model: str, images: str, count: int) -> None:
    """Print both ratios."""
    config = Config.checked(model=model, images=(images,), truth="folders", use_cache=False, preprocess="none")
    network = load_network(config)
    found = collect_images([images], channels=network.channels)
    with tempfile.TemporaryDirectory() as folder:
        workshop = Workshop(PictureStore(Path(folder)), Cache(None), Silent())
        study = prepare_study(config, network, found, workshop)
        plain, reviewed = pass_cost(study)
        print(
            f"pass over {len(found):,} images: {plain:.2f} s, with the review {reviewed:.2f} s: {reviewed / plain:.2f}"
        )
        bare, section = robustness_cost(study, count)
        alone = network_alone(study, count)
        print(f"robustness on {count} images: bare loop {bare:.2f} s, section {section:.2f} s: {section / bare:.2f}")
        print(f"the network alone on as many images: {alone:.2f} s: {section / alone:.2f}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 50)
