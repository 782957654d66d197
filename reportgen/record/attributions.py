"""Why a network answered as it did: the maps of an image, and what was found of each method that made them."""

from __future__ import annotations

from typing import Literal

from reportgen.facts import Fact
from reportgen.record.paths import ArrayPath, PicturePath


class AttributionTarget(Fact):
    """What a map explains; `index` is that of a class or value, `label` its name, or the image of a likeness."""

    kind: Literal["predicted", "truth", "runner-up", "value", "region", "nearest", "points", "boxes"]
    index: int | None
    label: str | None


class AttributionCurve(Fact):
    """The area under a curve of deletion or insertion, and the mean of that under those of random orders."""

    area: float
    random: float


class Attribution(Fact):
    """A map of what in an image speaks for a target.

    `picture` is the photograph under the map, that of the figure `figure`; `array` the map itself, float32 on the
    network's input before it was enlarged, of `shape`. `score` is the number explained, as answered; of a region the
    share of the map it covers. Checks that were not made are null: `on_object` is the share of the positive evidence
    on the object a mask shows or within a cell of it; `deletion` is to mid-grey and `insertion` into a blurred image;
    `fair_deletion` and `fair_insertion` end and begin with the emptiest of mid-grey, the blurred image and its own
    mean colour, where the other one leaves what is explained in the image. `gain` is how much sooner the answer
    follows the map's order than the reverse of it, as a share of how far it goes, -0.5 to 0.5: 0 is what a map gains
    that knows nothing.
    """

    output: str
    target: AttributionTarget
    method: Literal["grad-cam", "layer-cam", "integrated-gradients", "occlusion", "attention-rollout"]
    layer: str | None
    picture: PicturePath
    array: ArrayPath
    shape: list[int]
    positive_evidence: bool
    deletion: AttributionCurve | None
    insertion: AttributionCurve | None
    completeness_error: float | None
    agreement: float | None
    verdict: Literal["holds", "weak", "explains nothing"] | None
    fair_deletion: AttributionCurve | None = None
    fair_insertion: AttributionCurve | None = None
    points: int | None = None  # of the quadrature of integrated gradients
    score: float | None = None
    subject: str = ""  # what is explained, in words
    figure: str | None = None
    on_object: float | None = None
    gain: float | None = None


class AttributionMethod(Fact):
    """A method on a layer: `randomization` is the rank correlation with maps of shuffled weights, on `images`."""

    method: str
    layer: str | None
    randomization: float | None
    images: int


class ClassUse(Fact):
    """What a channel adds to the score of a class, on average over the images taken for it."""

    label: str
    evidence: float
    images: int


class ImageUse(Fact):
    """What a channel adds to the score of an image's answer."""

    image: str
    evidence: float


class ChannelUse(Fact):
    """What a channel is used for: gradient times activation, summed over positions; only what speaks for answers."""

    layer: str
    channel: int
    classes: list[ClassUse]
    images: list[ImageUse]


class ContrastSide(Fact):
    """One of the two classes of a mistake; `nearest` is the image of that class most like the mistaken one.

    By the cosine of the features before the answer; null where the class has no other image, or images were not
    compared.
    """

    index: int | None
    subject: str  # in words
    nearest: str | None


class ContrastChannel(Fact):
    """What a channel adds to the answer's score over the right one's; below zero it speaks for what is right.

    `serves` is the answer, in words, whose score it adds most to over the images that got it, and `image` the one of
    these where it adds most; null where it speaks for no answer.
    """

    channel: int
    evidence: float
    serves: str | None
    image: str | None


class Contrast(Fact):
    """Why an image was taken for what it is not, by the maps of `layer`.

    `picture` is the photograph under the map of the difference, that of the figure `figure`; `array` the map, float32
    of `shape`: above zero speaks for the answer, below for what is right. `channels` are those that speak most for
    either, the strongest for the answer first.
    """

    image: str
    output: str
    layer: str
    answer: ContrastSide
    right: ContrastSide
    channels: list[ContrastChannel]
    picture: PicturePath
    array: ArrayPath
    shape: list[int]
    figure: str


class AttributionSummary(Fact):
    """What was found of each method, what the channels that have a page are used for, and why mistakes were made."""

    methods: list[AttributionMethod]
    channels: tuple[ChannelUse, ...] = ()
    contrasts: tuple[Contrast, ...] = ()
