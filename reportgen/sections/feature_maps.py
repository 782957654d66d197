"""What layers make of each image that has a page."""

from __future__ import annotations

from reportgen import record
from reportgen.analysis.network.feature_maps import extract_feature_maps
from reportgen.config import MapScale
from reportgen.draw.feature_maps import EACH, SHARED, STANDARDISED, Variant, draw_feature_maps
from reportgen.sections.section import Contribution, Section, VisitedImage, Work
from reportgen.sections.study import Study, Workshop

MAP_VARIANTS: dict[MapScale, Variant] = {"shared": SHARED, "each": EACH, "standardised": STANDARDISED}


def plan_feature_maps(study: Study, workshop: Workshop) -> Work | Contribution:
    """Feature maps of every image that has a page."""
    if not study.map_layers:
        return Contribution(note="None of the layers asked for gives a map.")
    variants = [MAP_VARIANTS[scale] for scale in study.config.map_scales]
    rows = [study.summary.layer(name) for name in study.map_layers]

    def visit(visited: VisitedImage) -> Contribution:
        maps = extract_feature_maps(rows, visited.outputs, visited.file, max_channels=study.config.max_channels)
        # Drawn one by one: each is encoded while the next is drawn.
        drawings = (drawing for layer_maps in maps for drawing in draw_feature_maps(layer_maps, variants=variants))
        return Contribution(figures=workshop.pictures.save_drawings(drawings))

    return Work(images=study.shown, layers=study.map_layers, visit=visit)


FEATURE_MAPS = Section(
    "feature-maps",
    "Feature maps",
    plan_feature_maps,
    record.Traits(on_layers="small", shrinks=True, compared=True, words=("activations",)),
)
