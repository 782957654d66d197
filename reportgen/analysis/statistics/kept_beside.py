"""What a pass keeps of its images beside statistics: it is asked for by whoever wants it, and defined elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import tensorflow as tf
from numpy.typing import NDArray

from reportgen.analysis.network.whole_run import Captured
from reportgen.results import FloatArray, PixelArray


@dataclass(frozen=True, eq=False)
class SeenImage:
    """What one image gives: its pixels as fitted, its scores `(classes,)` and its features `(values,)`.

    Scores and features are empty where they were not asked for.
    """

    index: int
    pixels: PixelArray
    scores: FloatArray
    features: FloatArray


class Kept(Protocol):
    """What is kept of images; like all measurements it merges, and gives the same bits for any split of them."""

    keeping: Keeping

    def add(self, images: Sequence[SeenImage]) -> None:
        """Take in images, at least one."""

    def merge(self, other: Any) -> None:
        """Take in what was kept of other images, of the same type."""

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Everything but what is told beforehand, to be stored."""


class Keeping(Protocol):
    """What is to be kept; it travels to workers."""

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers whose outputs are read."""
        ...

    @property
    def key(self) -> list[Any]:
        """What results depend on, as JSON."""
        ...

    def tensors(self, outputs: Mapping[str, Sequence[tf.Tensor]], answer: Any) -> tuple[tf.Tensor, tf.Tensor]:
        """The scores of an image, `(classes,)`, and its features in a row, while a run is traced."""

    def begin(self) -> Kept:
        """What is kept, so far of no image."""

    def loaded(self, arrays: Mapping[str, NDArray[Any]]) -> Kept:
        """What `Kept.to_arrays` stored."""


class Onlooker(Protocol):
    """Who looks on while images are measured in this process; asked and told from any thread."""

    @property
    def layers(self) -> tuple[str, ...] | None:
        """The layers whose outputs it is to be told; None where it is told nothing."""
        ...

    def decoded(self, file: str) -> PixelArray | None:
        """The pixels of the image called `file` where it has them already."""

    def take_in(self, file: str, run: Captured) -> None:
        """Hear what the network gave for the image called `file`."""


class Nobody:
    """An onlooker where there is none."""

    layers: tuple[str, ...] | None = None

    def decoded(self, file: str) -> PixelArray | None:  # noqa: ARG002 - an onlooker's interface
        """Nothing is decoded already."""
        return None

    def take_in(self, file: str, run: Captured) -> None:
        """Nobody hears."""
