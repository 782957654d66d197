"""What is kept of each image to compare it with all others, gathered while the images pass."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.figures_of_merit.rows import ImageRows
from reportgen.analysis.image_properties import ByteArray, as_bytes, grey_values
from reportgen.analysis.sampling import sampling_keys

# Images beyond either are compared by the digest of their pixels alone; those of the lowest keys are kept.
MOST_IMAGES = 20_000
MOST_FEATURE_BYTES = 64 * 2**20

# Large enough to tell images apart, small enough to keep.
THUMBNAIL_SIDE = 32

# The sample is cut when it has grown by a quarter, not at every batch.
_SLACK = 1.25


@dataclass(frozen=True, eq=False)
class ImageSet:
    """All images by digest, and a sample of them by thumbnail and features, both in the order of the images.

    `digest` is uint8 `(images, 32)`. Of the sample's images, `sampled`, `thumbnail` is uint8 `(sample, height,
    width)`, grey, each pixel the mean of `block` x `block` of the image's, and `features` float32 `(sample, values)`.
    """

    image: NDArray[np.int64]
    digest: NDArray[np.uint8]
    sampled: NDArray[np.int64]
    thumbnail: ByteArray
    features: NDArray[np.float32]
    block: int

    @property
    def complete(self) -> bool:
        """Whether the sample is all images."""
        return len(self.sampled) == len(self.image)


def pixel_digest(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """The SHA-256 of pixels and their shape, uint8 `(32,)`."""
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return np.frombuffer(digest.digest(), np.uint8)


class ImageSetAccumulator:
    """Takes in images; keeps 40 bytes of each, and of a sample also thumbnail and features, bounded in all.

    Args:
        seed: of the sample.
    """

    def __init__(self, *, seed: int = 0) -> None:
        self._seed = seed
        self._digests = ImageRows(digest=np.uint8)
        self._sample = ImageRows(thumbnail=np.uint8, features=np.float32)
        self._most, self._block = MOST_IMAGES, 1

    def add(
        self,
        images: NDArray[np.int64],
        pixels: NDArray[Any],
        features: NDArray[np.float32],
        levels: tuple[float, float] = (0.0, 255.0),
    ) -> None:
        """Take in images.

        Args:
            images: indices, `(n,)`.
            pixels: `(n, height, width, channels)`, as fitted to the network, all batches of the same size.
            features: `(n, values)`; an image with one that is not finite is compared by its digest alone.
            levels: black and white of pixels that are not 8 bits.
        """
        if not len(images):
            return
        self._digests.add(images, digest=np.stack([pixel_digest(one) for one in pixels]))
        self._most = min(MOST_IMAGES, max(2, MOST_FEATURE_BYTES // (4 * features.shape[1])))
        self._block = math.ceil(max(pixels.shape[1:3]) / THUMBNAIL_SIDE)
        finite = np.flatnonzero(np.isfinite(features).all(axis=1))
        if len(finite):
            thumbnails = np.stack([_thumbnail(as_bytes(pixels[place], levels), self._block) for place in finite])
            self._sample.add(images[finite], thumbnail=thumbnails, features=features[finite])
            self._cut()

    def merge(self, other: ImageSetAccumulator) -> None:
        """Take in all images of `other`."""
        self._digests.merge(other._digests)
        if len(other._sample):
            self._sample.merge(other._sample)
            self._most, self._block = other._most, other._block
            self._cut()

    def to_arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """All that was taken in, to be stored, under names that begin with `prefix`."""
        self._keep_most()
        return {
            **self._digests.to_arrays(f"{prefix}_digests"),
            **self._sample.to_arrays(f"{prefix}_sample"),
            f"{prefix}_limits": np.array([self._most, self._block], np.int64),
        }

    def take_arrays(self, prefix: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take in what `to_arrays` stored."""
        self._digests.take_arrays(f"{prefix}_digests", arrays)
        if len(arrays[f"{prefix}_sample_image"]):
            self._sample.take_arrays(f"{prefix}_sample", arrays)
            self._most, self._block = arrays[f"{prefix}_limits"].tolist()

    def _cut(self) -> None:
        if len(self._sample) > self._most * _SLACK:
            self._keep_most()

    def _keep_most(self) -> None:
        self._sample.keep_lowest(lambda images: sampling_keys(images, self._seed), self._most)

    def result(self) -> ImageSet:
        """What there is to compare."""
        self._keep_most()
        digests, sample = self._digests.sorted(), self._sample.sorted()
        count = len(sample["image"])
        return ImageSet(
            image=digests["image"],
            digest=digests["digest"].reshape(len(digests["image"]), 32),
            sampled=sample["image"],
            thumbnail=sample["thumbnail"] if count else np.zeros((0, 1, 1), np.uint8),
            features=sample["features"] if count else np.zeros((0, 1), np.float32),
            block=self._block,
        )


def _thumbnail(pixels: ByteArray, block: int) -> ByteArray:
    """The means of blocks of grey values; what is left over at the edges is cut off."""
    grey = grey_values(pixels)
    height, width = (max(1, length // block) for length in grey.shape)
    cut = grey[: height * block, : width * block]
    means = cut.reshape(height, cut.shape[0] // height, width, cut.shape[1] // width).mean(axis=(1, 3))
    return np.asarray(np.rint(means).astype(np.uint8))
