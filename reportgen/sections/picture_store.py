"""Keep drawings as picture files under names that follow their content."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen import record
from reportgen.files.cache import Cache, content_key
from reportgen.files.encoding import QUALITY, encode_png, encode_webp, encoder
from reportgen.files.hashed import hashed_name
from reportgen.files.slugs import slugs
from reportgen.formats import all_rounded
from reportgen.machine.threads import in_threads
from reportgen.results import ByteArray, Drawing

ASSETS = "assets"


@dataclass(frozen=True)
class StoredPicture:
    """A picture file: its path in the report and its size in pixels."""

    path: str
    width: int
    height: int

    def tile(self, left: int, top: int, width: int, height: int) -> record.Tile:
        """A part of the picture, for the record."""
        return record.Tile(picture=self.path, tile=(left, top, width, height), width=self.width, height=self.height)

    def whole(self) -> record.Tile:
        """All of the picture, for the record."""
        return self.tile(0, 0, self.width, self.height)


# Smaller pictures are encoded in less time than they are found in a cache.
_KEPT_PIXELS = 128 * 128


class PictureStore:
    """Writes pictures into the report's folder; the same picture twice is one file.

    What it took time to encode is kept in a `cache`.
    """

    def __init__(self, folder: Path, cache: Cache | None = None) -> None:
        self.folder = folder
        self._cache = cache
        (folder / ASSETS).mkdir(exist_ok=True)

    def save(self, name: str, pixels: ByteArray, *, lossless: bool = False, quality: int = QUALITY) -> StoredPicture:
        """Write uint8 `pixels` `(height, width[, 3])` as WebP under a name made of `name` and its content."""
        data = self._encoded(pixels, lossless=lossless, quality=quality)
        return self._write(name, data, ".webp", pixels.shape[1], pixels.shape[0])

    def _encoded(self, pixels: ByteArray, *, lossless: bool, quality: int) -> bytes:
        """`pixels` as WebP, as kept or made now."""
        height, width = pixels.shape[:2]
        if self._cache is None or self._cache.folder is None or height * width < _KEPT_PIXELS:
            return encode_webp(pixels, lossless=lossless, quality=quality)
        key = content_key("webp", encoder(), pixels, lossless, quality)
        entry = self._cache.get(key)
        if entry is not None:
            return entry.arrays["data"].tobytes()
        data = encode_webp(pixels, lossless=lossless, quality=quality)
        self._cache.put(key, {"data": np.frombuffer(data, np.uint8)}, {})
        return data

    def save_png(self, name: str, pixels: ByteArray, *, palette: ByteArray | None = None) -> StoredPicture:
        """Write levels, indices into a `palette` `(colours, 3)`, or colours with their opacity as PNG, lossless."""
        data = encode_png(pixels, palette=palette)
        return self._write(name, data, ".png", pixels.shape[1], pixels.shape[0])

    def save_array(self, name: str, array: NDArray[Any]) -> str:
        """Write an array as `.npy`; returns its path in the report."""
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        return self._write(name, buffer.getvalue(), ".npy", 0, 0).path

    def _write(self, name: str, data: bytes, suffix: str, width: int, height: int) -> StoredPicture:
        path = f"{ASSETS}/{hashed_name(slugs([name])[name], data, suffix)}"
        (self.folder / path).write_bytes(data)
        return StoredPicture(path, width, height)

    def save_drawings(self, drawings: Iterable[Drawing]) -> tuple[record.Figure, ...]:
        """Write the pictures of several drawings, by all processors; see `save_drawing`."""
        return tuple(in_threads(self.save_drawing, drawings))

    def save_drawing(self, drawing: Drawing) -> record.Figure:
        """Write the picture of `drawing` and describe it for the record."""
        stored = self.save(drawing.id, drawing.pixels, lossless=drawing.lossless)
        return record.Figure(
            id=drawing.id,
            kind=drawing.kind,
            section=drawing.section,
            group=drawing.group,
            variant=drawing.variant,
            title=drawing.title,
            shows=drawing.shows,
            reading=drawing.reading,
            made=drawing.made,
            layer=drawing.layer,
            image=drawing.image,
            channels=list(drawing.channels),
            picture=stored.path,
            width=stored.width,
            height=stored.height,
            display=drawing.display or (stored.height, stored.width),
            pixelated=drawing.pixelated,
            alt=drawing.alt,
            tiles=drawing.tiles,
            values=None if drawing.values is None else all_rounded(drawing.values, 4),
            marks=list(drawing.marks) if drawing.marks and any(drawing.marks) else None,
            scale=drawing.scale,
            data=drawing.data,
        )
