"""Where the pages of layers, channels and images lie in a report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reportgen.files.slugs import slugs


@dataclass(frozen=True)
class Pages:
    """The pages of layers, channels and images, each under the name the record uses for it."""

    layers: Mapping[str, str]
    channels: Mapping[tuple[str, int], str]
    images: Mapping[str, str]
    image_ids: Mapping[str, str]  # of all images, those without a page too

    def layer_page(self, name: str) -> str | None:
        """`layers/<slug>.html`, or None where the layer has no page."""
        return self.layers.get(name)

    def channel_page(self, layer: str, channel: int) -> str | None:
        """`units/<slug>/<channel>.html`, or None where the channel has no page."""
        return self.channels.get((layer, channel))

    def image_page(self, file: str) -> str | None:
        """`images/<slug>.html`, or None where the image has no page."""
        return self.images.get(file)


# The page of answers is named after what stands on it.
_EVALUATION = {"predictions": "evaluation.html"}


def section_page(slug: str) -> str:
    """The page of a section that has one of its own."""
    return _EVALUATION.get(slug, f"{slug}.html")


def assign_pages(
    layer_names: Iterable[str],
    channel_keys: Iterable[tuple[str, int]],
    image_files: Iterable[str],
    shown: Iterable[str],
) -> Pages:
    """Settle the page of every layer, every channel `(layer, channel)`, and every image in `shown`.

    Every image of `image_files` has an id; the page of one that has a page is named after it.
    """
    channels = list(channel_keys)
    layers = slugs(layer_names)
    folders = slugs([*layers, *(layer for layer, _ in channels)])
    ids = slugs(image_files, without_suffix=True)
    return Pages(
        layers={name: f"layers/{slug}.html" for name, slug in layers.items()},
        channels={(layer, channel): f"units/{folders[layer]}/{channel}.html" for layer, channel in channels},
        images={file: f"images/{ids[file]}.html" for file in shown},
        image_ids=ids,
    )
