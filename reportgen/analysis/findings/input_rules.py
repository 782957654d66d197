"""Rules on the images the network is fed: size and proportions."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from reportgen.analysis.findings.evidence import Evidence
from reportgen.formats import count, counted
from reportgen.results import Finding

# Sides scaled this differently change shapes as training with random crops usually did not (3:4 to 4:3,
# the custom of ImageNet, is up to 1.33 either way).
DISTORTION = 1.5

# An image enlarged more than this has less detail than the network's finest filters look for.
ENLARGEMENT = 2.0

# A finding on sizes is one on the set when it holds for this share of the images.
MANY = 0.5


def distorted_images(evidence: Evidence) -> Iterator[Finding]:
    """Photographs whose proportions the resizing changes strongly."""
    images = evidence.images
    distortion = np.maximum(images.scale_y / images.scale_x, images.scale_x / images.scale_y)
    many = int((distortion > DISTORTION).sum())
    if many:
        worst = int(distortion.argmax())
        yield Finding(
            rule="distorted-images",
            severity="warning" if many > MANY * len(images) else "info",
            message=f"{counted(many, 'image')} of {count(len(images))} {'is' if many == 1 else 'are'} "
            f"squeezed out of shape by more than {DISTORTION}.",
            measured=f"most: {_sized(evidence, worst)}, by {distortion[worst]:.2f}",
            threshold=f"{DISTORTION}; a warning for more than {MANY:.0%} of the images",
            why="Round things become oval; networks are trained on proportions between 3:4 and 4:3 at most.",
            action="Use --resize crop or --resize pad.",
            image=images.files[worst],
        )


def enlarged_images(evidence: Evidence) -> Iterator[Finding]:
    """Images much smaller than the network's input."""
    images = evidence.images
    enlargement = np.minimum(images.scale_y, images.scale_x)
    many = int((enlargement > ENLARGEMENT).sum())
    if many:
        worst = int(enlargement.argmax())
        height, width = evidence.network.size
        yield Finding(
            rule="enlarged-images",
            severity="warning" if many > MANY * len(images) else "info",
            message=f"{counted(many, 'image')} of {count(len(images))} {'is' if many == 1 else 'are'} "
            f"enlarged more than {ENLARGEMENT:.0f} times to {height}x{width}.",
            measured=f"most: {_sized(evidence, worst)}, {enlargement[worst]:.1f} times",
            threshold=f"{ENLARGEMENT:.0f} times; a warning for more than {MANY:.0%} of the images",
            why="Enlarged images are smooth: filters for fine detail find none.",
            action="Use larger originals, or a network made for small images.",
            image=images.files[worst],
        )


def _sized(evidence: Evidence, place: int) -> str:
    images = evidence.images
    return f"{images.files[place]} ({images.heights[place]}x{images.widths[place]})"
