"""Images unlike all others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.dataset_quality.image_set import ImageSet
from reportgen.analysis.dataset_quality.nearest import Neighbours

# The distance to the tenth neighbour: up to ten images that are alike, such as blank ones, still stand apart.
NEIGHBOUR = 10

# Tukey's far-out fence. On the features of a layer that is not pooled, clean handwritten digits reach 1.9 and four
# pictures of noise among them 3.2 to 4; on pooled ones, whose distances are more uneven, 3 of 1,000 clean ones pass it.
FAR_OUT = 3.0

MOST_OUTLIERS = 200

# Of fewer images the quartiles are no measure.
FEWEST_IMAGES = 40


@dataclass(frozen=True)
class Outlier:
    """An image by how far it is from its tenth nearest neighbour.

    `distance` is one less the cosine of the features; `score` how many interquartile ranges the distance is above
    the third quartile of all.
    """

    image: int
    distance: float
    score: float

    @property
    def far_out(self) -> bool:
        """Whether it is far enough to be reported on its own, not only as the farthest of all."""
        return self.score > FAR_OUT


def rank_outliers(images: ImageSet, neighbours: Neighbours) -> tuple[Outlier, ...]:
    """The images by how far they are from others, the farthest first, MOST_OUTLIERS at most.

    Nothing where there are fewer than FEWEST_IMAGES images, or where half of them are equally far from others.
    """
    if len(images.sampled) < FEWEST_IMAGES:
        return ()
    distance: NDArray[np.float64] = np.maximum(0.0, 1 - neighbours.cosine[:, NEIGHBOUR - 1].astype(np.float64))
    first, third = np.quantile(distance, [0.25, 0.75])
    if third <= first:
        return ()
    scores = (distance - third) / (third - first)
    order = np.argsort(-scores, kind="stable")[:MOST_OUTLIERS]
    return tuple(Outlier(int(images.sampled[place]), float(distance[place]), float(scores[place])) for place in order)
