"""What a report keeps of its network for comparisons with others: products of features, and sketches of weights."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from reportgen.formats import all_rounded
from reportgen.models.variables import values_of
from reportgen.record import KeptProducts
from reportgen.results import FloatArray
from reportgen.sections.section import Contribution, VisitedImage, Work
from reportgen.sections.study import Study, Workshop, layers_for_pages
from reportgen.similarity import LEAST_IMAGES, centred_products, sketch

# 48 images and 24 layers make at most 115 kB.
MOST_IMAGES = 48
MOST_LAYERS = 24
# One part of a report's size that may be bounded.
_SHARE = 20


class ProductKeeper:
    """Keeps the features of some layers while images are visited, and writes their products in the end.

    The images are those whose content hashes to the lowest numbers, whether they have a page or not: two reports on
    overlapping sets then keep many of the same.
    """

    def __init__(self, study: Study, workshop: Workshop) -> None:
        self._workshop = workshop
        self._images = sorted(study.images, key=lambda image: image.sha256)[:MOST_IMAGES]
        self._layers = _kept_layers(study)
        self._room = None if study.config.max_size is None else study.config.max_size // _SHARE
        self._rows: dict[str, list[NDArray[np.float64]]] = {layer: [] for layer in self._layers}
        self._visited: list[str] = []

    @property
    def work(self) -> Work:
        """What is to be done at each image."""
        enough = len(self._images) >= LEAST_IMAGES and bool(self._layers)
        return Work(images=self._images, layers=self._layers, visit=self._visit) if enough else Work()

    def _visit(self, visited: VisitedImage) -> Contribution:
        for layer in self._layers:
            self._rows[layer].append(pooled(visited.outputs[layer]))
        self._visited.append(visited.file)
        return Contribution()

    def finish(self) -> KeptProducts | None:
        """Write the products; None where there are too few images, or no room for them."""
        count = len(self._visited)
        size = 4 * len(self._layers) * count * (count + 1) // 2
        if count < LEAST_IMAGES or (self._room is not None and size > self._room):
            return None
        triangle = np.triu_indices(count)
        with np.errstate(invalid="ignore", over="ignore"):  # of a network that gives what is no number
            kept = [centred_products(np.stack(rows))[triangle].astype(np.float32) for rows in self._rows.values()]
        file = self._workshop.pictures.save_array("products", np.stack(kept))
        return KeptProducts(layers=list(self._layers), images=list(self._visited), file=file)


def _kept_layers(study: Study) -> tuple[str, ...]:
    """The ends of the blocks, the layer before the head, and layers that give a vector; spread over the depth."""
    there = layers_for_pages(study.summary, study.map_layers, study.answers)
    places = sorted({round(place) for place in np.linspace(0, len(there) - 1, min(len(there), MOST_LAYERS))})
    return tuple(there[place] for place in places)


def pooled(output: FloatArray) -> NDArray[np.float64]:
    """The mean of each channel of a layer's output `(..., channels)`."""
    array = np.asarray(output, np.float64)
    return array.reshape(-1, array.shape[-1]).mean(axis=0) if array.ndim > 1 else np.atleast_1d(array)


def weight_sketches(study: Study) -> Mapping[str, list[float]]:
    """A sketch of all weights of each layer that has some, by the name of its first call."""
    sketches: dict[str, list[float]] = {}
    seen: set[int] = set()
    for row in study.summary.layers:
        layer = study.network.layer(row.name) if row.parameter_count else None
        if layer is None or id(layer) in seen:
            continue
        seen.add(id(layer))
        arrays = [values_of(variable) for variable in layer.weights]
        numbers = sketch(array for array in arrays if np.issubdtype(array.dtype, np.number))
        sketches[row.name] = [number or 0.0 for number in all_rounded(numbers, 7)]
    return sketches
