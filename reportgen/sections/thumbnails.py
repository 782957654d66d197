"""Small pictures of images that a review speaks of, gathered while images are visited."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

from reportgen import record
from reportgen.analysis.image_properties import as_bytes
from reportgen.draw.montage import grid_columns, montage
from reportgen.draw.thumbnails import SIDE, draw_thumbnail
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


def store_tiles(name: str, pixels: Mapping[str, ByteArray], pictures: PictureStore) -> dict[str, record.Tile]:
    """Write small pictures `(SIDE, SIDE, 3)` as mosaics; where each of them is, by its key."""
    tiles: dict[str, record.Tile] = {}
    for run in _runs(list(pixels), MOST_TILES):
        columns = grid_columns(len(run))
        stored = pictures.save(name, montage(np.stack([pixels[key] for key in run]), columns))
        for place, key in enumerate(run):
            row, column = divmod(place, columns)
            tiles[key] = stored.tile(column * (SIDE + 1), row * (SIDE + 1), SIDE, SIDE)
    return tiles


def _runs(keys: Sequence[str], most: int) -> Iterable[tuple[str, ...]]:
    return [tuple(keys[start : start + most]) for start in range(0, len(keys), most)]
