"""A sample of the images that depends on their indices and a seed alone, never on order or grouping.

Each index gets a key, scattered evenly over 64 bits; the sample is the images of the lowest keys. Samples of parts
can be joined and cut again ("bottom-k"), and give the sample of the whole.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

IndexArray = NDArray[np.int64]


def sampling_keys(images: IndexArray, seed: int) -> NDArray[np.uint64]:
    """The key of each index: the finaliser of SplitMix64 (Steele, Lea and Flood 2014), which maps one to one.

    >>> sampling_keys(np.array([0, 1]), 0).tolist()
    [16294208416658607535, 7960286522194355700]
    """
    step = 0x9E3779B97F4A7C15
    start = (seed * 0xD1342543DE82EF95 + step) % 2**64
    keys = images.astype(np.uint64) * np.uint64(step) + np.uint64(start)
    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return keys ^ (keys >> np.uint64(31))


def sample(images: IndexArray, most: int, seed: int) -> IndexArray:
    """The at most `most` images of the lowest keys, in ascending order of index."""
    order = np.argsort(sampling_keys(images, seed), kind="stable")
    return np.sort(images[order[:most]])
