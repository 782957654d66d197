"""All that is known of a set of images: copies, labels that look wrong, outliers, and their map."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.analysis.dataset_quality.duplicates import CopySearch
from reportgen.analysis.dataset_quality.image_set import ImageSet
from reportgen.analysis.dataset_quality.labels import SuspiciousLabel
from reportgen.analysis.dataset_quality.outliers import Outlier
from reportgen.analysis.dataset_quality.projection import Projection
from reportgen.analysis.figures_of_merit.classes import ClassRow


@dataclass(frozen=True, eq=False)
class SetQuality:
    """What images are worth, each named by its index.

    `leaks` are copies of reference images, None where there is no reference; `few` are classes of too few images.
    """

    images: ImageSet
    copies: CopySearch
    leaks: CopySearch | None
    suspicious: tuple[SuspiciousLabel, ...]
    outliers: tuple[Outlier, ...]
    few: tuple[ClassRow, ...]
    projection: Projection | None
