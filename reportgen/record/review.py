"""What a review of the network and its images found: how good answers are, whether they hold, what images are worth.

Classes are called by their names, one without a name by its index.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from reportgen import facts
from reportgen.facts import AnswerKind, CalibrationBin, Fact
from reportgen.record.answers import ClassOverlap, DifferenceKind
from reportgen.record.paths import Colour, PicturePath
from reportgen.record.tile import Tile

Interval = tuple[float, float]


# --- answers against the truth --------------------------------------------------------------------


class ClassScore(Fact):
    """How good the answers are on one class, of which there are `count` images.

    What needs an image of the class is null where there is none; `iou` is of maps alone, whose `f1` is the Dice
    coefficient, and `colour` that of the class in their pictures.
    """

    label: str
    count: int
    precision: float | None
    recall: float | None
    recall_interval: Interval | None = None
    f1: float | None
    iou: float | None = None
    average_precision: float | None = None
    colour: Colour | None = None


class ValueScore(Fact):
    """How far one value of an answer is from the right one.

    `scatter` has right value and answer of a sample of the images, where the output has several values.
    """

    name: str
    mae: float | None
    rmse: float | None
    r2: float | None
    bias: float | None
    baseline_rmse: float | None = None  # of always answering the mean of the right values
    scatter: tuple[tuple[float, float], ...] = ()


class Slice(Fact):
    """A group of images on which the network is right less often than on the rest (`rest`).

    A measured property lies in `range` `[low, high]`; of a column of the truth file it is `entry`. `p_value` is of
    Fisher's exact test, corrected after Holm. `examples` are wrong ones.
    """

    property: str
    range: tuple[float, float] | None
    entry: str | None = None
    images: int
    score: float
    rest: float
    p_value: float
    examples: tuple[str, ...] = ()


class ConfusionCell(Fact):
    """Some of the images of class `truth` taken for `predicted`, the most confident first."""

    truth: str
    predicted: str
    count: int
    images: list[str]


class CoveragePoint(Fact):
    """The accuracy over the share of images that are answered with `confidence` or more."""

    share: float
    accuracy: float
    confidence: float


class Operation(Fact):
    """What answering yes above a threshold gives; `sensitivity` is of the positives, `specificity` of the others."""

    threshold: float
    sensitivity: float | None
    specificity: float | None


class BinaryScore(Fact):
    """Answers of two classes by the probability of the second, `positive`.

    `curve` has the threshold in hundredths; `best` is the point of it with the highest sum of both shares.
    """

    positive: str
    positives: int
    average_precision: float | None
    at_threshold: Operation
    sensitivity_interval: Interval | None
    specificity_interval: Interval | None
    best: Operation | None
    curve: list[Operation]


class WorstPanels(Fact):
    """Small pictures of an image, of the right answer, of the network's, and of where the two differ.

    `photograph` is null where it is the right answer.
    """

    photograph: Tile | None
    truth: Tile
    answer: Tile
    difference: Tile

    @property
    def tiles(self) -> dict[str, Tile]:
        """All of them by what they show."""
        every = {
            "photograph": self.photograph, "truth": self.truth, "answer": self.answer, "difference": self.difference
        }  # fmt: skip
        return {name: tile for name, tile in every.items() if tile is not None}


class WorstImage(Fact):
    """An image that was answered badly: by its absolute error (of value `name`), its mean IoU or its mean error.

    `truth` and `answer` are of a value; `pixel_accuracy` and `classes`, those that its right mask or the answer shows,
    the worst first, of a map; `psnr` and `ssim` of a picture. `thumbnail` is the image where there are no `panels`.
    """

    image: str
    score: float
    name: str | None = None
    truth: float | None = None
    answer: float | None = None
    pixel_accuracy: float | None = None
    classes: tuple[ClassOverlap, ...] = ()
    psnr: float | None = None
    ssim: float | None = None
    thumbnail: Tile | None = None
    panels: WorstPanels | None = None


class EvaluationOutput(Fact):
    """How good the answers of one output are; what its kind does not have is null.

    `images` were judged, `unmatched` have a truth that is no class. `interval` is the 95 % interval of the accuracy
    (Wilson 1927); `baseline` the accuracy of answering `baseline_class`, the most frequent, always. Averages over
    classes leave out those `without_images`. `confusion` is `[true, predicted, count]`, the most frequent first.
    """

    output: str
    kind: AnswerKind
    images: int
    unmatched: int
    accuracy: float | None = None
    interval: Interval | None = None
    balanced_accuracy: float | None = None
    top5_accuracy: float | None = None
    baseline: float | None = None
    baseline_class: str | None = None
    ece: float | None = None
    nll: float | None = None
    brier: float | None = None
    roc_auc: float | None = None
    per_class: list[ClassScore] | None = None
    confusion: list[tuple[str, str, int]] | None = None
    values: list[ValueScore] | None = None
    mean_iou: float | None = None
    pixel_accuracy: float | None = None
    slices: list[Slice] | None = None
    searched: tuple[str, ...] | None = None  # properties by which groups of images were large enough for `slices`
    top: tuple[tuple[int, float], ...] = ()
    macro_precision: float | None = None
    macro_recall: float | None = None
    macro_f1: float | None = None
    without_images: tuple[str, ...] = ()
    not_finite: int = 0
    plain: bool = False  # scores are no probabilities by themselves: a softmax made them some
    reliability: tuple[CalibrationBin, ...] = ()
    coverage: tuple[CoveragePoint, ...] = ()
    binary: BinaryScore | None = None
    cells: tuple[ConfusionCell, ...] = ()
    mean_average_precision: float | None = None
    mae: float | None = None  # of pictures, on 0..255
    psnr: float | None = None
    ssim: float | None = None
    scatter: tuple[tuple[float, float], ...] = ()  # of one value: right value and answer, of a sample of the images
    worst: tuple[WorstImage, ...] = ()
    without_truth: int = 0  # images that no right answer was given for
    ignored_pixels: int = 0  # of masks: said to be left out, or not seen by the network
    unseen_pixels: int = 0  # of those: not seen by the network, and not said to be left out
    unmatched_pixels: int = 0  # of masks: of a class that is none of the network's
    colours: dict[DifferenceKind, Colour] | None = None  # of the differences of maps, by what they mean
    difference_scale: float | None = None  # of pictures: what the strongest colours of `worst` stand for, of 255


class Evaluation(facts.Evaluation):
    """The network's answers against the right ones: of the first output with classes, and of every output."""

    outputs: tuple[EvaluationOutput, ...] = ()


# --- robustness -----------------------------------------------------------------------------------


class SeverityScore(Fact):
    """How answers hold at one severity: the share of right ones, where known, and of those as on the clean image."""

    severity: int
    score: float | None
    interval: Interval | None = None
    agreement: float | None
    agreement_interval: Interval | None = None
    mean_confidence: float | None


class Flip(Fact):
    """An image whose class changes, at the lowest severity at which it does."""

    image: str
    severity: int
    clean: str
    changed: str
    before: Tile | None
    after: Tile | None


class Corruption(Fact):
    """What a corruption does by severity, and the images whose class changes first."""

    name: str
    severities: list[SeverityScore]
    flips: tuple[Flip, ...] = ()


class ShiftScore(Fact):
    """How answers hold when images are moved, mirrored, scaled or cropped."""

    name: str
    score: float | None = None
    agreement: float | None
    agreement_interval: Interval | None = None


class Robustness(Fact):
    """Answers to a sample of `images` made worse in named ways; `clean` is the share of right ones as they are.

    `one_pixel` is the share of answers unchanged over all shifts by one pixel.
    """

    images: int
    seed: int
    clean: float | None
    clean_interval: Interval | None = None
    clean_confidence: float | None = None
    corruptions: list[Corruption]
    shifts: list[ShiftScore]
    one_pixel: float | None = None


# --- the set of images ----------------------------------------------------------------------------


class Duplicate(Fact):
    """Images that are copies of each other; those among `images` that lie in the reference are in `reference`, too.

    `similarity` is the cosine of the features, `difference` that of the pixels over their spread once aligned.
    """

    images: list[str]
    kind: Literal["exact", "near"]
    similarity: float
    difference: float | None = None
    reference: tuple[str, ...] = ()


class SuspiciousLabel(Fact):
    """An image whose given class the network believes less than that of others of the class."""

    image: str
    given: str
    likely: str
    self_confidence: float


class Outlier(Fact):
    """An image by how many interquartile ranges it is farther from others than three quarters of all images are.

    `far_out` says that this is far enough to be reported.
    """

    image: str
    score: float
    far_out: bool = False


class ProjectedImage(Fact):
    """An image's place on the map of images."""

    image: str
    x: float
    y: float


class Projection(Fact):
    """The images along the first two principal components of their features, which hold `explained` of the variance."""

    picture: PicturePath
    points: list[ProjectedImage]
    explained: tuple[float, float] | None = None


class FewImages(Fact):
    """A class of so few images that little can be said of it."""

    label: str
    count: int
    interval: Interval | None


class Dataset(Fact):
    """What the images are worth: lists of at most 200, the worst first.

    Exact copies were searched for among `images`, all else among `compared`; `layer` gave the features. The totals
    count what the lists may leave out.
    """

    images: int
    compared: int
    layer: str | None
    reference_images: int | None = None
    duplicate_total: int = 0
    leak_total: int | None = None
    outlier_total: int = 0
    duplicates: list[Duplicate]
    suspicious_labels: list[SuspiciousLabel]
    outliers: list[Outlier]
    projection: Projection | None
    few_images: tuple[FewImages, ...] = ()


def review_tiles(evaluation: Evaluation | None, robustness: Robustness | None) -> Iterator[tuple[str, Tile]]:
    """The pictures that evaluation and robustness speak of, each with its key in the record."""
    for place, output in enumerate(evaluation.outputs if evaluation is not None else ()):
        for number, worst in enumerate(output.worst):
            key = f"evaluation.outputs.{place}.worst.{number}"
            if worst.thumbnail is not None:
                yield f"{key}.thumbnail", worst.thumbnail
            for name, tile in worst.panels.tiles.items() if worst.panels is not None else ():
                yield f"{key}.panels.{name}", tile
    for place, corruption in enumerate(robustness.corruptions if robustness is not None else ()):
        for number, flip in enumerate(corruption.flips):
            key = f"robustness.corruptions.{place}.flips.{number}"
            for name, shown in (("before", flip.before), ("after", flip.after)):
                if shown is not None:
                    yield f"{key}.{name}", shown
