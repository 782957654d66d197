"""What a network answered to an image: one type for each kind of answer, told apart by `kind`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from reportgen.facts import Fact, Prediction
from reportgen.record.paths import Colour, PicturePath


class _Answer(Fact):
    """`output` names the output of the network that gave it."""

    output: str

    @property
    def pictures(self) -> dict[str, tuple[int, int]]:
        """The pictures that belong to it: width and height, in pixels, at which each is drawn."""
        return {}


class ClassesAnswer(_Answer):
    """The best classes, best first; of several labels at once, the strongest first."""

    kind: Literal["classes", "multilabel"]
    predictions: list[Prediction]


class Value(Fact):
    """One value of an output, in the output's order; `place` is the share of all images whose value is lower.

    `truth` is the right value, where it was given.
    """

    index: int
    name: str
    value: float | None  # null where it is not finite
    place: float | None
    truth: float | None = None


class ValuesAnswer(_Answer):
    """All values, in their order."""

    kind: Literal["values"]
    values: list[Value]


class ClassShare(Fact):
    """The share of a map's pixels where a class is the strongest (of one class: where it is above 0.5).

    `colour` is the class's in the mask, as "#rrggbb"; `place` is a point `[y, x]` well inside of what the class
    covers, in pixels of the map's `picture`: a letter can stand there.
    """

    index: int
    label: str | None
    share: float
    colour: Colour | None = None
    place: tuple[float, float] | None = None


DifferenceKind = Literal["right", "found", "wrong", "missed", "extra", "unjudged"]


class ClassOverlap(Fact):
    """How the answer and the right mask of an image overlap in one class.

    `share` is that of the judged pixels that are of the class; `iou` and `dice` are null where there are none.
    """

    index: int
    label: str | None
    share: float
    iou: float | None
    dice: float | None
    colour: Colour | None = None


class MapComparison(Fact):
    """A map against the right mask, in the frame of the whole photograph.

    `truth`, `answer` and `difference` are palette pictures that fill the frame, `width` by `height`; pixels are judged
    where the mask has a class and the network saw. `colours` are those of `difference`, by what they mean:
    `right`, `wrong`, `unjudged`; of the one class of a mask `found` (right, and there), `missed`, `extra`. `mean_iou`
    is over the classes that the right mask shows; null, as `pixel_accuracy`, where no pixel is judged.
    """

    photograph: PicturePath
    truth: PicturePath
    answer: PicturePath
    difference: PicturePath
    width: int
    height: int
    mean_iou: float | None
    pixel_accuracy: float | None
    classes: tuple[ClassOverlap, ...]
    colours: dict[DifferenceKind, Colour]


class PictureComparison(Fact):
    """A picture against the right one: `difference` shows where it is lighter and darker, up to `most` of 255."""

    truth: PicturePath
    difference: PicturePath
    most: float
    mae: float
    psnr: float | None  # null where nothing differs
    ssim: float | None  # null where the picture is smaller than a window


class MapAnswer(_Answer):
    """A class for each pixel.

    `photograph` is what lies under the mask: the part of the photograph that the mask speaks of, so that both fill the
    same frame; `picture` is the two together. `mask` is a lossless picture at the output's size: of class indices
    (palette; 255 where there is none) or, for one class, of its probability times 255. `outlines` are the borders
    between classes alone, transparent between them, to lie over the photograph. `mean_confidence` is that of the
    strongest class over all pixels.
    """

    kind: Literal["map"]
    picture: PicturePath
    photograph: PicturePath | None = None
    mask: PicturePath
    outlines: PicturePath | None
    width: int  # of `picture`
    height: int
    classes: list[ClassShare]
    mean_confidence: float | None
    right: MapComparison | None = None

    @property
    def pictures(self) -> dict[str, tuple[int, int]]:
        """Overlay, photograph, mask and outlines, all drawn at the size of the first; and those of the comparison."""
        named = (self.picture, self.photograph, self.mask, self.outlines)
        sizes = {name: (self.width, self.height) for name in named if name is not None}
        if self.right is None:
            return sizes
        shown = (self.right.photograph, self.right.truth, self.right.answer, self.right.difference)
        return dict.fromkeys(shown, (self.right.width, self.right.height)) | sizes


class PictureError(Fact):
    """How far a picture is from the input: mean absolute error on 0..255, and peak signal to noise ratio in dB."""

    mae: float
    psnr: float | None  # null where nothing differs


class PictureAnswer(_Answer):
    """A picture; `difference` shows where it departs from the input, both null where the sizes differ."""

    kind: Literal["picture"]
    picture: PicturePath
    width: int
    height: int
    difference: PicturePath | None
    error: PictureError | None
    right: PictureComparison | None = None

    @property
    def pictures(self) -> dict[str, tuple[int, int]]:
        """The picture, the differences and the right picture, of the same size."""
        right = () if self.right is None else (self.right.truth, self.right.difference)
        named = (self.picture, self.difference, *right)
        return {name: (self.width, self.height) for name in named if name is not None}


class Likeness(Fact):
    """Another image and the cosine between its features and this one's."""

    image: str
    cosine: float


class EmbeddingAnswer(_Answer):
    """The images most alike, the most alike first."""

    kind: Literal["embedding"]
    nearest: list[Likeness]


class PointsAnswer(_Answer):
    """Points `[y, x]` or boxes `[top, left, bottom, right]`, in pixels of the original image."""

    kind: Literal["points", "boxes"]
    points: list[tuple[float, float]]
    boxes: list[tuple[float, float, float, float]]


class OtherAnswer(_Answer):
    """Statistics of an answer that is of no kind that could be told."""

    kind: Literal["other"]
    min: float | None
    max: float | None
    mean: float | None
    std: float | None


Answer = Annotated[
    ClassesAnswer | ValuesAnswer | MapAnswer | PictureAnswer | EmbeddingAnswer | PointsAnswer | OtherAnswer,
    Field(discriminator="kind"),
]
