"""Pairs of images that look alike, kept between runs: their thumbnails are compared at every shift."""

from __future__ import annotations

import numpy as np

from reportgen.analysis.dataset_quality.duplicates import AlikePairs, find_alike
from reportgen.analysis.dataset_quality.image_set import ImageSet
from reportgen.analysis.dataset_quality.nearest import Neighbours
from reportgen.files.cache import Cache, Entry, content_key

# Counted up when the same images would give other pairs than before.
_VERSION = 1


def kept_alike(
    cache: Cache, images: ImageSet, neighbours: Neighbours, others: ImageSet | None = None, *, seed: int
) -> AlikePairs:
    """What `find_alike` gives, from `cache` where it is there."""
    sets = [vars(one) for one in (images, others) if one is not None]
    key = content_key("pairs alike", _VERSION, sets, vars(neighbours), seed)
    entry = cache.get(key)
    if entry is not None:
        return _pairs_of(entry)
    found = find_alike(images, neighbours, others, seed=seed)
    differences, *places, cosines = zip(*found.pairs, strict=True) if found.pairs else ((), (), (), ())
    arrays = {
        "differences": np.array(differences, np.float64),
        "places": np.array(places, np.int64),
        "cosines": np.array(cosines, np.float64),
    }
    cache.put(key, arrays, {"left_out": found.left_out})
    return found


def _pairs_of(entry: Entry) -> AlikePairs:
    differences, places, cosines = (entry.arrays[name].tolist() for name in ("differences", "places", "cosines"))
    return AlikePairs(tuple(zip(differences, *places, cosines, strict=True)), entry.meta["left_out"])
