"""The images that excite a channel most, and what in them the channel saw."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reportgen.results import ByteArray, LayerSummary, Placement, TopActivation

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Sighting:
    """An image that excites a channel, and where: `box` is `(top, left, bottom, right)` in its own pixels.

    The box is the receptive field at the position of the highest value, clipped to what of the photograph
    the network got; None where the layer has no receptive field or its output no positions.
    """

    image: int
    value: float
    position: tuple[int, int] | None
    box: Box | None


@dataclass(frozen=True, eq=False)
class LoadedImage:
    """A photograph as a picture, uint8 `(height, width, channels)`, and how it was fitted into the network's input."""

    pixels: ByteArray
    placement: Placement


def seen_box(
    layer: LayerSummary, position: tuple[int, int] | None, loaded: LoadedImage, size: tuple[int, int]
) -> Box | None:
    """What of a photograph stands in the receptive field of a position of `layer`.

    Args:
        position: `(y, x)` in the layer's map.
        size: height and width of the network's input.

    Returns:
        `(top, left, bottom, right)` in pixels of the photograph, at least one pixel.
    """
    if position is None or layer.receptive_field is None:
        return None
    top, left, bottom, right = layer.receptive_field.box(*position)
    clipped = max(0.0, top), max(0.0, left), min(float(size[0]), bottom), min(float(size[1]), right)
    height, width = loaded.pixels.shape[:2]
    box = loaded.placement.box(clipped, height, width)
    return _at_least_one_pixel(box, height, width)


def _at_least_one_pixel(box: Box, height: int, width: int) -> Box:
    """`box` with no side of nothing, as in the margin of a padded photograph."""
    top, left = min(box[0], height - 1), min(box[1], width - 1)
    return top, left, max(box[2], top + 1), max(box[3], left + 1)


def find_sightings(
    layer: LayerSummary,
    tops: Mapping[int, Sequence[TopActivation]],
    load: Callable[[int], LoadedImage],
    size: tuple[int, int],
) -> Iterator[tuple[int, int, Sighting, LoadedImage]]:
    """Go through the top images of several channels of one layer, loading each image once.

    Args:
        layer: whose channels they are.
        tops: the top images of each channel, best first.
        load: gives the image of a place in the set.
        size: height and width of the network's input.

    Yields:
        The channel, the rank among its top images, what was seen, and the image, image by image.
    """
    by_image: dict[int, list[tuple[int, int, TopActivation]]] = {}
    for channel, found in tops.items():
        for rank, top in enumerate(found):
            by_image.setdefault(top.image, []).append((channel, rank, top))
    for image in sorted(by_image):
        loaded = load(image)
        for channel, rank, top in by_image[image]:
            box = seen_box(layer, top.position, loaded, size)
            yield channel, rank, Sighting(image, top.value, top.position, box), loaded
