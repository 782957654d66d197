"""What a layer gives for each image that has a page, as arrays to download."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from reportgen import record
from reportgen.analysis.network.features import default_feature_layer
from reportgen.analysis.network.selection import select_layers
from reportgen.config import ALL_SECTIONS, Config
from reportgen.formats import byte_count, counted
from reportgen.results import LayerSummary
from reportgen.sections.section import Contribution, Section, VisitedImage, Work
from reportgen.sections.study import Study, Workshop

# Arrays to download are large and rarely wanted: more than this goes into a report only when asked for by name.
FEATURES_ROOM = 3_000_000

NOTHING_BEFORE = "There are none: the first layer with weights is the head, and before it there is the image alone."


def plan_features(study: Study, workshop: Workshop) -> Work | Contribution:
    """Features of every image that has a page: of the layers asked for, else of the last one before the head."""
    if study.config.layers:
        layers = select_layers(study.summary, study.config.layers)
    else:
        layers = (default_feature_layer(study.summary, study.answers.outputs),)
        if study.summary.layer(layers[0]).kind == "input":
            return Contribution(note=NOTHING_BEFORE)
    size = len(study.shown) * sum(_array_bytes(study.summary.layer(layer)) for layer in layers)
    if study.config.sections == ALL_SECTIONS and size > _features_room(study.config):
        return Contribution(note=_left_out(layers, len(study.shown), size), left_out=True)

    def visit(visited: VisitedImage) -> Contribution:
        features = []
        for layer in layers:
            array = np.asarray(visited.outputs[layer], dtype=np.float32)
            file = workshop.pictures.save_array(f"features-{layer}-{visited.file}", array)
            features.append(
                record.Feature(
                    layer=layer, image=visited.file, file=file, shape=list(array.shape), dtype=str(array.dtype)
                )
            )
        return Contribution(features=tuple(features))

    return Work(images=study.shown, layers=layers, visit=visit)


def _left_out(layers: Sequence[str], images: int, size: int) -> str:
    which = layers[0] if len(layers) == 1 else counted(len(layers), "layer")
    return (
        f"Not in this report: the arrays of {which} for {counted(images, 'image')} would add {byte_count(size)}. "
        "The command reportgen features writes them to a file; a list of --sections that names features puts them here."
    )


def _array_bytes(layer: LayerSummary) -> int:
    """The size of what `layer` gives for one image, in float32; 0 where that is not known."""
    return 4 * math.prod(side or 0 for side in (layer.actual_shape or (0, 0))[1:])


def _features_room(config: Config) -> int:
    """How many bytes arrays may add to a report nobody asked to hold them."""
    return min(FEATURES_ROOM, config.max_size // 10) if config.max_size else FEATURES_ROOM


FEATURES = Section("features", "Features", plan_features, record.Traits(words=("arrays", "embedding", "download")))
