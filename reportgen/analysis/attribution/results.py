"""What attribution gives."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Method = Literal["grad-cam", "layer-cam", "integrated-gradients", "occlusion", "attention-rollout"]
Verdict = Literal["holds", "weak", "explains nothing"]


@dataclass(frozen=True, eq=False)
class AttributionMaps:
    """Maps of one method for several targets and images.

    `maps` are `(targets, images, height, width)` float32: of a CAM at its layer's resolution, after its relu; of
    integrated gradients and occlusion at that of the network's input, positive where an image speaks for the target
    and negative where against; of attention rollout on the grid of tokens, the same for any target, so of one.
    `scores` are the numbers explained, `(targets, images)`, None for attention rollout. `layer` is the one whose
    output is read. `completeness_error` is `(targets, images)`, of integrated gradients only: infinite where the
    target does not tell the image from the baseline and the map does not add up to nothing either; `points` are how
    many its quadrature took for each image. Of CAMs only: `evidence`, as `maps`, is gradient times activation, summed
    over the channels of the layer, signed (Draelos and Carin, 2020); `channels` `(targets, images, channels)` is the
    same summed over positions: what each channel adds to the target.
    """

    method: Method
    layer: str | None
    maps: NDArray[np.float32]
    scores: NDArray[np.float32] | None
    completeness_error: NDArray[np.float64] | None = None
    points: NDArray[np.int64] | None = None
    evidence: NDArray[np.float32] | None = None
    channels: NDArray[np.float32] | None = None

    @cached_property
    def positive_evidence(self) -> NDArray[np.bool_]:
        """Whether anything in a map speaks for its target, `(targets, images)`."""
        finite = np.isfinite(self.maps).all(axis=(2, 3))
        return np.logical_and(finite, (self.maps > 0).any(axis=(2, 3)))


@dataclass(frozen=True)
class Curve:
    """The area under a curve of deletion or insertion, and under that of random orders (their mean).

    In units of what is explained, as answered: for classes, of probability. `lead` is by how much the answer follows
    the map's order sooner than the reverse of it: half the difference of the areas under both, above zero where a map
    is right; None where the verdict is by another curve.
    """

    area: float
    random: float
    lead: float | None = None


@dataclass(frozen=True)
class Faithfulness:
    """How the answer follows the map, as pixels go (deletion) and come (insertion) in its order.

    `score` is the answer on the image, `deleted` on what is left when all is deleted, `blurred` on the image that
    insertion begins with, `span` how far the answers lie apart that were met on the way. `fair_deletion`
    and `fair_insertion` end and begin with the emptiest of mid-grey, the blurred image and its own mean colour, where
    the other one leaves clearly more of what is explained; else None.
    """

    deletion: Curve
    insertion: Curve
    score: float
    deleted: float
    blurred: float
    span: float
    fair_deletion: Curve | None = None
    fair_insertion: Curve | None = None

    @property
    def gain(self) -> float:
        """How much sooner the answer falls and rises than in the reverse order, as a share of `span`.

        The mean of both, -0.5 to 0.5; 0 where the answer never changed, and on average for a map that knows nothing.
        """
        if not self.span > 0:
            return 0.0
        judged = (self.fair_deletion or self.deletion, self.fair_insertion or self.insertion)
        return sum(0.5 * (curve.lead or 0.0) for curve in judged) / self.span


@dataclass(frozen=True)
class Randomization:
    """Rank correlation of maps with those of the same network with randomised weights, the median over images.

    `shares` are how much of the layers was randomised, from the top down, `correlations` what was left.
    """

    shares: tuple[float, ...]
    correlations: tuple[float, ...]

    @property
    def correlation(self) -> float:
        """The correlation where most was randomised."""
        return self.correlations[-1]
