"""What the rules look at: facts about a network, its images and its answers, without a judgement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.answers.truth import MatchedTruth
from reportgen.analysis.dataset_quality.quality import SetQuality
from reportgen.analysis.network.preprocessing_check import PreprocessingCheck
from reportgen.analysis.network.settled_output import SettledOutput
from reportgen.analysis.review import ClassReview
from reportgen.analysis.robustness import Robustness
from reportgen.facts import Shape
from reportgen.results import NetworkSummary


@dataclass(frozen=True)
class VariableFacts:
    """One weight variable: how many of its values are not finite, and whether it looks as it was initialised.

    `initial` is None where that cannot be told: few values, or an initializer of no known distribution.
    """

    layer: str
    variable: str
    size: int
    nonfinite_count: int
    initial: bool | None = None


@dataclass(frozen=True)
class FilterFacts:
    """The filters of a convolution: `zero` have no weights to speak of, `constant` the same weight everywhere.

    `duplicates` are groups of filters that are next to equal and see the same input.
    """

    layer: str
    filters: int
    zero_fraction: float | None
    zero: tuple[int, ...]
    constant: tuple[int, ...]
    duplicates: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class ChannelFacts:
    """The channels of a layer over all images.

    `dead` are zero everywhere on every image, `stuck` have one other value everywhere, `rare` are above zero
    on hardly any image (the share is in `rare_rate`). `saturated` is the share of values at the flat ends of
    a sigmoid or tanh, None for other activations. `source` is the layer it reads, if there is but one;
    `by_channel` says that each channel is made of the same channel there.
    """

    layer: str
    channels: int
    nonfinite_count: int
    dead: tuple[int, ...]
    stuck: tuple[int, ...]
    rare: tuple[int, ...]
    activation: str | None = None
    saturated: float | None = None
    source: str | None = None
    by_channel: bool = False


@dataclass(frozen=True)
class NormalizationFacts:
    """A BatchNormalization: whether its moving moments are those it began with, and its scale and shift too."""

    layer: str
    never_updated: bool
    changes_nothing: bool


@dataclass(frozen=True, eq=False)
class ImageColumns:
    """The measured images, one entry each: sizes, how they were scaled, and the network's answers.

    `predicted` is the class of the highest score and `truth` the right class, -1 where there is none or it is
    not known; `answer_sums` are the sums of all scores, not a number where there is no answer.
    """

    files: tuple[str, ...]
    heights: NDArray[np.int64]
    widths: NDArray[np.int64]
    scale_y: NDArray[np.float64]
    scale_x: NDArray[np.float64]
    predicted: NDArray[np.int64]
    truth: NDArray[np.int64]
    answer_sums: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.files)


@dataclass(frozen=True, eq=False)
class ValueColumns:
    """The values of the measured images, one entry each: the type they are held in, lowest and highest value.

    `lows` and `highs` are not a number where they are not known; `finite` says whether all values are. `blacks` and
    `whites` are the ends of the range the values are taken to have, infinite where none is known. `range_given` says
    that the user stated it, `kept` that values go in as they are.
    """

    files: tuple[str, ...]
    depths: tuple[str, ...]
    lows: NDArray[np.float64]
    highs: NDArray[np.float64]
    finite: NDArray[np.bool_]
    blacks: NDArray[np.float64]
    whites: NDArray[np.float64]
    range_given: bool
    kept: bool


@dataclass(frozen=True)
class NetworkFacts:
    """How the network is fed and read.

    `head` is its first output of classes or labels. `inside` and `total` say in words what was measured to reach
    `first_layer`, its first with a kernel: of the network alone, and with the preprocessing before it.
    `scaled_twice` says that next to nothing of the pixels' contrast does, `rounded_away` that it takes whole numbers
    of a range that holds hardly any. `held` are the inputs besides `image_input`, with their shapes, that nobody
    chose a value for. `half_precision` says that it computes with 16 bits somewhere.
    """

    name: str
    size: tuple[int, int]
    preprocessing_mode: str
    preprocessing_origin: str
    resize: str
    labels: tuple[str, ...] | None
    head: SettledOutput | None
    notes: tuple[str, ...]
    half_precision: bool
    first_layer: str | None = None
    inside: str = "not measured"
    total: str = "not measured"
    scaled_twice: bool = False
    rounded_away: bool = False
    image_input: str | None = None
    held: tuple[tuple[str, Shape], ...] = ()


@dataclass(frozen=True)
class MaskFacts:
    """The right masks of an output whose classes are called `known`; `shown` are those that a judged pixel is of.

    `unjudged` pixels say that they are not to be judged; `unmatched` ones are of no class of the network.
    """

    output: str
    known: tuple[str, ...]
    shown: tuple[str, ...]
    unjudged: int
    unmatched: int


@dataclass(frozen=True, eq=False)
class ReviewEvidence:
    """What the review found; None is what was not looked at. Images are named by their place in `files`."""

    files: tuple[str, ...] = ()
    judged: ClassReview | None = None
    steadiness: Robustness | None = None
    quality: SetQuality | None = None
    masks: tuple[MaskFacts, ...] = ()


@dataclass(frozen=True, eq=False)
class AnswerFacts:
    """The answers of one output to the measured images.

    `kept` `(images, width)` is what its kind keeps of each answer, `nonfinite` `(images,)` how many values of each are
    not finite. `same_as` names an earlier output that gives the same answers. `truth` are its right answers, where
    given.
    """

    output: SettledOutput
    kept: NDArray[np.float32]
    nonfinite: NDArray[np.int64]
    same_as: str | None = None
    truth: MatchedTruth | None = None


@dataclass(frozen=True, eq=False)
class MapFacts:
    """Where the evidence of an image for its answer lies.

    `method` and `layer` made the map. `answer` is the class answered and `truth` the right one, None where they are
    not known or the answer is no class. `cells` `(PLACES, PLACES)` are the shares of the positive evidence that lie
    in each cell of a regular grid over the input, summing to one; `sides` those of the map itself. `border` is the
    share near the border of the input, `padding` that outside the photograph, which covers `padded` of the input;
    `on_object` that on the object or next to it, None where no mask shows it.
    """

    image: str
    method: str
    layer: str | None
    answer: int | None
    truth: int | None
    label: str
    cells: NDArray[np.float64]
    sides: tuple[int, int]
    border: float
    padding: float
    padded: float = 0.0
    on_object: float | None = None


@dataclass(frozen=True)
class RandomizationFacts:
    """A method on a layer and the rank correlation of its maps with those of shuffled weights, over `images`."""

    method: str
    layer: str | None
    correlation: float
    images: int


@dataclass(frozen=True)
class AttributionFacts:
    """Maps of why the network answered as it did: those of the answers given, by one method."""

    maps: tuple[MapFacts, ...] = ()
    methods: tuple[RandomizationFacts, ...] = ()

    @classmethod
    def joined(cls, parts: Iterable[AttributionFacts]) -> AttributionFacts:
        """All of `parts` together."""
        every = list(parts)
        return cls(
            tuple(found for part in every for found in part.maps),
            tuple(found for part in every for found in part.methods),
        )


@dataclass(frozen=True, eq=False)
class Evidence:
    """Everything the rules look at.

    `capture_difference` is how far the captured answer is from the network's own, in parts of its size;
    `nonfinite_inside` how many values that are not finite went into the activations of layers, on the few images
    this was tried on. `label_notes` are what is odd about the names given, `named_by_folders` the outputs whose
    classes are called after the images' folders, `left_out` those that are left out, and what they give instead of
    an answer to each image.
    """

    network: NetworkFacts
    summary: NetworkSummary
    variables: tuple[VariableFacts, ...]
    filters: tuple[FilterFacts, ...]
    channels: tuple[ChannelFacts, ...]
    normalizations: tuple[NormalizationFacts, ...]
    images: ImageColumns
    values: ValueColumns
    skipped: Mapping[str, str]
    preprocessing: PreprocessingCheck | None
    capture_difference: float | None
    nonfinite_inside: Mapping[str, int] = field(default_factory=dict)
    review: ReviewEvidence = field(default_factory=ReviewEvidence)
    answers: tuple[AnswerFacts, ...] = ()
    label_notes: tuple[str, ...] = ()
    named_by_folders: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    attribution: AttributionFacts = field(default_factory=AttributionFacts)
