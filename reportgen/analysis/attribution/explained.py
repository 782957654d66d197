"""A map with the question it answers and what its checks found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.attribution.questions import Question
from reportgen.analysis.attribution.results import Faithfulness, Method, Verdict


@dataclass(frozen=True, eq=False)
class Explained:
    """A map of one image for one question.

    `values` are `(rows, columns)` float32, see `AttributionMaps`; checks that were not made are None, as is `verdict`
    then. `image` is the place among the images given. `evidence` and `channels` `(channels,)` of a CAM are what each
    position and each channel of its layer add to what is explained.
    """

    image: int
    question: Question
    method: Method
    layer: str | None
    values: NDArray[np.float32]
    positive_evidence: bool
    completeness_error: float | None = None
    points: int | None = None
    evidence: NDArray[np.float32] | None = None
    channels: NDArray[np.float32] | None = None
    faithfulness: Faithfulness | None = None
    agreement: float | None = None
    verdict: Verdict | None = None


@dataclass(frozen=True)
class MethodChecked:
    """A method on a layer: `randomization` is its rank correlation with maps of shuffled weights, on `images`."""

    method: Method
    layer: str | None
    randomization: float | None
    images: int


@dataclass(frozen=True, eq=False)
class Explanation:
    """All maps, method by method and image by image, and what was found of each method."""

    maps: tuple[Explained, ...]
    methods: tuple[MethodChecked, ...]
