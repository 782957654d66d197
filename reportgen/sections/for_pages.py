"""What was read and computed before the pages are made, and is kept for them as far as there is room."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from reportgen.analysis.network.whole_run import Captured
from reportgen.results import PixelArray

# Bytes of photographs that wait for their pages, and of what the network and its layers gave for them.
ORIGINALS_ROOM = 256_000_000
RUNS_ROOM = 256_000_000


class Originals:
    """Photographs that were read before the pass over all images, kept for the pages as far as there is room."""

    def __init__(self) -> None:
        self._kept: dict[str, PixelArray] = {}
        self._room = ORIGINALS_ROOM
        self._alone = threading.Lock()

    def keep(self, file: str, pixels: PixelArray) -> None:
        """Keep the pixels of the image called `file`, where there is room for them; from any thread."""
        with self._alone:
            if pixels.nbytes <= self._room and file not in self._kept:
                self._room -= pixels.nbytes
                self._kept[file] = pixels

    def look_at(self, file: str) -> PixelArray | None:
        """The pixels of the image called `file`; None where they were not kept."""
        with self._alone:
            return self._kept.get(file)

    def take(self, file: str) -> PixelArray | None:
        """The pixels of the image called `file`, which are then forgotten; None where they were not kept."""
        with self._alone:
            pixels = self._kept.pop(file, None)
            self._room += 0 if pixels is None else pixels.nbytes
        return pixels


class KeptRuns:
    """What the network gave for images in the pass over all, kept for their pages as far as there is room.

    Args:
        originals: the photographs read before, which need not be read again.
        layers: those whose outputs are kept; None where no run is.
    """

    def __init__(self, originals: Originals, layers: tuple[str, ...] | None) -> None:
        self.layers = layers
        self._originals = originals
        self._kept: dict[str, Captured] = {}
        self._room = RUNS_ROOM
        self._alone = threading.Lock()

    def decoded(self, file: str) -> PixelArray | None:
        """The pixels of the image called `file` where they were kept."""
        return self._originals.look_at(file)

    def take_in(self, file: str, run: Captured) -> None:
        """Keep what the network gave for the image called `file`, where there is room for it; from any thread."""
        with self._alone:
            if run.nbytes <= self._room:
                self._room -= run.nbytes
                self._kept[file] = run

    def has(self, file: str, layers: Iterable[str]) -> bool:
        """Whether a run on the image called `file` was kept with the outputs of `layers`."""
        return file in self._kept and set(layers) <= self._kept[file].outputs.keys()

    def take(self, file: str) -> Captured | None:
        """The run on the image called `file`, which is then forgotten; None where it was not kept."""
        with self._alone:
            run = self._kept.pop(file, None)
            self._room += 0 if run is None else run.nbytes
        return run
