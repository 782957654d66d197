"""Where the pages of layers, channels and images lie in a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Pages:
    """The pages of layers, channels and images, each under the name the record uses for it."""

    layers: Mapping[str, str]
    units: Mapping[tuple[str, int], str]
    images: Mapping[str, str]
    image_ids: Mapping[str, str]  # of all images, those without a page too

    def layer_page(self, name: str) -> str | None:
        """`layers/<slug>.html`, or None where the layer has no page."""
        return self.layers.get(name)

    def unit_page(self, layer: str, channel: int) -> str | None:
        """`units/<slug>/<channel>.html`, or None where the channel has no page."""
        return self.units.get((layer, channel))

    def image_page(self, file: str) -> str | None:
        """`images/<slug>.html`, or None where the image has no page."""
        return self.images.get(file)
