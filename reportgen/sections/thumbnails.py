"""Small pictures of images that a review speaks of, gathered while images are visited."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

from reportgen import record
from reportgen.analysis.image_properties import as_bytes
from reportgen.draw.montage import GAP_COLOUR, grid_columns, montage
from reportgen.draw.thumbnails import draw_thumbnail
from reportgen.results import ByteArray
from reportgen.sections.picture_store import PictureStore
from reportgen.sections.section import Contribution, VisitedImage

# Small pictures in one file.
MOST_TILES = 256


class Thumbnails:
    """Takes a small picture of each image it is shown.

    Args:
        levels: black and white of images that are not 8 bits.
    """

    def __init__(self, levels: tuple[float, float] = (0.0, 255.0)) -> None:
        self._levels = levels
        self._taken: dict[str, ByteArray] = {}

    def visit(self, visited: VisitedImage) -> Contribution:
        """Take the picture of an image, as the network sees it."""
        self._taken[visited.file] = draw_thumbnail(as_bytes(visited.pixels, self._levels))
        return Contribution()

    def save(self, name: str, pictures: PictureStore, wanted: Collection[str] | None = None) -> dict[str, record.Tile]:
        """Store what was taken, or those of it that are `wanted`; where each picture is, by file."""
        kept = {file: pixels for file, pixels in self._taken.items() if wanted is None or file in wanted}
        return store_tiles(name, kept, pictures)


def store_tiles(
    name: str, pixels: Mapping[str, ByteArray], pictures: PictureStore, *, lossless: bool = False
) -> dict[str, record.Tile]:
    """Write small pictures `(height, width, 3)` as mosaics; where each of them is, by its key.

    Args:
        name: of the mosaics.
        pixels: by key; each begins in the corner of a cell in which the largest fits.
        pictures: where mosaics go.
        lossless: every pixel keeps its colour.
    """
    tiles: dict[str, record.Tile] = {}
    for run in _runs(list(pixels), MOST_TILES):
        shapes = [pixels[key].shape[:2] for key in run]
        height, width = (max(sides) for sides in zip(*shapes, strict=True))
        columns = grid_columns(len(run))
        cells = np.stack([_in_cell(pixels[key], height, width) for key in run])
        stored = pictures.save(name, montage(cells, columns), lossless=lossless)
        for place, shape in enumerate(shapes):
            row, column = divmod(place, columns)
            tiles[run[place]] = stored.tile(column * (width + 1), row * (height + 1), shape[1], shape[0])
    return tiles


def _in_cell(pixels: ByteArray, height: int, width: int) -> ByteArray:
    """A picture in the corner of a grey cell."""
    cell = np.full((height, width, 3), GAP_COLOUR, np.uint8)
    cell[: pixels.shape[0], : pixels.shape[1]] = pixels
    return cell


def _runs(keys: Sequence[str], most: int) -> Iterable[tuple[str, ...]]:
    return [tuple(keys[start : start + most]) for start in range(0, len(keys), most)]
