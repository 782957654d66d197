"""The image of a class that is nearest to another image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reportgen.analysis.dataset_quality.image_set import ImageSet
from reportgen.analysis.dataset_quality.nearest import unit_length


@dataclass(frozen=True, eq=False)
class ClassNeighbours:
    """Images by their features and classes.

    `images` is what was kept of them; `classes` are the right classes of each image by its index, none where they are
    not known.
    """

    images: ImageSet
    classes: Sequence[tuple[int, ...]]

    def nearest(self, image: int, index: int) -> int | None:
        """The image of class `index` whose features are nearest to those of `image`, by their cosine.

        None where the class has no other image, or `image` is not among those whose features were kept.
        """
        rows = self.images.sampled
        own = int(np.searchsorted(rows, image))
        if own == len(rows) or rows[own] != image:
            return None
        of_class = [row for row, place in enumerate(rows.tolist()) if index in self.classes[place] and row != own]
        if not of_class:
            return None
        unit = unit_length(self.images.features[own : own + 1])[0]
        cosines = np.einsum("kj,j->k", unit_length(self.images.features[of_class]), unit)
        return int(rows[of_class[int(cosines.argmax())]])
